"""A test suite that ends: one that waits for ever tells where, and counts as failed.

A test that takes too long ends its process, with the stacks of all threads (``faulthandler_timeout`` in
`pyproject.toml`), be it within C code; the process that counts the results names it. What is here bounds the rest.
"""

import multiprocessing
import os
import threading
from collections.abc import Iterator

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--suite-limit", type=float, default=3600, help="seconds after which the whole run has failed")


def pytest_configure(config: pytest.Config) -> None:
    if not hasattr(config, "workerinput"):  # Processes that execute tests for another end with that.
        config.pluginmanager.register(SuiteLimit(config.getoption("suite_limit")))


class SuiteLimit:
    """Ends a run that takes longer than a number of seconds, and names the tests that were not done.

    By a thread: whatever else this process does, it may be what waits.
    """

    def __init__(self, seconds: float) -> None:
        self._seconds, self._running, self._over = seconds, set[str](), threading.Event()

    def pytest_sessionstart(self) -> None:
        threading.Thread(target=self._watch, name="limit of the suite", daemon=True).start()

    def pytest_runtest_logstart(self, nodeid: str) -> None:
        self._running.add(nodeid)

    def pytest_runtest_logfinish(self, nodeid: str) -> None:
        self._running.discard(nodeid)

    def pytest_unconfigure(self) -> None:
        self._over.set()

    def _watch(self) -> None:
        if self._over.wait(self._seconds):
            return
        names = "".join(f"\n  {name}" for name in sorted(self._running)) or " (none)"
        message = f"\nerror: the tests took longer than {self._seconds:g} s; these had begun:{names}\n"
        os.write(2, message.encode())
        os._exit(3)


@pytest.fixture(autouse=True)
def _no_child_left() -> Iterator[None]:
    """Refuse to leave a process that multiprocessing waits for when this one ends."""
    yield
    left = multiprocessing.active_children()
    for child in left:
        child.kill()
        child.join(10)
    assert not left, f"processes were left: {left}"
