"""What a heuristic is: a toggle of supernet training or of scoring, made of a few hooks.

A heuristic is one dataclass in a module of its own in this folder, or in an installed package that names it in the
entry-point group ``supernet_bench.heuristics``. Its fields are its settings; a field's metadata may hold ``help``,
``low``, ``high`` and ``choices``, which are checked when a study is read. It overrides only the hooks it needs.
"""

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import FrozenInstanceError, dataclass, is_dataclass
from functools import wraps
from typing import Any, ClassVar

import numpy as np
import torch
from torch import Tensor, nn

from supernet_bench.core.settings import defaults_of, settings
from supernet_bench.heuristics.setup import Setup
from supernet_bench.spaces.base import Architecture, Construction, FeatureHook, OperationHook, Supernet, TrainableSpace


@dataclass(frozen=True)
class Task:
    """What a heuristic may know of its run before training starts.

    Attributes
    ----------
    space : TrainableSpace
        The search space, with the settings of this run.
    in_channels, classes, resolution : int
        Shape of the images, and number of labels.
    generator : callable
        Maps the name of a random stream to its generator, on the CPU, for draws that are made once per run.
    training_images : callable
        Maps n to a fixed random sample of n normalised training images, as a list of batches
        [batch, channels, height, width].
    truth : callable
        Returns the published accuracies, float64 [size of the space]; NaN where there is none, and for every
        architecture that the run scores or that is isomorphic to, or computed by supernets like, such. Raises
        InputError for heuristics that do not declare `uses_truth`.
    """

    space: TrainableSpace
    in_channels: int
    classes: int
    resolution: int
    generator: Callable[[str], torch.Generator]
    training_images: Callable[[int], list[Tensor]]
    truth: Callable[[], np.ndarray]


@dataclass(frozen=True)
class Step:
    """One optimiser step.

    Attributes
    ----------
    index : int
        Number of the step in the run, from 0.
    start, length : int
        First step and number of steps of the iteration that the step belongs to. Without iterations, the whole run.
    generator : callable
        Maps the name of a random stream, and optionally a device, to this step's generator of that stream. Streams
        of different names are independent, so what one heuristic draws never shifts another's numbers.
    ends_epoch : bool
        Whether it is the last step of an epoch.
    """

    index: int
    start: int
    length: int
    generator: Callable[..., torch.Generator]
    ends_epoch: bool = False

    @property
    def progress(self) -> float:
        """Share of the iteration that lies behind this step, in [0, 1)."""
        return (self.index - self.start) / self.length

    @property
    def starts_iteration(self) -> bool:
        """Whether this step is the first of an iteration other than the first."""
        return 0 < self.index == self.start


@dataclass(frozen=True)
class Reset:
    """What the first step of a new iteration starts afresh."""

    momentum: bool = False
    weights: bool = False


class Heuristic:
    """A toggle with neutral defaults for every hook.

    Its settings stay what they are once it is made: a study holds one such object per level, and every run starts a
    new one with the same settings. What changes in a run goes into other attributes, which `begin` sets, and into
    `state_dict`.

    Hooks stand here in the order in which they are called: before a run, in each of its steps, at each checkpoint.

    Attributes
    ----------
    name : str
        Unique among all heuristics.
    factor : str
        What it varies; its own name, unless it says otherwise. A run has exactly one heuristic of each factor; those
        of different factors compose.
    source : str
        The publication that introduced or studied it.
    levels : tuple of mappings
        The settings that a sweep over its factor uses.
    default : bool
        Whether it is the heuristic of its factor in runs that name none.
    neutral : mapping or None
        Settings at which a run is, bit for bit, one that does not have it. None is all defaults for the default of a
        factor, and for the others that there are none such.
    conflicts : tuple of str
        Names of heuristics of other factors that it cannot be combined with.
    order : int
        Where several heuristics override a hook, those of lower order come first.
    uses_truth : bool
        Whether training sees published accuracies, unless at a neutral level; such levels are marked in every table.
    """

    name: ClassVar[str]
    factor: ClassVar[str]
    source: ClassVar[str]
    levels: ClassVar[tuple[Mapping[str, Any], ...]] = ()
    default: ClassVar[bool] = False
    neutral: ClassVar[Mapping[str, Any] | None] = None
    conflicts: ClassVar[tuple[str, ...]] = ()
    order: ClassVar[int] = 0
    uses_truth: ClassVar[bool] = False

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        if hasattr(cls, "name") and not hasattr(cls, "factor"):
            cls.factor = cls.name
        if "__post_init__" in vars(cls):
            cls.__post_init__ = _normalising(vars(cls)["__post_init__"])  # type: ignore[attr-defined]

    def __setattr__(self, attribute: str, value: Any) -> None:
        is_known = attribute in vars(self) and "_is_being_made" not in vars(self)
        if is_known and attribute in _names_of_settings(type(self)):
            raise FrozenInstanceError(
                f"setting {attribute!r} of heuristic {type(self).__name__} cannot be changed; "
                "what changes in a run goes into an attribute of another name"
            )
        super().__setattr__(attribute, value)

    def revise(self, setup: Setup) -> Setup:
        """Return what is run: `setup`, with other settings of space, images, training or scoring.

        Every run of a study scores the same architectures of the same space, so the name of the space and
        which architectures are scored stays as it is.
        """
        return setup

    def check(self, setup: Setup) -> None:
        """Raise InputError if the heuristic cannot be used in a run, which is as all heuristics have revised it."""

    def training_images(self, images: int) -> int:
        """Return how many of the training images are used, a random choice of `images`; at most `images`."""
        return images

    def check_data(self, setup: Setup, training: int, validation: int) -> None:
        """Raise InputError if so many images are too few; `setup` is as in `check`.

        `training` counts those that all heuristics leave to be used, `validation` those that there are.
        """

    def construct(self, construction: Construction) -> Construction:
        """Return how networks are built."""
        return construction

    def steps_per_epoch(self, batches: int, space: TrainableSpace) -> int:
        """Return the number of optimiser steps made in an epoch of `batches` batches; at most `batches`."""
        return batches

    def weight_decay(self, decay: float, module: nn.Module) -> float:
        """Return the weight decay of the parameters of one layer; `decay` is 0 for the first heuristic."""
        return decay

    def begin(self, task: Task) -> None:
        """Prepare for a run; called once, before training or resuming."""

    def iteration(self, index: int, total_steps: int) -> tuple[int, int] | None:
        """Return the first step and the length of the iteration of step `index`, or None to leave that to others."""
        return None

    def resets(self) -> Reset:
        """Return what the first step of a new iteration starts afresh."""
        return Reset()

    def learning_rate(self, rate: float, step: Step) -> float:
        """Return the learning rate of this step; `rate` is what heuristics of lower order chose, 0 for the first."""
        return rate

    def on_images(self, images: Tensor, step: Step) -> Tensor:
        """Return training images, normalised, [batch, channels, height, width], as all paths of this step see them."""
        return images

    def on_operation(self, step: Step) -> OperationHook | None:
        """Return what is applied to the output of every active non-identity operation in this step, if anything."""
        return None

    def on_features(self, step: Step) -> FeatureHook | None:
        """Return what is applied to the pooled features before the classifier in this step, if anything."""
        return None

    def sample(self, architectures: list[Architecture], step: Step) -> list[Architecture]:
        """Return the architectures that this step trains; their gradients add up in one optimiser step.

        `architectures` is what heuristics of lower order chose; empty for the first.
        """
        return architectures

    def loss(self, loss: Tensor, logits: Tensor, labels: Tensor, step: Step) -> Tensor:
        """Return the loss of one path, a scalar; `loss` is the cross-entropy, or what lower orders made of it."""
        return loss

    def auxiliary_loss(self, loss_of: Callable[[Architecture], Tensor], step: Step) -> Tensor | None:
        """Return what is added to the loss of this step, if anything.

        `loss_of` maps an architecture to its mean cross-entropy on the images of the step, a scalar with gradients.
        """
        return None

    def on_gradients(self, parameters: list[nn.Parameter], step: Step, recompute: Callable[[], object]) -> None:
        """Change the gradients in place before the optimiser step.

        `recompute` replaces them by those of the same images and architectures at the weights as they are then.
        """

    def after_step(self, supernet: Supernet, step: Step) -> None:
        """Take notice of the weights after an optimiser step, without autograd."""

    def while_scoring(
        self, supernet: Supernet, generator: Callable[..., torch.Generator]
    ) -> AbstractContextManager[None]:
        """Return what holds while architectures are scored, such as other weights; left, it has restored all.

        `generator` is for what is drawn meanwhile, and is that of a step, with the streams of this checkpoint.
        """
        return nullcontext()

    def prepares_scoring(self) -> bool:
        """Return whether `before_scoring` or `scored_images`, where overridden, does anything with these settings.

        Architectures that need no preparation are scored together, which is much faster.
        """
        return True

    def before_scoring(self, supernet: Supernet, architecture: Architecture) -> None:
        """Prepare the supernet, in evaluation mode and without autograd, for the score of one architecture."""

    def scored_images(self, images: int) -> Tensor | None:
        """Return on which of the scoring images the next architecture is scored, int64 [n]; None is on all."""
        return None

    def state_dict(self) -> dict[str, Any]:
        """Return what changes during training; tensors, numbers, strings, lists and dictionaries only."""
        return {}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Take over a state, so that a resumed run equals one that was never interrupted."""


def neutral_settings(kind: type[Heuristic]) -> Mapping[str, Any] | None:
    """Return at which settings a heuristic changes nothing; None if it always does something.

    A run that names no heuristic of a factor has the default one as it stands, so that is neutral unless it says more.
    """
    return defaults_of(kind) if kind.neutral is None and kind.default else kind.neutral


def is_neutral(heuristic: Heuristic) -> bool:
    """Return whether a run with a heuristic is, bit for bit, one without it."""
    neutral = neutral_settings(type(heuristic))
    return neutral is not None and all(getattr(heuristic, key) == value for key, value in neutral.items())


def _normalising(post_init: Callable[..., None]) -> Callable[..., None]:
    """Return the `__post_init__` of a heuristic such that it may set settings again, which nothing may later."""

    @wraps(post_init)
    def normalise(heuristic: Heuristic, *given: Any) -> None:
        if "_is_being_made" in vars(heuristic):  # That of a subclass calls it, and may go on.
            post_init(heuristic, *given)
            return
        vars(heuristic)["_is_being_made"] = True
        try:
            post_init(heuristic, *given)
        finally:
            del vars(heuristic)["_is_being_made"]

    return normalise


def _names_of_settings(kind: type[Heuristic]) -> set[str]:
    return {field.name for field in settings(kind)} if is_dataclass(kind) else set()
