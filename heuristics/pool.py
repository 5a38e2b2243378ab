"""Sampling from a small pool."""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, ClassVar

import numpy as np
import torch

from supernet_bench.core.errors import InputError
from supernet_bench.heuristics.base import Heuristic, Step, Task

if TYPE_CHECKING:
    from supernet_bench.benchmark.study.spec import RunSpec
    from supernet_bench.spaces.base import Architecture


def draw_pool(task: Task, size: int) -> np.ndarray:
    """Return the indices of `size` different architectures, int64 [size]; the seed of the run decides which."""
    if size == task.space.size:
        return np.arange(size)
    return torch.randperm(task.space.size, generator=task.generator("pool"))[:size].numpy()


@dataclass
class Pool(Heuristic):
    """One architecture per step, uniform over a random pool that is drawn once for the whole run.

    Each architecture of the pool so gets about steps / `size` updates; the others get what they share with these.
    The pool is drawn without regard to which architectures are scored.
    """

    name: ClassVar[str] = "pool"
    factor: ClassVar[str] = "sampling"
    source: ClassVar[str] = "Luo et al. 2019, Understanding and Improving One-shot NAS (NAO-V2), arXiv 1909.10815"
    levels = tuple({"size": size} for size in (100, 1000))

    size: int = field(default=1000, metadata={"help": "architectures in the pool", "low": 1})

    def check(self, spec: "RunSpec") -> None:
        if self.size > spec.space.size:
            raise InputError(
                f"heuristics.pool.size is {self.size}; "
                f"allowed: 1 to the size of space {spec.space.name}, {spec.space.size}"
            )

    def begin(self, task: Task) -> None:
        self._space = task.space
        self._pool = draw_pool(task, self.size)

    def sample(self, architectures: "list[Architecture]", step: Step) -> "list[Architecture]":
        chosen = int(torch.randint(len(self._pool), (), generator=step.generator("sampling")))
        return [self._space.architecture(int(self._pool[chosen]))]
