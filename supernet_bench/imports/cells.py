"""What the columns of a table hold: numbers, whole numbers, names and architectures, each cell checked."""

import math
import numbers
import re
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from supernet_bench.core.errors import InputError, unknown
from supernet_bench.core.settings import LARGEST_WHOLE
from supernet_bench.imports.tables import Table
from supernet_bench.records.manifest import single_spaced
from supernet_bench.spaces.base import Space

WHOLE = re.compile(r"\+?\d+(\.0*)?")
"""A whole number as programs write it; pandas puts a point into those of a column that once had gaps."""

INDEX = re.compile(r"(0|[1-9]\d*)(\.0*)?")
"""The number of an architecture: zeros in front are those of a published string of another space."""

NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")


def column(table: Table, name: str) -> np.ndarray:
    """Return a column; raise InputError if there is none of that name."""
    if name not in table.columns:
        raise InputError(f"{table.name}: {unknown('column', name, table.columns)}")
    return table.columns[name]


def scores(table: Table, name: str) -> np.ndarray:
    """Return a column of finite numbers, float64 [n]."""
    values = column(table, name)
    if values.dtype.kind in "fiu":
        found = values.astype(np.float64)
    else:
        found = np.array([_number(value) for value in values], dtype=np.float64)
    wrong = np.flatnonzero(~np.isfinite(found))
    if len(wrong):
        raise _refused(table, name, int(wrong[0]), "a finite number")
    return found


def whole_numbers(table: Table, name: str) -> np.ndarray:
    """Return a column of whole numbers that are not negative, int64 [n]."""
    found = [_whole(value) for value in column(table, name).tolist()]
    if None in found:
        raise _refused(table, name, found.index(None), f"a whole number from 0 to {LARGEST_WHOLE}")
    return np.array(found, dtype=np.int64)


def names(table: Table, name: str) -> list[str]:
    """Return a column of names that are not empty, [n], each on one line."""
    values = column(table, name)
    found = ["" if _is_missing(value) else single_spaced(str(value)) for value in values.tolist()]
    if "" in found:
        raise _refused(table, name, found.index(""), "a name")
    return found


def architectures(table: Table, name: str, space: Space, others: Mapping[str, Space]) -> np.ndarray:
    """Return the numbers of the architectures in a column of numbers or of published strings, int64 [n].

    Where strings are digits, such as those of NAS-Bench-Macro, a column is one of strings if all its cells have their
    length; a number of that length is no index of such a space, or is the same.

    Parameters
    ----------
    table, name : Table, str
    space : Space
    others : mapping of str to Space
        Of which an architecture may be that is not of this space, for messages.
    """
    values = column(table, name)
    texts = [_as_text(value) for value in values.tolist()]
    for row, text in enumerate(texts):
        if not text:
            raise _refused(table, name, row, f"an architecture of {space.name}, by its number or its published string")
    length = len(space.text(space.architecture(0)))
    has_digits = space.text(space.architecture(0)).isdigit()
    if has_digits and values.dtype.kind == "O" and all(len(text) == length for text in texts):
        return _of_strings(table, name, texts, space, others)
    is_index = [NUMBER.fullmatch(text) is not None for text in texts]
    for row, one in enumerate(is_index):
        if one != is_index[0]:
            first, other = ("a number", "a string") if is_index[0] else ("a string", "a number")
            raise InputError(
                f"{table.cell(row, name)} is {texts[row]!r}, {other} where the first row has {first}; "
                "allowed: numbers alone, or published strings alone"
            )
    if is_index[0]:
        return _of_indices(table, name, texts, space, others)
    return _of_strings(table, name, texts, space, others)


def _of_indices(table: Table, name: str, texts: list[str], space: Space, others: Mapping[str, Space]) -> np.ndarray:
    found = [_whole(text) if INDEX.fullmatch(text) else None for text in texts]
    for row, index in enumerate(found):
        if index is None or index >= space.size:
            larger = [other for other, each in others.items() if index is not None and index < each.size]
            hint = f"; {' and '.join(larger)} {'has' if len(larger) == 1 else 'have'} such" if larger else ""
            raise InputError(
                f"{table.cell(row, name)} is {texts[row]}; allowed: a number of {space.name}, 0 to {space.size - 1}"
                f"{hint}"
            )
    present = {index for index in found if index is not None}
    for other, each in others.items():
        if len(present) == each.size == max(present) + 1 and each.size != space.size:
            raise InputError(
                f"{table.name}, column {name!r} has 0 to {each.size - 1}, all architectures of {other}; "
                f"allowed: architectures of {space.name}, or --space {other}"
            )
    return np.array(found, dtype=np.int64)


def _of_strings(table: Table, name: str, texts: list[str], space: Space, others: Mapping[str, Space]) -> np.ndarray:
    known: dict[str, int] = {}
    for row, text in enumerate(texts):
        if text in known:
            continue
        index = _index(space, text)
        if index is None:
            of = [other for other, each in others.items() if _index(each, text) is not None]
            hint = f"; it is one of {' and '.join(of)}" if of else ""
            raise InputError(
                f"{table.cell(row, name)} is {text!r}; allowed: an architecture of {space.name}, such as "
                f"{space.text(space.architecture(0))!r}{hint}"
            )
        known[text] = index
    return np.array([known[text] for text in texts], dtype=np.int64)


def _index(space: Space, text: str) -> int | None:
    try:
        return space.index(space.parse(text))
    except InputError:
        return None


def _refused(table: Table, name: str, row: int, allowed: str) -> InputError:
    value = table.columns[name][row]
    value = value.item() if isinstance(value, np.generic) else value
    shown = "empty" if _is_missing(value) and not isinstance(value, float) else repr(value)
    return InputError(f"{table.cell(row, name)} is {shown}; allowed: {allowed}")


def _is_missing(value: Any) -> bool:
    if isinstance(value, str):
        return not value.strip()
    return value is None or value is pd.NA or (isinstance(value, numbers.Real) and math.isnan(value))


def _as_text(value: Any) -> str:
    return "" if _is_missing(value) else str(value).strip()


def _number(value: Any) -> float:
    """Return a number, NaN for what is none."""
    if isinstance(value, str):
        return float(value) if NUMBER.fullmatch(value.strip()) else math.nan
    is_number = isinstance(value, numbers.Real) and not isinstance(value, bool | np.bool_)
    return float(value) if is_number and not _is_missing(value) else math.nan


def _whole(value: Any) -> int | None:
    """Return a whole number that is not negative, None for what is none."""
    text = _as_text(value)
    if isinstance(value, bool) or not WHOLE.fullmatch(text):
        return None
    found = int(text.partition(".")[0])
    return found if found <= LARGEST_WHOLE else None
