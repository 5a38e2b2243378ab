"""Folders of generated files, which appear whole or not at all."""

import shutil
import uuid
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmark.errors import InputError


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
    except BaseException:
        if old.exists() and not folder.exists():
            old.replace(folder)
        shutil.rmtree(new, ignore_errors=True)
        raise
    shutil.rmtree(old, ignore_errors=True)


def check_replaceable(folder: Path, contents: Collection[str]) -> None:
    """Raise InputError if writing to `folder` would delete something that is not among `contents`."""
    if folder.exists() and not folder.is_dir():
        raise InputError(f"report folder {folder} is a file")
    foreign = sorted({path.name for path in folder.iterdir()} - set(contents)) if folder.exists() else []
    if foreign:
        raise InputError(f"report folder {folder} holds {foreign[0]!r}; allowed: an empty folder or an older report")
