"""The records of a study in one small file, as they are published, and back.

Shared by those who write and those who analyse.
"""

import json
import lzma
import re
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from supernet_bench.core.errors import InputError
from supernet_bench.core.files import is_litter
from supernet_bench.records.layout import manifest_path, record_checksum, record_path

RECORDS = "records.jsonl.xz"
MANIFEST = "manifest.json"

NAME = re.compile(r"\w[\w. -]*")
"""Names that lead into no other folder."""

AGREEMENT, INDEX = "agreement", "README.md"
"""What is among the folders of the published studies: how they agree, and the index of all."""


def check_name(study: str) -> None:
    """Raise InputError if a study of that name could not be published."""
    reserved = [name for name in (AGREEMENT, INDEX) if name.casefold() == study.casefold()]
    is_file = study.casefold().endswith(".toml")  # Commands would take it for a path.
    is_taken_for_litter = is_litter(f"{study}.json")  # Such as what a sync program makes of a name in conflict.
    if reserved or is_file or is_taken_for_litter or not NAME.fullmatch(study):
        raise InputError(
            f"name of a study is {study!r}; allowed: letters, digits and any of '_. -' after the first, "
            f"not {AGREEMENT!r} or {INDEX!r}, and no '.toml' at its end"
        )


def is_published(folder: Path) -> bool:
    """Return whether a folder is meant as a published study."""
    return (folder / MANIFEST).is_file() or (folder / RECORDS).is_file()


def pack(store: Path, run_ids: Iterable[str]) -> bytes:
    """Return the records of runs, compressed: one per line as it is in the store, in the order of their ids.

    Runs without a record are left out. Whoever calls it has checked the records.

    Parameters
    ----------
    store : Path
        Folder of the store.
    run_ids : iterable of str
        The runs; a run that appears twice is packed once.
    """
    paths = (record_path(store, run_id) for run_id in sorted(set(run_ids)))
    lines = (_line(path.read_bytes()) for path in paths if path.exists())
    return lzma.compress(b"".join(line + b"\n" for line in lines), preset=9)


def _line(content: bytes) -> bytes:
    """Return a record on one line, as all are that the suite wrote; its checksum does not depend on that."""
    return json.dumps(json.loads(content)).encode() if b"\n" in content else content


@contextmanager
def opened(folder: Path) -> Iterator[Path]:
    """Give a store with the manifest and the records of a published study, which is removed at the end.

    Parameters
    ----------
    folder : Path
        What was published; it stays as it is.

    Raises
    ------
    InputError
        If the folder has no manifest or no records, a file in it is damaged, or the records are not those of the
        manifest, each at most once.
    """
    with tempfile.TemporaryDirectory(prefix=f"{folder.name}.") as temporary:
        store = Path(temporary)
        manifest = _read(folder / MANIFEST)
        content = _object(manifest, folder / MANIFEST)
        path = manifest_path(store, _name(content, "study", folder / MANIFEST))
        runs = _runs(content, folder / MANIFEST)
        for folder_of in (path.parent, record_path(store, "").parent):
            folder_of.mkdir()
        path.write_bytes(manifest)
        for path, line in _records(folder / RECORDS, store):
            if path.stem not in runs:
                raise InputError(f"{folder / RECORDS} has run {path.stem}, which is not in {folder / MANIFEST}")
            if path.exists():
                raise InputError(f"{folder / RECORDS} has run {path.stem} twice; allowed: once")
            path.write_bytes(line)
        yield store


def _runs(manifest: dict[str, Any], file: Path) -> set[str]:
    """Return the ids of the runs that a manifest has."""
    try:
        return {run["run_id"] for run in manifest["runs"]}
    except (KeyError, TypeError) as error:
        raise InputError(f"{file} is no manifest of a study: {error!r}") from error


def _records(file: Path, store: Path) -> Iterator[tuple[Path, bytes]]:
    """Yield where in a store each record belongs, and its content."""
    try:
        lines = lzma.decompress(_read(file)).splitlines()
    except lzma.LZMAError as error:
        raise InputError(f"{file} is damaged or no .xz: {error}") from error
    for line in lines:
        record = _object(line, file)
        run_id = _name(record, "run_id", file)
        if record.get("checksum") != record_checksum(record):
            raise InputError(f"{file} is damaged: the record of run {run_id} does not match its checksum")
        yield record_path(store, run_id), line


def _read(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError as error:
        raise InputError(f"{file} cannot be read: {error.strerror}; allowed: a published study") from error


def _object(content: bytes, file: Path) -> dict[str, Any]:
    try:
        return dict(json.loads(content))
    except (ValueError, TypeError, RecursionError) as error:
        raise InputError(f"{file} is damaged or no JSON: {error}") from error


def _name(content: dict[str, Any], key: str, file: Path) -> str:
    name = content.get(key)
    if not isinstance(name, str) or not NAME.fullmatch(name):
        raise InputError(f"{file} has {key} {name!r}; allowed: a name")
    return name
