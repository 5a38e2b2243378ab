"""Uniform sampling of different functions."""

from dataclasses import dataclass

import numpy as np
import torch

from supernet_bench.core.errors import InputError
from supernet_bench.heuristics.base import Heuristic, Step, Task
from supernet_bench.heuristics.setup import Setup
from supernet_bench.spaces.base import Architecture


@dataclass
class UniqueUniform(Heuristic):
    """One architecture per step: an isomorphism class, uniformly, and then one of its members, uniformly.

    So a function that many architectures compute is trained no more often than one that a single architecture does.
    """

    name = "unique_uniform"
    factor = "sampling"
    source = "Ning et al. 2021, Evaluating Efficient Performance Estimators of Neural Architectures, arXiv 2008.03064"
    levels = ({},)
    labels = {"": "uniform over distinct networks"}

    def check(self, setup: Setup) -> None:
        numbers = setup.space.isomorphism()
        if len(np.unique(numbers)) == len(numbers):
            raise InputError(
                f"heuristic unique_uniform is used in space {setup.space.name}, whose architectures are all different "
                "functions; allowed: uniform, which is the same there"
            )

    def begin(self, task: Task) -> None:
        self._space = task.space
        numbers = task.space.isomorphism()
        by_class = np.argsort(numbers, kind="stable")
        _, starts = np.unique(numbers[by_class], return_index=True)
        self._classes = np.split(by_class, starts[1:])

    def sample(self, architectures: list[Architecture], step: Step) -> list[Architecture]:
        generator = step.generator("sampling")
        members = self._classes[int(torch.randint(len(self._classes), (), generator=generator))]
        member = members[int(torch.randint(len(members), (), generator=generator))]
        return [self._space.architecture(int(member))]
