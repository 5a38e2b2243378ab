"""Runs as jobs of a real Slurm cluster of one node, with and without accounting; `make test-cluster` runs this."""

import os
import re
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from supernet_bench.records.store import Store
from tests.benchmark.execution.executors.one_node_slurm import OneNode, one_node, steps, what_is_missing
from tests.benchmark.execution.executors.studies import (
    ROOT,
    START,
    finish,
    holders,
    is_there,
    long_study,
    results,
    start_driver,
    tell,
    undisturbed,
    wait_until,
)

pytest.importorskip("submitit", reason="the extra [slurm] is not installed; a real Slurm was not tested")

pytestmark = pytest.mark.cluster

EPOCHS = 600
"""Of the run that is disturbed; it must not end while Slurm takes its time to stop it."""

Driver = Callable[..., subprocess.Popen[str]]


@pytest.fixture(scope="module", params=[False, True], ids=["without accounting", "with accounting"])
def one(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[OneNode]:
    if missing := what_is_missing():
        pytest.skip(f"A REAL SLURM WAS NOT TESTED: {missing}")
    with one_node(tmp_path_factory.mktemp("slurm"), accounting=request.param) as cluster:
        yield cluster


@pytest.fixture
def cluster(one: OneNode, monkeypatch: pytest.MonkeyPatch) -> OneNode:
    for name, value in {**one.environment, "PYTHONPATH": str(ROOT)}.items():
        monkeypatch.setenv(name, value)
    one.settle()
    return one


@pytest.fixture
def drive(cluster: OneNode, tmp_path: Path) -> Iterator[Driver]:
    """Return a function that starts the command, on a study of a long and a short run."""
    started = []

    def start(*options: str) -> subprocess.Popen[str]:
        started.append(start_driver(tmp_path, "--executor", "slurm", "--jobs", "1", *options, seeds=1, epochs=EPOCHS))
        return started[-1]

    yield start
    for process in started:
        process.kill()
        process.wait()


@pytest.fixture(scope="module")
def expected(one: OneNode, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    return undisturbed(long_study(seeds=1, epochs=EPOCHS), tmp_path_factory.mktemp("undisturbed"))


def saved(store: Path) -> int:
    """Return the process of a run once it has saved something."""
    wait_until(lambda: list(store.glob("checkpoints/*.pt")) and holders(store))
    return next(iter(holders(store).values()))


def ends_well(process: subprocess.Popen[str], store: Path, expected: dict[str, Any], resumed: bool) -> list[str]:
    """Check records and exit code; return what was told beside progress."""
    code, errors = finish(process)
    assert code == 0, errors
    assert results(long_study(seeds=1, epochs=EPOCHS), store) == expected
    times = [Store(store).read_record(run_id).execution.resumed for run_id in Store(store).find("")]
    assert (max(times) > 0) == resumed  # Twice where the machine is so slow that a job meets its limit again.
    return [line for line in errors if not line.startswith("[")]


def ordinary(cluster: OneNode) -> list[str]:
    line = "Slurm accounting storage is disabled: how jobs ended is known from squeue alone"
    return [] if cluster.accounting else [line]


def test_records_are_those_of_one_process(cluster: OneNode, drive: Driver, tmp_path: Path, expected) -> None:
    assert ends_well(drive(), tmp_path / "store", expected, resumed=False) == ordinary(cluster)


def test_a_cancelled_job_is_submitted_again(cluster: OneNode, drive: Driver, tmp_path: Path, expected) -> None:
    process = drive()
    saved(tmp_path / "store")
    cluster.ask("scancel", *cluster.running())
    assert ends_well(process, tmp_path / "store", expected, resumed=True) == ordinary(cluster)


def test_a_killed_job_is_submitted_again(cluster: OneNode, drive: Driver, tmp_path: Path, expected) -> None:
    process = drive()
    os.kill(saved(tmp_path / "store"), signal.SIGKILL)
    assert ends_well(process, tmp_path / "store", expected, resumed=True) == ordinary(cluster)


def test_a_job_at_its_time_limit_is_queued_again(cluster: OneNode, drive: Driver, tmp_path: Path, expected) -> None:
    process = drive("--slurm", "time=1")
    pid = saved(tmp_path / "store")
    os.kill(pid, signal.SIGSTOP)  # Rather than to compute for a minute.
    wait_until(lambda: is_told(pid), seconds=90)
    with suppress(ProcessLookupError):  # Slurm may have it go on, too.
        os.kill(pid, signal.SIGCONT)
    assert ends_well(process, tmp_path / "store", expected, resumed=True) == ordinary(cluster)
    words = [path.read_text() for path in (tmp_path / "store" / "slurm").glob("*/*_log.out")]
    assert any("Requeued job" in text for text in words), "it was not queued again, but submitted"


def is_told(pid: int) -> bool:
    """Return whether Slurm has told a process, be it stopped, that its time is up."""
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except FileNotFoundError:
        return True
    pending = next(int(line.split()[1], 16) for line in lines if line.startswith("ShdPnd"))
    return bool(pending >> (signal.SIGUSR2 - 1) & 1)


def test_a_node_that_is_set_down(cluster: OneNode, drive: Driver, tmp_path: Path, expected) -> None:
    process = drive()
    pid = saved(tmp_path / "store")
    node = f"NodeName={cluster.node}"
    cluster.ask("scontrol", "update", node, "State=DOWN", "Reason=test")
    try:
        # Slurm takes a node out of service that is given a job of which it still runs a part.
        wait_until(lambda: not is_there(pid) and not cluster.running() and not steps())
    finally:
        cluster.ask("scontrol", "update", node, "State=RESUME")
    told = ends_well(process, tmp_path / "store", expected, resumed=True)
    assert [line for line in told if "waits in Slurm's queue" not in line] == ordinary(cluster)


def test_a_lost_driver_is_continued(cluster: OneNode, drive: Driver, tmp_path: Path, expected) -> None:
    process = drive()
    saved(tmp_path / "store")
    process.kill()
    finish(process)
    told = ends_well(drive(), tmp_path / "store", expected, resumed=False)
    assert [line for line in told if not line.startswith("waiting for ")] == ordinary(cluster)


def test_ctrl_c_cancels_the_jobs(cluster: OneNode, drive: Driver, tmp_path: Path) -> None:
    process = drive()
    saved(tmp_path / "store")
    tell(process, signal.SIGINT)
    code, errors = finish(process)
    assert code == 130
    assert errors == [*ordinary(cluster), "interrupted; the same command continues"]
    wait_until(lambda: not cluster.ask("squeue", "--noheader"), seconds=20)


def test_a_restart_of_the_controller_is_sat_out(cluster: OneNode, drive: Driver, tmp_path: Path, expected) -> None:
    """Meanwhile a job is killed."""
    process = drive()
    pid = saved(tmp_path / "store")
    cluster.stop_controller()
    os.kill(pid, signal.SIGKILL)
    time.sleep(5)
    cluster.start_controller()
    told = ends_well(process, tmp_path / "store", expected, resumed=True)
    assert [line for line in told if not line.startswith("Slurm does not answer (")] == ordinary(cluster)


def test_why_a_job_waits_for_ever_is_told(cluster: OneNode, drive: Driver) -> None:
    process = drive("--slurm", "time=100")
    lines: list[str] = []
    while not lines or "waits in Slurm" not in lines[-1]:
        lines.append(process.stderr.readline().rstrip())
        assert lines[-1], "it ended"
    assert [line for line in lines[:-1] if not START.match(line)] == ordinary(cluster)
    assert re.fullmatch(r"a job waits in Slurm's queue for the reason Partition\w+; see: squeue --me", lines[-1])
    tell(process, signal.SIGINT)
    code, errors = finish(process)
    assert code == 130, errors
    assert not cluster.ask("squeue", "--noheader", "--states=pending,running")
