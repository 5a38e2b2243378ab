"""What a report was made from besides the records: the published accuracies, and the versions that computed it."""

import hashlib
import json
import re
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from supernet_bench.analysis.records import choose_target, read_manifest, read_reference
from supernet_bench.core.errors import InputError

SOURCE = "source.json"

LIBRARIES = ("matplotlib", "numpy", "pandas", "pillow", "scipy")
"""Those whose version may change a digit or a plot."""

NAMED = ("architecture", "parameters", "macs")
"""Columns that are looked at whatever the target is."""

DIGITS = 9
"""Of an accuracy, in a checksum."""

IMPORTED = " sha256 "
"""What the name of a table has that was imported from an official file."""


def describe(store: Path, study: str) -> dict[str, Any]:
    """Return the name of the table that a study is compared with, what it holds, and the versions of libraries."""
    manifest = read_manifest(store, study)
    reference = read_reference(store, manifest.space)
    target = choose_target(reference, manifest.target)
    return {
        "table": reference.attrs.get("table", ""),
        "target": target,
        "sha256": _digest(reference, target),
        "versions": {library: version(library) for library in LIBRARIES},
    }


def write_source(store: Path, study: str, folder: Path) -> None:
    """Write `describe` to a folder."""
    text = json.dumps(describe(store, study), indent=2) + "\n"
    (folder / SOURCE).write_text(text, encoding="utf-8")


def read_source(folder: Path) -> dict[str, Any]:
    """Read what `write_source` wrote.

    Raises
    ------
    InputError
        If there is no such file, or it is damaged.
    """
    file = folder / SOURCE
    try:
        source = json.loads(file.read_bytes())
        texts = [source["table"], source["target"], source["sha256"], *source["versions"].values()]
    except OSError as error:
        raise InputError(f"{file} cannot be read: {error.strerror}; allowed: a published study") from error
    except (AttributeError, KeyError, TypeError, ValueError, RecursionError) as error:
        raise InputError(f"{file} is damaged or no JSON: {error!r}") from error
    if not all(isinstance(text, str) for text in texts):
        raise InputError(f"{file} is damaged: something in it is no text")
    return dict(source)


def check_table(folder: Path, store: Path, study: str) -> None:
    """Raise InputError if a study was published with other accuracies than those in a store."""
    source, here = read_source(folder), describe(store, study)
    if any(source[key] != here[key] for key in ("table", "target", "sha256")):
        raise InputError(
            f"{folder} was published with {_named(source)}; here is {_named(here)}; allowed: the same table"
        )


def other_versions(folder: Path) -> str | None:
    """Return in one line which libraries differ from those that a study was published with, if any do."""
    published = read_source(folder)["versions"]
    here = {library: version(library) for library in LIBRARIES}
    other = [
        f"{library} {here[library]} (published with {published[library]})"
        for library in LIBRARIES
        if library in published and published[library] != here[library]
    ]
    return f"hint: {', '.join(other)} may be why" if other else None


def is_imported(source: dict[str, Any]) -> bool:
    """Return whether the table was imported from an official file, which others may not have."""
    return IMPORTED in source["table"]


def _named(source: dict[str, Any]) -> str:
    return f"table {source['table']!r}, column {source['target']!r} (content {source['sha256'][:12]})"


def _digest(reference: pd.DataFrame, target: str) -> str:
    """Return the SHA-256 of the columns of a reference table that a report with this target looks at."""
    stem = re.escape(target.rpartition("_")[0])
    used = re.compile(rf"{re.escape(target)}(_run\d+)?|{stem}_\d+|{'|'.join(NAMED)}")
    digest = hashlib.sha256()
    for name in sorted(column for column in reference.columns if used.fullmatch(column)):
        column = reference[name]
        numeric = pd.api.types.is_numeric_dtype(column)
        # Rounded, since machines may add the runs of a mean in another order.
        content = np.round(column.to_numpy("<f8"), DIGITS).tobytes() if numeric else "\n".join(column).encode()
        digest.update(f"{name} {len(content)}\n".encode() + content)
    digest.update(np.asarray(reference.index, dtype="<i8").tobytes())
    return digest.hexdigest()
