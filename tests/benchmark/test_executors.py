"""Many runs in processes of their own."""

import os
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pytest

from benchmark import executors
from benchmark.driver import Resources, run_study
from benchmark.errors import InputError
from benchmark.executors import LocalExecutor
from benchmark.registry import heuristic_types
from benchmark.store import Store
from benchmark.study import Study, parse_study
from benchmark.worker import Execution, execute
from heuristics.path_dropout import PathDropout
from tests.benchmark.test_resume import result_of

TABLES = {
    "space": {"name": "toy"},
    "images": {"name": "digits", "train": 96, "valid": 32},
    "training": {"epochs": 4, "batch_size": 16},
    "scoring": {"architectures": 8, "checkpoints": 2},
    "seeds": 2,
    "factors": {"path_dropout": [{"rate": 0.3}]},
}


class Watch:
    def __init__(self) -> None:
        self.shares: dict[str, list[float]] = {}
        self.statuses: Counter[str] = Counter()

    def advanced(self, spec, share: float) -> None:
        self.shares.setdefault(spec.run_id, []).append(share)

    def ended(self, spec, status: str) -> None:
        self.statuses[status] += 1


def study(**tables) -> Study:
    return parse_study("mine", {**TABLES, **tables})


def run(made: Study, store: Path, **resources) -> Watch:
    watch = Watch()
    run_study(made, Resources(store, threads=1, **resources), lambda runs, recorded: watch)
    return watch


def test_every_run_gets_a_record_and_is_not_done_again(tmp_path: Path) -> None:
    made = study()
    watch = run(made, tmp_path, jobs=2)
    assert watch.statuses == {"finished": 6}
    assert all(Store(tmp_path).read_record(spec.run_id) for spec in made.runs())
    assert all(shares[-1] == 1.0 and shares == sorted(shares) for shares in watch.shares.values() if shares)
    assert (tmp_path / "studies" / "mine.json").exists()
    assert run(made, tmp_path).statuses == {}


def test_results_do_not_depend_on_the_number_of_processes(tmp_path: Path) -> None:
    made = study()
    run(made, tmp_path / "one", jobs=1)
    run(made, tmp_path / "two", jobs=2)
    for spec in made.runs():
        one, two = (Store(tmp_path / name).read_record(spec.run_id) for name in ("one", "two"))
        assert result_of(one) == result_of(two)


class Broken(PathDropout):
    """Path dropout that fails in the third step."""

    def on_operation(self, step):
        if step.index == 2:
            raise ZeroDivisionError("the third step\nand more")
        return super().on_operation(step)


def test_a_run_that_fails_is_recorded_with_its_traceback(toy_spec, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setitem(heuristic_types(), "path_dropout", Broken)
    spec = toy_spec({"path_dropout": {"rate": 0.1}})
    assert execute(spec, Execution(tmp_path)) == "failed"
    record = Store(tmp_path).read_record(spec.run_id)
    assert record["status"] == "failed"
    assert record["error"]["type"] == "ZeroDivisionError"
    assert record["error"]["message"] == "the third step"
    assert "in on_operation" in record["error"]["traceback"]
    assert record["counts"]["optimiser_steps"] == 2


def test_a_failed_run_is_done_again_only_on_demand(tmp_path: Path) -> None:
    made = study(factors={}, seeds=1)
    store = Store(tmp_path)
    failed = {"run_id": made.baseline.run_id, "status": "failed", "error": {"type": "Diverged"}}
    store.write_record(failed)
    run(made, tmp_path)
    assert store.read_record(made.baseline.run_id)["status"] == "failed"
    run_study(made, Resources(tmp_path, threads=1), lambda runs, recorded: Watch(), retry_failed=True)
    assert store.read_record(made.baseline.run_id)["status"] == "finished"


def test_a_study_that_does_not_fit_its_images_leaves_nothing(tmp_path: Path) -> None:
    made = study(training={"epochs": 1, "batch_size": 97})
    with pytest.raises(InputError, match=r"training\.batch_size is 97"):
        run(made, tmp_path / "store")
    assert not (tmp_path / "store").exists()


def test_a_checkpoint_that_does_not_fit_is_named_and_kept(toy_spec, tmp_path: Path) -> None:
    spec, store = toy_spec(), Store(tmp_path)
    store.write_checkpoint(spec.run_id, {"supernet": {}})
    with pytest.raises(InputError, match=r"\.pt does not fit this version .*; delete it"):
        execute(spec, Execution(tmp_path))
    assert store.checkpoint_path(spec.run_id).exists()
    assert store.read_record(spec.run_id) is None


def test_a_killed_process_is_started_again(tmp_path: Path) -> None:
    """The first process of the run dies; the second continues from its checkpoint."""
    spec = study(training={"epochs": 30, "batch_size": 16}).baseline
    killed: list[int] = []

    class Killer(Watch):
        def advanced(self, spec, share: float) -> None:
            if share > 0.3 and not killed:
                children = _children()
                killed.extend(children)
                for child in children:
                    os.kill(child, signal.SIGKILL)

    LocalExecutor(Execution(tmp_path), jobs=1).run([spec], Killer())
    record = Store(tmp_path).read_record(spec.run_id)
    assert killed
    assert record["status"] == "finished"
    assert record["execution"]["resumed"] >= 1


def _children() -> list[int]:
    """Return the processes that the forkserver of this process has forked."""
    table = subprocess.run(["ps", "-eo", "pid=,ppid="], capture_output=True, text=True, check=True).stdout
    parents = {int(pid): int(ppid) for pid, ppid in (line.split() for line in table.splitlines())}
    servers = [pid for pid, parent in parents.items() if parent == os.getpid()]
    return [pid for pid, parent in parents.items() if parent in servers]


def test_a_run_that_is_killed_every_time_is_recorded_as_failed(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr(executors, "_work", _die)
    spec, watch = study().baseline, Watch()
    LocalExecutor(Execution(tmp_path), jobs=1).run([spec], watch)
    record = Store(tmp_path).read_record(spec.run_id)
    assert watch.statuses == {"failed": 1}
    assert record["status"] == "failed"
    assert record["error"]["message"] == "the process ended with code -9, 3 times"


def _die(tables, execution, messages) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def test_what_the_user_can_mend_stops_the_study_and_is_not_recorded(tmp_path: Path) -> None:
    made = study()
    Store(tmp_path).write_checkpoint(made.baseline.run_id, {"epoch": 1})
    path = Store(tmp_path).checkpoint_path(made.baseline.run_id)
    path.write_bytes(path.read_bytes()[:-5])
    with pytest.raises(InputError, match=r"\.pt is damaged"):
        run(made, tmp_path)
    with pytest.raises(InputError, match=r"\.pt is damaged"):
        LocalExecutor(Execution(tmp_path), jobs=1).run([made.baseline], Watch())
    assert Store(tmp_path).find("") == []


def test_an_unknown_device_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="device is 'tpu'; allowed here: auto, cpu"):
        run(study(), tmp_path, device="tpu")


def test_a_failing_start_is_a_failed_run(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr(executors, "execute", _fail)
    spec = study().baseline
    receiver, sender = executors.multiprocessing.Pipe(duplex=False)
    monkeypatch.setattr(signal, "signal", lambda *arguments: None)
    executors._work(spec.canonical(), Execution(tmp_path), sender)
    assert Store(tmp_path).read_record(spec.run_id)["error"]["type"] == "TypeError"
    receiver.close()


def _fail(*arguments) -> None:
    raise TypeError("no trainer")


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGKILL])
def test_an_interrupted_driver_leaves_no_process_and_is_continued(tmp_path: Path, how: signal.Signals) -> None:
    file = tmp_path / "long.toml"
    file.write_text(
        'seeds = 2\nspace.name = "toy"\nimages = {name = "digits", train = 96, valid = 32}\n'
        "training = {epochs = 60, batch_size = 16}\nscoring = {architectures = 8}\n"
    )
    store = tmp_path / "store"
    command = [sys.executable, "-m", "benchmark", "run", str(file), "--store", str(store), "--no-report"]
    process = subprocess.Popen(command, start_new_session=True, stderr=subprocess.PIPE, text=True)
    deadline = time.monotonic() + 60
    while not list(store.glob("checkpoints/*.pt")) and time.monotonic() < deadline:
        time.sleep(0.02)
    if how == signal.SIGINT:
        os.killpg(process.pid, how)  # As a terminal does: the whole group is told.
    else:
        os.kill(process.pid, how)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == (130 if how == signal.SIGINT else -signal.SIGKILL)
    if how == signal.SIGINT:
        assert "interrupted; the same command continues" in errors
        assert "Traceback" not in errors
    assert _group_ends(process.pid), "a worker outlived its driver"
    if how == signal.SIGINT:
        assert not list(store.rglob("*.tmp"))
    subprocess.run(command, check=True, capture_output=True)
    assert len(Store(store).find("")) == 4


def _group_ends(group: int) -> bool:
    for _ in range(200):
        try:
            os.killpg(group, 0)
        except ProcessLookupError:
            return True
        time.sleep(0.05)
    return False
