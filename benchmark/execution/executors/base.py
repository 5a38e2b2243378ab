"""What executes runs, who is told, and what all executors share: how a run is started and the devices."""

import importlib
import pkgutil
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from itertools import cycle, islice
from types import ModuleType
from typing import Any, Protocol

from supernet_bench.benchmark.execution.worker import ATTEMPTS, Execution, describe, execute, killed, write_failure
from supernet_bench.benchmark.plugins.contracts import with_line
from supernet_bench.benchmark.plugins.registry import use_files
from supernet_bench.benchmark.study.spec import RunSpec
from supernet_bench.core.errors import InputError, unknown
from supernet_bench.core.files import resolved
from supernet_bench.records.leases import Held, Lost, latest, take
from supernet_bench.records.store import Store


class Watcher(Protocol):
    """Who is told how runs get on."""

    def advanced(self, spec: RunSpec, share: float) -> None:
        """A share of a run is done."""

    def ended(self, spec: RunSpec, status: str) -> None:
        """A run has a record."""


class Executor(Protocol):
    """Executes runs; what is in the store afterwards does not depend on which.

    An executor is a module of this folder with the function ``make(resources, runs)``, which returns one for a study
    of that many runs. It is chosen by the name of the module, and imported only then; what it needs beyond PyTorch and
    NumPy is the extra of the same name.
    """

    def run(self, specs: Sequence[RunSpec], watcher: Watcher) -> None:
        """Return when each run has a record, or is executed by somebody else.

        Raises
        ------
        InputError, OSError
            If a run cannot be executed for a reason that the user can mend.
        """


def executor_names() -> list[str]:
    """Return the names of all executors, without importing them."""
    folder = importlib.import_module("supernet_bench.benchmark.execution.executors")
    names = [module.name for module in pkgutil.iter_modules(folder.__path__)]
    return [name for name in names if name != "base" and name.isidentifier()]


def find_executor(name: str) -> ModuleType:
    """Return the module of an executor.

    Raises
    ------
    InputError
        If there is none of that name, a package that it needs is not installed, or it is none.
    """
    if name not in executor_names():
        raise unknown("executor", name, executor_names())
    try:
        module = importlib.import_module(f"supernet_bench.benchmark.execution.executors.{name}")
    except ModuleNotFoundError as error:
        raise InputError(
            f"executor {name!r} needs the package {error.name}; install it: pip install 'supernet-bench[{name}]'"
        ) from None
    except Exception as error:  # A plug-in may fail to import in any way.
        raise InputError(f"executor {name!r} cannot be imported: {with_line(error)}") from error
    if not callable(getattr(module, "make", None)):
        raise InputError(f"executor {name!r} has no function make; allowed: {module.__name__}.make(resources, runs)")
    return module


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
    """Execute one run in this process; return False if somebody else executes it, else it has a record now.

    Raises
    ------
    InputError, OSError
        As `benchmark.execution.worker.execute` does; nothing is recorded then.
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


def _record_failure(store: Store, spec: RunSpec, error: Mapping[str, str]) -> bool:
    """Record that a run failed outside of training; return False if somebody else executes it."""
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


def share_devices(devices: Sequence[str], count: int) -> tuple[str, ...]:
    """Return the device of each of `count` places for a run, so that neighbours are on different devices."""
    return tuple(islice(cycle(devices), count))


class Starts:
    """Counts processes that died before they had taken the lease of their run; those that had it leave it as a sign.

    Parameters
    ----------
    store : Store
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._deaths: Counter[str] = Counter()
        self._before: dict[str, tuple[int, int]] = {}

    def start(self, spec: RunSpec) -> None:
        """Note what there is of a run when a process is started for it."""
        self._before[spec.run_id] = self._traces(spec)

    def exhausted(self, spec: RunSpec, how: str) -> bool:
        """Return whether a run whose process died is not to be started again; that is recorded as its failure.

        Parameters
        ----------
        spec : RunSpec
        how : str
            What happened, as in "the process ended with code -9".
        """
        began = self._traces(spec) != self._before[spec.run_id]
        self._deaths[spec.run_id] = 0 if began else self._deaths[spec.run_id] + 1
        if self._deaths[spec.run_id] < ATTEMPTS:
            return False
        _record_failure(self._store, spec, killed(f"{how}, {ATTEMPTS} times"))
        return True

    def _traces(self, spec: RunSpec) -> tuple[int, int]:
        """Return the newest lease of a run, and when it was last saved."""
        return latest(self._store.folder, spec.run_id), self._store.saved_at(spec.run_id)
