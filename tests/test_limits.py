"""What hangs is a failure with a name."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
pytestmark = pytest.mark.full

HANGING = """
import ctypes
import multiprocessing
import threading
import time


def test_that_waits_for_a_lock():
    lock = threading.Lock()
    lock.acquire()
    lock.acquire()


def test_that_waits_in_c_and_lets_nobody_else_run():
    ctypes.PyDLL(None).sleep(1000)


def test_that_waits_for_a_thread():
    thread = threading.Thread(target=time.sleep, args=(1000,))
    thread.start()
    thread.join()


def test_that_leaves_a_process():
    multiprocessing.get_context("spawn").Process(target=time.sleep, args=(1000,)).start()


def test_that_ends():
    pass
"""


@pytest.fixture
def hanging(tmp_path: Path) -> Path:
    (tmp_path / "conftest.py").write_text('pytest_plugins = ["tests.limits"]')
    file = tmp_path / "test_hanging.py"
    file.write_text(HANGING)
    return file


def pytest_of(file: Path, *options: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "pytest", str(file), f"--rootdir={file.parent}", f"-c{ROOT / 'pyproject.toml'}"]
    options = ("-pno:cacheprovider", "-n1", *options)
    return subprocess.run([*command, *options], cwd=ROOT, capture_output=True, text=True, timeout=120)


def test_each_test_that_hangs_fails_by_name(hanging: Path) -> None:
    done = pytest_of(hanging, "-ofaulthandler_timeout=2", "--max-worker-restart=9")
    failed = set(re.findall(r"^(?:FAILED|ERROR) .*::(\w+)", done.stdout, re.MULTILINE))
    assert done.returncode == 1, done.stdout
    assert failed == set(re.findall(r"def (test_that_\w+)", HANGING)) - {"test_that_ends"}
    assert "most recent call first" in done.stderr
    assert f'File "{hanging}"' in done.stderr


def test_a_suite_that_takes_too_long_fails_and_names_what_it_waits_for(hanging: Path) -> None:
    done = pytest_of(hanging, "--suite-limit=4", "-k", "lock")
    assert done.returncode == 3
    assert re.search(r"error: the tests took longer than 4 s; .*\n.*::test_that_waits_for_a_lock\n", done.stderr)
