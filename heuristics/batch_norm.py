"""Where the statistics of normalisation layers come from, and which paths share a layer."""

from dataclasses import dataclass, field, replace
from functools import partial

from torch import nn

from supernet_bench.core.errors import InputError
from supernet_bench.heuristics.base import Heuristic, Task
from supernet_bench.heuristics.setup import Setup
from supernet_bench.spaces.base import Architecture, Construction, Supernet

MOMENTUM: dict[str, float | None] = {
    "batch": 0.1,
    "tracked": 0.1,
    "tracked_tf": 0.997,
    # None averages all batches since the last reset with equal weights.
    "recalibrated": None,
}
"""How much a new batch counts in the running statistics, for each choice of statistics; ``batch`` keeps none."""


@dataclass
class BatchNorm(Heuristic):
    """Batch normalisation with the statistics of the batch, of the whole training, or of each architecture.

    Training always normalises with the statistics of the batch. Scores use

    * ``batch``: the statistics of the scored batch;
    * ``tracked``: a running mean and variance over training (momentum 0.1 in PyTorch's sense: the new batch counts
      one tenth), shared by all paths that went through the layer;
    * ``tracked_tf``: the same with momentum 0.997 in PyTorch's sense, so nearly the statistics of the last batch. In
      the other common convention, 0.997 is the share that the old statistics keep, and taking one for the other was a
      mistake; it is offered because published numbers were got with it;
    * ``recalibrated``: the average over `images` training images run through the scored architecture.

    With `wsbn`, an operation has a separate norm, scale and shift included, for each input configuration of the node
    that it is applied to: for each set of predecessors that the node may be the sum of. Spaces say what these are.
    Layers that no choice precedes in their cell, such as the stem, have one configuration.

    Every normalisation layer of the supernet obeys, since all are made by the construction that this returns.
    """

    name = "batch_norm"
    source = "Yu et al. 2020, How to Train Your Super-Net, arXiv 2003.04276"
    levels = (
        *({"statistics": statistics, "affine": affine} for statistics in MOMENTUM for affine in (True, False)),
        {"wsbn": True},
    )
    labels = {
        "statistics=batch": "statistics of the batch",
        "statistics=tracked": "running statistics",
        "statistics=tracked_tf": "running statistics, mistaken momentum",
        "statistics=recalibrated": "recalibrated statistics",
        "affine=true": "",
        "affine=false": "no scale and shift",
        "wsbn=true": "a norm per input configuration",
        "wsbn=false": "shared norms",
    }
    default = True
    neutral = {"statistics": "batch", "affine": True, "wsbn": False}

    statistics: str = field(
        default="batch",
        metadata={"help": "where the statistics of scores come from", "choices": tuple(MOMENTUM)},
    )
    affine: bool = field(default=True, metadata={"help": "learn a scale and a shift per channel"})
    images: int = field(
        default=256, metadata={"help": "training images per recalibration (recalibrated only)", "low": 2}
    )
    wsbn: bool = field(default=False, metadata={"help": "a norm per input configuration of a node"})

    def check(self, setup: Setup) -> None:
        if self.wsbn and "norm_per_input" not in setup.space.mappings:
            raise InputError(
                "heuristics.batch_norm.wsbn is True; allowed: false, "
                f"since no node of space {setup.space.name} has several input configurations"
            )

    def check_data(self, setup: Setup, training: int, validation: int) -> None:
        if self.statistics == "recalibrated" and self.images > training:
            raise InputError(
                f"heuristics.batch_norm.images is {self.images}; "
                f"allowed: 2 to the number of training images that are used, {training}"
            )

    def construct(self, construction: Construction) -> Construction:
        norm = partial(
            nn.BatchNorm2d,
            affine=self.affine,
            track_running_stats=self.statistics != "batch",
            momentum=MOMENTUM[self.statistics],
        )
        return replace(construction, norm=norm, norm_per_input=self.wsbn)

    def begin(self, task: Task) -> None:
        self._batches = task.training_images(self.images) if self.statistics == "recalibrated" else []

    def prepares_scoring(self) -> bool:
        return self.statistics == "recalibrated"

    def before_scoring(self, supernet: Supernet, architecture: Architecture) -> None:
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
