"""The active heuristics of a run, as one."""

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from torch import Tensor, nn

from heuristics.base import Heuristic, Reset, Step, Task

if TYPE_CHECKING:
    from spaces.base import Architecture, Construction, OperationHook, Space, Supernet


HOOKS = [name for name, member in vars(Heuristic).items() if callable(member)]


class Composition:
    """Calls each hook on the heuristics that override it, those of lower order first."""

    def __init__(self, heuristics: Iterable[Heuristic]) -> None:
        self._active = sorted(heuristics, key=lambda heuristic: (heuristic.order, heuristic.factor))
        self._overriding = {hook: self._find_overriding(hook) for hook in HOOKS}

    def _find_overriding(self, hook: str) -> list[Heuristic]:
        return [h for h in self._active if getattr(type(h), hook) is not getattr(Heuristic, hook)]

    def construct(self, construction: "Construction") -> "Construction":
        """Return how networks are built."""
        for heuristic in self._overriding["construct"]:
            construction = heuristic.construct(construction)
        return construction

    def steps_per_epoch(self, batches: int, space: "Space") -> int:
        """Return the number of optimiser steps in an epoch of `batches` batches."""
        for heuristic in self._overriding["steps_per_epoch"]:
            batches = heuristic.steps_per_epoch(batches, space)
        return batches

    def begin(self, task: Task) -> None:
        """Prepare for a run."""
        for heuristic in self._active:
            heuristic.begin(task)

    def iteration(self, index: int, total_steps: int) -> tuple[int, int]:
        """Return the first step and the length of the iteration that step `index` belongs to."""
        for heuristic in self._overriding["iteration"]:
            window = heuristic.iteration(index, total_steps)
            if window is not None:
                return window
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
            rate = heuristic.learning_rate(rate, step)
        return rate

    def on_operation(self, step: Step) -> "OperationHook | None":
        """Return what is applied to the output of every active operation in this step, if anything."""
        hooks = [heuristic.on_operation(step) for heuristic in self._overriding["on_operation"]]
        active = [hook for hook in hooks if hook is not None]
        if len(active) < 2:
            return active[0] if active else None

        def apply_all(output: Tensor, depth: float) -> Tensor:
            for hook in active:
                output = hook(output, depth)
            return output

        return apply_all

    def loss(self, loss: Tensor, logits: Tensor, labels: Tensor, step: Step) -> Tensor:
        """Return the loss of one path."""
        for heuristic in self._overriding["loss"]:
            loss = heuristic.loss(loss, logits, labels, step)
        return loss

    def on_gradients(self, parameters: list[nn.Parameter], step: Step) -> None:
        """Change the gradients before the optimiser step."""
        for heuristic in self._overriding["on_gradients"]:
            heuristic.on_gradients(parameters, step)

    def prepares_scoring(self) -> bool:
        """Return whether `before_scoring` does anything, so that architectures are scored one after the other."""
        return any(heuristic.prepares_scoring() for heuristic in self._overriding["before_scoring"])

    def before_scoring(self, supernet: "Supernet", architecture: "Architecture") -> None:
        """Prepare the supernet for the score of one architecture."""
        for heuristic in self._overriding["before_scoring"]:
            heuristic.before_scoring(supernet, architecture)

    def state_dict(self) -> dict[str, Any]:
        """Return the state of every heuristic, by factor."""
        return {heuristic.factor: heuristic.state_dict() for heuristic in self._active}

    def load_state_dict(self, states: Mapping[str, Any]) -> None:
        """Take over a state; a factor that did not exist yet when it was saved has none."""
        for heuristic in self._active:
            if heuristic.factor in states:
                heuristic.load_state_dict(states[heuristic.factor])
