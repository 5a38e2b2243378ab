"""The conditions of a run that heuristics look at and may change: space, images, training and scoring."""

from dataclasses import dataclass, field

import numpy as np
import torch

from supernet_bench.core.streams import stream
from supernet_bench.images.base import ImageSource
from supernet_bench.spaces.base import TrainableSpace


@dataclass(frozen=True)
class Training:
    """The training budget and the optimiser (SGD); learning rate, weight decay and clipping are heuristics."""

    epochs: int = field(
        default=30, metadata={"help": "passes over the images; 0 does not train", "low": 0, "high": 1_000_000}
    )
    batch_size: int = field(default=64, metadata={"help": "images per step", "low": 2})
    momentum: float = field(default=0.9, metadata={"help": "momentum", "low": 0.0, "high": 0.999})
    nesterov: bool = field(default=False, metadata={"help": "Nesterov momentum"})


@dataclass(frozen=True)
class Scoring:
    """Which architectures are scored, on what, and when.

    The scored architectures are a uniform sample without repetition that depends on the space, `architectures` and
    `subset` only: all runs of a study score the same ones.
    """

    architectures: int = field(default=200, metadata={"help": "how many; 0 scores the whole space", "low": 0})
    subset: int = field(default=0, metadata={"help": "seed of their choice", "low": 0})
    images: int = field(default=0, metadata={"help": "validation images, the same for all; 0 uses all", "low": 0})
    batch_size: int = field(default=250, metadata={"help": "images per scoring batch", "low": 2})
    checkpoints: int = field(
        default=3, metadata={"help": "late checkpoints; tau is averaged over them", "low": 1, "high": 10_000}
    )
    spacing: int = field(default=1, metadata={"help": "epochs between late checkpoints", "low": 1})
    trace: int = field(
        default=0,
        metadata={"help": "further checkpoints, evenly spaced before the late ones", "low": 0, "high": 10_000},
    )

    def late_epochs(self, epochs: int) -> list[int]:
        """Return the epochs after which the late checkpoints are scored."""
        return sorted({max(0, epochs - k * self.spacing) for k in range(self.checkpoints)} - {0} | {epochs})

    def trace_epochs(self, epochs: int) -> list[int]:
        """Return the epochs of the further checkpoints; the untrained supernet is a run of its own."""
        first_late = self.late_epochs(epochs)[0]
        return sorted({first_late * k // (self.trace + 1) for k in range(1, self.trace + 1)} - {0})


@dataclass(frozen=True)
class Setup:
    """What a supernet is of, and how it is trained and scored, apart from the heuristics and the seed."""

    space: TrainableSpace
    images: ImageSource
    training: Training
    scoring: Scoring

    def scored_architectures(self) -> list[int]:
        """Return the sorted indices of the scored architectures, the same in every run with this space and scoring."""
        count = self.scoring.architectures or self.space.size
        order = torch.randperm(self.space.size, generator=stream(self.scoring.subset, "scored architectures"))
        return sorted(order[:count].tolist())

    def apart_from_scored(self) -> np.ndarray:
        """Return of which architectures training may see the accuracy, bool [size of the space].

        They are not scored, and neither isomorphic to one that is nor computed alike by the supernet.
        """
        scored = self.scored_architectures()
        numberings = self.space.isomorphism(), self.space.alike()
        return ~np.any([np.isin(numbers, numbers[scored]) for numbers in numberings], axis=0)
