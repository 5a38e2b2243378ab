"""How work that takes long gets on: who does it tells a `Progress`, and who shows that to people is one.

What takes long consists of parts, such as the runs of a study. How many there are may be known beforehand or not.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True)
class Part:
    """A part of what takes long.

    Attributes
    ----------
    name : str
        Different for each part that there is at the same time.
    words : str
        What it is, for people; the name, unless given.
    """

    name: str
    words: str = ""

    def __str__(self) -> str:
        return self.words or self.name


class Progress(Protocol):
    """Who is told how work gets on; always in the thread that does the work."""

    def started(self, total: int, done: int) -> None:
        """There are `total` parts, `done` of which were done before."""

    def advanced(self, part: Part, share: float | None) -> None:
        """A share of a part is done, in [0, 1], or None where it is not known; at 1 the part is over.

        It is less than before where the part had to begin again.
        """

    def ended(self, part: Part, outcome: str) -> None:
        """One of the parts that were counted has ended, and how."""


class Silent:
    """Shows nothing."""

    def started(self, total: int, done: int) -> None:
        """Show nothing."""

    def advanced(self, part: Part, share: float | None) -> None:
        """Show nothing."""

    def ended(self, part: Part, outcome: str) -> None:
        """Show nothing."""


SILENT = Silent()

_shown: ContextVar[Progress] = ContextVar("shown", default=SILENT)


@contextmanager
def showing(progress: Progress) -> Iterator[None]:
    """Tell `progress` of the downloads of the block.

    These begin deep inside of plug-ins, whose authors need not know of it; all else is told whom it is given.
    """
    before = _shown.set(progress)
    try:
        yield
    finally:
        _shown.reset(before)


def shown() -> Progress:
    """Return who is told of downloads."""
    return _shown.get()


class Shares:
    """Turns numbers of equal things that are done into shares, and tells the noticeable ones.

    Parameters
    ----------
    total : int
    advance : callable
        Told the share that is done, in (0, 1].
    noticeable : int
        Into how many shares of the whole are told; to tell may cost as much as one of the things.
    """

    def __init__(self, total: int, advance: Callable[[float], None], noticeable: int = 1000) -> None:
        self._done, self._total, self._advance, self._noticeable = 0, total, advance, noticeable

    def add(self, count: int) -> None:
        """Take note that some more are done."""
        told = self._done * self._noticeable // self._total
        self._done += count
        if self._done * self._noticeable // self._total > told:
            self._advance(self._done / self._total)
