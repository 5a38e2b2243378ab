"""Uniform path sampling."""

from dataclasses import dataclass

from supernet_bench.heuristics.base import Heuristic, Step, Task
from supernet_bench.heuristics.sampling._draws import draw_uniform
from supernet_bench.spaces.base import Architecture


@dataclass
class Uniform(Heuristic):
    """One architecture per step, uniform over the space."""

    name = "uniform"
    factor = "sampling"
    source = "Guo et al. 2020, Single Path One-Shot NAS with Uniform Sampling, arXiv 1904.00420"
    levels = ({},)
    labels = {"": "uniform"}
    default = True

    def begin(self, task: Task) -> None:
        self._space = task.space

    def sample(self, architectures: list[Architecture], step: Step) -> list[Architecture]:
        return [draw_uniform(self._space, step.generator("sampling"))]
