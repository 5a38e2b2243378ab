"""Runs as Slurm jobs, on a cluster of one machine that consists of real processes."""

import os
import signal
from pathlib import Path

import pytest

from benchmark.driver import Resources
from benchmark.errors import InputError
from benchmark.store import Store
from benchmark.worker import ATTEMPTS, Execution
from tests.benchmark.executors import fake_slurm
from tests.benchmark.executors.studies import (
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
    watch = run(made, store, engine="slurm", jobs=2)
    assert watch.statuses == {"finished": 3}
    run(made, tmp_path / "local")
    assert results(made, store) == results(made, tmp_path / "local")
    script = next((store / "slurm").glob("*/*_submission.sh")).read_text()
    assert "#SBATCH --array=0-2%2" in script
    assert "#SBATCH --time=60" in script
    assert "partition" not in script


ONE_AT_A_TIME = ("--executor", "slurm", "--jobs", "1")


@pytest.mark.parametrize("how", [signal.SIGUSR2, signal.SIGKILL], ids=["preempted", "killed"])
def test_a_stopped_job_continues(tmp_path: Path, cluster: Path, how: signal.Signals) -> None:
    store = tmp_path / "store"
    process = start_driver(tmp_path, *ONE_AT_A_TIME, seeds=1, epochs=150)
    wait_until(lambda: list(store.glob("checkpoints/*.pt")))
    (pid,) = fake_slurm.pids(cluster).values()
    os.kill(pid, how)
    code, errors = finish(process)
    assert code == 0, errors
    made = long_study(seeds=1, epochs=150)
    assert results(made, store) == undisturbed(made, tmp_path / "undisturbed")
    resumed = [Store(store).read_record(run_id)["execution"]["resumed"] for run_id in Store(store).find("")]
    assert sorted(resumed) == [0, 1]
    submissions = len(list(cluster.glob("*.script")))
    assert submissions == (1 if how == signal.SIGUSR2 else 2), "a preempted job is queued again, a killed one submitted"


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
    assert all(Store(store).read_record(run_id)["execution"]["resumed"] == 0 for run_id in Store(store).find(""))
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
    from benchmark.executors.slurm import RunJob

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
        run(study(seeds=1), tmp_path / "store", engine="slurm", device="cuda")
    assert "--gpus-per-node=1" in next((tmp_path / "store" / "slurm").glob("*/*_submission.sh")).read_text()
    with pytest.raises(InputError, match="Slurm refused the job: sbatch: error: invalid partition specified: nowhere"):
        run(study(seeds=1), tmp_path / "store", engine="slurm", slurm=("partition=nowhere",))


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
        Resources(tmp_path, engine="slurm", slurm=(given,)).executor(runs=1)
    assert str(error.value).startswith(message)


def test_a_machine_without_slurm_is_told(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(InputError, match="executor is 'slurm'; allowed where srun is"):
        run(study(), tmp_path / "store", engine="slurm")
