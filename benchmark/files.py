"""Files that are either whole or not there."""

import os
import uuid
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path


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


def remove_temporaries(path: Path) -> None:
    """Remove what processes left that were killed while they wrote `path`; nobody may be writing it now."""
    for temporary in path.parent.glob(f".{path.name}.*.tmp"):
        temporary.unlink(missing_ok=True)
