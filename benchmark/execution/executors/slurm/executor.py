"""From runs to jobs, and from jobs to records."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from time import monotonic, sleep
from typing import Any

import submitit
from submitit.core.utils import FailedJobError, FailedSubmissionError, pickle_load

from supernet_bench.benchmark.execution.attempts import Attempts, anywhere
from supernet_bench.benchmark.execution.executors.slurm.job import PROBLEM, RunJob
from supernet_bench.benchmark.execution.executors.slurm.queue import Queue
from supernet_bench.benchmark.execution.resources import Resources
from supernet_bench.benchmark.execution.worker import Execution
from supernet_bench.benchmark.study.spec import RunSpec
from supernet_bench.core.errors import InputError
from supernet_bench.core.settings import MOST_AT_ONCE, build, settings, values_of

POLL_SECONDS = (0.1, 1.0)
"""How often the store is looked at, for one job and for a thousand or more."""

RETRY_SECONDS = 30.0
"""How long after Slurm refused a job, having accepted others, it is asked again."""

ARRAY = 1000
"""Jobs in one array; Slurm's own default is at most 1001."""

WARNING_SECONDS = 90
"""How long before its end a job is told; less where that is near its start, when nobody listens yet."""

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


def make(resources: Resources, runs: int) -> "SlurmExecutor":
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
    return SlurmExecutor(execution, request, Queue(execution.store / "slurm" / "slurm.log"))


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
    queue : Queue
    """

    execution: Execution
    request: Request
    queue: Queue

    def run(self, specs: Sequence[RunSpec], attempts: Attempts) -> None:
        """Execute all runs; see `Executor`."""
        _Session(self.execution, self._submitter(), self.queue, attempts, list(specs)).execute()

    def _submitter(self) -> submitit.SlurmExecutor:
        try:
            submitter = submitit.SlurmExecutor(self.execution.store / "slurm" / "%j", max_num_timeout=TIMEOUTS)
        except RuntimeError:
            raise InputError("executor is 'slurm'; allowed where srun is, on a machine of a Slurm cluster") from None
        asked = {key: value for key, value in values_of(self.request).items() if value not in ("", 0)}
        submitter.update_parameters(
            job_name="supernet-bench", signal_delay_s=min(WARNING_SECONDS, 20 * self.request.time), **asked
        )
        return submitter


@dataclass
class _Session:
    """Runs that are to be done, and their jobs."""

    execution: Execution
    submitter: submitit.SlurmExecutor
    queue: Queue
    attempts: Attempts
    waiting: list[RunSpec]
    jobs: "dict[str, tuple[RunSpec, submitit.Job[None]]]" = field(default_factory=dict)
    accepted: bool = False
    next_try: float = 0.0

    def execute(self) -> None:
        """Return when all runs have ended."""
        try:
            while self.waiting or self.jobs:
                self._submit()
                self.queue.look({job.job_id for _, job in self.jobs.values()})
                for spec, job in list(self.jobs.values()):
                    self._take(spec, job)
                if self.waiting or self.jobs:
                    first, last = POLL_SECONDS
                    sleep(min(last, first + len(self.jobs) / 1000))
        finally:
            # Those that wait first, so that none of them starts meanwhile.
            self.queue.cancel([job.job_id for _, job in reversed(self.jobs.values())])

    def _submit(self) -> None:
        while self.waiting and monotonic() >= self.next_try:
            specs = self.waiting[:ARRAY]
            for spec in specs:
                self.attempts.started(spec)
            try:
                with self.queue.words_of_submitit():
                    jobs = self.submitter.submit_array([RunJob(spec.canonical(), self.execution) for spec in specs])
            except (FailedJobError, FailedSubmissionError) as error:
                refusal = f"Slurm refused the job: {' '.join(str(error).split())}"
                if not self.accepted:
                    raise InputError(refusal) from error
                self.queue.tell(f"{refusal}; trying again")  # Its controller may be restarting.
                self.next_try = monotonic() + RETRY_SECONDS
                return
            self.accepted = True
            self.queue.submitted()
            self.jobs |= {spec.run_id: (spec, job) for spec, job in zip(specs, jobs, strict=True)}
            del self.waiting[:ARRAY]

    def _take(self, spec: RunSpec, job: "submitit.Job[None]") -> None:
        # Before the store is read: a record may appear in between, but not vanish.
        over = job.paths.result_pickle.exists() or self.queue.is_over(job.job_id)
        recorded = self.attempts.has_ended(spec)
        if not (recorded or over):
            return
        del self.jobs[spec.run_id]
        death = None
        if not recorded and _was_killed(job):
            death = f"its Slurm job {job.job_id} ended as {self.queue.end_of(job.job_id)}"
        if not self.attempts.settled(spec, death):
            self.waiting.append(spec)


def _was_killed(job: "submitit.Job[None]") -> bool:
    """Return whether a job ended in the middle; raise InputError if for a reason that the user can mend."""
    log, result = job.paths.stderr, job.paths.result_pickle
    lines = log.read_text(errors="replace").splitlines() if log.exists() else []
    problems = [line for line in lines if line.startswith(PROBLEM)]
    if problems:
        raise InputError(f"Slurm job {job.job_id}: {problems[-1].removeprefix(PROBLEM)}")
    # Without success nobody executed the run: submitit could not load it, or Slurm not queue the job again.
    return not result.exists() or pickle_load(result)[0] != "success"
