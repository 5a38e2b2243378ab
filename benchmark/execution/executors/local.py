"""Runs on this machine: one process each, a bounded number at once."""

import multiprocessing
import signal
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from multiprocessing.connection import Connection, wait
from multiprocessing.context import BaseContext
from time import monotonic
from typing import TYPE_CHECKING, Any

from supernet_bench.benchmark.execution.executors.base import Starts, Watcher, attempt, received
from supernet_bench.benchmark.execution.worker import Execution
from supernet_bench.benchmark.study.spec import RunSpec
from supernet_bench.core.errors import InputError
from supernet_bench.core.output import encodable
from supernet_bench.records.store import Store

if TYPE_CHECKING:
    from supernet_bench.benchmark.execution.driver import Resources

LEAVE_SECONDS = 10.0
"""How long processes that are told to end may take to remove their temporary files."""


def make(resources: "Resources", runs: int) -> "LocalExecutor":
    """Return the executor for a study of `runs` runs."""
    places = resources.places(runs)
    return LocalExecutor(resources.execution(resources.threads_for(len(places))), places)


@dataclass
class _Child:
    spec: RunSpec
    place: str
    process: Any
    messages: Connection
    held: bool = False


@dataclass(frozen=True)
class LocalExecutor:
    """One process per run on this machine.

    A run whose process is killed is started again and continues from its last checkpoint; one that is killed three
    times without getting on is recorded as failed. When this process is interrupted or killed, the children end too,
    at the latest with their epoch.

    Attributes
    ----------
    execution : Execution
    places : tuple of str
        The device of each process; there are as many at once.
    """

    execution: Execution
    places: tuple[str, ...]

    def run(self, specs: Sequence[RunSpec], watcher: Watcher) -> None:
        """Execute all runs; see `Executor`."""
        context = process_context()
        starts = Starts(Store(self.execution.store))
        waiting, free = list(reversed(specs)), list(reversed(self.places))
        running: dict[int, _Child] = {}
        try:
            while waiting or running:
                while waiting and free:
                    starts.start(waiting[-1])
                    child = self._start(context, waiting.pop(), free.pop())
                    running[child.process.sentinel] = child
                for sentinel in _ready(running, watcher):
                    child = running.pop(sentinel)
                    free.append(child.place)
                    if not self._is_settled(child, starts, watcher):
                        waiting.append(child.spec)
        finally:
            _end([child.process for child in running.values()])

    def _start(self, context: BaseContext, spec: RunSpec, place: str) -> _Child:
        receiver, sender = multiprocessing.Pipe(duplex=False)
        process = context.Process(  # type: ignore[attr-defined]
            target=_work, args=(spec.canonical(), replace(self.execution, device=place), sender), daemon=True
        )
        process.start()
        sender.close()
        return _Child(spec, place, process, receiver)

    def _is_settled(self, child: _Child, starts: Starts, watcher: Watcher) -> bool:
        """Return whether a run whose process has ended need not be started again."""
        _deliver(child, watcher)
        child.process.join()
        if child.held:
            return True
        store = Store(self.execution.store)
        record = store.read_record(child.spec.run_id)
        if record is None:
            how = f"the process ended with code {child.process.exitcode}"
            if not starts.exhausted(child.spec, how):
                return False
            record = store.read_record(child.spec.run_id)
        if record is not None:  # Without one, somebody else has taken the run over.
            watcher.ended(child.spec, record.status)
        return True


def process_context() -> BaseContext:
    """Return how processes are started.

    On Linux they are forked from a server that has imported PyTorch once; elsewhere that is not safe, or not there.
    """
    if sys.platform != "linux":
        return multiprocessing.get_context("spawn")
    from multiprocessing import forkserver  # Not there on Windows.

    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["supernet_bench.benchmark.execution.preload"])
    with _interrupts_ignored():
        forkserver.ensure_running()
    return context


@contextmanager
def _interrupts_ignored() -> Iterator[None]:
    """Have processes that are started meanwhile ignore Ctrl-C from their first instruction on; the parent ends them."""
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def _end(processes: Sequence[Any]) -> None:
    """End processes, by force where one does not heed: it may be stopped, or be where an exception is lost."""
    for process in processes:
        process.terminate()
    deadline = monotonic() + LEAVE_SECONDS
    for process in processes:
        process.join(max(0.0, deadline - monotonic()))
        process.kill()
        process.join()


def _ready(running: dict[int, _Child], watcher: Watcher) -> list[int]:
    """Wait for news, pass it on, and return the sentinels of the processes that have ended."""
    by_messages = {child.messages: child for child in running.values()}
    ready = wait([*by_messages, *running])
    for item in ready:
        if item in by_messages and not _deliver(by_messages[item], watcher):
            # A closed pipe stays ready for ever; the sentinel tells the rest.
            sentinel = by_messages[item].process.sentinel
            wait([sentinel])
            return [sentinel]
    return [item for item in ready if item in running]


def _deliver(child: _Child, watcher: Watcher) -> bool:
    """Pass on all messages of a child; return whether more may come."""
    try:
        while child.messages.poll():
            kind, value = child.messages.recv()
            if kind == "error":
                raise InputError(value)
            if kind == "held":
                child.held = True
            else:
                watcher.advanced(child.spec, value)
    except (EOFError, BrokenPipeError):
        return False
    return True


def _work(tables: dict[str, Any], execution: Execution, messages: Connection) -> None:
    """Execute one run in a process of its own."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # The parent is told too, and ends its children.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # By an exception, so that temporary files go.
    encodable()
    try:
        if not attempt(received(tables, execution), execution, _sender(messages)):
            _send_last(messages, "held", None)
    except (InputError, OSError) as error:
        _send_last(messages, "error", str(error))
    finally:
        messages.close()


def _sender(messages: Connection) -> Callable[[float], None]:
    def advance(share: float) -> None:
        try:
            messages.send(("advance", share))
        except BrokenPipeError:
            # The parent is gone, and whoever continues the study will execute this run. By an exception, so that
            # the lease is released.
            sys.exit(1)

    return advance


def _send_last(messages: Connection, kind: str, value: str | None) -> None:
    with suppress(BrokenPipeError):  # The parent is gone.
        messages.send((kind, value))
