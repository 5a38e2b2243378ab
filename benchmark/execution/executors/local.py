"""Runs on this machine: one process each, a bounded number at once."""

import multiprocessing
import signal
import sys
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from multiprocessing.connection import Connection, wait
from multiprocessing.context import BaseContext
from time import monotonic
from typing import Any

from supernet_bench.benchmark.execution.attempts import Attempts, attempt, received
from supernet_bench.benchmark.execution.resources import Resources
from supernet_bench.benchmark.execution.worker import Execution
from supernet_bench.benchmark.study.spec import RunSpec
from supernet_bench.core.errors import InputError
from supernet_bench.core.output import encodable

END_SECONDS = 20.0
"""How long a process may take to end that has nothing more to do, or was told to; it is killed then."""


def make(resources: Resources, runs: int) -> "LocalExecutor":
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

    def run(self, specs: Sequence[RunSpec], attempts: Attempts) -> None:
        """Execute all runs; see `Executor`."""
        context = process_context()
        waiting, free = list(reversed(specs)), list(reversed(self.places))
        running: dict[int, _Child] = {}
        try:
            while waiting or running:
                while waiting and free:
                    attempts.started(waiting[-1])
                    child = self._start(context, waiting.pop(), free.pop())
                    running[child.process.sentinel] = child
                for sentinel in _ready(running, attempts):
                    child = running.pop(sentinel)
                    free.append(child.place)
                    if not _is_settled(child, attempts):
                        waiting.append(child.spec)
        finally:
            for child in running.values():
                child.process.terminate()
            _end([child.process for child in running.values()])

    def _start(self, context: BaseContext, spec: RunSpec, place: str) -> _Child:
        receiver, sender = multiprocessing.Pipe(duplex=False)
        process = context.Process(  # type: ignore[attr-defined]
            target=_work, args=(spec.canonical(), replace(self.execution, device=place), sender), daemon=True
        )
        process.start()
        sender.close()
        return _Child(spec, place, process, receiver)


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


def _ready(running: dict[int, _Child], attempts: Attempts) -> list[int]:
    """Wait for news, pass it on, and return the sentinels of the processes that have ended."""
    by_messages = {child.messages: child for child in running.values()}
    ready = wait([*by_messages, *running])
    for item in ready:
        if item in by_messages and not _deliver(by_messages[item], attempts):
            # A closed pipe stays ready for ever, and its process has nothing more to do.
            process = by_messages[item].process
            _end([process])
            return [process.sentinel]
    return [item for item in ready if item in running]


def _is_settled(child: _Child, attempts: Attempts) -> bool:
    """Return whether a run whose process has ended need not be started again."""
    _deliver(child, attempts)
    _end([child.process])
    death = None if child.held else f"the process ended with code {child.process.exitcode}"
    return attempts.settled(child.spec, death)


def _deliver(child: _Child, attempts: Attempts) -> bool:
    """Pass on all messages of a child; return whether more may come."""
    while (message := _receive(child.messages)) is not None:
        kind, value = message
        if kind == "closed":
            return False
        if kind == "error":
            raise InputError(value)
        if kind == "held":
            child.held = True
        else:
            attempts.advanced(child.spec, value)
    return True


def _receive(messages: Connection) -> tuple[str, Any] | None:
    """Return the next message, of the kind "closed" if there will be none; None if there is none yet."""
    try:
        message: tuple[str, Any] | None = messages.recv() if messages.poll() else None
    except (EOFError, OSError):  # The last one may be cut off.
        return "closed", None
    return message


def _end(processes: Collection[Any]) -> None:
    """Wait until processes have ended that are about to, and kill those that do not.

    A plug-in may have started a thread that the end of its process waits for, or may have caught what ends it.
    """
    deadline = monotonic() + END_SECONDS
    for process in processes:
        process.join(max(0.0, deadline - monotonic()))
        if process.is_alive():
            process.kill()
            process.join(END_SECONDS)


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
