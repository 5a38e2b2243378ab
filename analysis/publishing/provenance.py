"""What a report was made from besides the records: the published accuracies, and the versions that computed it."""

import json
from importlib.metadata import version
from pathlib import Path
from typing import Any

from supernet_bench.core.errors import InputError
from supernet_bench.records.manifest import read_manifest
from supernet_bench.records.reference import choose_target, digest, read_reference

SOURCE = "source.json"

LIBRARIES = ("matplotlib", "numpy", "pandas", "pillow", "scipy", "seaborn")
"""Those whose version may change a digit or a plot."""

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
        "sha256": digest(reference, target),
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
