"""Whatever a terminal, a pipe or a disk does to what is printed, the command goes on."""

import io
import os
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

from speed import __main__ as speed
from supernet_bench.benchmark.execution.executors.slurm import RunJob
from supernet_bench.benchmark.execution.worker import Execution
from supernet_bench.benchmark.study.spec import RunSpec
from supernet_bench.commands import main as front_door
from supernet_bench.core.output import say, steady
from supernet_bench.heuristics.base import Heuristic
from supernet_bench.records import leases
from supernet_bench.records.store import Store
from tools import proxies, simulate_intervals, simulate_marks
from tools.candidates import __main__ as candidates

ROOT = Path(__file__).resolve().parents[2]
OURS = (
    "analysis",
    "benchmark",
    "core",
    "engines",
    "heuristics",
    "images",
    "proxies",
    "records",
    "spaces",
    "speed",
    "supernet_bench",
    "tools",
)
LINUX = pytest.mark.skipif(sys.platform != "linux", reason="files and processes have such names on Linux")
PRINTS = """
import sys
from supernet_bench.core.output import steady

steady()
print("tau \\u2014 \\udce9" if "short" in sys.argv else "x" * 1_000_000)
sys.stdout.flush()
print("\\u2014", file=sys.stderr)
sys.exit(7)
"""


def printing(*arguments: str, **options) -> "subprocess.CompletedProcess[bytes]":
    environment = {**os.environ, "PYTHONIOENCODING": "ascii"}
    return subprocess.run([sys.executable, "-c", PRINTS, *arguments], cwd=ROOT, env=environment, timeout=60, **options)


def test_what_a_terminal_lacks_is_printed_as_its_number() -> None:
    done = printing("short", capture_output=True)
    assert (done.returncode, done.stdout, done.stderr) == (7, b"tau \\u2014 \\udce9\n", b"\\u2014\n")


def test_a_reader_that_leaves_ends_nothing() -> None:
    reader, writer = os.pipe()
    os.close(reader)
    with os.fdopen(writer, "wb") as closed:
        assert printing(stdout=closed, stderr=closed).returncode == 7


@LINUX
def test_what_is_told_beside_it_may_be_lost_but_not_what_was_asked_for() -> None:
    with Path("/dev/full").open("wb") as full:
        assert printing("short", stdout=subprocess.DEVNULL, stderr=full).returncode == 7
        assert printing("short", stdout=full, stderr=subprocess.DEVNULL).returncode != 7


@LINUX
def test_a_stream_that_was_closed_before_the_start_is_no_file_of_ours() -> None:
    command = f"{sys.executable} -c 'import os; from supernet_bench.core.output import steady; steady(); print(1); " + (
        'os._exit(0 if os.readlink("/proc/self/fd/1") == os.devnull else 3)\' >&- 2>&-'
    )
    assert subprocess.run(["sh", "-c", command], cwd=ROOT, check=False, timeout=60).returncode == 0


class Called(Exception):
    """Raised instead of what a front door does first."""


@pytest.mark.parametrize("module", [front_door, speed, proxies, simulate_intervals, simulate_marks, candidates])
def test_every_front_door_makes_printing_safe_first(module: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    def called() -> None:
        raise Called

    monkeypatch.setattr(module, "steady", called)
    monkeypatch.setattr(sys, "argv", ["command", "--help"])
    with pytest.raises(Called):
        module.main()


def test_the_front_doors_are_all_there_are() -> None:
    tracked = [path for part in OURS for path in (ROOT / part).rglob("*.py")]
    scripts = [path for path in tracked if '__name__ == "__main__"' in path.read_text("utf-8")]
    # The handbook prints nothing.
    doors = {"supernet_bench/__main__.py", "speed/__main__.py", "tools/candidates/__main__.py"}
    doors |= {f"tools/{name}.py" for name in ("handbook", "proxies", "simulate_intervals", "simulate_marks")}
    assert {path.relative_to(ROOT).as_posix() for path in scripts} == doors


def test_help_to_a_reader_that_leaves() -> None:
    reader, writer = os.pipe()
    os.close(reader)
    with os.fdopen(writer, "wb") as closed:
        command = [sys.executable, "-m", "supernet_bench", "--help"]
        done = subprocess.run(command, cwd=ROOT, stdout=closed, stderr=subprocess.PIPE, check=False, timeout=60)
    assert (done.returncode, done.stderr) == (0, b"")


class Refusing(io.StringIO):
    """A stream of a disk that is full."""

    def write(self, text: str) -> int:
        raise OSError(28, "No space left on device")


@pytest.mark.parametrize("stream", [None, Refusing(), io.TextIOWrapper(io.BytesIO(), encoding="ascii")])
def test_workers_say_what_they_can(stream: io.TextIOBase | None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stderr", stream)
    say("warning: caf\u00e9 \udce9")
    if isinstance(stream, io.TextIOWrapper):
        assert stream.buffer.getvalue() == b"warning: caf\\xe9 \\udce9\n"  # type: ignore[attr-defined]
        stream.close()
        say("warning: it is closed")


def test_a_stream_of_another_program_is_left_to_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """Notebooks and tests have their own."""
    own = io.StringIO()
    monkeypatch.setattr(sys, "stdout", own)
    monkeypatch.setattr(sys, "stderr", own)
    steady()
    assert sys.stdout is own


@LINUX
def test_a_process_may_have_any_name() -> None:
    name = Path("/proc/self/comm")
    before = name.read_bytes()
    started = leases._started(os.getpid())
    try:
        name.write_bytes(b"caf\xe9 (x)")
        assert leases._started(os.getpid()) == started
    finally:
        name.write_bytes(before)


class Wordy(Heuristic):
    """Prints what a terminal may lack."""

    name, factor = "wordy", "wordy"

    def begin(self, task) -> None:
        print("\u2014")


def test_a_worker_may_print_what_its_log_lacks(toy_spec, tmp_path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Else its encoding would make a run fail, and be a result."""
    spec = toy_spec(training={"epochs": 0})
    monkeypatch.setattr(RunSpec, "fresh_heuristics", lambda spec: [*spec.active_heuristics(), Wordy()])
    log = tmp_path / "log"
    with log.open("w", encoding="ascii") as stream:
        monkeypatch.setattr(sys, "stdout", stream)
        RunJob(spec.canonical(), Execution(tmp_path / "store"))()
    assert Store(tmp_path / "store").read_record(spec.run_id).error is None
    assert log.read_text("ascii") == "\\u2014\n"
