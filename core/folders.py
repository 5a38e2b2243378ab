"""Folders of generated files, which appear whole or not at all."""

import hashlib
import os
import shutil
import uuid
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path

from supernet_bench.core.errors import InputError
from supernet_bench.core.files import is_litter

SUMS = "SHA256SUMS"
"""The file that lists all others of a folder with their checksums, as `sha256sum --check` reads it."""


@contextmanager
def replaced(folder: Path, contents: Collection[str]) -> Iterator[Path]:
    """Give an empty folder that replaces `folder` if the body succeeds and is removed if it fails.

    Parameters
    ----------
    folder : Path
        Absolute path.
    contents : collection of str
        What a folder of this kind may hold.
    """
    check_replaceable(folder, contents)
    new, old = (folder.with_name(f".{folder.name}.{uuid.uuid4().hex}.{kind}") for kind in ("new", "old"))
    new.mkdir(parents=True)
    try:
        yield new
        if folder.exists():
            folder.replace(old)
        new.replace(folder)
        _keep_litter(old, folder)
    except BaseException:
        if old.exists() and not folder.exists():
            old.replace(folder)
        shutil.rmtree(new, ignore_errors=True)
        raise
    shutil.rmtree(old, ignore_errors=True)


def files_of(folder: Path) -> list[Path]:
    """Return the files below a folder, sorted, without what other programs left there."""
    found = (path for path in folder.rglob("*") if path.is_file())
    return sorted(path for path in found if not any(map(is_litter, path.relative_to(folder).parts)))


def _keep_litter(old: Path, folder: Path) -> None:
    """Move what other programs left in a folder that was replaced into the new one: it is not ours to delete."""
    for path in old.iterdir() if old.exists() else ():
        if is_litter(path.name):
            path.replace(folder / path.name)


def check_replaceable(folder: Path, contents: Collection[str]) -> None:
    """Raise InputError if `folder` cannot be written, or that would delete something that is not among `contents`."""
    place = next(parent for parent in folder.absolute().parents if os.path.lexists(parent))
    if not place.is_dir() or not os.access(place, os.W_OK):
        raise InputError(f"report folder {folder} cannot be made in {place}; allowed: in a folder that can be written")
    if folder.exists() and not folder.is_dir():
        raise InputError(f"report folder {folder} is a file")
    found = {path.name for path in folder.iterdir() if not is_litter(path.name)} if folder.exists() else set()
    foreign = sorted(found - set(contents))
    if foreign:
        raise InputError(f"report folder {folder} holds {foreign[0]!r}; allowed: an empty folder or an older report")


def write_sums(folder: Path) -> None:
    """List the files of a folder with their checksums."""
    lines = [f"{digest}  {name}\n" for name, digest in _sums(folder).items()]
    (folder / SUMS).write_text("".join(lines), encoding="utf-8")


def check_sums(folder: Path) -> list[str]:
    """Return in one line each which files of a folder are not those that were listed.

    That of a plot nothing else is checked; whoever replaces one and the list as well is not noticed.
    """
    try:
        lines = (folder / SUMS).read_text(encoding="utf-8").splitlines()
    except FileNotFoundError:
        return [f"{folder / SUMS} is not there"]
    except (OSError, UnicodeDecodeError) as error:
        return [f"{folder / SUMS} cannot be read: {error}"]
    listed = {name: digest for digest, _, name in (line.partition("  ") for line in lines)}
    found = _sums(folder)
    return [
        *(f"{folder / name} is not there" for name in listed if name not in found),
        *(f"{folder / name} does not belong to what was published" for name in found if name not in listed),
        *(
            f"{folder / name} is not as it was published: {SUMS} has another checksum"
            for name, digest in listed.items()
            if found.get(name, digest) != digest
        ),
    ]


def _sums(folder: Path) -> dict[str, str]:
    files = (path for path in files_of(folder) if path != folder / SUMS)
    return {path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}
