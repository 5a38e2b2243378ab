"""For each heuristic a level that does something in a small run."""

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


def acting(kind: type[Heuristic]) -> Heuristic:
    """Return a heuristic at its last level, made to fit a small run."""
    return build(kind, {**kind.levels[-1], **FITTING.get(kind.name, {})}, kind.name)
