"""Every space that exists, at small settings, and the ways in which its networks can be built."""

from dataclasses import fields
from functools import partial
from typing import Any

import pytest
from torch import nn

from supernet_bench.benchmark.plugins.registry import space_types
from supernet_bench.spaces.base import Construction, Space

CONSTRUCTIONS = {
    "tracked": Construction(),
    "batch": Construction(partial(nn.BatchNorm2d, track_running_stats=False)),
    "wsbn": Construction(norm_per_input=True),
    "node": Construction(operations_per="node"),
    "crop": Construction(kernels="centre"),
    "transform": Construction(kernels="transformed"),
    "wsbn+node+transform": Construction(norm_per_input=True, operations_per="node", kernels="transformed"),
}
"""Two kinds of batch norm, and the mappings from architecture to weights."""

QUICK = ("batch", "wsbn+node+transform")
"""The usual one, and all mappings at once; the others are for those who change a space, or what spaces rest on."""


def small(kind: Any) -> Space:
    """The space of that type with 2 for every setting."""
    return kind(**{field.name: 2 for field in fields(kind)})


def mappings(construction: Construction) -> set[str]:
    """The fields of a construction that a space has to declare."""
    every = {field.name: field.default for field in fields(Construction) if field.name not in ("norm", "dtype")}
    return {name for name, default in every.items() if getattr(construction, name) != default}


SPACES = [small(kind) for kind in space_types().values()]


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run a test for every space, or for every space and all constructions that it declares."""
    if "space" not in metafunc.fixturenames or hasattr(metafunc.module, "space"):  # It may have a space of its own.
        return
    if "construction" not in metafunc.fixturenames:
        metafunc.parametrize("space", SPACES, ids=lambda space: space.name)
        return
    cases = [
        pytest.param(space, construction, id=f"{space.name}-{name}", marks=() if name in QUICK else pytest.mark.full)
        for space in SPACES
        for name, construction in CONSTRUCTIONS.items()
        if mappings(construction) <= space.mappings
    ]
    metafunc.parametrize(("space", "construction"), cases)
