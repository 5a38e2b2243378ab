"""The conditions of a run that heuristics look at and may change: space, images, training and scoring."""

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import torch

from supernet_bench.core.errors import InputError
from supernet_bench.core.streams import stream
from supernet_bench.images.base import ImageSource
from supernet_bench.spaces.base import TrainableSpace, Truth

STRATA = 10
"""How many strata of equal size a space is cut into, if any."""

FEWEST_PER_STRATUM = 2
"""Scored architectures of a stratum; one alone has no pair in it, nor a spread."""

DIGITS = 9
"""Decimals of the truth by which strata are cut: machines may add the runs of a mean in another order."""


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

    The scored architectures are a random sample without repetition that depends on the space and the first four
    settings only, and by ``strata = "truth"`` on the published accuracies: all runs of a study score the same ones.
    """

    architectures: int = field(default=200, metadata={"help": "how many; 0 scores the whole space", "low": 0})
    subset: int = field(default=0, metadata={"help": "seed of their choice", "low": 0})
    part: int = field(
        default=0,
        metadata={"help": "which of the disjoint parts of that choice, to confirm on another", "low": 0, "added": True},
    )
    strata: str = field(
        default="none",
        metadata={
            "help": "in which tenths of the space, by published accuracy or by parameter count, as many are drawn",
            "choices": ("none", "truth", "parameters"),
            "added": True,
        },
    )
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
class Choice:
    """Which architectures are scored.

    Attributes
    ----------
    architectures : list of int
        Their indices, ascending.
    strata : list of int, or None
        The stratum that each was drawn from, if there are any.
    sizes : list of int
        How many architectures of the space each stratum has.
    """

    architectures: list[int]
    strata: list[int] | None = None
    sizes: tuple[int, ...] = ()


@dataclass(frozen=True)
class Setup:
    """What a supernet is of, and how it is trained and scored, apart from the heuristics and the seed."""

    space: TrainableSpace
    images: ImageSource
    training: Training
    scoring: Scoring

    def choice(self, truth: Callable[[], Truth] | None = None) -> Choice:
        """Return which architectures are scored, the same in every run with this space and scoring.

        Parameters
        ----------
        truth : callable, optional
            Reads the published accuracies, which strata may need; otherwise the space reads what it finds.

        Raises
        ------
        InputError
            If strata need published accuracies and none can be had.
        """
        scoring, size = self.scoring, self.space.size
        order = torch.randperm(size, generator=stream(scoring.subset, "scored architectures")).numpy()
        if scoring.strata == "none":
            return Choice(sorted(_part(order, scoring.architectures or size, scoring.part)))
        stratum = self._strata(truth or self.space.truth)
        counts = [len(part) for part in np.array_split(np.arange(scoring.architectures), STRATA)]
        drawn = [_part(order[stratum[order] == number], count, scoring.part) for number, count in enumerate(counts)]
        architectures = sorted(index for part in drawn for index in part)
        if len(architectures) < scoring.architectures:
            raise InputError(
                f"scoring.part is {scoring.part}; allowed: fewer, since only {int(np.sum(stratum >= 0))} architectures "
                f"of space {self.space.name} have a truth"
            )
        sizes = tuple(int(np.sum(stratum == number)) for number in range(STRATA))
        return Choice(architectures, [int(stratum[index]) for index in architectures], sizes)

    def scored_architectures(self, truth: Callable[[], Truth] | None = None) -> list[int]:
        """Return the sorted indices of the scored architectures; see `choice`."""
        return self.choice(truth).architectures

    def apart_from_scored(self, truth: Callable[[], Truth] | None = None) -> np.ndarray:
        """Return of which architectures training may see the accuracy, bool [size of the space].

        They are not scored, and neither isomorphic to one that is nor computed alike by the supernet.
        """
        scored = self.scored_architectures(truth)
        numberings = self.space.isomorphism(), self.space.alike()
        return ~np.any([np.isin(numbers, numbers[scored]) for numbers in numberings], axis=0)

    def _strata(self, truth: Callable[[], Truth]) -> np.ndarray:
        """Return the stratum of each architecture, int [size of the space]; -1 where its accuracy is not known."""
        if self.scoring.strata == "parameters":
            values = self.space.published_costs().parameters.astype(np.float64)
        else:
            known = truth()
            values = np.round(known.columns[known.target], DIGITS)
        ranked = np.argsort(values, kind="stable")[: np.isfinite(values).sum()]
        stratum = np.full(self.space.size, -1)
        for number, members in enumerate(np.array_split(ranked, STRATA)):
            stratum[members] = number
        return stratum


def _part(order: np.ndarray, count: int, part: int) -> list[int]:
    """Return a part of some architectures in random order, of which all parts are disjoint."""
    return [int(index) for index in order[part * count : (part + 1) * count]]
