"""The active heuristics of a run, as one.

Numbers that hooks return become Python's own, since a checkpoint cannot hold NumPy's, nor a record all of them.
"""

import operator
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor, nn

from supernet_bench.benchmark.plugins.contracts import Broken, with_line
from supernet_bench.core.errors import InputError
from supernet_bench.core.states import check_state
from supernet_bench.heuristics.base import Heuristic, Reset, Step, Task
from supernet_bench.spaces.base import NO_HOOKS, Hooks

if TYPE_CHECKING:
    from supernet_bench.benchmark.study.spec import RunSpec
    from supernet_bench.spaces.base import Architecture, Construction, Space, Supernet


HOOKS = [name for name, member in vars(Heuristic).items() if callable(member)]


def overridden_hooks(kind: type[Heuristic]) -> set[str]:
    """Return the names of the hooks that a heuristic overrides."""
    return {hook for hook in HOOKS if getattr(kind, hook) is not getattr(Heuristic, hook)}


@contextmanager
def blaming(heuristic: Heuristic, hook: str) -> Iterator[None]:
    """Raise InputError that names a hook if it goes wrong before there is a run that could fail of it."""
    try:
        yield
    except InputError:
        raise
    except Exception as error:  # What a hook does is not specified.
        raise InputError(Broken.of("heuristic", type(heuristic), hook, f"raises {with_line(error)}")) from error


class Composition:
    """Calls each hook on the heuristics that override it, those of lower order first."""

    def __init__(self, heuristics: Iterable[Heuristic]) -> None:
        self._active = sorted(heuristics, key=lambda heuristic: (heuristic.order, heuristic.factor))
        self._overriding: dict[str, list[Heuristic]] = {hook: [] for hook in HOOKS}
        for heuristic in self._active:
            for hook in overridden_hooks(type(heuristic)):
                self._overriding[hook].append(heuristic)

    def revise(self, spec: "RunSpec") -> "RunSpec":
        """Return what is run."""
        for heuristic in self._overriding["revise"]:
            with blaming(heuristic, "revise"):
                given, spec = spec, heuristic.revise(spec)
                if not isinstance(spec, type(given)):
                    raise TypeError(f"it returned {spec!r}")
                _check_same_architectures(heuristic, given, spec)
        return spec

    def revisers(self, spec: "RunSpec", setting: "Callable[[RunSpec], object]") -> str:
        """Return, for a message, which heuristics revise a setting of `spec`; nothing if none does."""
        names = []
        for heuristic in self._overriding["revise"]:
            before, spec = setting(spec), heuristic.revise(spec)
            if setting(spec) != before:
                names.append(heuristic.name)
        return _as_revised_by(names)

    def image_users(self, images: int) -> str:
        """Return, for a message, which heuristics leave some of `images` training images out."""
        names = []
        for heuristic in self._overriding["training_images"]:
            before, images = images, heuristic.training_images(images)
            if images != before:
                names.append(heuristic.name)
        return _as_revised_by(names)

    def check_data(self, spec: "RunSpec", training: int, validation: int) -> None:
        """Raise InputError if so many images are too few for a heuristic; `spec` is as revised."""
        for heuristic in self._overriding["check_data"]:
            with blaming(heuristic, "check_data"):
                heuristic.check_data(spec, training, validation)

    def construct(self, construction: "Construction") -> "Construction":
        """Return how networks are built."""
        for heuristic in self._overriding["construct"]:
            construction = heuristic.construct(construction)
        return construction

    def training_images(self, images: int) -> int:
        """Return how many of the training images are used."""
        for heuristic in self._overriding["training_images"]:
            with blaming(heuristic, "training_images"):
                images = operator.index(heuristic.training_images(images))
        return images

    def steps_per_epoch(self, batches: int, space: "Space") -> int:
        """Return the number of optimiser steps in an epoch of `batches` batches."""
        for heuristic in self._overriding["steps_per_epoch"]:
            batches = operator.index(heuristic.steps_per_epoch(batches, space))
        return batches

    def begin(self, task: Task) -> None:
        """Prepare for a run."""
        for heuristic in self._active:
            heuristic.begin(task if heuristic.uses_truth else replace(task, truth=_refusal(heuristic)))

    def iteration(self, index: int, total_steps: int) -> tuple[int, int]:
        """Return the first step and the length of the iteration that step `index` belongs to."""
        for heuristic in self._overriding["iteration"]:
            window = heuristic.iteration(index, total_steps)
            if window is not None:
                start, length = window
                return operator.index(start), operator.index(length)
        return 0, total_steps

    def resets(self) -> Reset:
        """Return what the first step of a new iteration starts afresh."""
        resets = [heuristic.resets() for heuristic in self._overriding["resets"]]
        return Reset(momentum=any(reset.momentum for reset in resets), weights=any(reset.weights for reset in resets))

    def sample(self, step: Step) -> "list[Architecture]":
        """Return the architectures that this step trains."""
        architectures: list[Architecture] = []
        for heuristic in self._overriding["sample"]:
            architectures = heuristic.sample(architectures, step)
        return architectures

    def learning_rate(self, step: Step) -> float:
        """Return the learning rate of this step."""
        rate = 0.0
        for heuristic in self._overriding["learning_rate"]:
            rate = float(heuristic.learning_rate(rate, step))
        return rate

    def weight_decay(self, module: nn.Module) -> float:
        """Return the weight decay of the parameters of one layer."""
        decay = 0.0
        for heuristic in self._overriding["weight_decay"]:
            decay = float(heuristic.weight_decay(decay, module))
        return decay

    def on_images(self, images: Tensor, step: Step) -> Tensor:
        """Return the training images of this step, normalised, [batch, channels, height, width]."""
        for heuristic in self._overriding["on_images"]:
            images = heuristic.on_images(images, step)
        return images

    def hooks(self, step: Step) -> Hooks:
        """Return what is done to intermediate results in this step."""
        operation = _chain(heuristic.on_operation(step) for heuristic in self._overriding["on_operation"])
        features = _chain(heuristic.on_features(step) for heuristic in self._overriding["on_features"])
        return Hooks(operation, features) if operation or features else NO_HOOKS

    def loss(self, loss: Tensor, logits: Tensor, labels: Tensor, step: Step) -> Tensor:
        """Return the loss of one path."""
        for heuristic in self._overriding["loss"]:
            loss = heuristic.loss(loss, logits, labels, step)
        return loss

    def auxiliary_losses(self, loss_of: "Callable[[Architecture], Tensor]", step: Step) -> Iterator[Tensor]:
        """Yield what is added to the loss of this step."""
        for heuristic in self._overriding["auxiliary_loss"]:
            loss = heuristic.auxiliary_loss(loss_of, step)
            if loss is not None:
                yield loss

    def on_gradients(self, parameters: list[nn.Parameter], step: Step, recompute: Callable[[], object]) -> None:
        """Change the gradients before the optimiser step."""
        for heuristic in self._overriding["on_gradients"]:
            heuristic.on_gradients(parameters, step, recompute)

    @torch.no_grad()
    def after_step(self, supernet: "Supernet", step: Step) -> None:
        """Take notice of the weights after an optimiser step."""
        for heuristic in self._overriding["after_step"]:
            heuristic.after_step(supernet, step)

    @contextmanager
    def scoring(self, supernet: "Supernet", generator: Callable[..., torch.Generator]) -> Iterator[None]:
        """Have the supernet as it is scored."""
        with ExitStack() as stack:
            for heuristic in self._overriding["scoring"]:
                stack.enter_context(heuristic.scoring(supernet, generator))
            yield

    def prepares_scoring(self) -> bool:
        """Return whether each architecture is scored in a way of its own, so one after the other."""
        own = [*self._overriding["before_scoring"], *self._overriding["scored_images"]]
        return any(heuristic.prepares_scoring() for heuristic in own)

    def scored_images(self, images: int) -> Tensor | None:
        """Return on which of the scoring images the next architecture is scored; None is on all."""
        for heuristic in self._overriding["scored_images"]:
            chosen = heuristic.scored_images(images)
            if chosen is not None:
                return chosen
        return None

    def before_scoring(self, supernet: "Supernet", architecture: "Architecture") -> None:
        """Prepare the supernet for the score of one architecture."""
        for heuristic in self._overriding["before_scoring"]:
            heuristic.before_scoring(supernet, architecture)

    def state_dict(self) -> dict[str, Any]:
        """Return the state of every heuristic, by factor.

        Raises
        ------
        InputError
            If a checkpoint cannot hold one.
        """
        states = {}
        for heuristic in self._active:
            state, kind = heuristic.state_dict(), type(heuristic)
            check_state(state, f"state_dict of heuristic {kind.__module__}.{kind.__qualname__}")
            states[heuristic.factor] = state
        return states

    def load_state_dict(self, states: Mapping[str, Any]) -> None:
        """Take over a state; a factor that did not exist yet when it was saved has none."""
        for heuristic in self._active:
            if heuristic.factor in states:
                heuristic.load_state_dict(states[heuristic.factor])


def _check_same_architectures(heuristic: Heuristic, given: "RunSpec", revised: "RunSpec") -> None:
    """Raise InputError if a heuristic changes which architectures are scored, which all runs of a study share."""
    for name, before, after in (
        ("space.name", given.space.name, revised.space.name),
        ("scoring.architectures", given.scoring.architectures, revised.scoring.architectures),
        ("scoring.subset", given.scoring.subset, revised.scoring.subset),
    ):
        if after != before:
            raise InputError(
                f"{name} is {after!r} (as revised by {heuristic.name}); allowed: what the study says, {before!r}"
            )


def _as_revised_by(names: list[str]) -> str:
    return f" (as revised by {', '.join(names)})" if names else ""


def _refusal(heuristic: Heuristic) -> Callable[[], np.ndarray]:
    def refuse() -> np.ndarray:
        raise InputError(
            f"heuristic {heuristic.name!r} asks for published accuracies and its uses_truth is False; allowed: True"
        )

    return refuse


def _chain(hooks: Iterable[Callable[..., Tensor] | None]) -> Callable[..., Tensor] | None:
    """Return the hooks that there are, as one."""
    active = [hook for hook in hooks if hook is not None]
    if len(active) < 2:
        return active[0] if active else None

    def apply_all(output: Tensor, *place: float) -> Tensor:
        for hook in active:
            output = hook(output, *place)
        return output

    return apply_all
