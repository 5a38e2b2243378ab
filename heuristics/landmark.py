"""A supernet that is told how some architectures rank."""

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from supernet_bench.core.errors import InputError
from supernet_bench.heuristics.base import Heuristic, Step, Task
from supernet_bench.heuristics.setup import Setup
from supernet_bench.spaces.base import Architecture


def ramped(ramp: float, progress: float) -> float:
    """Return the share of the full weight after a share `progress` of the iteration: linear, full from `ramp` on."""
    return progress / ramp if progress < ramp else 1.0


@dataclass
class Landmark(Heuristic):
    """Every step punishes a pair of architectures whose losses are in the wrong order.

    The landmarks are `landmarks` random architectures whose published accuracies are known, drawn once. None is scored
    by the run, or isomorphic to a scored one, or computed like one by supernets. They are not all of the same accuracy:
    if those drawn are, another takes the place of the last. Every step draws a pair of landmarks with different
    accuracies, uniformly, and adds max(0, loss(better) - loss(worse)), on the batch of the step, times `weight`, to the
    loss. The weight grows linearly from 0 at the first step of an iteration to all of it after `ramp` of the iteration.

    Both paths are trained in the step, so weight decay and momentum move their weights even where the order is right.
    They count as compute. They are passes of training like those of the sampled paths: what is dropped in these
    (`path_dropout`, `global_dropout`) is dropped in them, anew, and they update running statistics (`batch_norm`:
    tracked).
    """

    name = "landmark"
    source = (
        "Yu et al. 2021, Landmark Regularization: Ranking Guided Super-Net Training in Neural Architecture Search, "
        "arXiv 2104.05309"
    )
    levels = tuple({"landmarks": landmarks} for landmarks in (0, 30))
    default = True
    neutral = {"landmarks": 0}
    uses_truth = True

    landmarks: int = field(
        default=0, metadata={"help": "architectures whose published accuracies training sees; 0 sees none", "low": 0}
    )
    weight: float = field(default=1.0, metadata={"help": "weight of the ranking loss", "low": 0.0, "high": 1000.0})
    ramp: float = field(
        default=0.5, metadata={"help": "share of the steps before the weight is full", "low": 0.0, "high": 1.0}
    )

    def check(self, setup: Setup) -> None:
        if self.landmarks != 0 and setup.scoring.strata != "truth":  # Which are left is not known before it is read.
            self._check_landmarks(int(setup.apart_from_scored().sum()))

    def begin(self, task: Task) -> None:
        if self.landmarks == 0:
            return
        truth = task.truth()
        known = np.flatnonzero(np.isfinite(truth))
        self._check_landmarks(len(known))
        if len(np.unique(truth[known])) == 1:
            raise InputError(
                f"heuristics.landmark.landmarks is {self.landmarks}; allowed: 0, since all architectures that are not "
                "scored have the same published accuracy"
            )
        order = known[torch.randperm(len(known), generator=task.generator("landmarks")).numpy()]
        landmarks = _not_all_equal(order, truth[order], self.landmarks)
        self._truth = truth[landmarks]
        self._architectures = [task.space.architecture(index) for index in landmarks.tolist()]

    def sample(self, architectures: list[Architecture], step: Step) -> list[Architecture]:
        # Drawn here, once per step: the ranking loss may be computed several times in a step, for the same pair.
        if self.landmarks > 0:
            self._pair = self._draw_pair(step.generator("landmark"))
        return architectures

    def auxiliary_loss(self, loss_of: Callable[[Architecture], Tensor], step: Step) -> Tensor | None:
        weight = self.weight * ramped(self.ramp, step.progress)
        if self.landmarks == 0 or weight == 0:
            return None
        better, worse = self._pair
        return weight * functional.relu(loss_of(better) - loss_of(worse))

    def _draw_pair(self, generator: torch.Generator) -> tuple[Architecture, Architecture]:
        """Return a better and a worse landmark."""
        while True:
            pair = torch.randint(len(self._truth), (2,), generator=generator).tolist()
            worse, better = sorted(pair, key=self._truth.__getitem__)
            if self._truth[worse] < self._truth[better]:
                return self._architectures[better], self._architectures[worse]

    def _check_landmarks(self, available: int) -> None:
        what = "the number of architectures with published accuracies that are neither scored nor equal to scored ones"
        if available < 2:
            raise InputError(
                f"heuristics.landmark.landmarks is {self.landmarks}; allowed: 0, since {what} is {available}"
            )
        if not 2 <= self.landmarks <= available:
            raise InputError(
                f"heuristics.landmark.landmarks is {self.landmarks}; allowed: 0, or 2 to {what}, {available}"
            )


def _not_all_equal(order: np.ndarray, values: np.ndarray, count: int) -> np.ndarray:
    """Return the first `count` of `order`; if their values are all equal, the next other one instead of the last."""
    differs = int(np.argmax(values != values[0]))
    return order[:count] if differs < count else np.append(order[: count - 1], order[differs])
