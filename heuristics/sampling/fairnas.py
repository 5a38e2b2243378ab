"""Strictly fair sampling."""

from dataclasses import dataclass, field

import torch

from supernet_bench.core.errors import InputError
from supernet_bench.heuristics.base import Heuristic, Step, Task
from supernet_bench.heuristics.sampling._accounting import ACCOUNTING, accounted_steps
from supernet_bench.heuristics.setup import Setup
from supernet_bench.spaces.base import Architecture, TrainableSpace


@dataclass
class FairNas(Heuristic):
    """K architectures per step that together hold each of the K choices of every decision exactly once.

    Every step draws a fresh permutation of the choices for each decision; the k-th architecture takes the k-th
    element of each. The K architectures see the same batch and their gradients add up in one optimiser step.

    The gradients are summed, not averaged, as in the paper. So at the same rate a step moves the weights that all paths
    share about K times as far as one of uniform sampling, a bound of the gradient's norm (`gradient_clip`) is reached
    sooner, and what is added to the loss of the step (`landmark`) weighs less beside it.

    A step so costs K times one of uniform sampling. With ``accounting="step"`` there are as many optimiser steps as
    with uniform sampling, hence K times the compute. With ``accounting="compute"`` an epoch has 1/K as many steps
    (rounded in each epoch, at least one, on a random part of the images), hence the same compute up to that rounding.
    """

    name = "fairnas"
    factor = "sampling"
    source = "Chu et al. 2021, FairNAS: Rethinking Evaluation Fairness, arXiv 1907.01845"
    levels = ({"accounting": "step"}, {"accounting": "compute"})
    labels = {"": "strictly fair", "accounting=step": "equal steps", "accounting=compute": "equal passes"}

    accounting: str = field(default="step", metadata=ACCOUNTING)

    def check(self, setup: Setup) -> None:
        space = setup.space
        if len(set(space.choices)) != 1:
            raise InputError(
                f"heuristic fairnas is used in space {space.name}, whose decisions have {space.choices} choices; "
                "allowed: where all have the same number"
            )

    def steps_per_epoch(self, batches: int, space: TrainableSpace) -> int:
        return accounted_steps(batches, space.choices[0], self.accounting)

    def begin(self, task: Task) -> None:
        self._choices = task.space.choices

    def sample(self, architectures: list[Architecture], step: Step) -> list[Architecture]:
        generator = step.generator("sampling")
        permutations = [torch.randperm(k, generator=generator).tolist() for k in self._choices]
        return list(zip(*permutations, strict=True))
