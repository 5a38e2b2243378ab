"""A supernet that is told how some architectures rank."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, ClassVar

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from benchmark.errors import InputError
from heuristics.base import Heuristic, Step, Task

if TYPE_CHECKING:
    from benchmark.spec import RunSpec
    from spaces.base import Architecture


def ramped(ramp: float, progress: float) -> float:
    """Return the share of the full weight after a share `progress` of the iteration: linear, full from `ramp` on."""
    return progress / ramp if progress < ramp else 1.0


@dataclass
class Landmark(Heuristic):
    """Every step punishes a pair of architectures whose losses are in the wrong order.

    The landmarks are `landmarks` random architectures whose published accuracies are known and that the run does not
    score, drawn once. Every step draws a pair of them with different accuracies, uniformly, and adds
    max(0, loss(better) - loss(worse)), on the batch of the step, times `weight`, to the loss. The weight grows
    linearly from 0 at the first step of an iteration to all of it after `ramp` of the iteration.

    Both paths are trained in the step, so weight decay and momentum move their weights even where the order is right.
    They count as compute.
    """

    name: ClassVar[str] = "landmark"
    factor: ClassVar[str] = "landmark"
    source: ClassVar[str] = (
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

    def check(self, spec: "RunSpec") -> None:
        scored = spec.scoring.architectures or spec.space.size
        self._check_landmarks(spec.space.size - scored)

    def begin(self, task: Task) -> None:
        if self.landmarks == 0:
            return
        truth = task.truth()
        known = np.flatnonzero(np.isfinite(truth))
        self._check_landmarks(len(known))
        drawn = torch.randperm(len(known), generator=task.generator("landmarks"))[: self.landmarks]
        landmarks = known[drawn.numpy()]
        self._truth = truth[landmarks]
        self._architectures = [task.space.architecture(index) for index in landmarks.tolist()]
        if len(np.unique(self._truth)) == 1:
            raise InputError(
                f"heuristics.landmark.landmarks is {self.landmarks}; allowed: more, since all drawn have the same "
                "published accuracy"
            )

    def sample(self, architectures: "list[Architecture]", step: Step) -> "list[Architecture]":
        # Drawn here, once per step: the ranking loss may be computed several times in a step, for the same pair.
        if self.landmarks > 0:
            self._pair = self._draw_pair(step.generator("landmark"))
        return architectures

    def auxiliary_loss(self, loss_of: "Callable[[Architecture], Tensor]", step: Step) -> Tensor | None:
        weight = self.weight * ramped(self.ramp, step.progress)
        if self.landmarks == 0 or weight == 0:
            return None
        better, worse = self._pair
        return weight * functional.relu(loss_of(better) - loss_of(worse))

    def _draw_pair(self, generator: torch.Generator) -> "tuple[Architecture, Architecture]":
        """Return a better and a worse landmark."""
        while True:
            pair = torch.randint(len(self._truth), (2,), generator=generator).tolist()
            worse, better = sorted(pair, key=self._truth.__getitem__)
            if self._truth[worse] < self._truth[better]:
                return self._architectures[better], self._architectures[worse]

    def _check_landmarks(self, available: int) -> None:
        if self.landmarks != 0 and not 2 <= self.landmarks <= available:
            raise InputError(
                f"heuristics.landmark.landmarks is {self.landmarks}; allowed: 0, or 2 to the number of architectures "
                f"with published accuracies that are not scored, {available}"
            )
