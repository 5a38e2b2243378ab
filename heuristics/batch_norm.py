"""Where the statistics of normalisation layers come from."""

from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING, ClassVar

from torch import nn

from heuristics.base import Heuristic, Task

if TYPE_CHECKING:
    from spaces.base import Architecture, Construction, Supernet


@dataclass
class BatchNorm(Heuristic):
    """Batch normalisation with the statistics of the batch, of the whole training, or of each architecture.

    Training always normalises with the statistics of the batch. Scores use

    * ``batch``: the statistics of the scored batch;
    * ``tracked``: a running mean and variance over training (momentum 0.1 in PyTorch's sense: the new batch counts
      one tenth), shared by all paths that went through the layer;
    * ``recalibrated``: the average over `images` training images run through the scored architecture.

    Every normalisation layer of the supernet obeys, since all are made by the construction that this returns.
    """

    name: ClassVar[str] = "batch_norm"
    factor: ClassVar[str] = "batch_norm"
    source: ClassVar[str] = "Yu et al. 2020, How to Train Your Super-Net, arXiv 2003.04276"
    levels = tuple(
        {"statistics": statistics, "affine": affine}
        for statistics in ("batch", "tracked", "recalibrated")
        for affine in (True, False)
    )
    default = True
    neutral = {"statistics": "batch", "affine": True}

    statistics: str = field(
        default="batch",
        metadata={
            "help": "where the statistics of scores come from",
            "choices": ("batch", "tracked", "recalibrated"),
        },
    )
    affine: bool = field(default=True, metadata={"help": "learn a scale and a shift per channel"})
    images: int = field(
        default=256, metadata={"help": "training images per recalibration (recalibrated only)", "low": 2}
    )

    def construct(self, construction: "Construction") -> "Construction":
        norm = partial(
            nn.BatchNorm2d,
            affine=self.affine,
            track_running_stats=self.statistics != "batch",
            # None averages all batches since the last reset with equal weights.
            momentum=None if self.statistics == "recalibrated" else 0.1,
        )
        return replace(construction, norm=norm)

    def begin(self, task: Task) -> None:
        self._batches = task.training_images(self.images) if self.statistics == "recalibrated" else []

    def prepares_scoring(self) -> bool:
        return self.statistics == "recalibrated"

    def before_scoring(self, supernet: "Supernet", architecture: "Architecture") -> None:
        if not self.prepares_scoring():
            return
        norms = [module for module in supernet.modules() if isinstance(module, nn.BatchNorm2d)]
        for norm in norms:
            norm.reset_running_stats()
            norm.train()
        for images in self._batches:
            supernet(images, architecture)
        for norm in norms:
            norm.eval()
