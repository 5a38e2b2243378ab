"""Many runs in processes of their own."""

import multiprocessing
import os
import signal
import struct
import subprocess
import sys
import threading
import time
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import pytest
import torch

from supernet_bench.benchmark.execution import Execution, Resources, attempts, execute, executors, run_study
from supernet_bench.benchmark.execution.executors import base, local
from supernet_bench.benchmark.execution.executors.base import make_executor
from supernet_bench.benchmark.execution.executors.local import LocalExecutor
from supernet_bench.benchmark.execution.worker import ATTEMPTS
from supernet_bench.benchmark.plugins.registry import heuristic_types
from supernet_bench.benchmark.study.spec import RunSpec
from supernet_bench.core.errors import InputError
from supernet_bench.core.progress import Part
from supernet_bench.heuristics.path_dropout import PathDropout
from supernet_bench.records import leases
from supernet_bench.records.run import Failure
from supernet_bench.records.store import Store
from tests.benchmark.execution.executors.studies import (
    ROOT,
    Watch,
    finish,
    grandchildren,
    group_ends,
    is_there,
    results,
    run,
    start_driver,
    study,
    tell,
    told,
    wait_until,
)
from tests.records.made import run_record


def test_every_run_gets_a_record_and_is_not_done_again(tmp_path: Path) -> None:
    made = study()
    watch = run(made, tmp_path, jobs=2)
    assert watch.statuses == {"finished": 6}
    assert all(Store(tmp_path).read_record(spec.run_id) for spec in made.runs())
    assert all(shares[-1] == 1.0 and shares == sorted(shares) for shares in watch.shares.values() if shares)
    assert (tmp_path / "studies" / "mine.json").exists()
    assert run(made, tmp_path).statuses == {}


def test_compiled_kernels_give_the_same_in_a_process_of_their_own(tmp_path: Path) -> None:
    made = study(space={"name": "nasbench201", "width": 8, "cells": 1}, factors={}, seeds=1)
    run(made, tmp_path / "child", threads=1)
    for spec in made.runs():
        execute(spec, Execution(tmp_path / "here", threads=1))
    assert results(made, tmp_path / "child") == results(made, tmp_path / "here")


def test_results_do_not_depend_on_the_number_of_processes(tmp_path: Path) -> None:
    made = study()
    run(made, tmp_path / "one", jobs=1)
    run(made, tmp_path / "two", jobs=2)
    assert results(made, tmp_path / "one") == results(made, tmp_path / "two")


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
    assert record.status == "failed"
    assert record.error.type == "ZeroDivisionError"
    assert record.error.message == "the third step"
    assert "in on_operation" in record.error.traceback
    assert record.counts["optimiser_steps"] == 2


def test_a_failed_run_is_done_again_only_on_demand(tmp_path: Path) -> None:
    made = study(factors={}, seeds=1)
    store = Store(tmp_path)
    store.write_record(run_record(made.baseline.run_id, "failed", error=Failure("Diverged", "loss is NaN", "")))
    run(made, tmp_path)
    assert store.read_record(made.baseline.run_id).status == "failed"
    run_study(made, Resources(store=tmp_path, threads=1), retry_failed=True)
    assert store.read_record(made.baseline.run_id).status == "finished"


def test_a_study_that_does_not_fit_its_images_leaves_nothing(tmp_path: Path) -> None:
    made = study(training={"epochs": 1, "batch_size": 97})
    with pytest.raises(InputError, match=r"training\.batch_size is 97"):
        run(made, tmp_path / "store")
    assert not (tmp_path / "store").exists()


def test_a_killed_process_is_started_again(tmp_path: Path) -> None:
    """The first process of the run dies; the second continues from its checkpoint."""
    spec = study(training={"epochs": 30, "batch_size": 16}).baseline
    killed: list[int] = []

    class Killer(Watch):
        def advanced(self, part: Part, share: float | None) -> None:
            if share > 0.3 and not killed:
                children = grandchildren(os.getpid())
                killed.extend(children)
                for child in children:
                    os.kill(child, signal.SIGKILL)

    LocalExecutor(Execution(tmp_path), ("cpu",)).run([spec], told(tmp_path, Killer()))
    record = Store(tmp_path).read_record(spec.run_id)
    assert killed
    assert record.status == "finished"
    assert record.execution.resumed >= 1


def test_a_run_that_is_killed_every_time_is_recorded_as_failed(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr(local, "_work", _die)
    spec, watch = study().baseline, Watch()
    LocalExecutor(Execution(tmp_path), ("cpu",)).run([spec], told(tmp_path, watch))
    record = Store(tmp_path).read_record(spec.run_id)
    assert watch.statuses == {"failed": 1}
    assert record.status == "failed"
    assert record.error.message == "the process ended with code -9, 3 times"


def test_a_run_that_kills_each_owner_of_its_lease_is_recorded_as_failed(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr(local, "_work", _begin_and_die)
    spec, watch = study().baseline, Watch()
    LocalExecutor(Execution(tmp_path), ("cpu",)).run([spec], told(tmp_path, watch))
    assert watch.statuses == {"failed": 1}
    error = Store(tmp_path).read_record(spec.run_id).error
    assert error.message == f"its process died {ATTEMPTS} times, and nothing was saved in between"
    assert not list(tmp_path.glob("leases/*.json"))


def _begin_and_die(tables, execution, messages) -> None:
    attempts.attempt(RunSpec.from_tables(tables), execution, lambda share: os.kill(os.getpid(), signal.SIGKILL))


@pytest.mark.parametrize("held", [True, False])
def test_a_process_whose_driver_is_gone_leaves_quietly_and_no_lease(tmp_path: Path, held: bool) -> None:
    spec = study().baseline
    process = local.process_context().Process(target=_work_alone, args=(spec.canonical(), Execution(tmp_path)))
    with leases.take(tmp_path, spec.run_id) if held else nullcontext():
        process.start()
        process.join()
    assert process.exitcode == (0 if held else 1)
    assert Store(tmp_path).read_record(spec.run_id) is None
    assert not list(tmp_path.glob("leases/*.json"))


def _work_alone(tables, execution) -> None:
    receiver, sender = multiprocessing.Pipe(duplex=False)
    receiver.close()
    local._work(tables, execution, sender)


def test_a_run_that_saves_something_each_time_is_never_given_up(tmp_path: Path, monkeypatch) -> None:
    """Machines that come and go kill a long run more often than a run may be to blame for."""
    monkeypatch.setattr(local, "_work", _save_and_die)
    spec, watch = study(training={"epochs": 6, "batch_size": 16}).baseline, Watch()
    LocalExecutor(Execution(tmp_path), ("cpu",)).run([spec], told(tmp_path, watch))
    assert watch.statuses == {"finished": 1}
    assert Store(tmp_path).read_record(spec.run_id).execution.resumed > ATTEMPTS


def _save_and_die(tables, execution, messages) -> None:
    """Execute an epoch, or the end after the last one."""
    spec = RunSpec.from_tables(tables)
    path = Store(execution.store).checkpoint_path(spec.run_id)
    before = path.stat().st_mtime_ns if path.exists() else 0

    def advance(share: float) -> None:
        if path.exists() and path.stat().st_mtime_ns != before:
            os.kill(os.getpid(), signal.SIGKILL)

    attempts.attempt(spec, execution, advance)


def test_a_process_that_does_not_end_is_ended(tmp_path: Path, monkeypatch) -> None:
    """A plug-in has started a thread that the end of its process waits for."""
    monkeypatch.setattr(local, "_work", _record_and_linger)
    monkeypatch.setattr(local, "END_SECONDS", 0.5)
    watch = Watch()
    LocalExecutor(Execution(tmp_path), ("cpu",)).run([study().baseline], told(tmp_path, watch))
    assert watch.statuses == {"finished": 1}


def _record_and_linger(tables, execution, messages) -> None:
    Store(execution.store).write_record(run_record(RunSpec.from_tables(tables).run_id))
    threading.Thread(target=time.sleep, args=(3600,)).start()
    messages.close()


def test_a_process_that_will_not_end_when_the_study_does_is_killed(tmp_path: Path, monkeypatch) -> None:
    """A plug-in has caught what was to end it."""
    monkeypatch.setattr(local, "_work", _be_deaf)
    monkeypatch.setattr(local, "END_SECONDS", 0.5)

    class Interrupted(Watch):
        def advanced(self, part: Part, share: float | None) -> None:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        LocalExecutor(Execution(tmp_path), ("cpu",)).run([study().baseline], told(tmp_path, Interrupted()))
    pid = int((tmp_path / "pid").read_text())
    wait_until(lambda: not is_there(pid))


def _be_deaf(tables, execution, messages) -> None:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    (execution.store / "pid").write_text(str(os.getpid()))
    messages.send(("advance", 0.5))
    time.sleep(3600)


def test_the_last_message_of_a_killed_process_may_be_cut_off() -> None:
    receiver, sender = multiprocessing.Pipe(duplex=False)
    os.write(sender.fileno(), struct.pack("!i", 100) + b"the first bytes")
    sender.close()
    assert local._receive(receiver) == ("closed", None)


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere processes are not forked; nothing was looked at")
def test_processes_are_forked_from_one_without_threads() -> None:
    """What a thread of it had locked would stay locked in them."""
    process = local.process_context().Process(target=_tell_threads_of_the_parent)
    process.start()
    process.join(60)
    assert process.exitcode == 100 + 1


def _tell_threads_of_the_parent() -> None:
    sys.exit(100 + len(list(Path(f"/proc/{os.getppid()}/task").iterdir())))


def test_a_run_that_another_process_executes_is_left_to_it(tmp_path: Path) -> None:
    mine, other = (spec for spec in study(seeds=1, factors={}).runs())
    watch = Watch()
    with leases.take(tmp_path, other.run_id):
        LocalExecutor(Execution(tmp_path), ("cpu",)).run([other, mine], told(tmp_path, watch))
    assert Store(tmp_path).find("") == [mine.run_id]
    assert watch.statuses == {"finished": 1}


def _die(tables, execution, messages) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def test_what_the_user_can_mend_stops_the_study_and_is_not_recorded(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="device is 'cuda:70'"):
        LocalExecutor(Execution(tmp_path), ("cuda:70",)).run([study().baseline], told(tmp_path, Watch()))
    assert Store(tmp_path).find("") == []


def test_an_unknown_device_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="device is 'tpu'; allowed here: auto, cpu"):
        run(study(), tmp_path, device="tpu")


def test_a_failing_start_is_a_failed_run(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr(attempts, "execute", _fail)
    spec = study().baseline
    assert attempts.attempt(spec, Execution(tmp_path))
    assert Store(tmp_path).read_record(spec.run_id).error.type == "TypeError"


def _fail(*arguments) -> None:
    raise TypeError("no trainer")


@pytest.mark.full
@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGKILL])
def test_an_interrupted_driver_leaves_no_process_and_is_continued(tmp_path: Path, how: signal.Signals) -> None:
    store = tmp_path / "store"
    process = start_driver(tmp_path)
    wait_until(lambda: list(store.glob("checkpoints/*.pt")))
    tell(process, how)
    code, errors = finish(process)
    assert code == (130 if how == signal.SIGINT else -signal.SIGKILL)
    if how == signal.SIGINT:
        assert errors[-1] == "interrupted; the same command continues"
        assert not any("Traceback" in line for line in errors)
    assert group_ends(process.pid), "a worker outlived its driver"
    if how == signal.SIGINT:
        assert not list(store.rglob("*.tmp"))
    assert finish(start_driver(tmp_path))[0] == 0
    assert len(Store(store).find("")) == 4


GPUS = ("cuda:0", "cuda:1", "cuda:2")


@pytest.mark.parametrize(
    ("given", "places"),
    [
        ({}, GPUS),
        ({"runs_per_gpu": 2}, GPUS * 2),
        ({"device": "cuda", "runs_per_gpu": 2}, GPUS * 2),
        ({"device": "cuda:1", "runs_per_gpu": 2}, ("cuda:1", "cuda:1")),
        ({"jobs": 4}, (*GPUS, "cuda:0")),
        ({"device": "cpu", "jobs": 2}, ("cpu", "cpu")),
    ],
)
def test_runs_are_spread_over_gpus(tmp_path: Path, monkeypatch, given: dict[str, Any], places: tuple[str, ...]) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 3)
    assert make_executor(Resources(store=tmp_path, **given), runs=100).places == places


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"runs_per_gpu": 2}, "runs-per-gpu is 2; allowed with a GPU only, and the device is cpu"),
        ({"runs_per_gpu": 2, "jobs": 3}, "runs-per-gpu is 2 and jobs is 3; allowed: one of them"),
        ({"executor": "docal"}, "unknown executor 'docal'; did you mean 'local'"),
        ({"scheduler": "tcp://a:1"}, "scheduler is given with executor 'local'; allowed: with executor 'dask'"),
        ({"slurm": ("time=3",)}, "slurm is given with executor 'local'; allowed: with executor 'slurm'"),
    ],
)
def test_options_that_do_not_fit_are_refused(tmp_path: Path, given: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        make_executor(Resources(store=tmp_path, device="cpu", **given), runs=1)


def test_every_process_gets_a_free_place(tmp_path: Path, monkeypatch) -> None:
    """The device of a run that ended is the one that the next gets."""
    monkeypatch.setattr(local, "_work", _tell_device)
    watch, places = Watch(), ("first", "second")
    LocalExecutor(Execution(tmp_path), places).run(study(seeds=5, factors={}).runs(), told(tmp_path, watch))
    used = [Path(path).read_text() for path in tmp_path.glob("*.device")]
    assert len(used) == 10
    assert set(used) == set(places)


def _tell_device(tables, execution, messages) -> None:
    """Use the device alone for a moment."""
    spec, lock = RunSpec.from_tables(tables), execution.store / f"{execution.device}.lock"
    lock.touch(exist_ok=False)
    (execution.store / f"{spec.run_id}.device").write_text(execution.device)
    Store(execution.store).write_record(run_record(spec.run_id))
    lock.unlink()


@pytest.mark.parametrize(("name", "package"), [("dask", "distributed"), ("slurm", "submitit")])
def test_a_missing_extra_is_named(monkeypatch, name: str, package: str) -> None:
    for module in [
        module
        for module in sys.modules
        if f"{module}.".startswith(f"supernet_bench.benchmark.execution.executors.{name}.")
    ]:
        monkeypatch.delitem(sys.modules, module)
    monkeypatch.setitem(sys.modules, package, None)  # To import it raises ImportError.
    with pytest.raises(InputError, match=rf"executor '{name}' needs .*: pip install 'supernet-bench\[{name}\]'"):
        base.find_executor(name)


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("1 / 0", r"cannot be imported: ZeroDivisionError: division by zero \(mine\.py, line 1\)$"),
        ("made = 1", r"has no function make; allowed: .*\.execution\.executors\.mine\.make\(resources, runs\)$"),
    ],
)
def test_a_mistake_in_an_executor_is_named(monkeypatch, tmp_path: Path, text: str, line: str) -> None:
    monkeypatch.setattr(executors, "__path__", [*executors.__path__, str(tmp_path)])
    monkeypatch.delitem(sys.modules, "supernet_bench.benchmark.execution.executors.mine", raising=False)
    (tmp_path / "mine.py").write_text(text)
    with pytest.raises(InputError, match=f"^executor 'mine' {line}"):
        base.find_executor("mine")


def test_names_are_found_without_importing_what_they_need() -> None:
    code = (
        "import sys; import supernet_bench.benchmark.execution;"
        "from supernet_bench.benchmark.execution.executors.base import executor_names;"
        "print(*executor_names()); sys.exit(any(name in sys.modules for name in ('dask', 'distributed', 'submitit')))"
    )
    found = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert found.stdout.split() == ["dask", "local", "slurm"]
