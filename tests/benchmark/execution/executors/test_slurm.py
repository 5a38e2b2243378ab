"""Runs as Slurm jobs, on a cluster of one machine that consists of real processes."""

import os
import signal
from pathlib import Path

import pytest

from supernet_bench.benchmark.execution import Execution, Resources
from supernet_bench.benchmark.execution.executors.base import make_executor
from supernet_bench.benchmark.execution.worker import ATTEMPTS
from supernet_bench.core.errors import InputError
from supernet_bench.records.store import Store
from tests.benchmark.execution.executors import fake_slurm
from tests.benchmark.execution.executors.studies import (
    ROOT,
    finish,
    is_there,
    long_study,
    results,
    run,
    start_driver,
    study,
    study_of_a_file,
    tell,
    undisturbed,
    wait_until,
)

pytest.importorskip("submitit", reason="the extra [slurm] is not installed; Slurm was not tested")


@pytest.fixture
def cluster(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "cluster"
    fake_slurm.install(folder)
    monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")
    monkeypatch.setenv("FAKE_SLURM", str(folder))
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    return folder


def states(cluster: Path) -> list[str]:
    return sorted(path.read_text() for path in cluster.glob("*.state"))


def test_records_are_those_of_a_local_study(tmp_path: Path, cluster: Path) -> None:
    made, store = study_of_a_file(tmp_path), tmp_path / "slurm"
    watch = run(made, store, executor="slurm", jobs=2)
    assert watch.statuses == {"finished": 3}
    run(made, tmp_path / "local")
    assert results(made, store) == results(made, tmp_path / "local")
    script = next((store / "slurm").glob("*/*_submission.sh")).read_text()
    assert "#SBATCH --array=0-2%2" in script
    assert "#SBATCH --time=60" in script
    assert "partition" not in script


ONE_AT_A_TIME = ("--executor", "slurm", "--jobs", "1")


NO_ACCOUNTS = "Slurm accounting storage is disabled: how jobs ended is known from squeue alone"


def stop_after_a_save(store: Store, run_id: str, cluster: Path, how: signal.Signals) -> None:
    """Stop the job that runs, once it has saved something, and return when it has stopped."""
    saved = store.saved_at(run_id)
    wait_until(lambda: store.saved_at(run_id) != saved and fake_slurm.pids(cluster))
    (pid,) = fake_slurm.pids(cluster).values()
    os.kill(pid, how)
    wait_until(lambda: not is_there(pid))


@pytest.mark.full
def test_a_stopped_job_continues(tmp_path: Path, cluster: Path) -> None:
    """First it is preempted and queued again, then killed and submitted again, while the controller is restarted."""
    store = tmp_path / "store"
    process = start_driver(tmp_path, *ONE_AT_A_TIME, seeds=1, epochs=150)
    made = long_study(seeds=1, epochs=150)
    (run_id,) = (spec.run_id for spec in made.runs() if spec.training.epochs == 150)
    stop_after_a_save(Store(store), run_id, cluster, signal.SIGUSR2)
    stop_after_a_save(Store(store), run_id, cluster, signal.SIGKILL)
    assert len(list(cluster.glob("*.script"))) == 1
    (cluster / "restarting").touch()
    wait_until(lambda: states(cluster)[0] == "FAILED")
    (cluster / "restarting").unlink()
    code, errors = finish(process)
    assert code == 0, errors
    assert results(made, store) == undisturbed(made, tmp_path / "undisturbed")
    resumed = {run_id: Store(store).read_record(run_id).execution.resumed for run_id in Store(store).find("")}
    assert resumed.pop(run_id) == 2
    assert list(resumed.values()) == [0]
    assert len(list(cluster.glob("*.script"))) == 2, "a preempted job is queued again, a killed one submitted"
    told = [line for line in errors if not line.startswith("[")]
    assert [line for line in told if not line.startswith("Slurm does not answer (")] == [NO_ACCOUNTS]


@pytest.mark.full
def test_jobs_outlive_their_driver_and_are_waited_for(tmp_path: Path, cluster: Path) -> None:
    store = tmp_path / "store"
    process = start_driver(tmp_path, *ONE_AT_A_TIME, seeds=1)
    wait_until(lambda: list(store.glob("checkpoints/*.pt")))
    process.kill()
    finish(process)
    code, errors = finish(start_driver(tmp_path, *ONE_AT_A_TIME, seeds=1))
    assert code == 0, errors
    made = long_study(seeds=1)
    assert results(made, store) == undisturbed(made, tmp_path / "undisturbed")
    assert all(Store(store).read_record(run_id).execution.resumed == 0 for run_id in Store(store).find(""))
    wait_until(lambda: set(states(cluster)) == {"COMPLETED"})


def test_ctrl_c_cancels_the_jobs(tmp_path: Path, cluster: Path) -> None:
    process = start_driver(tmp_path, *ONE_AT_A_TIME, seeds=1, epochs=10_000)
    wait_until(lambda: list((tmp_path / "store").glob("checkpoints/*.pt")))
    tell(process, signal.SIGINT)
    code, errors = finish(process)
    assert code == 130
    assert errors[-1] == "interrupted; the same command continues"
    assert states(cluster) == ["CANCELLED"] * 2
    jobs = [int(path.read_text()) for path in cluster.glob("*.pid")]
    assert jobs
    wait_until(lambda: not any(is_there(pid) for pid in jobs), seconds=20)


def test_a_job_that_never_saves_anything_is_not_queued_for_ever(tmp_path: Path, capsys) -> None:
    from supernet_bench.benchmark.execution.executors.slurm import RunJob

    spec = study().baseline
    job = RunJob(spec.canonical(), Execution(tmp_path))
    for _ in range(ATTEMPTS - 1):
        job = job.checkpoint().function
    Store(tmp_path).write_checkpoint(spec.run_id, {})
    job = job.checkpoint().function
    Store(tmp_path).checkpoint_path(spec.run_id).unlink()
    for _ in range(ATTEMPTS - 1):
        job = job.checkpoint().function
    with pytest.raises(SystemExit):
        job.checkpoint()
    assert f"error: run {spec.run_id} was stopped 3 times before its first save" in capsys.readouterr().err


def test_what_the_user_can_mend_is_told(tmp_path: Path, cluster: Path) -> None:
    with pytest.raises(InputError, match=r"Slurm job 100(_\d)?: device is 'cuda'; allowed here: auto, cpu"):
        run(study(seeds=1, factors={}), tmp_path / "store", executor="slurm", device="cuda")
    assert "--gpus-per-node=1" in next((tmp_path / "store" / "slurm").glob("*/*_submission.sh")).read_text()
    with pytest.raises(InputError, match="Slurm refused the job: sbatch: error: invalid partition specified: nowhere"):
        run(study(seeds=1), tmp_path / "store", executor="slurm", slurm=("partition=nowhere",))


@pytest.mark.parametrize(("minutes", "seconds"), [(1, 20), (2, 40), (60, 90)])
def test_a_short_job_is_not_told_of_its_end_before_it_listens(tmp_path: Path, cluster: Path, minutes, seconds) -> None:
    """Slurm may tell it half a minute early; one that does not listen yet dies of that."""
    made = make_executor(Resources(store=tmp_path, executor="slurm", slurm=(f"time={minutes}",)), runs=1)
    assert made._submitter().parameters["signal_delay_s"] == seconds


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ("time", "slurm is 'time'; allowed: KEY=VALUE, with a key of time, partition, "),
        ("time=an hour", "slurm.time is 'an hour'; allowed: a whole number from 1 to 10000000"),
        ("time=" + "9" * 5000, f"slurm.time is '{'9' * 5000}'; allowed: a whole number from 1 to 10000000"),
        ("cpus_per_task=10001", "slurm.cpus_per_task is 10001; allowed: a whole number from 1 to 10000"),
        ("gpus_per_node=4", "slurm.gpus_per_node is 4; allowed: a whole number from 0 to 1"),
        ("partiton=gpu", "unknown setting of slurm 'partiton'; did you mean 'partition'?"),
    ],
)
def test_a_wrong_request_is_refused(tmp_path: Path, given: str, message: str) -> None:
    with pytest.raises(InputError) as error:
        make_executor(Resources(store=tmp_path, executor="slurm", slurm=(given,)), runs=1)
    assert str(error.value).startswith(message)


def test_a_machine_without_slurm_is_told(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(InputError, match="executor is 'slurm'; allowed where srun is"):
        run(study(), tmp_path / "store", executor="slurm")
