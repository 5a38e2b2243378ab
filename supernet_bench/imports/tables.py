"""Files of scores as tables: CSV, Parquet and NPZ."""

import csv
import hashlib
import io
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from supernet_bench.core.errors import InputError, in_one_line

DELIMITERS = ",;\t"
"""Of CSV; the first of these that the header has."""


@dataclass(frozen=True)
class Table:
    """Columns of equal length, and where they come from.

    Attributes
    ----------
    name : str
        What messages call it: the file as the user named it.
    columns : mapping of str to ndarray, each [n]
        Numbers, or Python's objects: the cells of CSV are texts.
    first_row : int
        What the first row is called: 2 in CSV, where the header is row 1, otherwise 0.
    stem : str
        The name of the file without folders and suffix.
    rows : ndarray of int, [n], optional
        What each row is called, where that is not counted on from the first.
    file : tuple of str, optional
        The name of the file without folders, and the SHA-256 of its content.
    """

    name: str
    columns: Mapping[str, np.ndarray]
    first_row: int = 0
    stem: str = ""
    rows: np.ndarray | None = None
    file: tuple[str, str] | None = None

    @property
    def length(self) -> int:
        """Number of rows."""
        return len(next(iter(self.columns.values()), ()))

    def cell(self, row: int, column: str) -> str:
        """Return where a cell is, as messages begin."""
        number = self.first_row + row if self.rows is None else self.rows[row]
        return f"{self.name}, row {number}, column {column!r}"


def read_table(path: Path) -> Table:
    """Read a file of scores, by its suffix.

    Raises
    ------
    InputError
        If it cannot be read, has no rows, or is not what its suffix says.
    """
    read = READERS.get(path.suffix.lower())
    if read is None:
        raise InputError(f"{path} has suffix {path.suffix!r}; allowed: {', '.join(READERS)}")
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        raise InputError(f"{path} does not exist; allowed: a file of scores") from None
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror}; allowed: a file of scores") from None
    if not content:
        raise InputError(f"{path} is empty; allowed: a file with at least one row of scores")
    table = read(str(path), content)
    if not table.length:
        raise InputError(f"{path} has no rows; allowed: at least one row of scores")
    source = path.name, hashlib.sha256(content).hexdigest()
    return Table(table.name, table.columns, table.first_row, path.stem, table.rows, source)


def table_of(frame: pd.DataFrame, name: str) -> Table:
    """Return a frame as a table; parts of its index that have a name are columns too.

    Raises
    ------
    InputError
        If two columns have the same name.
    """
    named = [part for part in frame.index.names if part is not None and part not in frame.columns]
    plain = frame.reset_index(level=named) if named else frame
    columns = [str(column) for column in plain.columns]
    _check_distinct(name, columns)
    return Table(name, {column: _values(plain.iloc[:, place]) for place, column in enumerate(columns)})


def _values(column: pd.Series) -> np.ndarray:
    """Return the values of a column, as numbers if they are nothing else."""
    plain = isinstance(column.dtype, np.dtype) and column.dtype.kind in "fiub"
    return column.to_numpy() if plain else column.to_numpy(dtype=object)


def _read_csv(name: str, content: bytes) -> Table:
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise InputError(f"{name} is in another encoding; allowed: a text that is saved as UTF-8") from None
    if "\0" in text:
        raise InputError(f"{name} is no text; allowed: CSV, a text that is saved as UTF-8")
    header = text.lstrip("\r\n").partition("\n")[0]
    delimiter = next((mark for mark in DELIMITERS if mark in header), ",")
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    rows: list[list[str]] = []
    numbers: list[int] = []
    try:
        for row in reader:
            if any(cell.strip() for cell in row):  # Editors leave empty lines at the end.
                rows.append(row)
                numbers.append(reader.line_num)
    except csv.Error as error:
        raise InputError(
            f"{name}, row {reader.line_num} is no CSV ({error}); allowed: cells with commas between"
        ) from None
    if not rows:
        raise InputError(f"{name} is empty; allowed: a header and at least one row of scores")
    columns = [cell.strip() for cell in rows[0]]
    _check_distinct(name, columns)
    for number, row in zip(numbers, rows, strict=True):
        if len(row) != len(columns):
            raise InputError(f"{name}, row {number} has {len(row)} cells; allowed: {len(columns)}, as in the header")
    cells = np.array([[cell.strip() for cell in row] for row in rows[1:]], dtype=object).reshape(-1, len(columns))
    return Table(name, dict(zip(columns, cells.T, strict=True)), 2, rows=np.array(numbers[1:], dtype=np.int64))


def _read_parquet(name: str, content: bytes) -> Table:
    try:
        frame = pd.read_parquet(io.BytesIO(content))
    except (ImportError, MemoryError):  # It is not the file.
        raise
    except Exception as error:  # What a foreign file makes pyarrow raise is not specified.
        raise InputError(f"{name} is damaged or no Parquet ({in_one_line(error)}); allowed: a whole file") from None
    return table_of(frame, name)


def _read_npz(name: str, content: bytes) -> Table:
    """Read arrays that `numpy.savez` wrote; pickles, which could do anything, are refused."""
    try:
        found = np.load(io.BytesIO(content), allow_pickle=False)
        columns = {column: _array(name, column, found) for column in getattr(found, "files", ())}
    except (InputError, MemoryError):
        raise
    except Exception as error:  # What a foreign file makes NumPy raise is not specified.
        raise InputError(f"{name} is damaged or no NPZ ({in_one_line(error)}); allowed: a whole file") from None
    if isinstance(found, np.ndarray):
        raise InputError(f"{name} is a single array; allowed: what numpy.savez writes, an array per column")
    lengths = {column: len(values) for column, values in columns.items()}
    if len(set(lengths.values())) > 1:
        texts = ", ".join(f"{column} {length}" for column, length in lengths.items())
        raise InputError(f"{name} has arrays of different lengths ({texts}); allowed: equal lengths")
    return Table(name, columns)


def _array(name: str, column: str, arrays: Mapping[str, Any]) -> np.ndarray:
    try:
        values = np.asarray(arrays[column])
    except ValueError as error:
        if "pickle" not in str(error).lower():
            raise
        raise InputError(
            f"{name}, column {column!r} holds pickled objects; allowed: numbers or texts, as in "
            "np.array(names, dtype=str)"
        ) from None
    if values.ndim != 1:
        raise InputError(f"{name}, column {column!r} has shape {values.shape}; allowed: one dimension")
    if values.dtype.kind in "fiub":
        return values
    texts = np.char.decode(values, "utf-8") if values.dtype.kind == "S" else values
    return texts.astype(object)


def _check_distinct(name: str, columns: Sequence[str]) -> None:
    for column in columns:
        if columns.count(column) > 1:
            raise InputError(f"{name} has column {column!r} twice; allowed: once")


READERS: Mapping[str, Callable[[str, bytes], Table]] = {
    ".csv": _read_csv,
    ".parquet": _read_parquet,
    ".npz": _read_npz,
}
"""What reads the content of a file, by its suffix."""
