"""For each heuristic a level that does something in a small run."""

from collections.abc import Iterable
from typing import Any

import pytest

from supernet_bench.core.settings import build
from supernet_bench.heuristics.base import Heuristic
from supernet_bench.testing.runs import CELLS

FITTING = {
    "batch_norm": {"images": 32},
    "gradient_clip": {"norm": 0.01},
    "independence": {"iterations": 2},
    "landmark": {"landmarks": 10},
    "pool": {"size": 5},
}
"""Settings with which the last level of a heuristic does something in so small a run."""

SPACES = {"depth": CELLS, "kernel_sharing": CELLS, "op_location": CELLS}
"""Where heuristics do something that do nothing, or cannot be used, in the toy space."""

QUICK = ("batch_norm", "fairnas", "independence", "path_dropout", "weight_average")
"""Heuristics that use most hooks; the others are for those who change them, or what heuristics rest on."""


def each(kinds: Iterable[type[Heuristic]]) -> list[Any]:
    """Return heuristics as the parameter of a test, most of them for the full suite."""
    return [pytest.param(kind, id=kind.name, marks=() if kind.name in QUICK else pytest.mark.full) for kind in kinds]


def acting(kind: type[Heuristic]) -> Heuristic:
    """Return a heuristic at its last level, made to fit a small run."""
    return build(kind, {**kind.levels[-1], **FITTING.get(kind.name, {})}, kind.name)
