"""Runs as jobs of a Slurm cluster, through submitit."""

import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from time import sleep
from typing import TYPE_CHECKING, Any

import submitit
from submitit.core.utils import FailedJobError, FailedSubmissionError
from submitit.helpers import DelayedSubmission

from benchmark.errors import InputError
from benchmark.executors.base import Starts, Watcher, anywhere, attempt, received
from benchmark.parameters import MOST_AT_ONCE, build, settings, values_of
from benchmark.spec import RunSpec
from benchmark.store import Store
from benchmark.worker import ATTEMPTS, Execution

if TYPE_CHECKING:
    from benchmark.driver import Resources

POLL_SECONDS = 1.0
"""How often the store is looked at."""

ARRAY = 1000
"""Jobs in one array; Slurm's own default is at most 1001."""

DIGITS = 20
"""Of a number; Python refuses to read very long ones."""

TIMEOUTS = 100_000
"""How often a job may reach its time limit: always, as long as it gets on."""


@dataclass(frozen=True)
class Request:
    """What Slurm is asked for, for each run; settings that are empty or 0 are left to the cluster."""

    time: int = field(
        default=60,
        metadata={"help": "minutes of a job; what is left then is queued again", "low": 1, "high": 10_000_000},
    )
    partition: str = field(default="", metadata={"help": "partition"})
    account: str = field(default="", metadata={"help": "account"})
    qos: str = field(default="", metadata={"help": "quality of service"})
    constraint: str = field(default="", metadata={"help": "features of nodes"})
    exclude: str = field(default="", metadata={"help": "nodes not to use"})
    cpus_per_task: int = field(default=1, metadata={"help": "processors", "low": 1, "high": MOST_AT_ONCE})
    gpus_per_node: int = field(default=0, metadata={"help": "GPUs", "low": 0, "high": 1})
    gres: str = field(default="", metadata={"help": "generic resources, where GPUs are asked for that way"})
    mem: str = field(default="", metadata={"help": "memory, such as 8GB"})
    array_parallelism: int = field(
        default=256, metadata={"help": "jobs at once, of each 1000", "low": 1, "high": MOST_AT_ONCE}
    )


def make(resources: "Resources", runs: int) -> "SlurmExecutor":
    """Return the executor for a study of any number of runs."""
    if resources.runs_per_gpu not in (None, 1):
        raise InputError(f"runs-per-gpu is {resources.runs_per_gpu}; allowed with Slurm: 1, each run is a job")
    given = dict(_parse(text) for text in resources.slurm)
    if resources.jobs is not None:
        given.setdefault("array_parallelism", resources.jobs)
    if resources.threads is not None:
        given.setdefault("cpus_per_task", resources.threads)
    if resources.device.startswith("cuda"):
        given.setdefault("gpus_per_node", 1)
    request = build(Request, given, "slurm")
    execution = anywhere(resources.execution(resources.threads or request.cpus_per_task))
    return SlurmExecutor(execution, request)


def _parse(text: str) -> tuple[str, Any]:
    key, equals, value = text.partition("=")
    if not equals:
        raise InputError(f"slurm is {text!r}; allowed: KEY=VALUE, with a key of {', '.join(_keys())}")
    is_number = _keys().get(key) is int and value.isdecimal() and len(value) <= DIGITS
    return key, int(value) if is_number else value


def _keys() -> dict[str, Any]:
    return {setting.name: setting.type for setting in settings(Request)}


@dataclass(frozen=True)
class SlurmExecutor:
    """Each run is a Slurm job.

    A job that is preempted, or reaches its time limit, is queued again and continues from its last checkpoint. When
    this process is interrupted it cancels its jobs; when it is lost they go on, and the same command waits for them.

    Attributes
    ----------
    execution : Execution
    request : Request
    """

    execution: Execution
    request: Request

    def run(self, specs: Sequence[RunSpec], watcher: Watcher) -> None:
        """Execute all runs; see `Executor`."""
        engine, store = self._engine(), Store(self.execution.store)
        starts, waiting = Starts(store), list(specs)
        jobs: dict[str, tuple[RunSpec, submitit.Job[None]]] = {}
        try:
            while waiting or jobs:
                for start in range(0, len(waiting), ARRAY):
                    jobs |= self._submit(engine, waiting[start : start + ARRAY], starts)
                waiting = []
                for run_id, (spec, job) in list(jobs.items()):
                    over = job.done()  # Before the store is read: a record may appear in between, but not vanish.
                    record = store.read_record(run_id)
                    if record is None and not over:
                        continue
                    del jobs[run_id]
                    if record is None and _was_killed(job):
                        if not starts.exhausted(spec, f"its Slurm job {job.job_id} ended as {job.state}"):
                            waiting.append(spec)
                            continue
                        record = store.read_record(run_id)
                    if record is not None:  # Without one, somebody else executes the run.
                        watcher.ended(spec, record["status"])
                if jobs and not waiting:
                    sleep(POLL_SECONDS)
        finally:
            for _, job in reversed(jobs.values()):  # Those that wait first, so that none of them starts meanwhile.
                job.cancel(check=False)

    def _engine(self) -> submitit.SlurmExecutor:
        try:
            engine = submitit.SlurmExecutor(self.execution.store / "slurm" / "%j", max_num_timeout=TIMEOUTS)
        except RuntimeError:
            raise InputError("executor is 'slurm'; allowed where srun is, on a machine of a Slurm cluster") from None
        asked = {key: value for key, value in values_of(self.request).items() if value not in ("", 0)}
        engine.update_parameters(job_name="supernet-bench", **asked)
        return engine

    def _submit(
        self, engine: submitit.SlurmExecutor, specs: Sequence[RunSpec], starts: Starts
    ) -> "dict[str, tuple[RunSpec, submitit.Job[None]]]":
        for spec in specs:
            starts.start(spec)
        try:
            jobs = engine.submit_array([RunJob(spec.canonical(), self.execution) for spec in specs])
        except (FailedJobError, FailedSubmissionError) as error:
            raise InputError(f"Slurm refused the job: {error}") from error
        return {spec.run_id: (spec, job) for spec, job in zip(specs, jobs, strict=True)}


def _was_killed(job: "submitit.Job[None]") -> bool:
    """Return whether a job ended in the middle; raise InputError if for a reason that the user can mend."""
    problems = [line for line in (job.stderr() or "").splitlines() if line.startswith(PROBLEM)]
    if problems:
        raise InputError(f"Slurm job {job.job_id}: {problems[-1].removeprefix(PROBLEM)}")
    return not job.paths.result_pickle.exists()


PROBLEM = "error: "
"""How the line in the log of a job starts that says what the user can mend."""


class RunJob:
    """What a job executes; submitit calls it, and asks it how to go on before the job is stopped.

    Parameters
    ----------
    tables : dict
        The spec of the run.
    execution : Execution
    stops : int
        How often in a row the job was stopped before the run had saved anything.
    """

    def __init__(self, tables: dict[str, Any], execution: Execution, stops: int = 0) -> None:
        self._tables, self._execution, self._stops = tables, execution, stops
        self._saved = 0

    def __call__(self) -> None:
        """Execute the run, or what is left of it."""
        try:
            spec = received(self._tables, self._execution)
            self._saved = Store(self._execution.store).saved_at(spec.run_id)
            attempt(spec, self._execution)
        except (InputError, OSError) as error:
            _print_problem(str(error))

    def checkpoint(self) -> DelayedSubmission:
        """Return what the job executes when it is started again."""
        run_id = received(self._tables, self._execution).run_id
        got_on = Store(self._execution.store).saved_at(run_id) != self._saved
        stops = 0 if got_on else self._stops + 1
        if stops == ATTEMPTS:
            _print_problem(f"run {run_id} was stopped {stops} times before its first save; try --slurm time=MINUTES")
            sys.exit(1)
        return DelayedSubmission(RunJob(self._tables, self._execution, stops))


def _print_problem(text: str) -> None:
    print(PROBLEM + " ".join(text.split()), file=sys.stderr, flush=True)
