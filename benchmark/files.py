"""Files that are either whole or not there."""

import os
import tempfile
from pathlib import Path


def write_atomically(path: Path, content: bytes) -> None:
    """Write `content` to `path` so that a reader never sees a part of it.

    The bytes go to a temporary file in the same folder, reach the disk, and take the final name in one step.
    Whatever fails before that step leaves an older file at `path` as it was and no temporary file behind.

    Parameters
    ----------
    path : Path
        The final name; missing folders are made.
    content : bytes
        The whole content.

    Raises
    ------
    OSError
        If the folder cannot be written, or the disk is full.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=".tmp")
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
