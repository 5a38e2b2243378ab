"""Executing many runs: one process each, a bounded number at once."""

import multiprocessing
import os
import signal
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from multiprocessing.context import BaseContext
from typing import Any, Protocol

from benchmark.errors import InputError
from benchmark.spec import RunSpec
from benchmark.store import Store
from benchmark.worker import Execution, describe, execute, result

ATTEMPTS = 3
"""How often a run is started whose process was killed."""


class Watcher(Protocol):
    """Who is told how runs get on."""

    def advanced(self, spec: RunSpec, share: float) -> None:
        """A share of a run is done."""

    def ended(self, spec: RunSpec, status: str) -> None:
        """A run has a record."""


class Executor(Protocol):
    """Executes runs; what is in the store afterwards does not depend on which."""

    def run(self, specs: Sequence[RunSpec], watcher: Watcher) -> None:
        """Execute all runs.

        Raises
        ------
        InputError
            If a run cannot be executed for a reason that the user can mend.
        """


def cores() -> int:
    """Return the number of processors that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


@dataclass
class _Child:
    spec: RunSpec
    attempt: int
    process: Any
    messages: Connection


@dataclass(frozen=True)
class LocalExecutor:
    """One process per run on this machine.

    A run whose process is killed is started again and continues from its last checkpoint; after three times it is
    recorded as failed. When this process is interrupted or killed, the children end too, at the latest with their
    epoch.

    Attributes
    ----------
    execution : Execution
    jobs : int
        Processes at once.
    """

    execution: Execution
    jobs: int

    def run(self, specs: Sequence[RunSpec], watcher: Watcher) -> None:
        """Execute all runs; see `Executor`."""
        context = process_context()
        waiting = [(spec, 1) for spec in reversed(specs)]
        running: dict[int, _Child] = {}
        try:
            while waiting or running:
                while waiting and len(running) < self.jobs:
                    child = self._start(context, *waiting.pop())
                    running[child.process.sentinel] = child
                for sentinel in _ready(running, watcher):
                    child = running.pop(sentinel)
                    if not self._has_record(child, watcher):
                        waiting.append((child.spec, child.attempt + 1))
        finally:
            for child in running.values():
                child.process.terminate()
            for child in running.values():
                child.process.join()

    def _start(self, context: BaseContext, spec: RunSpec, attempt: int) -> _Child:
        receiver, sender = multiprocessing.Pipe(duplex=False)
        process = context.Process(  # type: ignore[attr-defined]
            target=_work, args=(spec.canonical(), self.execution, sender), daemon=True
        )
        process.start()
        sender.close()
        return _Child(spec, attempt, process, receiver)

    def _has_record(self, child: _Child, watcher: Watcher) -> bool:
        """Return whether a run whose process has ended has a record, after the last attempt that it failed."""
        _deliver(child, watcher)
        child.process.join()
        store = Store(self.execution.store)
        record = store.read_record(child.spec.run_id)
        if record is None:
            if child.attempt < ATTEMPTS:
                return False
            message = f"the process ended with code {child.process.exitcode}, {child.attempt} times"
            error = {"type": "Killed", "message": message, "traceback": ""}
            record = {**result(child.spec, None, error), "execution": {}}
            store.write_record(record)
        watcher.ended(child.spec, record["status"])
        return True


def process_context() -> BaseContext:
    """Return how processes are started.

    On Linux they are forked from a server that has imported PyTorch once; elsewhere that is not safe, or not there.
    """
    if sys.platform != "linux":
        return multiprocessing.get_context("spawn")
    from multiprocessing import forkserver  # Not there on Windows.

    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["benchmark.preload"])
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
            watcher.advanced(child.spec, value)
    except (EOFError, BrokenPipeError):
        return False
    return True


def _work(tables: dict[str, Any], execution: Execution, messages: Connection) -> None:
    """Execute one run in a process of its own."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # The parent is told too, and ends its children.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # By an exception, so that temporary files go.
    spec = RunSpec.from_tables(tables)
    try:
        execute(spec, execution, _sender(messages))
    except (InputError, OSError) as error:
        messages.send(("error", str(error)))
    except Exception as failure:  # Not even the trainer could be made; that is a result too.
        Store(execution.store).write_record({**result(spec, None, describe(failure)), "execution": {}})
    finally:
        messages.close()


def _sender(messages: Connection) -> Callable[[float], None]:
    def advance(share: float) -> None:
        try:
            messages.send(("advance", share))
        except BrokenPipeError:
            os._exit(1)  # The parent is gone, and whoever continues the study will execute this run.

    return advance
