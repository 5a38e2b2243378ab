"""By what, and on how many images, architectures are scored."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace

import torch
from torch import Tensor

from supernet_bench.core.errors import InputError
from supernet_bench.heuristics.base import Heuristic
from supernet_bench.heuristics.setup import Setup
from supernet_bench.spaces.base import Supernet


@dataclass
class ScoringImages(Heuristic):
    """What the score of an architecture is, on how many images, and over how many checkpoints results are averaged.

    * ``score``: the accuracy, or minus the cross-entropy. Both are recorded in any case; this says which of them the
      metrics rank by.
    * ``images``: how many of the study's scoring images. All architectures are scored on the first ones; with
      ``fresh`` each is scored on a sample of its own, without repetition, drawn anew at every checkpoint, as in NAO.
    * ``checkpoints``: how many late checkpoints.

    Nothing of this changes how the supernet is trained.
    """

    name = "scoring"
    source = "Luo et al. 2018, Neural Architecture Optimization, arXiv 1808.07233"
    levels = (
        {"score": "accuracy"},
        {"score": "cross_entropy"},
        {"images": 100},
        {"images": 100, "fresh": True},
        {"checkpoints": 1},
    )
    labels = {
        "score=accuracy": "ranked by accuracy",
        "score=cross_entropy": "ranked by cross-entropy",
        "images": "{} images",
        "images=0": "all images",
        "fresh=true": "others for each candidate",
        "fresh=false": "",
        "checkpoints": "{} checkpoints",
        "checkpoints=1": "one checkpoint",
    }
    default = True

    score: str = field(
        default="accuracy", metadata={"help": "what the score is", "choices": ("accuracy", "cross_entropy")}
    )
    images: int = field(
        default=0, metadata={"help": "images that an architecture is scored on; 0 is the study's number", "low": 0}
    )
    fresh: bool = field(default=False, metadata={"help": "draw other images for every architecture"})
    checkpoints: int = field(
        default=0, metadata={"help": "late checkpoints that are averaged; 0 is the study's number", "low": 0}
    )

    def revise(self, setup: Setup) -> Setup:
        scoring = setup.scoring
        if self.images and not self.fresh:
            scoring = replace(scoring, images=self.images)
        if self.checkpoints:
            scoring = replace(scoring, checkpoints=self.checkpoints)
        return replace(setup, scoring=scoring)

    def check(self, setup: Setup) -> None:
        # What is drawn from; how many there are is not known before they are read if the images do not say it.
        available = (
            setup.scoring.images if self.fresh and setup.scoring.images else getattr(setup.images, "valid", None)
        )
        if self.images == 1 and not self.fresh:
            raise InputError(
                "heuristics.scoring.images is 1; allowed: 0 for the study's number, or at least 2, for statistics of a "
                "batch"
            )
        if self.fresh and self.images < 2:
            raise InputError(f"heuristics.scoring.images is {self.images}; allowed: at least 2, since fresh is true")
        if available is not None:
            self._check_available(available)

    def check_data(self, setup: Setup, training: int, validation: int) -> None:
        self._check_available(min(validation, setup.scoring.images or validation) if self.fresh else validation)

    @contextmanager
    def while_scoring(self, supernet: Supernet, generator: Callable[..., torch.Generator]) -> Iterator[None]:
        self._generator = generator("scoring")
        yield

    def prepares_scoring(self) -> bool:
        return self.fresh

    def scored_images(self, images: int) -> Tensor | None:
        return torch.randperm(images, generator=self._generator)[: self.images] if self.fresh else None

    def _check_available(self, available: int) -> None:
        if self.images > available:
            raise InputError(
                f"heuristics.scoring.images is {self.images}; allowed: 0 to the number of scoring images, {available}"
            )
