"""Progress of a study: bars with the time left on a terminal, one line per run elsewhere."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from time import monotonic

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

from benchmark.executors import Watcher
from benchmark.spec import RunSpec


@contextmanager
def watch(runs: int, recorded: int) -> Iterator[Watcher]:
    """Show how the runs of a study get on, `recorded` of which need not be done."""
    console = Console(stderr=True)
    if not console.is_terminal:
        yield Lines(runs, recorded)
        return
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TextColumn("left"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console, transient=True) as progress:
        yield Bars(progress, runs, recorded)


@contextmanager
def spinner(what: str) -> Iterator[None]:
    """Show that something of unknown length is going on, on a terminal."""
    console = Console(stderr=True)
    if not console.is_terminal:
        yield
        return
    with console.status(what):
        yield


class Bars:
    """One bar for the study and one for each run that is being executed."""

    def __init__(self, progress: Progress, runs: int, recorded: int) -> None:
        self._progress = progress
        self._whole = progress.add_task("runs", total=runs, completed=recorded)
        self._recorded = recorded
        self._tasks: dict[str, int] = {}
        self._shares: dict[str, float] = {}

    def advanced(self, spec: RunSpec, share: float) -> None:
        """A share of a run is done."""
        if spec.run_id not in self._tasks:
            self._tasks[spec.run_id] = self._progress.add_task(f"  {_words(spec)}", total=1.0)
        self._shares[spec.run_id] = share
        self._progress.update(self._tasks[spec.run_id], completed=share)  # type: ignore[arg-type]
        self._progress.update(self._whole, completed=self._recorded + sum(self._shares.values()))

    def ended(self, spec: RunSpec, status: str) -> None:
        """A run has a record."""
        self.advanced(spec, 1.0)
        self._progress.remove_task(self._tasks[spec.run_id])  # type: ignore[arg-type]
        if status == "failed":
            self._progress.console.print(f"{spec.run_id} failed: {_words(spec)}")


class Lines:
    """One line per finished run, on standard error."""

    def __init__(self, runs: int, recorded: int) -> None:
        self._runs, self._recorded, self._done = runs, recorded, 0
        self._started = monotonic()

    def advanced(self, spec: RunSpec, share: float) -> None:
        """Say nothing."""

    def ended(self, spec: RunSpec, status: str) -> None:
        """A run has a record."""
        self._done += 1
        left = self._runs - self._recorded - self._done
        minutes = (monotonic() - self._started) / self._done * left / 60
        print(
            f"[{self._recorded + self._done}/{self._runs}] {spec.run_id} {status}, {_words(spec)}; "
            f"about {minutes:.1f} min left",
            file=sys.stderr,
            flush=True,
        )


def _words(spec: RunSpec) -> str:
    names = ", ".join(
        " ".join([name, *(f"{key}={value}" for key, value in values.items())])
        for name, values in spec.heuristics.items()
    )
    return f"{names or 'defaults'}, {spec.training.epochs} epochs, seed {spec.seed}"
