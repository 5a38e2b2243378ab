"""What a search space is: encodings and published accuracies, and for one that can be trained its networks."""

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from typing import ClassVar

import numpy as np
import torch
from torch import Tensor, nn

from supernet_bench.core.errors import InputError

Architecture = tuple[int, ...]
"""One choice per decision."""

ALL = -1
"""In the place of a choice, in training only: every choice of the decision is run, and their outputs are averaged."""

OperationHook = Callable[[Tensor, float], Tensor]
"""Maps the output of an active operation, [batch, channels, height, width], and the relative depth of its
cell in (0, 1] to the tensor that takes its place."""

FeatureHook = Callable[[Tensor], Tensor]
"""Maps the features that the classifier is given, [batch, channels], to those that take their place."""


@dataclass(frozen=True)
class Hooks:
    """What is done to intermediate results while a supernet is trained.

    Attributes
    ----------
    operation : callable, optional
        Applied to the output of every active operation that is not an identity.
    features : callable, optional
        Applied to what global pooling leaves for the classifier.
    """

    operation: OperationHook | None = None
    features: FeatureHook | None = None


NO_HOOKS = Hooks()


@dataclass(frozen=True)
class Construction:
    """How networks are built; heuristics may replace any field.

    Those after `dtype` say which weights the paths of a supernet have in common; a space's `mappings` names the ones
    that its networks obey. A stand-alone network obeys them too, so that it is a path of the supernet.

    Attributes
    ----------
    norm : callable
        Makes the normalisation layer for a number of channels; all those of a network come from it.
    dtype : torch.dtype
        Type of the images, and so of all feature maps: convolutions take over the type of what they are given.
        Parameters, statistics and logits are float32 all the same.
    norm_per_input : bool
        Whether an operation on a node has a norm of its own for each set of operations that the node may be the sum of.
    operations_per : str
        ``"edge"``: every edge of a cell has operations of its own; ``"node"``: edges into the same node share theirs.
    kernels : str
        ``"own"``: each convolution has a kernel of its own; ``"centre"``: the smaller kernels at a place are the
        centre of the largest; ``"transformed"``: that centre times a learned matrix, at first the identity.
    """

    norm: Callable[[int], nn.Module] = nn.BatchNorm2d
    dtype: torch.dtype = torch.float32
    norm_per_input: bool = False
    operations_per: str = "edge"
    kernels: str = "own"


class Supernet(nn.Module, ABC):
    """A network that holds the weights of every architecture of a space."""

    @abstractmethod
    def forward(self, images: Tensor, architecture: Architecture, hooks: Hooks = NO_HOOKS) -> Tensor:
        """Run the path of one architecture, and nothing else.

        Parameters
        ----------
        images : Tensor
            [batch, channels, height, width].
        architecture : Architecture
            Which path to run; a choice may be `ALL`.
        hooks : Hooks
            What is done to intermediate results, during training only.

        Returns
        -------
        Tensor
            Logits, [batch, classes].
        """

    def all_logits(self, images: Tensor, architectures: Sequence[Architecture]) -> Iterator[tuple[list[int], Tensor]]:
        """Run many architectures on the same images; called in evaluation mode and without autograd only.

        What paths have in common need not be computed more than once: spaces override this where there is such.
        The logits must be those of `forward`, up to rounding, whatever other architectures there are.

        Parameters
        ----------
        images : Tensor
            [batch, channels, height, width].
        architectures : sequence of Architecture
            Which paths to run, in any order; some may be equal.

        Yields
        ------
        positions : list of int
            Of architectures, in `architectures`, that compute the same function. Each position comes exactly once,
            in whatever order is cheapest.
        logits : Tensor
            Theirs, [batch, classes].
        """
        for position, architecture in enumerate(architectures):
            yield [position], self(images, architecture)


@dataclass(frozen=True)
class Costs:
    """What each stand-alone network of a space costs.

    Attributes
    ----------
    parameters : ndarray of int64, [n]
        Trainable parameters.
    macs : ndarray of int64, [n]
        Multiply-accumulates of convolutions and linear layers for one image.
    """

    parameters: np.ndarray
    macs: np.ndarray


@dataclass(frozen=True)
class Truth:
    """Published stand-alone accuracies of a space.

    Attributes
    ----------
    table : str
        Name and version of the published table, as it appears in reports.
    columns : mapping of str to ndarray of float64, [n]
        Accuracies as fractions, NaN where there is none. ``<images>_<split>_<epochs>`` is the mean over the
        accepted published runs; ``..._run0``, ``..._run1``, ... are single runs.
    target : str
        The column that supernets are compared with unless a study names another.
    left_out : int
        Number of published runs that were not accepted.
    """

    table: str
    columns: Mapping[str, np.ndarray]
    target: str
    left_out: int = 0


@cache
def lexicographic(choices: tuple[int, ...]) -> np.ndarray:
    """Return all combinations, the last decision varying fastest, as read-only int64 [n, decisions]."""
    combinations = np.indices(choices).reshape(len(choices), -1).T.copy()
    combinations.flags.writeable = False
    return combinations


class Space(ABC):
    """A finite set of architectures with a table of published accuracies.

    A subclass is a frozen dataclass in a module or package of its own. One that has no more than a table derives from
    this class; one whose networks can be built, and so trained, from `TrainableSpace`. A field's metadata may hold
    ``help``, ``low``, ``high`` and ``choices``, which are checked when a study is read.
    """

    name: ClassVar[str]
    source: ClassVar[str]

    @property
    @abstractmethod
    def choices(self) -> tuple[int, ...]:
        """Number of choices of each decision."""

    @cached_property
    def size(self) -> int:
        """Number of architectures."""
        return math.prod(self.choices)

    @property
    def architectures(self) -> np.ndarray:
        """Every architecture in the order of the published benchmark, read-only int64 [n, decisions]."""
        return lexicographic(self.choices)

    def architecture(self, index: int) -> Architecture:
        """Return the architecture at row `index` of the published benchmark."""
        if not 0 <= index < self.size:
            raise InputError(f"architecture index of {self.name} is {index}; allowed: 0 to {self.size - 1}")
        return tuple(self.architectures[index].tolist())

    def index(self, architecture: Architecture) -> int:
        """Return the row of `architecture` in the published benchmark."""
        self.check(architecture)
        return int(np.ravel_multi_index(architecture, self.choices))

    def check(self, architecture: Architecture) -> None:
        """Raise InputError unless `architecture` has one valid choice per decision."""
        valid = len(architecture) == len(self.choices) and all(
            0 <= choice < n for choice, n in zip(architecture, self.choices, strict=True)
        )
        if not valid:
            raise InputError(
                f"architecture of {self.name} is {architecture}; allowed: {len(self.choices)} choices "
                f"below {self.choices}"
            )

    def text(self, architecture: Architecture) -> str:
        """Return the published string of `architecture`: one digit per decision."""
        self.check(architecture)
        return "".join(str(choice) for choice in architecture)

    def parse(self, text: str) -> Architecture:
        """Return the architecture of a published string; the inverse of `text`."""
        valid = len(text) == len(self.choices) and all(
            digit in "0123456789"[:n] for digit, n in zip(text, self.choices, strict=True)
        )
        if not valid:
            raise InputError(
                f"architecture string of {self.name} is {text!r}; allowed: {len(self.choices)} digits "
                f"below {self.choices}"
            )
        return tuple(int(digit) for digit in text)

    def isomorphism(self) -> np.ndarray:
        """Return a class number per architecture, int64 [n]; equal numbers compute the same function."""
        return np.arange(self.size)

    @abstractmethod
    def published_costs(self) -> Costs:
        """Return the costs of the networks that the published accuracies are of."""

    @abstractmethod
    def truth(self, folder: Path | None = None) -> Truth:
        """Read the published accuracies.

        Parameters
        ----------
        folder : Path, optional
            Where the user keeps data; searched before any download.

        Raises
        ------
        InputError
            If no table can be had, or the one found is damaged.
        """


class TrainableSpace(Space):
    """A space with a supernet and stand-alone networks; its fields are their settings.

    Attributes
    ----------
    mappings : frozenset of str
        The fields of `Construction`, beside norm and dtype, that its networks obey.
    """

    mappings: ClassVar[frozenset[str]] = frozenset()

    def soften(self, architecture: Architecture, soft: Sequence[bool]) -> Architecture:
        """Return `architecture`, for training only, with the decisions where `soft` holds left open.

        An open decision is `ALL`; a space overrides this if outputs of some decision's choices cannot be averaged.
        """
        return tuple(ALL if is_soft else choice for choice, is_soft in zip(architecture, soft, strict=True))

    def alike(self) -> np.ndarray:
        """Return a number per architecture, int64 [n]; paths of a supernet with equal numbers compute the same."""
        return self.isomorphism()

    @abstractmethod
    def supernet(self, in_channels: int, classes: int, construction: Construction) -> Supernet:
        """Build the network that holds the weights of every architecture."""

    @abstractmethod
    def standalone(
        self, architecture: Architecture, in_channels: int, classes: int, construction: Construction
    ) -> nn.Module:
        """Build the network of one architecture; ``forward(images)`` returns logits, [batch, classes]."""

    @abstractmethod
    def inherit(self, supernet: Supernet, architecture: Architecture) -> dict[str, Tensor]:
        """Return the state that gives the stand-alone network of `architecture` the weights of its path.

        The keys are those of ``standalone(architecture, ...).state_dict()``; the tensors are the supernet's.
        """

    @abstractmethod
    def costs(self, in_channels: int, classes: int, resolution: int) -> Costs:
        """Return the costs of all stand-alone networks with these settings, without building them."""

    @abstractmethod
    def published(self) -> "TrainableSpace":
        """Return the space with the settings that the published accuracies were measured with."""
