"""Sampling in proportion to a cost."""

from dataclasses import dataclass, field

import numpy as np
import torch

from supernet_bench.core.errors import InputError
from supernet_bench.heuristics.base import Heuristic, Step, Task
from supernet_bench.heuristics.sampling._draws import draw_pool, draw_uniform
from supernet_bench.heuristics.setup import Setup
from supernet_bench.spaces.base import Architecture


@dataclass
class Proportional(Heuristic):
    """One architecture per step, with probability proportional to a power of its cost.

    The sum runs over a finite pool: the whole space, or a fixed random part of it. Costs are those of the networks that
    are trained, in the space and at the resolution as other heuristics (`width`, `depth`, `resolution`) revise them.
    """

    name = "proportional"
    factor = "sampling"
    source = "Luo et al. 2019, Understanding and Improving One-shot NAS (NAO-V2), arXiv 1909.10815"
    levels = ({"gamma": 1.0},)
    labels = {
        "": "in proportion to size",
        "gamma": "power {}",
        "gamma=1.0": "",
        "cost=parameters": "",
        "cost=macs": "by MACs",
    }
    neutral = {"gamma": 0.0, "pool": 0}

    gamma: float = field(default=1.0, metadata={"help": "power of the cost; 0 is uniform", "low": -8.0, "high": 8.0})
    cost: str = field(
        default="parameters",
        metadata={"help": "cost of the stand-alone network", "choices": ("parameters", "macs")},
    )
    pool: int = field(default=0, metadata={"help": "architectures in the pool; 0 is the whole space", "low": 0})

    def check(self, setup: Setup) -> None:
        if self.pool > setup.space.size:
            raise InputError(
                f"heuristics.proportional.pool is {self.pool}; "
                f"allowed: 0 to the size of space {setup.space.name}, {setup.space.size}"
            )

    def begin(self, task: Task) -> None:
        self._space = task.space
        self._pool = draw_pool(task, self.pool or task.space.size)
        costs = task.space.costs(task.in_channels, task.classes, task.resolution)
        weights = getattr(costs, self.cost)[self._pool].astype(np.float64) ** self.gamma
        self._cumulative = np.cumsum(weights / weights.sum())

    def sample(self, architectures: list[Architecture], step: Step) -> list[Architecture]:
        generator = step.generator("sampling")
        if self.gamma == 0 and len(self._pool) == self._space.size:
            return [draw_uniform(self._space, generator)]
        point = torch.rand((), generator=generator, dtype=torch.float64).item() * self._cumulative[-1]
        chosen = np.searchsorted(self._cumulative, point, side="right")
        return [self._space.architecture(int(self._pool[chosen]))]
