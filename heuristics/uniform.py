"""Uniform path sampling."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import torch

from supernet_bench.heuristics.base import Heuristic, Step, Task

if TYPE_CHECKING:
    from supernet_bench.spaces.base import Architecture, Space


def draw_uniform(space: "Space", generator: torch.Generator) -> "Architecture":
    """Return an architecture drawn uniformly from `space`."""
    return space.architecture(int(torch.randint(space.size, (), generator=generator)))


@dataclass
class Uniform(Heuristic):
    """One architecture per step, uniform over the space."""

    name: ClassVar[str] = "uniform"
    factor: ClassVar[str] = "sampling"
    source: ClassVar[str] = "Guo et al. 2020, Single Path One-Shot NAS with Uniform Sampling, arXiv 1904.00420"
    levels = ({},)
    default = True
    neutral = {}

    def begin(self, task: Task) -> None:
        self._space = task.space

    def sample(self, architectures: "list[Architecture]", step: Step) -> "list[Architecture]":
        return [draw_uniform(self._space, step.generator("sampling"))]
