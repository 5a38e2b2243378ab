"""From runs to tasks of a dask scheduler, and from tasks to records."""

import logging
import pkgutil
from collections.abc import Iterator, Sequence
from concurrent.futures import CancelledError
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from queue import Empty, SimpleQueue
from time import monotonic, sleep
from typing import Any
from uuid import uuid4

import dask
import dask.utils
from distributed import Client, Future, KilledWorker, LocalCluster
from distributed.client import ClosedClientError

from supernet_bench.benchmark.execution.attempts import Attempts, anywhere
from supernet_bench.benchmark.execution.executors.dask.task import Elsewhere, execute_here
from supernet_bench.benchmark.execution.resources import Resources
from supernet_bench.benchmark.execution.worker import Execution
from supernet_bench.benchmark.study.spec import RunSpec
from supernet_bench.core.errors import InputError
from supernet_bench.core.output import say

NEWS_SECONDS = 0.5
"""How often new workers are looked for, at least."""

IGNORE_INTERRUPTS = "import signal\nsignal.signal(signal.SIGINT, signal.SIG_IGN)"
"""What a worker started here executes first: Ctrl-C is told to it too, and this process ends it."""

FOLDER_SECONDS = 60.0
"""How long a file that another machine wrote may take to appear in a shared folder."""

EXECUTE_HERE = f"{execute_here.__module__}:{execute_here.__name__}"
"""Its name, since a worker that cannot import it dies of the function itself."""

RESTART_SECONDS = 120.0
"""How long a worker of this machine may take to come back; a loaded one needs long to import PyTorch.

Dask gives up one that takes longer, or that dies meanwhile, and nobody else would start it."""


def make(resources: Resources, runs: int) -> "DaskExecutor":
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

    def run(self, specs: Sequence[RunSpec], attempts: Attempts) -> None:
        """Execute all runs; see `Executor`."""
        left = list(specs)
        while left:  # Again only if the cluster was lost.
            with _no_logging(), self._connected() as client:
                left = _Session(client, self, attempts, left).execute()

    @contextmanager
    def _connected(self) -> Iterator[Client]:
        if self.scheduler is None:
            # Every death is told here, where it is judged by what the run had saved.
            judged_here = {"distributed.scheduler.allowed-failures": 0}
            patient = {"distributed.deploy.lost-worker-timeout": f"{RESTART_SECONDS}s"}
            with (
                dask.config.set({**judged_here, **patient}),
                self._own_cluster() as cluster,
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

    def _own_cluster(self) -> LocalCluster:
        try:
            return LocalCluster(
                n_workers=len(self.places),
                threads_per_worker=1,
                memory_limit=0,
                dashboard_address="127.0.0.1:0",
                preload=[*dask.config.get("distributed.worker.preload"), IGNORE_INTERRUPTS],
                silence_logs=logging.CRITICAL,  # In the workers.
            )
        except RuntimeError as error:
            raise ChildProcessError(f"dask workers cannot be started on this machine ({error})") from error


@contextmanager
def _no_logging() -> Iterator[None]:
    """Keep this process from logging: losses of workers and schedulers are expected, and dask tells them at length."""
    before = logging.root.manager.disable
    logging.disable(logging.CRITICAL)
    try:
        yield
    finally:
        logging.disable(before)


def _patience() -> float:
    """Return how long a scheduler may have no workers, seconds."""
    return float(dask.utils.parse_timedelta(dask.config.get("distributed.comm.timeouts.connect")))


@dataclass
class _Session:
    """Runs at one scheduler, until all have ended or it is lost."""

    client: Client
    executor: DaskExecutor
    attempts: Attempts
    waiting: list[RunSpec]
    running: dict[str, tuple[RunSpec, Future]] = field(default_factory=dict)
    news: "SimpleQueue[Any]" = field(default_factory=SimpleQueue)
    topic: str = field(default_factory=lambda: f"supernet-bench-{uuid4().hex}")
    had_workers: float = field(default_factory=monotonic)
    told: bool = False

    def execute(self) -> list[RunSpec]:
        """Return the runs that are left if the scheduler, or all workers of this machine, were lost."""
        try:
            with _asking():
                self.client.subscribe_topic(self.topic, lambda event: self.news.put(event[1]))
            self._wait_for_a_worker()
            self._check_environments()
            while self.waiting or self.running:
                self._start()
                with suppress(Empty):
                    self._take(self.news.get(timeout=NEWS_SECONDS))
                    while True:
                        self._take(self.news.get_nowait())
        except _ClusterLost:
            pass
        return [*self.waiting, *(spec for spec, _ in self.running.values())]

    def _wait_for_a_worker(self) -> None:
        deadline, address = monotonic() + _patience(), self.executor.scheduler
        while not self._threads():
            if monotonic() > deadline:
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
            answers = self.client.run(pkgutil.resolve_name, EXECUTE_HERE, on_error="return")
        for worker, answer in answers.items():
            if isinstance(answer, ImportError):
                raise _unfit(f"worker {worker}", answer)

    def _start(self) -> None:
        """Give each worker one run: one that waits behind another would be blamed for what that does to the worker."""
        threads = self._threads()
        self._note_workers(threads)
        for _ in range(min(threads - len(self.running), len(self.waiting))):
            self._submit(self.waiting[0])
            del self.waiting[0]

    def _note_workers(self, threads: int) -> None:
        """Tell, once each time, that there have been no workers for longer than it takes to start one again."""
        alone, address = monotonic() - self.had_workers, self.executor.scheduler
        if threads:
            self.had_workers, self.told = monotonic(), False
        elif address is None and alone > RESTART_SECONDS:
            raise _ClusterLost
        elif address and not self.told and alone > _patience():
            self.told = True
            say(f"dask scheduler {address} has no workers any more; waiting for: dask worker {address} --nthreads 1")

    def _submit(self, spec: RunSpec) -> None:
        self.attempts.started(spec)
        executor = self.executor
        with _asking():
            future = self.client.submit(
                execute_here, spec.canonical(), executor.execution, executor.places, self.topic, pure=False
            )
        future.add_done_callback(self.news.put)
        self.running[str(future.key)] = spec, future

    def _take(self, item: Any) -> None:
        if not isinstance(item, Future):
            key, share = item
            if key in self.running:
                self.attempts.advanced(self.running[key][0], share)
        elif item.cancelled():
            raise _ClusterLost
        else:
            spec, _ = self.running.pop(str(item.key))
            if item.status == "finished":
                self._check_recorded(spec)
            else:
                self._judge(spec, item.exception())

    def _judge(self, spec: RunSpec, error: BaseException) -> None:
        if isinstance(error, Elsewhere):
            self.attempts.settled(spec)
        elif isinstance(error, KilledWorker):
            self.waiting.append(spec)  # Before the scheduler is asked, which may be lost as well.
            self._check_environments()
            if self.attempts.settled(spec, "the dask worker died"):
                self.waiting.remove(spec)
        elif isinstance(error.__cause__, ImportError):
            raise _unfit("scheduler", error.__cause__)
        elif isinstance(error, InputError | OSError):
            raise InputError(str(error))
        else:
            raise error

    def _check_recorded(self, spec: RunSpec) -> None:
        deadline = monotonic() + FOLDER_SECONDS
        while not self.attempts.has_ended(spec):
            if monotonic() > deadline:
                raise InputError(
                    f"a dask worker recorded run {spec.run_id}, and it is not in {self.executor.execution.store}; "
                    "allowed: a folder that all machines share"
                )
            sleep(NEWS_SECONDS)


def _unfit(who: str, error: ImportError) -> InputError:
    return InputError(f"dask {who} cannot import the suite ({error}); install supernet-bench[dask] there")


class _ClusterLost(Exception):
    """The connection to the scheduler broke, or all workers of this machine died for good."""


@contextmanager
def _asking() -> Iterator[None]:
    """Ask the scheduler something; it may be gone, and another one in its place."""
    try:
        yield
    except (OSError, CancelledError, ClosedClientError):
        raise _ClusterLost from None
