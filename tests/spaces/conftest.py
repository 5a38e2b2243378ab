"""Every space that exists, at small settings, and two kinds of batch norm."""

from dataclasses import fields
from functools import partial
from typing import Any

import pytest
from torch import nn

from benchmark.registry import space_types
from spaces.base import Construction, Space


def small(kind: Any) -> Space:
    """The space of that type with 2 for every setting."""
    return kind(**{field.name: 2 for field in fields(kind)})


@pytest.fixture(scope="session", params=map(small, space_types().values()), ids=lambda space: space.name)
def space(request: pytest.FixtureRequest) -> Space:
    """A space whose networks are small."""
    return request.param


@pytest.fixture(
    scope="session",
    params=[nn.BatchNorm2d, partial(nn.BatchNorm2d, track_running_stats=False)],
    ids=["tracked", "batch"],
)
def construction(request: pytest.FixtureRequest) -> Construction:
    """Batch norm with running statistics, and without."""
    return Construction(norm=request.param)
