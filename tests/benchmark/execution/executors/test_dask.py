"""Runs on dask workers, which are killed."""

import os
import random
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch

from supernet_bench.benchmark.execution import Execution, Resources
from supernet_bench.benchmark.execution.executors.base import make_executor
from supernet_bench.benchmark.execution.worker import ATTEMPTS
from supernet_bench.core.errors import InputError
from supernet_bench.core.progress import Part
from supernet_bench.records.store import Store
from tests.benchmark.execution.executors.studies import (
    ROOT,
    Watch,
    finish,
    group_ends,
    holders,
    long_study,
    results,
    run,
    start_driver,
    study,
    study_of_a_file,
    tell,
    told,
    undisturbed,
    wait_until,
)

dask = pytest.importorskip("dask", reason="the extra [dask] is not installed; dask was not tested")
distributed = pytest.importorskip("distributed", reason="the extra [dask] is not installed; dask was not tested")

Start = Callable[..., subprocess.Popen[bytes]]
EXECUTION = "supernet_bench.benchmark.execution"
LONG = pytest.mark.full


@pytest.fixture(autouse=True)
def _short_patience(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DASK_DISTRIBUTED__COMM__TIMEOUTS__CONNECT", "5s")


@LONG
def test_a_killed_worker_changes_no_record(tmp_path: Path) -> None:
    made, killed = study_of_a_file(tmp_path, training={"epochs": 30, "batch_size": 16}), []

    class Killer(Watch):
        def advanced(self, part: Part, share: float | None) -> None:
            super().advanced(part, share)
            if not killed and Store(tmp_path / "dask").checkpoint_path(part.name).exists():
                killed.append(holders(tmp_path / "dask")[part.name])
                os.kill(killed[0], signal.SIGKILL)

    watch = run(made, tmp_path / "dask", Killer(), executor="dask", jobs=2)
    assert killed
    assert watch.statuses == {"finished": 3}
    assert results(made, tmp_path / "dask") == undisturbed(made, tmp_path / "undisturbed")


@LONG
def test_workers_killed_at_random_moments(tmp_path: Path) -> None:
    """Again and again, each time after something was saved; the moments are random, the seed is in the message."""
    store, seed = tmp_path / "store", random.randrange(2**32)
    moments, kills, seen = random.Random(seed), 0, {}
    process = start_driver(tmp_path, "--executor", "dask", "--jobs", "2")
    while process.poll() is None:
        for run_id, pid in holders(store).items():
            saved, now = Store(store).saved_at(run_id), kills == 0 or moments.random() < 0.2
            if kills <= ATTEMPTS and saved != seen.setdefault(run_id, 0) and now:
                seen[run_id] = saved
                with suppress(ProcessLookupError):  # It is dead already, and nobody has taken the run over yet.
                    os.kill(pid, signal.SIGKILL)
                    kills += 1
        with suppress(subprocess.TimeoutExpired):
            process.wait(moments.uniform(0, 0.1))
    code, errors = finish(process)
    assert code == 0, (seed, errors)
    assert kills > 0, f"never killed (seed {seed})"
    assert results(long_study(), store) == undisturbed(long_study(), tmp_path / "undisturbed"), f"seed {seed}"


@LONG
@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGKILL])
def test_a_lost_driver_takes_scheduler_and_workers_along_and_is_continued(tmp_path: Path, how: signal.Signals) -> None:
    store, options = tmp_path / "store", ("--executor", "dask", "--jobs", "2")
    process = start_driver(tmp_path, *options)
    wait_until(lambda: list(store.glob("checkpoints/*.pt")))
    tell(process, how)
    code, errors = finish(process)
    if how == signal.SIGINT:
        assert code == 130
        assert errors[-1] == "interrupted; the same command continues"
        assert all(line.startswith("[") for line in errors[:-1]), errors  # A run may have finished meanwhile.
    else:
        assert code == -how
    assert group_ends(process.pid), "a worker outlived its driver"
    code, errors = finish(start_driver(tmp_path, *options))
    assert code == 0, errors
    assert results(long_study(), store) == undisturbed(long_study(), tmp_path / "undisturbed")
    assert max(Store(store).read_record(run_id).execution.resumed for run_id in Store(store).find("")) == 1


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Return a function that starts a scheduler or a worker as a user does."""
    started: list[subprocess.Popen[bytes]] = []

    def one(kind: str, *options: str) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-m", f"distributed.cli.dask_{kind}", *options]
        log = (tmp_path / f"{kind}{len(started)}.log").open("wb")
        environment = {**os.environ, "PYTHONPATH": str(ROOT)}
        started.append(subprocess.Popen(command, cwd=tmp_path, env=environment, stdout=log, stderr=log))
        return started[-1]

    yield one
    for process in started:
        process.kill()
        process.wait()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@LONG
def test_losses_of_worker_and_scheduler_cost_what_was_not_saved(tmp_path: Path, start: Start) -> None:
    """They are commands of their own, which somebody starts again; in the end nobody does."""
    port, store = _free_port(), tmp_path / "store"
    address = f"tcp://127.0.0.1:{port}"
    made = long_study(seeds=1, epochs=150)
    (run_id,) = (spec.run_id for spec in made.runs() if spec.training.epochs == 150)

    def start_scheduler() -> subprocess.Popen[bytes]:
        return start("scheduler", "--host", "127.0.0.1", "--port", str(port), "--no-dashboard", "--no-show")

    def start_worker() -> subprocess.Popen[bytes]:
        return start("worker", address, "--nthreads", "1", "--no-nanny", "--no-dashboard")

    def wait_for_a_save() -> None:
        saved = Store(store).saved_at(run_id)
        wait_until(lambda: Store(store).saved_at(run_id) != saved)

    scheduler, worker = start_scheduler(), start_worker()
    process = start_driver(tmp_path, "--executor", "dask", "--scheduler", address, seeds=1, epochs=150)
    wait_for_a_save()
    worker.kill()
    worker.wait()
    worker = start_worker()
    wait_for_a_save()
    scheduler.kill()
    scheduler.wait()
    worker.wait()
    scheduler, worker = start_scheduler(), start_worker()
    code, errors = finish(process)
    assert code == 0, errors
    assert [line for line in errors if not line.startswith("[")] == []
    assert results(made, store) == undisturbed(made, tmp_path / "undisturbed")
    assert Store(store).read_record(run_id).execution.resumed == 2

    again = tmp_path / "again"  # A study of another budget wants another store.
    again.mkdir()
    process = start_driver(again, "--executor", "dask", "--scheduler", address, seeds=1, epochs=3000)
    wait_until(lambda: holders(again / "store"))
    scheduler.kill()
    code, errors = finish(process)
    assert code == 2
    assert errors == [f"error: dask scheduler {address} cannot be reached; the same command continues once it can"]


@LONG
def test_a_lost_driver_stops_the_runs_on_the_workers_of_others(tmp_path: Path, start: Start) -> None:
    port, store = _free_port(), tmp_path / "store"
    address = f"tcp://127.0.0.1:{port}"
    start("scheduler", "--host", "127.0.0.1", "--port", str(port), "--no-dashboard", "--no-show")
    start("worker", address, "--nthreads", "1", "--no-nanny", "--no-dashboard")
    process = start_driver(tmp_path, "--executor", "dask", "--scheduler", address, epochs=3000)
    wait_until(lambda: list(store.glob("checkpoints/*.pt")))
    assert holders(store)
    process.kill()
    finish(process)
    wait_until(lambda: not holders(store))
    assert Store(store).find("") == []


def _preloaded(code: str) -> Any:
    """Have every worker that is started meanwhile execute some code first."""
    return dask.config.set({"distributed.worker.preload": [code]})


def test_a_worker_that_retires_hands_its_run_on(tmp_path: Path) -> None:
    made, retired = study(training={"epochs": 200, "batch_size": 16}, seeds=1, factors={}), []
    with (
        distributed.LocalCluster(n_workers=2, threads_per_worker=1, memory_limit=0, dashboard_address=":0") as cluster,
        distributed.Client(cluster, set_as_default=False) as client,
    ):

        class Retiring(Watch):
            def advanced(self, part: Part, share: float | None) -> None:
                if not retired and Store(tmp_path).checkpoint_path(part.name).exists():
                    pid = holders(tmp_path)[part.name]
                    retired.extend(worker for worker, other in client.run(os.getpid).items() if other == pid)
                    client.retire_workers(retired)

        watch = run(made, tmp_path, Retiring(), executor="dask", scheduler=cluster.scheduler_address)
    assert len(retired) == 1
    assert watch.statuses == {"finished": 2}
    assert Store(tmp_path).read_record(made.baseline.run_id).execution.resumed == 1


@LONG
@pytest.mark.parametrize(
    ("place", "message"),
    [
        ("attempts.execute", "the dask worker died, 3 times"),
        ("worker._execute", "its process died 3 times, and nothing was saved in between"),
    ],
    ids=["before it has the lease", "with the lease"],
)
def test_a_run_that_kills_its_worker_every_time_is_recorded_as_failed(tmp_path: Path, place: str, message: str) -> None:
    """The worker has not the memory that the run takes."""
    spec, watch = study().baseline, Watch()
    module, function = place.rsplit(".", 1)
    code = f"import os, {EXECUTION}.{module} as module\nmodule.{function} = lambda *_: os.kill(os.getpid(), 9)"
    with _preloaded(code):
        make_executor(Resources(store=tmp_path, executor="dask", jobs=1), 1).run([spec], told(tmp_path, watch))
    assert watch.statuses == {"failed": 1}
    record = Store(tmp_path).read_record(spec.run_id)
    assert record.error.message == message


def _closed(*arguments: Any, **named: Any) -> None:
    raise distributed.client.ClosedClientError


def _session(tmp_path: Path, scheduler: str | None = "tcp://a:1", **client: Any) -> Any:
    """Return a session of all runs of a study at a scheduler that has one worker."""
    from supernet_bench.benchmark.execution.executors.dask.executor import DaskExecutor, _Session

    answers = {"subscribe_topic": lambda *_: None, "run": lambda *_, on_error: {}, "nthreads": lambda: {"tcp://a": 1}}
    executor = DaskExecutor(Execution(tmp_path), scheduler=scheduler)
    return _Session(SimpleNamespace(**{**answers, **client}), executor, told(tmp_path, Watch()), list(study().runs()))


@pytest.mark.parametrize("call", ["subscribe_topic", "run", "nthreads", "submit"])
def test_no_run_is_lost_with_the_scheduler(tmp_path: Path, call: str) -> None:
    """Whatever it is asked when it is lost."""
    assert _session(tmp_path, **{call: _closed}).execute() == list(study().runs())


def test_no_run_is_lost_with_a_worker_and_the_scheduler(tmp_path: Path) -> None:
    session = _session(tmp_path)
    future = SimpleNamespace(key="key", status="error", cancelled=lambda: False, add_done_callback=lambda call: None)
    future.exception = lambda: distributed.KilledWorker("key", None, 0)
    session.client.submit = lambda *_, pure: future
    session._start()
    session.client.run = _closed
    session.news.put(future)
    assert set(session.execute()) == set(study().runs())


def test_that_there_are_no_workers_any_more_is_told_once(tmp_path: Path, monkeypatch, capfd) -> None:
    from supernet_bench.benchmark.execution.executors.dask import executor

    monkeypatch.setattr(executor, "_patience", lambda: 0.0)
    monkeypatch.setattr(executor, "NEWS_SECONDS", 0.0)
    session = _session(tmp_path)
    for threads in ({}, {}):
        session.client.nthreads = lambda threads=threads: threads
        session._start()
    line = "dask scheduler tcp://a:1 has no workers any more; waiting for: dask worker tcp://a:1 --nthreads 1"
    assert capfd.readouterr().err.splitlines() == [line]
    assert session.waiting == list(study().runs())


def test_workers_of_this_machine_that_stay_dead_are_started_anew(tmp_path: Path, monkeypatch) -> None:
    from supernet_bench.benchmark.execution.executors.dask import executor

    monkeypatch.setattr(executor, "RESTART_SECONDS", 0.0)
    seen = iter([{"tcp://a": 1}])
    session = _session(tmp_path, nthreads=lambda: next(seen, {}))
    session.executor = executor.DaskExecutor(Execution(tmp_path))
    assert session.execute() == list(study().runs())


def test_workers_that_cannot_be_started_are_told(tmp_path: Path) -> None:
    with _preloaded("import os\nos._exit(1)"), pytest.raises(OSError, match="dask workers cannot be started on this"):
        run(study(), tmp_path, executor="dask", jobs=1)


@LONG
def test_workers_of_this_machine_that_are_lost_for_good_are_started_again(tmp_path: Path, monkeypatch) -> None:
    """Dask gives up a worker that takes too long to come back, and nobody else would start one."""
    from supernet_bench.benchmark.execution.executors.dask import executor

    monkeypatch.setattr(executor, "RESTART_SECONDS", 0.5)
    killed, watch = tmp_path / "killed", Watch()
    dies_once = (
        f"import os, pathlib, {EXECUTION}.attempts as module\n"
        f"killed, execute = pathlib.Path({str(killed)!r}), module.execute\n"
        "def die(*arguments):\n"
        "    killed.touch()\n"
        "    os.kill(os.getpid(), 9)\n"
        "module.execute = execute if killed.exists() else die"
    )
    with _preloaded(dies_once):
        run(study(seeds=1, factors={}), tmp_path, watch, executor="dask", jobs=1)
    assert killed.exists()
    assert watch.statuses == {"finished": 2}


def test_workers_of_this_machine_have_time_to_start_again(tmp_path: Path) -> None:
    """A loaded machine needs longer for it than dask grants, and a study must not wait for ever."""
    from supernet_bench.benchmark.execution.executors.dask.executor import RESTART_SECONDS, DaskExecutor

    with DaskExecutor(Execution(tmp_path), ("cpu",))._connected():
        assert dask.config.get("distributed.deploy.lost-worker-timeout") == f"{RESTART_SECONDS}s"


def test_a_worker_without_the_suite_is_told(tmp_path: Path) -> None:
    with (
        _preloaded("import sys\nsys.modules['supernet_bench'] = None"),
        pytest.raises(InputError, match=r"dask worker .* cannot import the suite \(.*\); install"),
    ):
        run(study(), tmp_path, executor="dask", jobs=1)


@pytest.mark.parametrize(
    ("workers", "message"),
    [
        ({"n_workers": 1, "threads_per_worker": 2}, "has 2 threads; allowed: --nthreads 1"),
        ({"n_workers": 0}, "has no workers; start some: dask worker inproc://.* --nthreads 1"),
    ],
)
def test_workers_that_will_not_do_are_told(tmp_path: Path, monkeypatch, workers: dict[str, int], message: str) -> None:
    with (
        dask.config.set({"distributed.comm.timeouts.connect": "1s"}),
        distributed.LocalCluster(processes=False, dashboard_address=":0", **workers) as cluster,
        pytest.raises(InputError, match=message),
    ):
        run(study(), tmp_path, executor="dask", scheduler=cluster.scheduler_address)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"scheduler": "nonsense://x"}, "scheduler is 'nonsense://x'; allowed: an address such as tcp://host:8786"),
        ({"scheduler": "tcp://a:1", "jobs": 3}, "jobs is 3; allowed with --scheduler: as many runs at once"),
        ({"scheduler": "tcp://a:1", "runs_per_gpu": 3}, "runs-per-gpu is 3; allowed with --scheduler: as many"),
    ],
)
def test_options_that_do_not_fit_are_refused(tmp_path: Path, given, message: str) -> None:
    with pytest.raises(InputError) as error:
        run(study(), tmp_path, executor="dask", **given)
    assert str(error.value).startswith(message)


def test_the_threads_of_a_run_depend_on_the_whole_study(tmp_path: Path) -> None:
    for given in ({}, {"scheduler": "tcp://a:1"}):
        made = [make_executor(Resources(store=tmp_path, executor="dask", device="cpu", **given), 100) for _ in range(2)]
        assert made[0].execution.threads == made[1].execution.threads == 1


def test_each_worker_has_a_gpu_of_its_own(monkeypatch) -> None:
    from supernet_bench.benchmark.execution.executors.dask.task import _device

    workers = [SimpleNamespace(name=name, address=f"tcp://{name}") for name in range(3)]
    assert [_device(worker, "auto", ("cuda:0", "cuda:1")) for worker in workers] == ["cuda:0", "cuda:1", "cuda:0"]
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    assert _device(workers[0], "cuda:1", ()) == "cuda:1"
    with pytest.raises(InputError, match="dask worker tcp://0 sees 2 GPUs; allowed: one, named by CUDA_VISIBLE"):
        _device(workers[0], "auto", ())
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "1,0")
    assert _device(workers[0], "auto", ()) == "auto"
