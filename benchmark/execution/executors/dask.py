"""Runs on the workers of dask.distributed: those of an existing scheduler, or processes on this machine."""

import importlib
import logging
import os
import pkgutil
from collections.abc import Iterator, Sequence
from concurrent.futures import CancelledError
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from queue import Empty, SimpleQueue
from time import monotonic, sleep
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import dask
import dask.utils
import torch
from distributed import Client, Future, KilledWorker, LocalCluster, Reschedule, Status, Worker, get_worker
from distributed.client import ClosedClientError

from supernet_bench.benchmark.execution.executors.base import Starts, Watcher, anywhere, attempt, received
from supernet_bench.benchmark.execution.worker import Execution
from supernet_bench.benchmark.study.spec import RunSpec
from supernet_bench.core.errors import InputError
from supernet_bench.core.output import encodable, say
from supernet_bench.records.store import Store

if TYPE_CHECKING:
    from supernet_bench.benchmark.execution.driver import Resources

CLOSING = (Status.closing, Status.closing_gracefully, Status.closed)

NEWS_SECONDS = 0.5
"""How often a run tells how it gets on, and new workers are looked for."""

IGNORE_INTERRUPTS = "import signal\nsignal.signal(signal.SIGINT, signal.SIG_IGN)"
"""What a worker started here executes first: Ctrl-C is told to it too, and this process ends it."""

RESTART_SECONDS = 120.0
"""How long a worker of this machine may take to be started again; dask forgets it after a few seconds, for ever."""

FOLDER_SECONDS = 60.0
"""How long a file that another machine wrote may take to appear in a shared folder."""


def make(resources: "Resources", runs: int) -> "DaskExecutor":
    """Return the executor for a study of `runs` runs."""
    if resources.scheduler is None:
        places = resources.places(runs)
        return DaskExecutor(anywhere(resources.execution(resources.threads_for(len(places)))), places)
    for name, value in (("jobs", resources.jobs), ("runs-per-gpu", resources.runs_per_gpu)):
        if value is not None:
            raise InputError(f"{name} is {value}; allowed with --scheduler: as many runs at once as it has workers")
    return DaskExecutor(anywhere(resources.execution(resources.threads or 1)), scheduler=resources.scheduler)


@dataclass(frozen=True)
class DaskExecutor:
    """One run at a time on each dask worker.

    A worker process executes the run itself, so that the run ends with it; dask and this executor start it again
    elsewhere, and it continues from its last checkpoint. When this process is interrupted or lost, runs stop at the
    latest with their epoch.

    Attributes
    ----------
    execution : Execution
    places : tuple of str
        The device of each worker process that is started here; unused with a scheduler.
    scheduler : str or None
        Address of an existing scheduler.
    """

    execution: Execution
    places: tuple[str, ...] = ()
    scheduler: str | None = None

    def run(self, specs: Sequence[RunSpec], watcher: Watcher) -> None:
        """Execute all runs; see `Executor`."""
        starts, left = Starts(Store(self.execution.store)), list(specs)
        while left:  # Again only if the scheduler was lost.
            with _no_logging(), self._connected() as client:
                left = _Session(client, self, watcher, starts, left).execute()

    @contextmanager
    def _connected(self) -> Iterator[Client]:
        if self.scheduler is None:
            # Every death is told here, where it is judged by what the run had saved.
            judged_here = {"distributed.scheduler.allowed-failures": 0}
            patient = {"distributed.deploy.lost-worker-timeout": f"{RESTART_SECONDS}s"}
            with (
                dask.config.set({**judged_here, **patient}),
                LocalCluster(
                    n_workers=len(self.places),
                    threads_per_worker=1,
                    memory_limit=0,
                    dashboard_address="127.0.0.1:0",
                    preload=[*dask.config.get("distributed.worker.preload"), IGNORE_INTERRUPTS],
                    silence_logs=logging.CRITICAL,  # In the workers.
                ) as cluster,
                Client(cluster, set_as_default=False) as client,
            ):
                yield client
            return
        try:
            client = Client(self.scheduler, set_as_default=False)
        except ValueError as error:
            raise InputError(f"scheduler is {self.scheduler!r}; allowed: an address such as tcp://host:8786") from error
        except OSError as error:
            raise ConnectionError(
                f"dask scheduler {self.scheduler} cannot be reached; the same command continues once it can"
            ) from error
        with client:
            yield client


@contextmanager
def _no_logging() -> Iterator[None]:
    """Keep this process from logging: losses of workers and schedulers are expected, and dask tells them at length."""
    before = logging.root.manager.disable
    logging.disable(logging.CRITICAL)
    try:
        yield
    finally:
        logging.disable(before)


@dataclass
class _Session:
    """Runs at one scheduler, until all have ended or it is lost."""

    client: Client
    executor: DaskExecutor
    watcher: Watcher
    starts: Starts
    waiting: list[RunSpec]
    running: dict[str, tuple[RunSpec, Future]] = field(default_factory=dict)
    news: "SimpleQueue[Any]" = field(default_factory=SimpleQueue)
    topic: str = field(default_factory=lambda: f"supernet-bench-{uuid4().hex}")
    looked: float = float("-inf")
    had_workers: float = field(default_factory=monotonic)
    told: bool = False

    def execute(self) -> list[RunSpec]:
        """Return the runs that are left if the scheduler was lost."""
        try:
            with _asking():
                self.client.subscribe_topic(self.topic, lambda event: self.news.put(event[1]))
            self._wait_for_a_worker()
            self._check_environments()
            while self.waiting or self.running:
                self._look()
                with suppress(Empty):
                    self._take(self.news.get(timeout=NEWS_SECONDS))
        except _SchedulerLost:
            pass
        return [*self.waiting, *(spec for spec, _ in self.running.values())]

    @property
    def _store(self) -> Store:
        return Store(self.executor.execution.store)

    def _wait_for_a_worker(self) -> None:
        deadline = monotonic() + _patience()
        while not self._threads():
            if monotonic() > deadline:
                address = self.executor.scheduler
                raise InputError(
                    f"dask scheduler {address} has no workers; start some: dask worker {address} --nthreads 1"
                )
            sleep(NEWS_SECONDS / 10)

    def _threads(self) -> int:
        """Return how many runs the workers that are there can execute at once."""
        with _asking():
            return sum(self.client.nthreads().values())

    def _check_environments(self) -> None:
        """Ask the workers for the suite by its name: a worker without it dies of the first run that it is sent."""
        with _asking():
            answers = self.client.run(pkgutil.resolve_name, f"{__name__}:{execute_here.__name__}", on_error="return")
        for worker, answer in answers.items():
            if isinstance(answer, ImportError):
                raise _unfit(f"worker {worker}", answer)

    def _look(self) -> None:
        """Give each worker one run: one that waits behind another would be blamed for what that does to the worker."""
        if monotonic() - self.looked < NEWS_SECONDS:
            return
        threads = self._threads()
        self.looked = monotonic()
        self._tell_if_alone(threads)
        for _ in range(min(threads - len(self.running), len(self.waiting))):
            self._submit(self.waiting[0])
            del self.waiting[0]

    def _tell_if_alone(self, threads: int) -> None:
        """Tell, once each time, that there have been no workers for longer than it takes to start one again.

        Workers of this machine nobody else will start: they are given up, together with their scheduler.
        """
        address, alone = self.executor.scheduler, monotonic() - self.had_workers
        if threads:
            self.had_workers, self.told = monotonic(), False
        elif address is None and alone > RESTART_SECONDS:
            raise _SchedulerLost
        elif address and not self.told and alone > _patience():
            self.told = True
            line = f"dask scheduler {address} has no workers any more; waiting for: dask worker {address} --nthreads 1"
            say(line)

    def _submit(self, spec: RunSpec) -> None:
        self.starts.start(spec)
        with _asking():
            future = self.client.submit(
                execute_here, spec.canonical(), self.executor.execution, self.executor.places, self.topic, pure=False
            )
        future.add_done_callback(self.news.put)
        self.running[str(future.key)] = spec, future

    def _take(self, item: Any) -> None:
        if not isinstance(item, Future):
            key, share = item
            if key in self.running:
                self.watcher.advanced(self.running[key][0], share)
        elif item.cancelled():
            raise _SchedulerLost
        else:
            spec, _ = self.running.pop(str(item.key))
            self.looked = float("-inf")  # A worker is free.
            if item.status == "finished":
                self._ended(spec)
            else:
                self._judge(spec, item.exception())

    def _judge(self, spec: RunSpec, error: BaseException) -> None:
        if isinstance(error, Elsewhere):
            return
        if isinstance(error, KilledWorker):
            self.waiting.append(spec)  # Before the scheduler is asked, which may be lost as well.
            self._check_environments()
            if self.starts.exhausted(spec, "the dask worker died"):
                self.waiting.remove(spec)
                if (record := self._store.read_record(spec.run_id)) is not None:  # Else somebody else took it over.
                    self.watcher.ended(spec, record.status)
            return
        if isinstance(error.__cause__, ImportError):
            raise _unfit("scheduler", error.__cause__)
        if isinstance(error, InputError | OSError):
            raise InputError(str(error))
        raise error

    def _ended(self, spec: RunSpec) -> None:
        started = monotonic()
        while (record := self._store.read_record(spec.run_id)) is None:
            if monotonic() - started > FOLDER_SECONDS:
                raise InputError(
                    f"a dask worker recorded run {spec.run_id}, and it is not in {self._store.folder}; "
                    "allowed: a folder that all machines share"
                )
            sleep(NEWS_SECONDS)
        self.watcher.ended(spec, record.status)


def _unfit(who: str, error: ImportError) -> InputError:
    return InputError(f"dask {who} cannot import the suite ({error}); install supernet-bench[dask] there")


class Elsewhere(Exception):
    """Somebody else executes the run."""


class _SchedulerLost(Exception):
    """The connection to the scheduler broke, or all of its workers are lost for good."""


@contextmanager
def _asking() -> Iterator[None]:
    """Ask the scheduler something; it may be gone, and another one in its place."""
    try:
        yield
    except (OSError, CancelledError, ClosedClientError):
        raise _SchedulerLost from None


def _patience() -> float:
    """Return how long a scheduler may have no workers, seconds."""
    return float(dask.utils.parse_timedelta(dask.config.get("distributed.comm.timeouts.connect")))


class _Stopped(BaseException):
    """Nobody wants the run any more; not an `Exception`, which would be recorded as a failure."""


def execute_here(tables: dict[str, Any], execution: Execution, places: Sequence[str], topic: str) -> None:
    """Execute one run on this dask worker.

    Parameters
    ----------
    tables : dict
        The spec of the run.
    execution : Execution
    places : sequence of str
        Device of each worker of a cluster on one machine, whose workers are numbered.
    topic : str
        Under which progress is told.

    Raises
    ------
    Elsewhere
        If somebody else executes the run.
    InputError, OSError
        If the run cannot be executed here.
    """
    # Digests are of what is imported now, also when a later study asks for them.
    importlib.import_module("supernet_bench.benchmark.execution.preload")
    encodable()
    worker = get_worker()
    if worker.state.nthreads != 1:
        # Initial weights are drawn from a generator that all threads of a process share.
        raise InputError(f"dask worker {worker.address} has {worker.state.nthreads} threads; allowed: --nthreads 1")
    if not execution.store.is_dir():
        raise InputError(
            f"store {execution.store} is not there on dask worker {worker.address}; "
            "allowed: a folder that all machines share"
        )
    device = _device(worker, execution.device, places)
    try:
        spec = received(tables, execution)
        recorded = attempt(spec, replace(execution, device=device), _Reporter(worker, topic).advance)
    except _Stopped:
        raise Reschedule from None  # If the worker is closing, another one continues; if the task is cancelled, none.
    if not recorded:
        raise Elsewhere


def _device(worker: Worker, device: str, places: Sequence[str]) -> str:
    """Return the device of a worker, of which no other worker of its machine knows."""
    if places:
        return places[int(worker.name) % len(places)]
    gpus = torch.cuda.device_count()
    if device in ("auto", "cuda") and gpus > 1 and "CUDA_VISIBLE_DEVICES" not in os.environ:
        raise InputError(
            f"dask worker {worker.address} sees {gpus} GPUs; "
            "allowed: one, named by CUDA_VISIBLE_DEVICES where the worker is started"
        )
    return device


class _Reporter:
    """Tells how the run of this thread gets on, and ends it when nobody listens any more."""

    def __init__(self, worker: Worker, topic: str) -> None:
        self._worker, self._topic = worker, topic
        self._key, self._told = worker.get_current_task(), 0.0

    def advance(self, share: float) -> None:
        # The driver, or the scheduler, may be gone, or the worker be told to close: threads cannot be interrupted.
        task = self._worker.state.tasks.get(self._key)
        if task is None or task.state == "cancelled" or self._worker.status in CLOSING:
            raise _Stopped
        if monotonic() - self._told > NEWS_SECONDS:
            self._worker.log_event(self._topic, [self._key, share])
            self._told = monotonic()
