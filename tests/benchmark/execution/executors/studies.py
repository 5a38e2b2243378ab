"""Small studies, and who watches them."""

import json
import os
import re
import signal
import subprocess
import sys
import time
import tomllib
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from supernet_bench.benchmark.execution import Execution, Resources, execute, run_study
from supernet_bench.benchmark.execution.attempts import Attempts
from supernet_bench.benchmark.study.study import Study, parse_study
from supernet_bench.core.progress import Part
from supernet_bench.records.store import Store
from tests.benchmark.execution.test_resume import result_of
from tests.benchmark.plugins import mistakes

TABLES = {
    "space": {"name": "toy"},
    "images": {"name": "digits", "train": 96, "valid": 32},
    "training": {"epochs": 4, "batch_size": 16},
    "scoring": {"architectures": 8, "checkpoints": 2},
    "seeds": 2,
    "factors": {"path_dropout": [{"rate": 0.3}]},
}
UNDISTURBED: dict[tuple[str, ...], dict[str, dict[str, Any]]] = {}
ROOT = Path(__file__).resolve().parents[4]
START = re.compile(r"training is slower without|\w+: \d+ of \d+ runs to do")
"""What any driver may say first."""

LONG_TOML = """
space.name = "toy"
images = {{name = "digits", train = 96, valid = 32}}
training = {{epochs = {epochs}, batch_size = 16}}
scoring = {{architectures = 8}}
"""


class Watch:
    """Who is told how runs get on; their names are their ids."""

    def __init__(self) -> None:
        self.shares: dict[str, list[float]] = {}
        self.statuses: Counter[str] = Counter()

    def started(self, total: int, done: int) -> None:
        self.counted = total, done

    def advanced(self, part: Part, share: float | None) -> None:
        self.shares.setdefault(part.name, []).append(share)

    def ended(self, part: Part, outcome: str) -> None:
        self.statuses[outcome] += 1


def study(**tables) -> Study:
    return parse_study("mine", {**TABLES, **tables})


def study_of_a_file(folder: Path, **tables) -> Study:
    """Return a study whose heuristic is in a file of the user's own, which is gone before anything is executed."""
    file = folder / "mine.py"
    file.write_text((mistakes.IMPORTS + mistakes.HEURISTIC).replace("NAME", "mine"))
    made = study(**{"seeds": 1, "plugins": [str(file)], "factors": {"mine": [{"rate": 0.3}]}, **tables})
    file.unlink()
    return made


def run(made: Study, store: Path, watch: Watch | None = None, **resources) -> Watch:
    watch = watch or Watch()
    run_study(made, Resources(store=store, **{"threads": 1, **resources}), watch)
    return watch


def told(store: Path, watch: Watch) -> Attempts:
    """Return attempts at runs of which somebody is told."""
    return Attempts(Store(store), watch)


def results(made: Study, store: Path) -> dict[str, dict[str, Any]]:
    """Return what the store holds of each run of a study, without how it was executed."""
    return {spec.run_id: result_of(Store(store).read_record(spec.run_id)) for spec in made.runs()}


def long_study(seeds: int = 2, epochs: int = 40) -> Study:
    """Return the study that `start_driver` executes."""
    return parse_study("long", {"seeds": seeds, **tomllib.loads(LONG_TOML.format(epochs=epochs))})


def undisturbed(made: Study, store: Path) -> dict[str, dict[str, Any]]:
    """Return the results of a study that one process executes, which the tests of this process share."""
    run_ids = tuple(spec.run_id for spec in made.runs())
    if run_ids not in UNDISTURBED:
        for spec in made.runs():
            execute(spec, Execution(store))
        UNDISTURBED[run_ids] = results(made, store)
    return UNDISTURBED[run_ids]


def wait_until(condition: Callable[[], object], seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"not within {seconds} seconds"
        time.sleep(0.02)


def grandchildren(pid: int) -> list[int]:
    """Return the processes that children of a process have started; forkservers and nannies start the workers."""
    table = subprocess.run(["ps", "-eo", "pid=,ppid="], capture_output=True, text=True, check=True).stdout
    parents = {int(pid): int(parent) for pid, parent in (line.split() for line in table.splitlines())}
    return [child for child, parent in parents.items() if parents.get(parent) == pid]


def holders(store: Path) -> dict[str, int]:
    """Return the process that executes each run, on this machine."""
    found = {}
    for path in sorted(store.glob("leases/*.json")):
        with suppress(FileNotFoundError, ValueError):  # It may be gone, or about to be written.
            found[path.name.partition(".")[0]] = json.loads(path.read_bytes())["pid"]
    return found


def start_driver(folder: Path, *options: str, seeds: int = 2, epochs: int = 40) -> subprocess.Popen[str]:
    """Start the command line on a study of a long and a short run for each seed, with its store in `folder`."""
    file = folder / "long.toml"
    file.write_text(f"seeds = {seeds}\n{LONG_TOML.format(epochs=epochs)}")
    command = [sys.executable, "-m", "supernet_bench", "run", str(file), "--store", str(folder / "store")]
    with interrupts_heeded():
        return subprocess.Popen(
            [*command, "--no-report", "--threads", "1", *options],
            start_new_session=True,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
        )


@contextmanager
def interrupts_heeded() -> Iterator[None]:
    """Have processes that are started meanwhile heed Ctrl-C: the tests may run where it is ignored, which is handed on.

    Not by a function that the new process calls first: forked from one with threads, it may wait for ever for a lock
    that one of them held, and its parent for it.
    """
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def tell(process: subprocess.Popen[str], what: signal.Signals) -> None:
    """Send a signal to a driver; Ctrl-C to its whole group, as a terminal does."""
    (os.killpg if what == signal.SIGINT else os.kill)(process.pid, what)


def finish(process: subprocess.Popen[str]) -> tuple[int, list[str]]:
    """Return the exit code of a process and the lines of its standard error, but for what is said at the start."""
    _, errors = process.communicate(timeout=120)
    return process.returncode, [line for line in errors.splitlines() if not START.match(line)]


def group_ends(group: int) -> bool:
    try:
        wait_until(lambda: not is_there(-group), seconds=20)
    except AssertionError:
        return False
    return True


def is_there(pid: int) -> bool:
    """Return whether there is a process, or, of a negative number, a group of them."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True
