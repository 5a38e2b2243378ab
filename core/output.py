"""What commands print: no output may end what it tells of.

A terminal may lack a character, a reader such as ``head`` may leave, and a log may be on a full disk.
"""

import io
import os
import sys
import textwrap
from contextlib import suppress
from pathlib import Path
from typing import TextIO

WIDTH = 80
"""Of what is printed; a word that is longer is not cut, so that it can be copied."""


def wrapped(text: str, first: str = "", other: str | None = None) -> str:
    """Return a text in lines of `WIDTH`, broken at spaces alone.

    Parameters
    ----------
    text : str
    first, other : str
        What the first line and the others begin with; the same, unless `other` is given.
    """
    return textwrap.fill(
        text,
        WIDTH,
        initial_indent=first,
        subsequent_indent=first if other is None else other,
        break_long_words=False,
        break_on_hyphens=False,
    )


def steady() -> None:
    """Make printing safe for the rest of this process; to be called by whoever is started as a command.

    A character that the terminal lacks is printed as its number, as ``\\u2014``. What a reader that has left would have
    read is dropped. Standard output on a full disk stays an error, since it is what was asked for; what is told beside
    it, on standard error, is dropped.
    """
    sys.stdout = _steady(sys.stdout, BrokenPipeError)
    sys.stderr = _steady(sys.stderr, OSError)


def encodable() -> None:
    """Make printing of characters that the log lacks safe in a process that executes runs: plug-ins may print."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def say(line: str) -> None:
    """Print a line on standard error, in one call, so that lines of several processes do not mix; or drop it."""
    with suppress(OSError, ValueError, AttributeError):  # It is closed, or there is none.
        encoding = getattr(sys.stderr, "encoding", None) or "utf-8"
        sys.stderr.write(f"{line}\n".encode(encoding, "backslashreplace").decode(encoding))
        sys.stderr.flush()


class _Steady(io.TextIOWrapper):
    """A stream that goes nowhere from the first of some errors on."""

    dropped: type[OSError] = BrokenPipeError

    def write(self, text: str, /) -> int:
        """Write a text, or drop it."""
        try:
            return super().write(text)
        except self.dropped:
            self._go_nowhere()
        return len(text)

    def flush(self) -> None:
        """Write what waits, or drop it."""
        try:
            super().flush()
        except self.dropped:
            self._go_nowhere()
            super().flush()

    def _go_nowhere(self) -> None:
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, self.fileno())
        os.close(nowhere)


def _steady(stream: TextIO | None, dropped: type[OSError]) -> TextIO:
    if stream is None:  # It was closed before this process was started; the next file would take its number.
        return Path(os.devnull).open("w", encoding="utf-8")
    if not isinstance(stream, io.TextIOWrapper) or isinstance(stream, _Steady):
        return stream  # That of a notebook, which takes everything.
    steady = _Steady(
        stream.buffer,
        encoding=stream.encoding,
        errors="backslashreplace",
        line_buffering=stream.line_buffering,
        write_through=stream.write_through,
    )
    steady.dropped = dropped
    return steady


def count(items: int, name: str) -> str:
    """Return a number of things, such as ``1 seed`` or ``2 seeds``."""
    return f"{items} {name}" + "s" * (items != 1)
