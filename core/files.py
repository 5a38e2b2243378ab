"""Files that are either whole or not there."""

import errno
import os
import re
import uuid
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from supernet_bench.core.errors import InputError

ABSENT = (errno.ENOENT, errno.ESTALE)
"""What says that there is no file: network file systems say ``ESTALE`` of one that was replaced since it was found."""


LITTER = re.compile(
    r"\..*|.*~|#.*#|.*\.(sw[a-p]|bak|orig|part|crdownload)|.*conflicted copy.*|.*\.sync-conflict-.*"
    r"|(eh)?thumbs\.db|desktop\.ini|icon\r|__pycache__|@eadir|lost\+found",
    re.IGNORECASE,
)
"""Names of files that operating systems, editors and sync programs leave in folders; hidden ones are never data."""


def is_litter(name: str) -> bool:
    """Return whether a file or folder is one that other programs leave beside ours; it is neither read nor removed."""
    return LITTER.fullmatch(name) is not None


def resolved(path: Path) -> Path:
    """Return the absolute path without links; a circle of links is an OSError, as for whoever opens the file."""
    try:
        return path.resolve()
    except RuntimeError:  # Of Python before 3.13.
        raise OSError(errno.ELOOP, os.strerror(errno.ELOOP), str(path)) from None


def check_writable(folder: Path, option: str) -> None:
    """Raise InputError unless files can be written to a folder, which may have to be made.

    Parameters
    ----------
    folder : Path
    option : str
        By what the user named it. What fails later names a file in it, of which the user need not know.
    """
    place = next(path for path in (folder.absolute(), *folder.absolute().parents) if os.path.lexists(path))
    if not place.is_dir() or not os.access(place, os.W_OK):
        raise InputError(f"{option} is {folder}, and {place} cannot be written; allowed: a folder that can")


def write_atomically(path: Path, content: bytes, guard: Callable[[], None] = lambda: None) -> None:
    """Write `content` to `path` so that a reader never sees a part of it.

    The bytes go to a temporary file in the same folder, reach the disk, and take the final name in one step.
    Whatever fails before that step leaves an older file at `path` as it was and no temporary file behind.

    Parameters
    ----------
    path : Path
        The final name; missing folders are made.
    content : bytes
        The whole content.
    guard : callable
        Called when all is on the disk but the name; what it raises has nothing written.

    Raises
    ------
    OSError
        With the name of the file, if the folder cannot be written, or the disk is full.
    """
    temporary = path.with_name(f".{path.name}.{uuid.uuid4().hex}.tmp")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with temporary.open("xb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        guard()
        temporary.replace(path)
    except OSError as error:
        raise OSError(error.errno, f"cannot be written: {error.strerror}", str(path)) from error
    finally:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)


def read_if_there(path: Path) -> bytes | None:
    """Return the content of a file, or None if there is none; one that is just being replaced is looked for again."""
    try:
        try:
            return path.read_bytes()
        except OSError as error:
            if error.errno != errno.ESTALE:
                raise
            return path.read_bytes()
    except FileNotFoundError:
        return None


def saved_at(path: Path) -> int:
    """Return when a file was last written, nanoseconds; 0 if there is none."""
    try:
        return path.stat().st_mtime_ns
    except OSError as error:
        if error.errno in ABSENT:
            return 0
        raise


def remove_temporaries(path: Path) -> None:
    """Remove what processes left that were killed while they wrote `path`; nobody may be writing it now."""
    for temporary in path.parent.glob(f".{path.name}.*.tmp"):
        temporary.unlink(missing_ok=True)
