"""Files that cannot be trusted: named in one line, and set aside rather than deleted."""

import uuid
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from supernet_bench.core.errors import InputError
from supernet_bench.core.output import say
from supernet_bench.records.layout import damaged_path

T = TypeVar("T")


class Damaged(InputError):
    """A file of a store is cut off, changed, or not what its name says.

    Attributes
    ----------
    path : Path
    reason : str
    """

    def __init__(self, path: Path, reason: str) -> None:
        super().__init__(f"{path} is damaged: {reason}; `supernet-bench run` sets it aside and does its run again")
        self.path, self.reason = path, reason

    def __reduce__(self) -> tuple[type, tuple[Path, str]]:
        return type(self), (self.path, self.reason)  # Engines send errors between processes.


def unless_damaged(store: Path, read: Callable[[], T]) -> T | None:
    """Return what `read` returns, or None after the file that it says is damaged was set aside; see `set_aside`."""
    try:
        return read()
    except Damaged as damage:
        set_aside(store, damage)
        return None


def set_aside(store: Path, damage: Damaged) -> None:
    """Move a damaged file to a name of its own in the folder of damaged files, and say so on standard error.

    Only the holder of the lease of a run may do that to its record and checkpoint: somebody else might be replacing
    the file by a good one at this moment.

    Parameters
    ----------
    store : Path
    damage : Damaged
    """
    path = damage.path
    kept = damaged_path(store, f"{path.stem}.{uuid.uuid4().hex[:12]}{path.suffix}")
    kept.parent.mkdir(parents=True, exist_ok=True)
    path.replace(kept)
    say(f"warning: {path} is damaged: {damage.reason}; it was moved to {kept}")
