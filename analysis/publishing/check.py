"""Whether generated files say the same as when they are generated anew."""

import csv
import difflib
import io
import json
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from supernet_bench.core.files import is_litter

TOLERANCE = 2e-6
"""Of numbers in tables, which have six digits: another processor may add in another order."""


def differences(committed: Path, rebuilt: Path) -> list[str]:
    """Return in one line each how folders of generated files differ.

    Pages are compared letter for letter, the numbers of .csv and .json files up to `TOLERANCE`; of plots, which ones
    there are.

    Parameters
    ----------
    committed : Path
        Folder as it is.
    rebuilt : Path
        Folder as it should be; files that only the other one has are not compared, unless they are plots.
    """
    names = sorted(path.relative_to(rebuilt) for path in rebuilt.rglob("*") if path.is_file())
    lines = [line for name in names for line in _of_file(committed / name, rebuilt / name)]
    plots = sorted(path for path in committed.glob("plots/*") if not is_litter(path.name))
    stale = (path for path in plots if not (rebuilt / "plots" / path.name).exists())
    return [*lines, *(f"{path} would not be written" for path in stale)]


def _of_file(committed: Path, rebuilt: Path) -> Iterator[str]:
    if not committed.is_file():
        yield f"{committed} is not there"
    elif rebuilt.suffix == ".csv":
        yield from _of_tables(committed, _text(committed), rebuilt.read_text(encoding="utf-8"))
    elif rebuilt.suffix == ".json":
        yield from _of_objects(committed, _text(committed), rebuilt.read_text(encoding="utf-8"))
    elif rebuilt.suffix == ".md":
        yield from of_pages(committed, _text(committed), rebuilt.read_text(encoding="utf-8"))


def _text(file: Path) -> str:
    """Return a text; of bytes that are none, signs that say so."""
    return file.read_text(encoding="utf-8", errors="backslashreplace")


def of_pages(file: Path, committed: str, rebuilt: str) -> Iterator[str]:
    """Yield a line for each line of a page that differs.

    Parameters
    ----------
    file : Path
        Its name.
    committed, rebuilt : str
        What it holds, and should hold.
    """
    old, new = committed.splitlines(), rebuilt.splitlines()
    for kind, start, end, new_start, new_end in difflib.SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        if kind == "equal":
            continue
        for place in range(max(end - start, new_end - new_start)):
            before, after = _shown(old, start + place, end), _shown(new, new_start + place, new_end)
            yield f"{file}:{start + place + 1}: {before}; rebuilt: {after}"


def _shown(lines: list[str], place: int, end: int) -> str:
    return repr(lines[place].strip()) if place < end else "nothing"


def _of_tables(file: Path, committed: str, rebuilt: str) -> Iterator[str]:
    """Yield a line for each cell of a table that differs."""
    old, new = (list(csv.reader(io.StringIO(text))) for text in (committed, rebuilt))
    if [len(row) for row in old] != [len(row) for row in new] or old[:1] != new[:1]:
        yield from of_pages(file, committed, rebuilt)
        return
    for number, (row, new_row) in enumerate(zip(old[1:], new[1:], strict=True), start=2):
        for column, cell, new_cell in zip(new[0], row, new_row, strict=True):
            if not _same(cell, new_cell):
                yield f"{file}:{number}: {column} is {cell or 'empty'}; rebuilt: {new_cell or 'empty'}"


def _of_objects(file: Path, committed: str, rebuilt: str) -> Iterator[str]:
    """Yield a line for each value in a JSON file that differs."""
    try:
        old = json.loads(committed)
    except (ValueError, RecursionError):
        yield from of_pages(file, committed, rebuilt)
        return
    before, after = dict(_values(old)), dict(_values(json.loads(rebuilt)))
    for place in dict.fromkeys([*before, *after]):
        cell, new_cell = before.get(place, "nothing"), after.get(place, "nothing")
        if not _same(cell, new_cell):
            yield f"{file}: {place} is {cell}; rebuilt: {new_cell}"


def _values(content: Any, place: str = "") -> Iterator[tuple[str, str]]:
    """Yield every value in a JSON object, and where it is."""
    if not isinstance(content, dict | list) or not content:
        yield place, json.dumps(content)
        return
    for name, part in content.items() if isinstance(content, dict) else enumerate(content):
        yield from _values(part, f"{place}.{name}" if place else str(name))


def _same(cell: str, rebuilt: str) -> bool:
    if cell == rebuilt:
        return True
    try:
        return math.isclose(float(cell), float(rebuilt), rel_tol=0, abs_tol=TOLERANCE)
    except ValueError:
        return False
