"""Sampling from a small pool."""

from dataclasses import dataclass, field

import torch

from supernet_bench.core.errors import InputError
from supernet_bench.heuristics.base import Heuristic, Step, Task
from supernet_bench.heuristics.sampling._draws import draw_pool
from supernet_bench.heuristics.setup import Setup
from supernet_bench.spaces.base import Architecture


@dataclass
class Pool(Heuristic):
    """One architecture per step, uniform over a random pool that is drawn once for the whole run.

    Each architecture of the pool so gets about steps / `size` updates; the others get what they share with these.
    The pool is drawn without regard to which architectures are scored.
    """

    name = "pool"
    factor = "sampling"
    source = "Luo et al. 2019, Understanding and Improving One-shot NAS (NAO-V2), arXiv 1909.10815"
    levels = tuple({"size": size} for size in (100, 1000))
    labels = {"": "", "size": "a pool of {} paths"}

    size: int = field(default=1000, metadata={"help": "architectures in the pool", "low": 1})

    def check(self, setup: Setup) -> None:
        if self.size > setup.space.size:
            raise InputError(
                f"heuristics.pool.size is {self.size}; "
                f"allowed: 1 to the size of space {setup.space.name}, {setup.space.size}"
            )

    def begin(self, task: Task) -> None:
        self._space = task.space
        self._pool = draw_pool(task, self.size)

    def sample(self, architectures: list[Architecture], step: Step) -> list[Architecture]:
        chosen = int(torch.randint(len(self._pool), (), generator=step.generator("sampling")))
        return [self._space.architecture(int(self._pool[chosen]))]
