"""What is concluded from the answers of Slurm's commands, and what is told."""

import logging
import os
import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

pytest.importorskip("submitit", reason="the extra [slurm] is not installed; Slurm was not tested")

from submitit.core.utils import FailedJobError, cloudpickle_dump

from supernet_bench.benchmark.execution import Execution
from supernet_bench.benchmark.execution.executors.slurm import executor, job, queue
from supernet_bench.benchmark.execution.executors.slurm.queue import Queue
from supernet_bench.benchmark.execution.worker import ATTEMPTS
from supernet_bench.core.errors import InputError
from supernet_bench.records.store import Store
from tests.benchmark.execution.executors.studies import Watch, study, told

NO_ACCOUNTS = "echo Slurm accounting storage is disabled >&2; exit 1"
NO_ANSWER = "echo slurm_load_jobs error: Unable to contact slurm controller >&2; exit 1"

Slurm = Callable[..., None]


@pytest.fixture
def slurm(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Slurm:
    """Return a function that says what the commands of a cluster do, as lines of a shell."""
    folder = tmp_path / "commands"
    folder.mkdir()
    monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")
    monkeypatch.setattr(queue, "LONGEST_SECONDS", 0)

    def set_commands(**commands: str) -> None:
        for name, lines in {"sacct": NO_ACCOUNTS, **commands}.items():
            (folder / name).write_text(f"#!/bin/sh\n{lines}\n")
            (folder / name).chmod(0o755)

    return set_commands


@pytest.fixture
def jobs(tmp_path: Path) -> Queue:
    made = Queue(tmp_path / "store" / "slurm" / "slurm.log")
    made.submitted()
    return made


def listing(*lines: str) -> str:
    return "cat <<END\n" + "\n".join(lines) + "\nEND"


@pytest.mark.parametrize("state", sorted(queue.FINAL))
def test_a_job_with_a_final_state_is_over(slurm: Slurm, jobs: Queue, state: str) -> None:
    slurm(squeue=listing(f"7_0|{state}|None", "7_1|RUNNING|None"))
    jobs.look({"7_0", "7_1"})
    assert jobs.is_over("7_0")
    assert not jobs.is_over("7_1")
    assert jobs.end_of("7_0") == state


@pytest.mark.parametrize("state", ["PENDING", "RUNNING", "COMPLETING", "REQUEUED", "SUSPENDED", "CONFIGURING"])
def test_a_job_that_may_run_again_is_not(slurm: Slurm, jobs: Queue, state: str) -> None:
    slurm(squeue=listing(f"7_0|{state}|None"))
    jobs.look({"7_0"})
    assert not jobs.is_over("7_0")


def test_a_job_that_slurm_has_forgotten_is_over(slurm: Slurm, jobs: Queue) -> None:
    slurm(squeue=listing("7_1|RUNNING|None"), sacct="echo CANCELLED by 0")
    jobs.look({"7_0"})
    assert jobs.is_over("7_0")
    assert jobs.end_of("7_0") == "CANCELLED by 0"


def test_of_a_job_without_any_trace_it_is_said_that_nothing_is_known(slurm: Slurm, jobs: Queue) -> None:
    slurm(squeue="true")
    jobs.look({"7"})
    assert jobs.is_over("7")
    assert jobs.end_of("7") == "unknown"


def test_an_answer_says_nothing_of_later_jobs(slurm: Slurm, jobs: Queue) -> None:
    slurm(squeue="true")
    jobs.look(())
    jobs.submitted()
    assert not jobs.is_over("8")


def test_without_an_answer_nothing_is_concluded(slurm: Slurm, jobs: Queue, capfd) -> None:
    slurm(squeue=NO_ANSWER)
    for _ in range(3):
        jobs.look({"7"})
        assert not jobs.is_over("7")
    slurm(squeue=listing("7|COMPLETED|None"))
    jobs.look({"7"})
    assert jobs.is_over("7")
    slurm(squeue=NO_ANSWER)
    jobs.look({"7"})
    assert jobs.is_over("7"), "a job does not come back"
    lines = capfd.readouterr().err.splitlines()
    assert [line for line in lines if "does not answer" in line] == [
        "Slurm does not answer (slurm_load_jobs error: Unable to contact slurm controller); waiting until it does"
    ]


def test_a_command_that_hangs_is_no_answer(slurm: Slurm, jobs: Queue, monkeypatch, capfd) -> None:
    monkeypatch.setattr(queue, "ANSWER_SECONDS", 0.05)
    slurm(squeue="exec sleep 5", sacct="true")
    jobs.look({"7"})
    assert not jobs.is_over("7")
    assert "timed out" in capfd.readouterr().err


def test_missing_accounting_is_told_once_and_what_slurm_says_is_kept(slurm: Slurm, jobs: Queue, capfd) -> None:
    slurm(squeue="echo some warning >&2")
    for _ in range(2):
        jobs.look(())
    assert capfd.readouterr().err.splitlines() == [
        "Slurm accounting storage is disabled: how jobs ended is known from squeue alone"
    ]
    words = [line.partition(" ")[2] for line in jobs.log.read_text().splitlines()]
    assert words == ["Slurm accounting storage is disabled", "some warning", "some warning"]


def test_with_accounting_nothing_is_told(slurm: Slurm, jobs: Queue, capfd) -> None:
    slurm(squeue="true", sacct="true")
    jobs.look(())
    assert capfd.readouterr().err == ""


def test_why_jobs_wait_is_told_once_for_each_reason_that_may_not_pass(slurm: Slurm, jobs: Queue, capfd) -> None:
    slurm(
        squeue=listing(
            "7_0|PENDING|Priority",
            "7_1|PENDING|PartitionTimeLimit",
            "7_2|PENDING|PartitionTimeLimit",
            "7_3|SPECIAL_EXIT|JobHeldUser",
            "7_4|COMPLETING|NonZeroExitCode",
            "7_5|CANCELLED|Dependency",
            "8|PENDING|BadConstraints",
        ),
        sacct="true",
    )
    for _ in range(2):
        jobs.look({f"7_{task}" for task in range(6)})
    assert capfd.readouterr().err.splitlines() == [
        "a job waits in Slurm's queue for the reason PartitionTimeLimit; see: squeue --me",
        "a job waits in Slurm's queue for the reason JobHeldUser; see: squeue --me",
    ]


def test_filters_of_the_user_do_not_hide_jobs(slurm: Slurm, jobs: Queue, monkeypatch) -> None:
    monkeypatch.setenv("SQUEUE_PARTITION", "other")
    slurm(squeue='[ -n "$SQUEUE_PARTITION" ] || ' + listing("7|RUNNING|None"))
    jobs.look({"7"})
    assert not jobs.is_over("7")


def test_slurm_is_asked_often_at_first_and_seldom_later(slurm: Slurm, jobs: Queue, monkeypatch, tmp_path: Path) -> None:
    monkeypatch.setattr(queue, "LONGEST_SECONDS", 30.0)
    clock = 1000.0
    monkeypatch.setattr(queue, "monotonic", lambda: clock)
    slurm(squeue=f"echo >> {tmp_path}/asked")
    jobs.submitted()
    asked = []
    for _ in range(600):
        jobs.look(())
        asked.append((tmp_path / "asked").read_text().count("\n"))
        clock += 1
    assert asked[0] == 1, "at once"
    assert asked[4] == 5
    assert 25 < asked[-1] < 40
    assert asked[-1] - asked[-301] == 10


def test_jobs_that_cannot_be_cancelled_are_named(slurm: Slurm, jobs: Queue, capfd) -> None:
    slurm(scancel='echo "$@" >&2')
    jobs.cancel(["7_1", "7_0"])
    assert "--quiet 7_1 7_0" in jobs.log.read_text()
    assert capfd.readouterr().err == ""
    slurm(scancel=NO_ANSWER)
    jobs.cancel(["7_1", "7_0"])
    assert capfd.readouterr().err.splitlines() == [
        "Slurm cancels no jobs now (slurm_load_jobs error: Unable to contact slurm controller); then: scancel 7_1 7_0"
    ]


def test_words_of_submitit_are_kept(jobs: Queue, capfd) -> None:
    with jobs.words_of_submitit():
        logging.getLogger("submitit").warning("Bypassing")
        print("sbatch: warning", file=sys.stderr)
    assert capfd.readouterr().err == ""
    assert jobs.log.read_text() == "Bypassing\nsbatch: warning\n"


@pytest.fixture
def watch() -> Watch:
    return Watch()


@pytest.fixture
def session(tmp_path: Path, jobs: Queue, watch: Watch) -> Any:
    """Runs without a cluster; what submits them is for the test to say."""
    submitter = SimpleNamespace(submit_array=None)
    return executor._Session(Execution(tmp_path), submitter, jobs, told(tmp_path, watch), [study().baseline])


def test_a_refusal_after_other_jobs_were_accepted_is_not_the_end(session, capfd) -> None:
    """The controller is restarted while a job is submitted again."""

    def refuse(_: object) -> None:
        raise FailedJobError("sbatch: error: Unable to contact\nslurm controller")

    session.submitter.submit_array = refuse
    with pytest.raises(InputError, match="Slurm refused the job: sbatch: error: Unable to contact slurm controller"):
        session._submit()
    session.accepted = True
    for _ in range(2):
        session.next_try = 0.0
        session._submit()
    assert session.waiting == [study().baseline]
    session._submit()
    assert capfd.readouterr().err.splitlines() == [
        "Slurm refused the job: sbatch: error: Unable to contact slurm controller; trying again"
    ]


def test_a_job_that_could_not_begin_is_not_submitted_for_ever(
    session, watch: Watch, slurm: Slurm, tmp_path: Path
) -> None:
    """Submitit cannot load what it was to execute: it records an error, and the run has neither lease nor record."""
    slurm(squeue="true")
    paths = SimpleNamespace(stderr=tmp_path / "no.err", result_pickle=tmp_path / "result.pkl")
    cloudpickle_dump(("error", "Traceback"), paths.result_pickle)
    submissions = []

    def submit(functions: list[object]) -> list[Any]:
        submissions.append(len(functions))
        return [SimpleNamespace(job_id=str(len(submissions)), paths=paths)]

    session.submitter.submit_array = submit
    session.execute()
    assert submissions == [1] * ATTEMPTS
    assert watch.statuses == {"failed": 1}
    record = Store(tmp_path).read_record(study().baseline.run_id)
    assert record.error.message == "its Slurm job 3 ended as unknown, 3 times"


def test_a_spec_that_a_node_cannot_read_is_told(tmp_path: Path, capsys) -> None:
    """A plug-in is not installed there."""
    tables = {**study().baseline.canonical(), "space": {"name": "nowhere"}}
    job.RunJob(tables, Execution(tmp_path))()
    assert capsys.readouterr().err.startswith("error: unknown space 'nowhere'")
