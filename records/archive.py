"""The records of a study in one small file, as they are published, and back."""

import json
import lzma
import re
import shutil
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from supernet_bench.core.errors import InputError
from supernet_bench.core.files import is_litter
from supernet_bench.records.damage import Damaged
from supernet_bench.records.form import unseal
from supernet_bench.records.layout import manifest_path, record_path
from supernet_bench.records.manifest import Manifest, read_published_manifest
from supernet_bench.records.proxies import ProxyScores, pack_scores, parse_scores, write_scores

RECORDS = "records.jsonl.xz"
PROXIES = "proxies.jsonl.xz"
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


def pack_proxies(found: Iterable[ProxyScores]) -> bytes:
    """Return scores of proxies, compressed, one proxy per line in the order of their keys."""
    lines = (pack_scores(scores) for scores in sorted(found, key=lambda scores: scores.task.key))
    return lzma.compress(b"".join(line + b"\n" for line in lines), preset=9)


def _line(content: bytes) -> bytes:
    """Return a record on one line, as all are that the suite wrote; its checksum does not depend on that."""
    return json.dumps(json.loads(content)).encode() if b"\n" in content else content


@contextmanager
def unpack(folder: Path) -> Iterator[Path]:
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
        manifest = read_published_manifest(folder / MANIFEST)
        path = manifest_path(store, _name(manifest.study, "study", folder / MANIFEST))
        runs = {run.run_id for run in manifest.runs}
        for folder_of in (path.parent, record_path(store, "").parent):
            folder_of.mkdir()
        shutil.copyfile(folder / MANIFEST, path)
        for run_id, line in _records(folder / RECORDS):
            if run_id not in runs:
                raise InputError(f"{folder / RECORDS} has run {run_id}, which is not in {folder / MANIFEST}")
            path = record_path(store, run_id)
            if path.exists():
                raise InputError(f"{folder / RECORDS} has run {run_id} twice; allowed: once")
            path.write_bytes(line)
        _unpack_proxies(folder / PROXIES, manifest, store)
        yield store


def _unpack_proxies(file: Path, manifest: Manifest, store: Path) -> None:
    """Write the scores of proxies to a store; studies that have none, as older ones, have no such file."""
    if not file.exists():
        return
    for line in _lines(file):
        try:
            scores = parse_scores(line, file)
        except Damaged as damage:
            raise InputError(f"{file} is damaged: {damage.reason}") from damage
        if scores.task.key not in manifest.proxies.values():
            raise InputError(f"{file} has scores {scores.task.key}, which are not in {file.parent / MANIFEST}")
        write_scores(store, scores)


def _lines(file: Path) -> list[bytes]:
    try:
        return lzma.decompress(file.read_bytes()).splitlines()
    except OSError as error:
        raise InputError(f"{file} cannot be read: {error.strerror}; allowed: a published study") from error
    except lzma.LZMAError as error:
        raise InputError(f"{file} is damaged or no .xz: {error}") from error


def _records(file: Path) -> Iterator[tuple[str, bytes]]:
    """Yield the run of each record, and the content of its file in a store.

    Whether a report can be made from it is seen when it is read there.
    """
    try:
        for line in _lines(file):
            yield _name(unseal(line, file, "record").get("run_id"), "run_id", file), line
    except Damaged as damage:
        raise InputError(f"{file} is damaged: {damage.reason}") from damage


def _name(name: object, field: str, file: Path) -> str:
    if not isinstance(name, str) or not NAME.fullmatch(name):
        raise InputError(f"{file} has {field} {name!r}; allowed: a name")
    return name
