"""What a space must hold to: an architecture has a row, choices and a text, and the table a value for each."""

from collections.abc import Callable
from typing import Any

import numpy as np

from supernet_bench.benchmark.plugins.contracts import Mistake
from supernet_bench.core.errors import InputError
from supernet_bench.core.settings import settings
from supernet_bench.spaces.base import Architecture, Space


def small(kind: type[Space]) -> Any:
    """Return the space of a type with 2, or what is nearest to it, for every setting that is a whole number."""
    values = {}
    for field in settings(kind):
        if type(field.default) is int and "choices" not in field.metadata:
            values[field.name] = min(max(2, field.metadata.get("low", 2)), field.metadata.get("high", 2))
    return kind(**values)


def sample(space: Space, count: int) -> list[Architecture]:
    """Return random architectures, always with the first combination (all zero, all identity) and the last."""
    ends = [(0,) * len(space.choices), tuple(n - 1 for n in space.choices)]
    indices = np.random.default_rng(0).choice(space.size, size=min(count, space.size), replace=False)
    return ends + [space.architecture(int(index)) for index in indices]


def check_encodings(space: Space) -> None:
    """Look whether row, choices and text name the same architecture, and each architecture once."""
    rows = space.architectures
    if rows.shape != (space.size, len(space.choices)) or len(np.unique(rows, axis=0)) != space.size:
        raise Mistake("architectures", "has not every combination of choices once; allowed: a row for each")
    if rows.flags.writeable:
        raise Mistake("architectures", "can be edited, and so the rows of the table; allowed: read-only")
    for architecture in sample(space, 60):
        index, text = space.index(architecture), space.text(architecture)
        if space.architecture(index) != architecture:
            raise Mistake("index", f"of {architecture} is {index}, which is another; allowed: its row")
        if space.parse(text) != architecture or not isinstance(text, str):
            raise Mistake("parse", f"of {text!r} is not {architecture}, whose text that is; allowed: the inverse")


def check_refusals(space: Space) -> None:
    """Look whether what is no architecture is refused in one line."""
    valid = space.architecture(0)
    for wrong in (valid[1:], (*valid, 0), (-1, *valid[1:]), (*valid[:-1], space.choices[-1]), ()):
        for name in ("check", "index", "text"):
            refuse(space, name, wrong)
    text = space.text(valid)
    for damaged in (text + "\n", " " + text, text[:-1], text + text, ""):
        refuse(space, "parse", damaged)


def check_isomorphism(space: Space) -> None:
    """Look whether classes of architectures are numbered from zero."""
    classes = np.asarray(space.isomorphism())
    if classes.shape != (space.size,) or set(classes.tolist()) != set(range(int(classes.max()) + 1)):
        raise Mistake("isomorphism", "does not number classes from 0 without gaps; allowed: a number per architecture")


def check_table(space: Space) -> None:
    """Look whether costs and accuracies have one value per architecture; the table may not be at hand."""
    costs = space.published_costs()
    if np.shape(costs.parameters) != (space.size,) or np.shape(costs.macs) != (space.size,):
        raise Mistake("published_costs", f"has not {space.size} values each; allowed: one per architecture")
    try:
        truth = space.truth()
    except InputError:
        return
    if truth.target not in truth.columns:
        raise Mistake("truth", f"has target {truth.target!r}; allowed: one of its columns, {', '.join(truth.columns)}")
    for name, values in truth.columns.items():
        known = np.asarray(values)[~np.isnan(values)]
        if np.shape(values) != (space.size,) or (known < 0).any() or (known > 1).any():
            raise Mistake("truth", f"has column {name!r}; allowed: a fraction from 0 to 1 per architecture, or NaN")


OF_SPACES: tuple[Callable[[Space], None], ...] = (check_encodings, check_refusals, check_isomorphism, check_table)
"""What is looked at in every space."""


def refuse(space: Space, name: str, *given: Any) -> None:
    """Look whether a method refuses what is no architecture, or its text."""
    if not is_refused(lambda: getattr(space, name)(*given)):
        raise Mistake(name, f"takes {given[0]!r}; allowed: an InputError of one line for what is no architecture")


def is_refused(call: Callable[[], object]) -> bool:
    """Return whether a call raises InputError with one line."""
    try:
        call()
    except InputError as error:
        return len(str(error).splitlines()) == 1
    return False
