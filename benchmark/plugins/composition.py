"""The active heuristics of a run, as one.

A hook is given as what declares it, such as `Heuristic.loss`, and called on the heuristics that override it, those of
lower order first: `fold` hands a value from one to the next, `collect` yields what each returns, `first` takes the
first answer, and `call` expects none.
"""

import operator
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from typing import Any, Concatenate, ParamSpec, TypeVar

import numpy as np
import torch
from torch import Tensor

from supernet_bench.benchmark.plugins.contracts import Broken, with_line
from supernet_bench.core.errors import InputError
from supernet_bench.core.states import check_state
from supernet_bench.heuristics.base import Heuristic, Step, Task
from supernet_bench.heuristics.setup import Setup
from supernet_bench.spaces.base import NO_HOOKS, Hooks, Supernet

T = TypeVar("T")
P = ParamSpec("P")

HOOKS = [name for name, member in vars(Heuristic).items() if callable(member) and not name.startswith("_")]

BEFORE_A_RUN = {"revise", "check", "check_data", "training_images"}
"""Hooks that are called while there is no run yet that could fail of them."""


def overridden_hooks(kind: type[Heuristic]) -> set[str]:
    """Return the names of the hooks that a heuristic overrides."""
    return {hook for hook in HOOKS if getattr(kind, hook) is not getattr(Heuristic, hook)}


class Composition:
    """Calls each hook on the heuristics that override it."""

    def __init__(self, heuristics: Iterable[Heuristic]) -> None:
        self._active = sorted(heuristics, key=lambda heuristic: (heuristic.order, heuristic.factor))
        self._overriding: dict[str, list[Heuristic]] = {hook: [] for hook in HOOKS}
        for heuristic in self._active:
            for hook in overridden_hooks(type(heuristic)):
                self._overriding[hook].append(heuristic)

    def fold(self, hook: Callable[Concatenate[Heuristic, T, P], T], value: T, *given: P.args, **named: P.kwargs) -> T:
        """Return what the heuristics make of a value, each of what the one before it returned."""
        for heuristic in self._overriding[hook.__name__]:
            value = _next_value(heuristic, hook, value, *given, **named)
        return value

    def collect(
        self, hook: Callable[Concatenate[Heuristic, P], T | None], *given: P.args, **named: P.kwargs
    ) -> Iterator[T]:
        """Yield what each heuristic returns, if anything, and call the next one only then."""
        for heuristic in self._overriding[hook.__name__]:
            with _blaming(heuristic, hook.__name__):
                answer = getattr(heuristic, hook.__name__)(*given, **named)
            if answer is not None:
                yield answer

    def first(self, hook: Callable[Concatenate[Heuristic, P], T | None], *given: P.args, **named: P.kwargs) -> T | None:
        """Return what the first heuristic returns that returns anything; None if none does."""
        return next(self.collect(hook, *given, **named), None)

    def call(self, hook: Callable[Concatenate[Heuristic, P], None], *given: P.args, **named: P.kwargs) -> None:
        """Call a hook that returns nothing."""
        for _ in self.collect(hook, *given, **named):
            pass

    def changers(
        self, hook: Callable[[Heuristic, T], T], value: T, part: Callable[[T], object] = lambda whole: whole
    ) -> str:
        """Return, for a message, which heuristics change a part of a value by a hook; nothing if none does."""
        names = []
        for heuristic in self._overriding[hook.__name__]:
            before, value = part(value), _next_value(heuristic, hook, value)
            if part(value) != before:
                names.append(heuristic.name)
        return f" (as revised by {', '.join(names)})" if names else ""

    def begin(self, task: Task) -> None:
        """Prepare for a run; only heuristics that say so may ask for published accuracies."""
        for heuristic in self._active:
            heuristic.begin(task if heuristic.uses_truth else replace(task, truth=_refusal(heuristic)))

    def hooks(self, step: Step) -> Hooks:
        """Return what is done to intermediate results in this step."""
        operation = _chain(list(self.collect(Heuristic.on_operation, step)))
        features = _chain(list(self.collect(Heuristic.on_features, step)))
        return Hooks(operation, features) if operation or features else NO_HOOKS

    @contextmanager
    def while_scoring(self, supernet: Supernet, generator: Callable[..., torch.Generator]) -> Iterator[None]:
        """Have the supernet as it is scored."""
        with ExitStack() as stack:
            for context in self.collect(Heuristic.while_scoring, supernet, generator):
                stack.enter_context(context)
            yield

    def prepares_scoring(self) -> bool:
        """Return whether each architecture is scored in a way of its own, so one after the other."""
        own = [*self._overriding["before_scoring"], *self._overriding["scored_images"]]
        return any(heuristic.prepares_scoring() for heuristic in own)

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


def _next_value(
    heuristic: Heuristic, hook: Callable[Concatenate[Heuristic, T, P], T], value: T, *given: P.args, **named: P.kwargs
) -> T:
    """Return what one heuristic makes of a value."""
    with _blaming(heuristic, hook.__name__):
        return _like(value, getattr(heuristic, hook.__name__)(value, *given, **named), heuristic)


def _like(value: Any, made: Any, heuristic: Heuristic) -> Any:
    """Return what a heuristic made of a value, or raise an error if it cannot take the value's place.

    Numbers become Python's own, since a checkpoint cannot hold NumPy's, nor a record all of them.
    """
    if type(value) is int:
        return operator.index(made)
    if type(value) is float:
        return float(made)
    if isinstance(value, Setup):
        _check_setup(value, made, heuristic)
    return made


def _check_setup(given: Setup, revised: Setup, heuristic: Heuristic) -> None:
    """Raise an error if a heuristic changes which architectures are scored, which all runs of a study share."""
    if not isinstance(revised, Setup):
        raise TypeError(f"it returned {revised!r}")
    for name, before, after in (
        ("space.name", given.space.name, revised.space.name),
        ("scoring.architectures", given.scoring.architectures, revised.scoring.architectures),
        ("scoring.subset", given.scoring.subset, revised.scoring.subset),
        ("scoring.part", given.scoring.part, revised.scoring.part),
        ("scoring.strata", given.scoring.strata, revised.scoring.strata),
    ):
        if after != before:
            raise InputError(
                f"{name} is {after!r} (as revised by {heuristic.name}); allowed: what the study says, {before!r}"
            )


@contextmanager
def _blaming(heuristic: Heuristic, hook: str) -> Iterator[None]:
    """Raise InputError that names a hook if it goes wrong before there is a run that could fail of it."""
    try:
        yield
    except InputError:
        raise
    except Exception as error:  # What a hook does is not specified.
        if hook not in BEFORE_A_RUN:
            raise
        raise InputError(Broken.of("heuristic", type(heuristic), hook, f"raises {with_line(error)}")) from error


def _refusal(heuristic: Heuristic) -> Callable[[], np.ndarray]:
    def refuse() -> np.ndarray:
        raise InputError(
            f"heuristic {heuristic.name!r} asks for published accuracies and its uses_truth is False; allowed: True"
        )

    return refuse


def _chain(hooks: list[Callable[..., Tensor]]) -> Callable[..., Tensor] | None:
    """Return hooks as one, if there are any."""
    if len(hooks) < 2:
        return hooks[0] if hooks else None

    def apply_all(output: Tensor, *place: float) -> Tensor:
        for hook in hooks:
            output = hook(output, *place)
        return output

    return apply_all
