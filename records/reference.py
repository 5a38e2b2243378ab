"""The reference table of a space: what is known of its architectures without training a supernet.

One row per architecture. Besides what describes it, columns are published accuracies, as fractions; the attributes say
which of them is the truth unless a study wants another.

pandas is imported where a table is read or written: bare machines, which have none, merge stores too.
"""

import hashlib
import io
import re
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from supernet_bench.core.errors import InputError, unknown
from supernet_bench.core.files import write_atomically
from supernet_bench.records.damage import Damaged
from supernet_bench.records.layout import reference_path

if TYPE_CHECKING:
    import pandas as pd

DESCRIPTIVE_COLUMNS = ("index", "architecture", "isomorphism", "parameters", "macs")
"""Columns that are no accuracies."""

NEEDED_COLUMNS = {"index", "parameters", "macs"}

NAMED = ("architecture", "parameters", "macs")
"""Columns that a report looks at whatever the target is."""

DIGITS = 9
"""Of an accuracy, in a digest."""


def write_table(store: Path, table: "pd.DataFrame") -> Path:
    """Write the table of a space to a store and return where.

    Parameters
    ----------
    store : Path
        Folder of the store.
    table : DataFrame
        With `DESCRIPTIVE_COLUMNS` and those of the truth, and attributes: the names of the ``space``, the ``table`` and
        the ``target`` column, and the number of published runs ``left_out``.
    """
    content = io.BytesIO()
    table.to_parquet(content, write_page_checksum=True)
    path = reference_path(store, table.attrs["space"])
    write_atomically(path, content.getvalue())
    return path


def parse_reference(content: bytes, path: Path) -> "pd.DataFrame":
    """Return the table in the content of a file, indexed by the number of the architecture.

    Raises
    ------
    Damaged
        If it is no reference table, or holds an accuracy outside [0, 1].
    """
    import pandas as pd

    try:
        table = pd.read_parquet(io.BytesIO(content), page_checksum_verification=True)
    except (ImportError, MemoryError):  # It is not the file.
        raise
    except Exception as error:  # What a foreign file makes pyarrow raise is not specified.
        raise Damaged(path, " ".join(f"it is no Parquet ({error})".split())) from error
    missing = NEEDED_COLUMNS - set(table.columns)
    if missing or "target" not in table.attrs:
        raise Damaged(path, f"it is no reference table: it lacks {', '.join(sorted(missing)) or 'its target'}")
    outside = [name for name in truth_columns(table) if not _are_fractions(table[name])]
    if outside:
        raise Damaged(path, f"column {outside[0]!r} is not a fraction in [0, 1]")
    return table.set_index("index")


def read_reference(store: Path, space: str) -> "pd.DataFrame":
    """Read the table of a space in a store; see `parse_reference`.

    Raises
    ------
    InputError
        If the table is missing.
    """
    path = reference_path(store, space)
    if not path.is_file():
        raise InputError(f"reference table {path} does not exist")
    return parse_reference(path.read_bytes(), path)


def _are_fractions(column: "pd.Series") -> bool:
    return column.dtype.kind in "fiu" and not ((column < 0) | (column > 1)).any()


def choose_target(table: "pd.DataFrame", wanted: str | None) -> str:
    """Return the wanted column of a reference table, or its own choice.

    Raises
    ------
    InputError
        If the table has no such column.
    """
    column = wanted or table.attrs["target"]
    if column not in truth_columns(table):
        raise unknown("target column", column, truth_columns(table))
    return str(column)


def truth_columns(table: "pd.DataFrame") -> list[str]:
    """Return the columns of a reference table that hold accuracies."""
    return [column for column in table.columns if column not in DESCRIPTIVE_COLUMNS]


def digest(table: "pd.DataFrame", target: str) -> str:
    """Return the SHA-256 of the columns of a reference table that a report with this target looks at."""
    import pandas as pd

    stem = re.escape(target.rpartition("_")[0])
    used = re.compile(rf"{re.escape(target)}(_run\d+)?|{stem}_\d+|{'|'.join(NAMED)}")
    found = hashlib.sha256()
    for name in sorted(column for column in table.columns if used.fullmatch(column)):
        column = table[name]
        numeric = pd.api.types.is_numeric_dtype(column)
        # Rounded, since machines may add the runs of a mean in another order.
        content = np.round(column.to_numpy("<f8"), DIGITS).tobytes() if numeric else "\n".join(column).encode()
        found.update(f"{name} {len(content)}\n".encode() + content)
    found.update(np.asarray(table.index, dtype="<i8").tobytes())
    return found.hexdigest()
