"""Whatever happens to processes, disks and files: a study ends with the records of an undisturbed one."""

import errno
import json
import os
import random
import re
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from supernet_bench.benchmark.execution import driver
from supernet_bench.benchmark.execution.executors.local import process_context
from supernet_bench.benchmark.execution.worker import Execution, execute
from supernet_bench.benchmark.study.spec import RunSpec
from supernet_bench.benchmark.study.study import Study, load_study
from supernet_bench.benchmark.training.trainer import Trainer
from supernet_bench.records import leases
from supernet_bench.records.leases import Lost, holder, take
from supernet_bench.records.store import Store
from tests.benchmark.execution.executors.studies import grandchildren, results, run, study, wait_until
from tests.benchmark.execution.test_resume import result_of
from tests.records.made import run_record
from tests.records.test_leases import ELSEWHERE, write_lease

ROOT = Path(__file__).resolve().parents[3]
STUDY = """
seeds = 2
space.name = "toy"
images = {name = "digits", train = 96, valid = 32}
training = {epochs = 16, batch_size = 16}
scoring = {architectures = 8, trace = 3}
factors.path_dropout = [{rate = 0.3}]
"""


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> tuple[Study, dict[str, dict[str, Any]]]:
    """A study, and what the records of its runs say."""
    folder = tmp_path_factory.mktemp("undisturbed")
    (folder / "faults.toml").write_text(STUDY)
    made = load_study(str(folder / "faults.toml"))
    run(made, folder / "store", jobs=1)
    return made, results(made, folder / "store")


@pytest.fixture
def command(tmp_path: Path) -> list[str]:
    (tmp_path / "faults.toml").write_text(STUDY)
    store = str(tmp_path / "store")
    options = ["--store", store, "--no-report", "--jobs", "1", "--threads", "1"]
    return [sys.executable, "-m", "supernet_bench", "run", str(tmp_path / "faults.toml"), *options]


class Log:
    """Has every process of the suite write down which runs it executes, by a plug-in that it finds."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "executions"
        plugin = folder / "plugin"
        (plugin / "logging_plugin-1.dist-info").mkdir(parents=True)
        (plugin / "logging_plugin-1.dist-info" / "METADATA").write_text("Name: logging_plugin\nVersion: 1\n")
        (plugin / "logging_plugin-1.dist-info" / "entry_points.txt").write_text(
            "[supernet_bench.images]\nlogging = logging_plugin\n"
        )
        (plugin / "logging_plugin.py").write_text(
            "import os\n"
            "import supernet_bench.benchmark.training.trainer as trainer\n"
            "run = trainer.Trainer.run\n"
            "def logged(self, *arguments):\n"
            f"    descriptor = os.open({str(self.path)!r}, os.O_CREAT | os.O_APPEND | os.O_WRONLY)\n"
            "    os.write(descriptor, f'{self.spec.run_id}\\n'.encode())\n"
            "    os.close(descriptor)\n"
            "    return run(self, *arguments)\n"
            "trainer.Trainer.run = logged\n"
        )
        self.environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), str(plugin)])}

    def executions(self) -> Counter[str]:
        return Counter(self.path.read_text().split())


def nothing_is_left_over(store: Path) -> bool:
    return not [*store.rglob("*.tmp"), *store.glob("checkpoints/*"), *store.glob("leases/*.json")]


def test_killed_at_random_moments_until_the_study_completes(undisturbed, command: list[str], tmp_path: Path) -> None:
    made, expected = undisturbed
    log, store = Log(tmp_path), tmp_path / "store"
    seed = random.randrange(2**32)
    moments = random.Random(seed)
    killed: Counter[str] = Counter()
    process = subprocess.Popen(command, env=log.environment, stderr=subprocess.DEVNULL)
    while len(killed) < 2 or killed["worker"] < 4:
        saved = _saved(store)
        wait_until(lambda before=saved, process=process: _saved(store) != before or process.poll() is not None)
        if process.poll() is not None:
            break
        _pause(moments.uniform(0, 0.05), process)
        if killed["worker"] >= 2 and not killed["driver"]:
            process.kill()
            process.wait()
            killed["driver"] += 1
            process = subprocess.Popen(command, env=log.environment, stderr=subprocess.DEVNULL)
        else:
            killed["worker"] += _kill_workers(process.pid)
    assert process.wait(timeout=120) == 0, f"seed {seed}"
    assert killed["driver"] == 1, f"seed {seed}"
    assert killed["worker"] >= 2, f"seed {seed}"
    assert results(made, store) == expected, f"seed {seed}"
    assert nothing_is_left_over(store), f"seed {seed}"
    assert log.executions().total() > len(expected)


def _saved(store: Path) -> set[tuple[str, int]]:
    saved = set()
    for path in store.glob("checkpoints/*.pt"):
        try:
            saved.add((path.name, path.stat().st_mtime_ns))
        except FileNotFoundError:  # It was replaced by a record.
            continue
    return saved


def _pause(seconds: float, process: subprocess.Popen[Any]) -> None:
    try:
        process.wait(seconds)
    except subprocess.TimeoutExpired:
        return


def _kill_workers(driver: int) -> int:
    killed = 0
    for pid in grandchildren(driver):
        try:
            os.kill(pid, signal.SIGKILL)
            killed += 1
        except ProcessLookupError:
            continue
    return killed


@pytest.mark.full
def test_two_drivers_share_a_study(undisturbed, command: list[str], tmp_path: Path) -> None:
    made, expected = undisturbed
    log, store = Log(tmp_path), tmp_path / "store"
    drivers = [subprocess.Popen(command, env=log.environment, stderr=subprocess.PIPE, text=True) for _ in range(2)]
    lines = [process.communicate(timeout=120)[1].splitlines() for process in drivers]
    assert [process.returncode for process in drivers] == [0, 0], lines
    warning = "warning: plug-in logging_plugin: defines no ImageSource; "
    assert [sum(line.startswith(warning) for line in told) for told in lines] == [1, 1]  # The workers say nothing.
    assert log.executions() == dict.fromkeys(expected, 1)
    assert results(made, store) == expected
    assert nothing_is_left_over(store)
    for told in lines:  # Each tells of all runs, once.
        assert told[-1].startswith(f"[{len(expected)}/{len(expected)}]")
        assert len({line.split()[1] for line in told if line.startswith("[")}) == len(expected)


HOLDER = """
import sys
from pathlib import Path
from supernet_bench.records.leases import take
with take(Path(sys.argv[1]), sys.argv[2]):
    print("held", flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def held(tmp_path: Path) -> Iterator[Callable[[str], subprocess.Popen[str]]]:
    """Return a function that has another process hold a run."""
    processes = []

    def hold(run_id: str) -> subprocess.Popen[str]:
        arguments = [sys.executable, "-c", HOLDER, str(tmp_path), run_id]
        process = subprocess.Popen(arguments, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT)
        processes.append(process)
        assert process.stdout.readline() == "held\n"
        return process

    yield hold
    for process in processes:
        with process:
            process.kill()


@pytest.mark.parametrize("recorded", [True, False], ids=["recorded", "killed"])
def test_a_driver_waits_for_a_run_that_another_executes(
    tmp_path: Path, held, recorded: bool, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """It is done when the other has recorded the run, and takes over when the other dies."""
    made = study(factors={}, seeds=1)
    spec = made.runs()[0]
    other = held(spec.run_id)
    pauses = []

    def meanwhile(seconds: float) -> None:
        pauses.append(seconds)
        if recorded:
            execute(spec, Execution(tmp_path / "elsewhere"))
            record = Store(tmp_path / "elsewhere").read_record(spec.run_id)
            Store(tmp_path).write_record(
                replace(record, execution=replace(record.execution, extra={"elsewhere": True}))
            )
        other.kill()
        other.wait()

    monkeypatch.setattr(driver.time, "sleep", meanwhile)
    watch = run(made, tmp_path, jobs=1)
    assert pauses == [driver.POLL_S]
    assert capsys.readouterr().err.startswith(f"waiting for 1 runs that are executed by process {other.pid} on ")
    assert watch.statuses == {"finished": 2}
    for each in made.runs():
        assert Store(tmp_path).read_record(each.run_id).status == "finished"
    assert ("elsewhere" in Store(tmp_path).read_record(spec.run_id).execution.extra) == recorded


def test_a_failed_run_that_another_executes_again_keeps_its_record(tmp_path: Path) -> None:
    """Two drivers may be told to do failed runs again; the second must not remove what the first has done."""
    made = study(factors={}, seeds=1)
    store, run_id = Store(tmp_path), made.baseline.run_id
    store.write_record(run_record(run_id, "failed"))
    with take(tmp_path, run_id):
        driver._unless_held(store, run_id, driver._has_failed, store.remove_record)
    assert store.read_record(run_id).status == "failed"
    store.write_record(run_record(run_id))
    driver._unless_held(store, run_id, driver._has_failed, store.remove_record)
    assert store.read_record(run_id).status == "finished"
    store.write_record(run_record(run_id, "failed"))
    driver._unless_held(store, run_id, driver._has_failed, store.remove_record)
    assert store.read_record(run_id) is None


def test_a_recorded_run_is_not_executed(toy_spec, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Somebody else may have recorded it after it was handed out."""
    spec = toy_spec()
    execute(spec, Execution(tmp_path))
    before = Store(tmp_path).record_path(spec.run_id).stat().st_mtime_ns
    monkeypatch.setattr(Trainer, "run", lambda *arguments: pytest.fail("it was executed again"))
    assert execute(spec, Execution(tmp_path)) == "finished"
    assert Store(tmp_path).record_path(spec.run_id).stat().st_mtime_ns == before


def test_a_run_that_was_taken_over_writes_nothing_more(toy_spec, tmp_path: Path) -> None:
    spec, store = toy_spec(training={"epochs": 10}), Store(tmp_path)
    saved = []

    def advance(share: float) -> None:
        if share > 0.4 and not saved:
            saved.append(store.checkpoint_path(spec.run_id).read_bytes())
            write_lease(tmp_path, ELSEWHERE, generation=2, run=spec.run_id)

    with pytest.raises(Lost, match=f"run {spec.run_id} was taken over"):
        execute(spec, Execution(tmp_path), advance)
    assert store.checkpoint_path(spec.run_id).read_bytes() == saved[0]
    assert store.read_record(spec.run_id) is None
    assert not list(tmp_path.rglob("*.tmp"))
    assert holder(tmp_path, spec.run_id) == str(ELSEWHERE)


def _stop_and_tell(tables: dict[str, Any], store: Path) -> None:
    """Execute a run, and stop this process in the middle."""
    stopped = []

    def advance(share: float) -> None:
        if share > 0.4 and not stopped:
            stopped.append(share)
            os.kill(os.getpid(), signal.SIGSTOP)

    try:
        execute(RunSpec.from_tables(tables), Execution(store, lease_s=0.5), advance)
    except Lost:
        sys.exit(3)


def test_a_stopped_process_that_goes_on_after_others_took_over(toy_spec, tmp_path: Path) -> None:
    spec, store = toy_spec(training={"epochs": 50}), Store(tmp_path)
    process: Any = process_context().Process(target=_stop_and_tell, args=(spec.canonical(), tmp_path))
    process.start()
    wait_until(store.checkpoint_path(spec.run_id).exists)
    wait_until(lambda: holder(tmp_path, spec.run_id) is None)
    assert execute(spec, Execution(tmp_path)) == "finished"
    content = store.record_path(spec.run_id).read_bytes()
    os.kill(process.pid, signal.SIGCONT)
    process.join(60)
    assert process.exitcode == 3
    assert store.record_path(spec.run_id).read_bytes() == content
    assert nothing_is_left_over(tmp_path)
    execute(spec, Execution(tmp_path / "undisturbed"))
    records = [Store(folder).read_record(spec.run_id) for folder in (tmp_path, tmp_path / "undisturbed")]
    assert result_of(records[0]) == result_of(records[1])


def test_what_a_process_left_that_was_killed_after_recording_its_run_is_removed(tmp_path: Path) -> None:
    """Also if nothing else is left to do."""
    made = study(factors={}, seeds=1)
    store, run_id = Store(tmp_path), made.baseline.run_id
    run(made, tmp_path, jobs=1)
    before = results(made, tmp_path)
    for _ in range(2):
        store.write_checkpoint(run_id, {"epoch": 4})
        write_lease(tmp_path, ELSEWHERE, age_s=100, run=run_id)
        run(made, tmp_path, jobs=1)
        assert nothing_is_left_over(tmp_path)
        assert results(made, tmp_path) == before


@pytest.mark.parametrize(("deaths", "status"), [(2, "failed"), (1, "finished")])
def test_a_run_whose_processes_died_on_other_machines_is_given_up(
    toy_spec, tmp_path: Path, deaths: int, status: str
) -> None:
    """Nobody but the next owner can tell; the last death is that of the lease that is found."""
    spec = toy_spec()
    write_lease(tmp_path, replace(ELSEWHERE, deaths=deaths), age_s=100, run=spec.run_id)
    assert execute(spec, Execution(tmp_path)) == status
    record = Store(tmp_path).read_record(spec.run_id)
    assert record.status == status
    if status == "failed":
        assert record.error.type == "Killed"
        assert record.error.message == "its process died 3 times, and nothing was saved in between"
        assert record.execution is None
    assert nothing_is_left_over(tmp_path)


def test_what_a_killed_process_was_writing_is_removed(toy_spec, tmp_path: Path) -> None:
    spec, store = toy_spec(), Store(tmp_path)
    for path in (store.record_path(spec.run_id), store.checkpoint_path(spec.run_id)):
        path.parent.mkdir(parents=True)
        (path.parent / f".{path.name}.0123.tmp").write_bytes(b"half")
    execute(spec, Execution(tmp_path))
    assert nothing_is_left_over(tmp_path)


# Full disks.


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 96 kB: room for a saved state and the one that replaces it."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mounting = ["mount", "-t", "tmpfs", "-o", "size=96k", "tmpfs", str(folder)]
    try:
        subprocess.run(mounting, check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("no file system may be mounted here; full disks are tried by injected errors only")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


def fill(folder: Path, leave_bytes: int) -> Path:
    filler = folder / "filler"
    left = os.statvfs(folder)
    filler.write_bytes(bytes(left.f_bavail * left.f_frsize - leave_bytes))
    return filler


@pytest.mark.parametrize(("epochs", "file"), [(4, "checkpoints/"), (0, "runs/")], ids=["checkpoint", "record"])
def test_a_full_disk_is_one_line_and_the_study_continues_when_there_is_room(
    small_disk: Path, epochs: int, file: str
) -> None:
    made = study(training={"epochs": epochs, "batch_size": 16}, scoring={"architectures": 0}, factors={}, seeds=1)
    spec, store = made.baseline, Store(small_disk / "store")
    filler = fill(small_disk, 8192)  # A page for the manifest and one for the lease.
    with pytest.raises(ValueError, match=rf"cannot be written: No space left on device: .*/{file}") as caught:
        run(made, store.folder, jobs=1)
    assert "\n" not in str(caught.value)
    assert [path.name for path in store.folder.rglob("*") if path.is_file()] == ["mine.json"]
    filler.unlink()
    run(made, store.folder, jobs=1)
    execute(spec, Execution(small_disk.parent / "undisturbed"))
    assert result_of(store.read_record(spec.run_id)) == result_of(
        Store(small_disk.parent / "undisturbed").read_record(spec.run_id)
    )


@pytest.mark.parametrize("write", [1, 3, 5], ids=["first checkpoint", "third checkpoint", "record"])
def test_a_write_without_room_loses_nothing_before_it(
    toy_spec, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, write: int
) -> None:
    spec, store, writes = toy_spec(training={"epochs": 4}), Store(tmp_path / "a"), Counter[str]()
    fsync = os.fsync

    def full(descriptor: int) -> None:
        writes["all"] += 1
        if writes["all"] == write:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        fsync(descriptor)

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="cannot be written: No space left on device"):
        execute(spec, Execution(store.folder))
    assert store.read_record(spec.run_id) is None
    assert not list(store.folder.rglob("*.tmp"))
    assert not list(store.folder.glob("leases/*.json"))
    state = store.read_checkpoint(spec.run_id)
    assert (0 if state is None else state["epoch"]) == write - 1
    execute(spec, Execution(store.folder))
    execute(spec, Execution(tmp_path / "b"))
    assert nothing_is_left_over(store.folder)
    assert result_of(store.read_record(spec.run_id)) == result_of(Store(tmp_path / "b").read_record(spec.run_id))


# Damaged files.


def _flipped(content: bytes) -> bytes:
    position = random.randrange(len(content) * 8)
    changed = bytearray(content)
    changed[position // 8] ^= 1 << position % 8
    return bytes(changed)


DAMAGES: dict[str, Callable[[bytes], bytes]] = {
    "truncated": lambda content: content[: len(content) // 2],
    "empty": lambda content: b"",
    "flipped": _flipped,
    "foreign": lambda content: b"PK\x03\x04 something else",
    "nested": lambda content: b"[" * 100_000,
}


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES)
def test_a_damaged_record_is_set_aside_and_its_run_done_again(
    tmp_path: Path, damage: Callable[[bytes], bytes], capsys: pytest.CaptureFixture[str]
) -> None:
    made = study(factors={}, seeds=1)
    run(made, tmp_path, jobs=1)
    before, path = results(made, tmp_path), Store(tmp_path).record_path(made.baseline.run_id)
    content = damage(path.read_bytes())
    path.write_bytes(content)
    capsys.readouterr()
    watch = run(made, tmp_path, jobs=1)
    if content_is_equal(content, before[made.baseline.run_id]):
        return  # The bit was one that does not matter, such as the last of a long fraction.
    assert watch.statuses == {"finished": 1}
    assert results(made, tmp_path) == before
    assert set_aside_in_one_line(tmp_path, path, capsys) == content


def content_is_equal(content: bytes, result: dict[str, Any]) -> bool:
    try:
        found = json.loads(content).items()
        return {key: value for key, value in found if key not in ("schema", "execution", "checksum")} == result
    except (ValueError, AttributeError, RecursionError):
        return False


def set_aside_in_one_line(store: Path, path: Path, capsys: pytest.CaptureFixture[str]) -> bytes:
    """Return what was set aside."""
    (line,) = capsys.readouterr().err.splitlines()
    found = re.fullmatch(rf"warning: {re.escape(str(path))} is damaged: .+; it was moved to (.+)", line)
    assert found, line
    assert list((store / "damaged").iterdir()) == [Path(found[1])]
    return Path(found[1]).read_bytes()


def test_the_record_of_another_run_is_set_aside(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    made = study(factors={}, seeds=1)
    run(made, tmp_path, jobs=1)
    before, (first, second) = results(made, tmp_path), (Store(tmp_path).record_path(s.run_id) for s in made.runs())
    first.write_bytes(second.read_bytes())
    run(made, tmp_path, jobs=1)
    assert results(made, tmp_path) == before
    assert set_aside_in_one_line(tmp_path, first, capsys) == second.read_bytes()


class Bomb:
    """Makes a folder when it is unpickled."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __reduce__(self) -> tuple[Any, tuple[str]]:
        return os.mkdir, (str(self.folder),)


def _after_an_epoch(spec: RunSpec) -> dict[str, Any]:
    trainer = Trainer(spec, spec.images.load(), torch.device("cpu"))
    trainer._train_epoch()
    return {**trainer.state_dict(), "resumed": 0}


def _of_another_seed(spec: RunSpec, store: Store) -> None:
    """A checkpoint that would fit."""
    other = RunSpec.from_tables({**spec.canonical(), "seed": 7})
    store.write_checkpoint(other.run_id, _after_an_epoch(other))
    store.checkpoint_path(other.run_id).rename(store.checkpoint_path(spec.run_id))


def _incomplete(spec: RunSpec, store: Store) -> None:
    """A checkpoint whose weights can be loaded before it proves not to fit."""
    state = _after_an_epoch(spec)
    del state["resumed"]
    store.write_checkpoint(spec.run_id, state)


def _bomb(spec: RunSpec, store: Store) -> None:
    """A checkpoint that somebody else has written."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("supernet_bench.records.store.check_state", lambda state, owner: None)
        store.write_checkpoint(spec.run_id, {"weights": Bomb(store.folder / "executed")})


CHECKPOINTS: dict[str, Callable[[RunSpec, Store], None]] = {
    "bomb": _bomb,
    "other run": _of_another_seed,
    "incomplete": _incomplete,
    "other version": lambda spec, store: store.write_checkpoint(spec.run_id, {"supernet": {}, "resumed": 0}),
    "nonsense": lambda spec, store: store.write_checkpoint(spec.run_id, {"supernet": 3, "resumed": "x"}),
}


@pytest.mark.parametrize("write", CHECKPOINTS.values(), ids=CHECKPOINTS)
def test_a_checkpoint_that_cannot_be_used_is_set_aside(
    toy_spec, tmp_path: Path, write: Callable[[RunSpec, Store], None], capsys: pytest.CaptureFixture[str]
) -> None:
    spec, store = toy_spec(), Store(tmp_path / "a")
    write(spec, store)
    path = store.checkpoint_path(spec.run_id)
    content = path.read_bytes()
    assert execute(spec, Execution(store.folder)) == "finished"
    assert set_aside_in_one_line(store.folder, path, capsys) == content
    assert not (store.folder / "executed").exists()
    execute(spec, Execution(tmp_path / "b"))
    record = store.read_record(spec.run_id)
    assert record.execution.resumed == 0
    assert result_of(record) == result_of(Store(tmp_path / "b").read_record(spec.run_id))


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES)
def test_a_damaged_checkpoint_is_set_aside_and_its_run_done_again(
    tmp_path: Path, damage: Callable[[bytes], bytes], capsys: pytest.CaptureFixture[str]
) -> None:
    made = study(factors={}, seeds=1)
    spec, store = made.baseline, Store(tmp_path)
    store.write_checkpoint(spec.run_id, _after_an_epoch(spec))
    path = store.checkpoint_path(spec.run_id)
    content = damage(path.read_bytes())
    path.write_bytes(content)
    run(made, tmp_path, jobs=1)
    assert set_aside_in_one_line(tmp_path, path, capsys) == content
    execute(spec, Execution(tmp_path / "undisturbed"))
    assert result_of(store.read_record(spec.run_id)) == result_of(
        Store(tmp_path / "undisturbed").read_record(spec.run_id)
    )


def test_a_damaged_lease_is_set_aside_when_it_is_old(toy_spec, tmp_path: Path, capsys) -> None:
    spec = toy_spec()
    path = write_lease(tmp_path, ELSEWHERE, age_s=leases.TTL_S + 1, run=spec.run_id)
    touched = path.stat().st_mtime
    path.write_bytes(b"\x00")
    os.utime(path, (touched, touched))
    assert execute(spec, Execution(tmp_path)) == "finished"
    assert set_aside_in_one_line(tmp_path, path, capsys) == b"\x00"


def test_a_damaged_manifest_is_written_anew(tmp_path: Path) -> None:
    made = study(factors={}, seeds=1)
    run(made, tmp_path, jobs=1)
    path = tmp_path / "studies" / "mine.json"
    whole = path.read_bytes()
    path.write_bytes(whole[:50])
    run(made, tmp_path, jobs=1)
    assert path.read_bytes() == whole
