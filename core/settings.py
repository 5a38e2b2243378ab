"""Settings from text: building a dataclass from a table of values, each checked against its field."""

import dataclasses
import math
from collections.abc import Mapping
from typing import Any, TypeVar, get_type_hints

from supernet_bench.core.errors import InputError, unknown

T = TypeVar("T")
LARGEST = 2**53
"""Whole numbers below this are numbers without loss."""
LARGEST_WHOLE = 2**63 - 1
"""A column of a table holds no larger whole number, nor does a size of PyTorch."""
WORDS = {int: "a whole number", float: "a number", bool: "true or false", str: "a text"}
"""The types that a setting can have."""

MOST_AT_ONCE = 10_000
"""Runs at once, and threads of a run; more is a slip."""


def build(cls: type[T], values: Mapping[str, Any], where: str) -> T:
    """Build the dataclass `cls` from `values`.

    Parameters
    ----------
    cls : type
        A dataclass of ints, floats, bools and strings. A field's metadata may hold ``low`` and ``high``, both
        allowed, and ``choices``; a whole number fits 64 bits whatever they are.
    values : mapping
        One value per field; missing ones take the default.
    where : str
        Name of the table that the values come from, for messages.

    Raises
    ------
    InputError
        For an unknown key, a missing one without default, a wrong type, or a value out of range.
    """
    checked = check_values(cls, values, where)
    for key in required(cls):
        if key not in checked:
            raise InputError(f"{where}.{key} is missing; it has no default")
    # Defaults as well: the same value, written out or not, is the same run.
    defaults = {field.name: field.default for field in settings(cls) if field.default is not dataclasses.MISSING}
    return cls(**{**check_values(cls, defaults, where), **checked})


def check_values(cls: type, values: Mapping[str, Any], where: str) -> dict[str, Any]:
    """Return some settings of a dataclass in the types of its fields, or raise InputError as `build` does."""
    fields = {field.name: field for field in settings(cls)}
    for key in values:
        if key not in fields:
            raise unknown(f"setting of {where}", key, fields)
    hints = get_type_hints(cls)
    return {key: check_value(value, hints[key], fields[key], f"{where}.{key}") for key, value in values.items()}


def settings(cls: type) -> tuple[dataclasses.Field[Any], ...]:
    """Return the fields that a user may set."""
    return tuple(field for field in dataclasses.fields(cls) if field.init)


def required(cls: type) -> list[str]:
    """Return the names of the settings that have no default."""
    return [field.name for field in settings(cls) if field.default is dataclasses.MISSING]


def values_of(instance: Any) -> dict[str, Any]:
    """Return all settings of a dataclass instance by name."""
    return {field.name: getattr(instance, field.name) for field in settings(type(instance))}


def in_words(values: Mapping[str, Any]) -> str:
    """Return settings as ``key=value key=value``, truth values as in TOML."""
    texts = {key: str(value).lower() if isinstance(value, bool) else str(value) for key, value in values.items()}
    return " ".join(f"{key}={text}" for key, text in texts.items())


def allowed(kind: type, field: dataclasses.Field[Any]) -> str:
    """Return in words which values a field takes."""
    if "choices" in field.metadata:
        return ", ".join(repr(choice) for choice in field.metadata["choices"])
    words = WORDS[kind]
    low, high = field.metadata.get("low"), field.metadata.get("high")
    if low is not None and high is not None:
        return f"{words} from {low} to {high}"
    if low is not None:
        return f"{words}, at least {low}"
    if high is not None:
        return f"{words}, at most {high}"
    return words


def check_value(value: Any, kind: type, field: dataclasses.Field[Any], where: str) -> Any:
    """Return the value of a field in its type, or raise InputError."""
    too_large = type(value) is int and abs(value) > LARGEST_WHOLE
    if kind is float and type(value) is int and abs(value) < LARGEST:
        value = float(value)
    valid = type(value) is kind and not too_large and (not isinstance(value, float) or math.isfinite(value))
    if valid and "choices" in field.metadata:
        valid = value in field.metadata["choices"]
    if valid and "low" in field.metadata:
        valid = value >= field.metadata["low"]
    if valid and "high" in field.metadata:
        valid = value <= field.metadata["high"]
    if not valid:
        unbounded = too_large and not field.metadata.keys() & {"high", "choices"}
        fitting = ", that fits 64 bits" if unbounded else ""
        raise InputError(f"{where} is {value!r}; allowed: {allowed(kind, field)}{fitting}")
    return value
