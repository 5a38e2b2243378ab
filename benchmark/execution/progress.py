"""Progress of what takes long: bars with the time left on a terminal, plain lines or nothing elsewhere.

A bare training machine has no rich, so it is imported where it is used.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from time import monotonic
from typing import TYPE_CHECKING

from supernet_bench.benchmark.execution.executors.base import Watcher
from supernet_bench.benchmark.study.spec import RunSpec
from supernet_bench.core.output import say
from supernet_bench.core.settings import in_words, values_of

if TYPE_CHECKING:
    from rich.console import Console
    from rich.progress import Progress


@contextmanager
def watch(runs: int, recorded: int) -> Iterator[Watcher]:
    """Show how the runs of a study get on, `recorded` of which need not be done."""
    console = _terminal()
    if console is None:
        yield Lines(runs, recorded)
        return
    with _bars(console) as progress:
        yield Bars(progress, runs, recorded)


@contextmanager
def counting(what: str) -> Iterator[Callable[[int, int], None]]:
    """Show on a terminal how many of a number of things are done."""
    console = _terminal()
    if console is None:
        yield lambda done, total: None
        return
    with _bars(console) as progress:
        task = progress.add_task(what, total=None)
        yield lambda done, total: progress.update(task, completed=done, total=total)


@contextmanager
def telling(what: str) -> Iterator[Callable[[str], None]]:
    """Show on a terminal what is being done now."""
    console = _terminal()
    if console is None:
        yield lambda line: None
        return
    with console.status(what) as status:
        yield lambda line: status.update(f"{what}: {line}")


def _terminal() -> "Console | None":
    """Return rich's console of standard error, if that is a terminal and rich is there."""
    try:
        from rich.console import Console
    except ImportError:
        return None
    console = Console(stderr=True)
    return console if console.is_terminal else None


def _bars(console: "Console") -> "Progress":
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
    """One bar for the study and one for each run that is being executed."""

    def __init__(self, progress: "Progress", runs: int, recorded: int) -> None:
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
            self._progress.console.print(f"{spec.run_id} failed, {_words(spec)}; see: supernet-bench show")


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
        say(
            f"[{self._recorded + self._done}/{self._runs}] {spec.run_id} {status}, {_words(spec)}; "
            f"about {minutes:.1f} min left"
        )


def _words(spec: RunSpec) -> str:
    names = ", ".join(f"{each.name} {in_words(values_of(each))}".strip() for each in spec.heuristics)
    return f"{names or 'defaults'}, {spec.training.epochs} epochs, seed {spec.seed}"
