"""What Slurm says of jobs, by ``squeue``, which every cluster has, with and without accounting.

A job is over when it has a final state, or when ``squeue`` answers and does not list it any more: Slurm forgets jobs
some minutes after their end. While it does not answer, as when its controller is restarted, nothing is concluded.
"""

import logging
import os
import subprocess
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager, redirect_stderr
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from time import monotonic
from typing import TextIO

from supernet_bench.core.output import say

FINAL = {
    "BOOT_FAIL", "CANCELLED", "COMPLETED", "DEADLINE", "FAILED", "NODE_FAIL", "OUT_OF_MEMORY", "PREEMPTED", "REVOKED",
    "TIMEOUT",
}  # fmt: skip
"""States of jobs that will not run again. What is queued again is pending, or completing before that."""

PASSING = {"None", "Priority", "Resources", "JobArrayTaskLimit", "BeginTime", "Cleaning", "Prolog"}
"""Why jobs wait, where nobody has to do anything."""

LONGEST_SECONDS = 30.0
"""How long Slurm is not asked, at most; the controller serves the whole cluster."""

ANSWER_SECONDS = 60.0
"""How long a command of Slurm may take."""

FILTERS = ("SACCT_", "SCANCEL_", "SQUEUE_")
"""Variables that begin so would have Slurm's commands leave jobs out, or ask before they cancel."""


class Unanswered(RuntimeError):
    """A command of Slurm failed."""


@dataclass
class Queue:
    """Jobs of this user.

    Attributes
    ----------
    log : Path
        Where the words of Slurm and of submitit are kept.
    """

    log: Path
    _jobs: dict[str, tuple[str, str]] | None = None
    _submitted: float = 0.0
    _asked: float = float("-inf")
    _accounts: bool | None = None
    _told: set[str] = field(default_factory=set)

    def submitted(self) -> None:
        """Take note that there are jobs of which earlier answers do not know."""
        self._jobs, self._submitted, self._asked = None, monotonic(), float("-inf")

    def look(self, job_ids: Collection[str]) -> None:
        """Ask Slurm again if the last answer is old: often after jobs were submitted, later seldom.

        Why one of the jobs waits is told, once for each reason that may not pass by itself.
        """
        now = monotonic()
        if now - self._asked < min(LONGEST_SECONDS, max(1.0, (now - self._submitted) / 4)):
            return
        self._check_accounts()
        try:
            rows = self._ask(
                "squeue", "--all", "--array", "--noheader", "--states=all", f"--user={os.getuid()}", "--format=%i|%T|%r"
            )
        except Unanswered as error:
            self.tell(f"Slurm does not answer ({error}); waiting until it does")
        else:
            self._jobs = {row[0]: (row[1], row[2]) for row in rows if len(row) == 3}
            self._tell_reasons(job_ids)
        self._asked = monotonic()

    def is_over(self, job_id: str) -> bool:
        """Return whether a job is known to have ended."""
        return self._jobs is not None and (job_id not in self._jobs or self._jobs[job_id][0] in FINAL)

    def end_of(self, job_id: str) -> str:
        """Return in words how a job ended."""
        if self._jobs and job_id in self._jobs:
            return self._jobs[job_id][0]
        if self._accounts:
            try:
                ((state,),) = self._ask("sacct", "--allocations", "--noheader", "--format=State", "-P", "-j", job_id)
                return state
            except (Unanswered, ValueError):
                pass
        return "unknown"

    def tell(self, line: str) -> None:
        """Print a line, unless it was printed before."""
        if line not in self._told:
            self._told.add(line)
            say(line)

    def cancel(self, job_ids: Sequence[str]) -> None:
        """Cancel jobs, in this order."""
        if not job_ids:
            return
        try:
            self._ask("scancel", "--quiet", *job_ids)
        except Unanswered as error:
            self.tell(f"Slurm cancels no jobs now ({error}); then: scancel {' '.join(job_ids)}")

    @contextmanager
    def words_of_submitit(self) -> Iterator[None]:
        """Keep in the log what submitit would say on the terminal."""
        logger = logging.getLogger("submitit")
        with self._open_log() as file, redirect_stderr(file):
            before, logger.handlers = logger.handlers, [logging.StreamHandler(file)]
            try:
                yield
            finally:
                logger.handlers = before

    def _tell_reasons(self, job_ids: Collection[str]) -> None:
        for job_id, (state, reason) in (self._jobs or {}).items():
            if job_id in job_ids and state not in {*FINAL, "COMPLETING"} and reason.partition(",")[0] not in PASSING:
                self.tell(f"a job waits in Slurm's queue for the reason {reason}; see: squeue --me")

    def _check_accounts(self) -> None:
        if self._accounts is not None:
            return
        try:
            self._ask("sacct", "--allocations", "--noheader", "--format=State", "-P", "-j", "1")
            self._accounts = True
        except Unanswered as error:
            self._accounts = False
            self.tell(f"{error}: how jobs ended is known from squeue alone")

    def _ask(self, *command: str) -> list[list[str]]:
        """Return the fields of each line that a command of Slurm prints."""
        environment = {name: value for name, value in os.environ.items() if not name.startswith(FILTERS)}
        try:
            done = subprocess.run(
                command, env=environment, capture_output=True, text=True, errors="replace", timeout=ANSWER_SECONDS
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            raise Unanswered(str(error)) from None
        words = done.stderr.splitlines()
        if words:
            with self._open_log() as file:
                file.writelines(f"{datetime.now(UTC).isoformat(timespec='seconds')} {line}\n" for line in words)
        if done.returncode:
            raise Unanswered(words[-1] if words else f"{command[0]} ended with code {done.returncode}")
        return [line.split("|", maxsplit=2) for line in done.stdout.splitlines()]

    def _open_log(self) -> TextIO:
        self.log.parent.mkdir(parents=True, exist_ok=True)
        return self.log.open("a", encoding="utf-8")
