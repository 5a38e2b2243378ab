"""Attempts at runs: what a process does that was sent one, and what becomes of a run when its process has ended."""

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from supernet_bench.benchmark.execution.worker import ATTEMPTS, Execution, describe, execute, killed, write_failure
from supernet_bench.benchmark.plugins.registry import use_files
from supernet_bench.benchmark.study.spec import RunSpec
from supernet_bench.core.errors import InputError
from supernet_bench.core.files import resolved
from supernet_bench.core.progress import Part, Progress
from supernet_bench.core.settings import in_words, values_of
from supernet_bench.records.damage import Damaged
from supernet_bench.records.leases import Held, Lost, latest, take
from supernet_bench.records.run import Failure
from supernet_bench.records.store import Store


def received(tables: Mapping[str, Any], execution: Execution) -> RunSpec:
    """Return the run that this process was sent, with the plug-ins that it needs.

    Raises
    ------
    InputError
        If there is no such run here, as where a package that brings a plug-in is not installed.
    """
    use_files(execution.plugins)
    return RunSpec.from_tables(tables)


def attempt(spec: RunSpec, execution: Execution, advance: Callable[[float], None] = lambda share: None) -> bool:
    """Execute one run in this process; return False if another one executes it, else it has a record now.

    Raises
    ------
    InputError, OSError
        As `execute` does; nothing is recorded then.
    """
    try:
        execute(spec, execution, advance)
    except (Held, Lost):
        return False
    except (InputError, OSError):
        raise
    except Exception as failure:  # It could not even be started; that is a result too.
        return _record_failure(Store(execution.store), spec, describe(failure))
    return True


def _record_failure(store: Store, spec: RunSpec, error: Failure) -> bool:
    """Record that a run failed outside of training; return False if another process executes it."""
    try:
        with take(store.folder, spec.run_id):
            if store.usable_record(spec.run_id) is None:
                write_failure(store, spec, error)
    except Held:
        return False
    return True


def anywhere(execution: Execution) -> Execution:
    """Return how a process that was started in another folder, or on another machine, executes the same."""
    return replace(execution, store=resolved(execution.store), data=execution.data and resolved(execution.data))


class Attempts:
    """The runs of a study while they are executed: which processes died of them, and which have ended.

    A process that dies with the lease of its run leaves it as a sign, which the next owner counts; those that die
    before they have it are counted here.

    Parameters
    ----------
    store : Store
    progress : Progress
        Told of each run that it has ended once, whether it was executed here or by others.
    """

    def __init__(self, store: Store, progress: Progress) -> None:
        self._store, self._progress = store, progress
        self._deaths: Counter[str] = Counter()
        self._before: dict[str, tuple[int, int]] = {}
        self._ended: set[str] = set()

    def started(self, spec: RunSpec) -> None:
        """Note what there is of a run when a process is started for it."""
        self._before[spec.run_id] = self._traces(spec)

    def advanced(self, spec: RunSpec, share: float) -> None:
        """Tell that a share of a run is done."""
        self._progress.advanced(part_of(spec), share)

    def has_ended(self, spec: RunSpec) -> bool:
        """Return whether a run has a good record, and tell that it has ended; who executes it mends a damaged one."""
        try:
            record = self._store.read_record(spec.run_id)
        except Damaged:
            return False
        if record is not None and spec.run_id not in self._ended:
            self._ended.add(spec.run_id)
            self._progress.ended(part_of(spec), record.status)
        return record is not None

    def settled(self, spec: RunSpec, death: str | None = None) -> bool:
        """Return whether a run whose process has ended is not to be started again.

        That is so if it has a record, if another process executes it, or if it killed `ATTEMPTS` processes, which is
        recorded as its failure.

        Parameters
        ----------
        spec : RunSpec
        death : str, optional
            How the process died, as in "the process ended with code -9"; None if it left the run to another one.
        """
        if self.has_ended(spec):
            return True
        if death is not None and not self._exhausted(spec, death):
            return False
        self.has_ended(spec)
        return True

    def _exhausted(self, spec: RunSpec, death: str) -> bool:
        """Return whether a run is given up, after it has killed one more process."""
        began = self._traces(spec) != self._before[spec.run_id]
        self._deaths[spec.run_id] = 0 if began else self._deaths[spec.run_id] + 1
        if self._deaths[spec.run_id] < ATTEMPTS:
            return False
        _record_failure(self._store, spec, killed(f"{death}, {ATTEMPTS} times"))
        return True

    def _traces(self, spec: RunSpec) -> tuple[int, int]:
        """Return the newest lease of a run, and when it was last saved."""
        return latest(self._store.folder, spec.run_id), self._store.saved_at(spec.run_id)


def part_of(spec: RunSpec) -> Part:
    """Return a run as a part of its study, in words."""
    names = ", ".join(f"{each.name} {in_words(values_of(each))}".strip() for each in spec.heuristics)
    return Part(spec.run_id, f"{names or 'defaults'}, {spec.training.epochs} epochs, seed {spec.seed}")
