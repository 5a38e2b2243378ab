"""Progress of what takes long, for people: bars with the time left on a terminal, plain lines or nothing elsewhere.

A bare training machine has no rich, so it is imported where it is used.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from time import monotonic
from typing import Any

from supernet_bench.core.output import say
from supernet_bench.core.progress import SILENT, Part, Progress, showing


@contextmanager
def progress_shown(elsewhere: Progress = SILENT) -> Iterator[Progress]:
    """Show on a terminal how what is done in the block gets on, its downloads included.

    Parameters
    ----------
    elsewhere : Progress
        Who is told where standard error is no terminal, or there is no rich.
    """
    console = _terminal()
    if console is None:
        with showing(elsewhere):
            yield elsewhere
        return
    with bars_on(console) as bars, showing(shown := Bars(bars)):
        yield shown


def _terminal() -> Any:
    """Return rich's console of standard error, if that is a terminal and rich is there, else None."""
    try:
        from rich.console import Console
    except ImportError:
        return None
    console = Console(stderr=True)
    return console if console.is_terminal else None


def bars_on(console: Any) -> Any:
    """Return rich's progress of our columns."""
    from rich import progress
    from rich.table import Column

    return progress.Progress(
        # Wrapped, since rich would cut it.
        progress.TextColumn("{task.description}", table_column=Column(overflow="fold")),
        progress.BarColumn(bar_width=16),
        progress.MofNCompleteColumn(),
        progress.TimeElapsedColumn(),
        progress.TextColumn("left"),
        progress.TimeRemainingColumn(),
        console=console,
        transient=True,
    )


class Bars:
    """One bar for all parts, if they were counted, and one for each that is being done.

    Parameters
    ----------
    bars : rich.progress.Progress
    """

    def __init__(self, bars: Any) -> None:
        self._bars = bars
        self._whole: Any = None
        self._before = 0
        self._tasks: dict[str, Any] = {}
        self._shares: dict[str, float] = {}

    def started(self, total: int, done: int) -> None:
        """Show the bar for all parts."""
        self._whole, self._before = self._bars.add_task("runs", total=total, completed=done), done

    def advanced(self, part: Part, share: float | None) -> None:
        """Show how far a part is; one that is over goes."""
        if share == 1:
            if part.name in self._tasks:
                self._bars.remove_task(self._tasks.pop(part.name))
        else:
            if part.name not in self._tasks:
                self._tasks[part.name] = self._bars.add_task("", total=None)
            total = None if share is None else 1.0  # None leaves it as it is.
            self._bars.update(self._tasks[part.name], description=f"  {part}", completed=share or 0.0, total=total)
        if self._whole is not None and share is not None:
            self._shares[part.name] = share
            self._bars.update(self._whole, completed=self._before + sum(self._shares.values()))

    def ended(self, part: Part, outcome: str) -> None:
        """Tell of a part that failed."""
        self.advanced(part, 1.0)
        if outcome == "failed":
            self._bars.console.print(f"{part.name} failed, {part}; see: supernet-bench show")


class Lines:
    """How many runs are to be done, then a line for each that has ended, on standard error.

    Parameters
    ----------
    study : str
    store : Path
        Where their records go.
    """

    def __init__(self, study: str, store: Path) -> None:
        self._study, self._store = study, store
        self._total = self._before = self._done = 0
        self._began = monotonic()

    def started(self, total: int, done: int) -> None:
        """Say what there is to do, and begin to measure the time."""
        say(f"{self._study}: {total - done} of {total} runs to do, to {self._store}")
        self._total, self._before, self._began = total, done, monotonic()

    def advanced(self, part: Part, share: float | None) -> None:
        """Say nothing."""

    def ended(self, part: Part, outcome: str) -> None:
        """Say that a part has ended, and how long the others may take."""
        self._done += 1
        left = self._total - self._before - self._done
        minutes = (monotonic() - self._began) / self._done * left / 60
        say(f"[{self._before + self._done}/{self._total}] {part.name} {outcome}, {part}; about {minutes:.1f} min left")
