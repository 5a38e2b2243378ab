"""Which of the tests that take long are executed: none, all, or those of the plug-ins that have changed.

A test marked ``full`` takes long, or is one of many alike, and is left out unless it is asked for. One that is repeated
for every plug-in is about that, and about what its family shares; the others are about none.
"""

import inspect
import subprocess
from collections.abc import Iterable, Iterator
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[1]
FAMILIES = ("heuristics", "spaces", "images", "proxies")
SHARED = tuple(f"{family}/{shared}" for family in FAMILIES for shared in ("base.py", "setup.py", "_*", "*/_*"))
"""Contracts and helpers of the families of plug-ins."""


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--full", action="store_true", help="execute the tests that take long as well")
    parser.addoption("--full-since", metavar="COMMIT", help="as --full, for the plug-ins that have changed")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    since, cluster = config.getoption("full_since"), "cluster" in config.option.markexpr
    changed = [path for path in changed_files(since) if path.split("/")[0] in FAMILIES] if since else []
    for item in items:
        if item.get_closest_marker("cluster") and not cluster:
            item.add_marker(pytest.mark.skip(reason="NOT TESTED, on a real cluster: make test-cluster does it"))
        full = item.get_closest_marker("full")
        if full and not config.getoption("full") and not concerned(subjects(item), changed):
            item.add_marker(pytest.mark.skip(reason="NOT TESTED, takes long: make test-all does it"))


def changed_files(commit: str, folder: Path = ROOT) -> list[str]:
    """Return the files that differ from a commit, those not committed yet included; relative to the checkout."""
    commands = (["git", "diff", "--name-only", commit], ["git", "ls-files", "--others", "--exclude-standard"])
    try:
        outputs = [subprocess.run(c, cwd=folder, check=True, capture_output=True, text=True) for c in commands]
    except subprocess.CalledProcessError as error:
        raise pytest.UsageError(f"--full-since is {commit}: {error.stderr.strip()}") from None
    return [line for output in outputs for line in output.stdout.splitlines()]


def subjects(item: Any) -> set[str]:
    """Return patterns of the files of the plug-ins that a test is about, relative to the checkout."""
    params = item.callspec.params if hasattr(item, "callspec") else {}
    plugins = [value for value in params.values() if is_plugin(value)]
    return {*SHARED, *(path for plugin in plugins for path in modules(plugin))} if plugins else set()


def is_plugin(value: object) -> bool:
    kind = value if isinstance(value, type) else type(value)
    return kind.__module__.split(".")[:2] in (["supernet_bench", family] for family in FAMILIES)


def modules(plugin: object) -> Iterator[str]:
    """Return where a plug-in and what it inherits are; one in a module of the name of its kind has the whole folder."""
    kind = plugin if isinstance(plugin, type) else type(plugin)
    for base in kind.__mro__:
        if is_plugin(base):
            file = Path(inspect.getfile(base)).resolve().relative_to(ROOT)
            yield f"{file.parent}/*" if file.stem in ("space", "images") else str(file)


def concerned(patterns: Iterable[str], changed: Iterable[str]) -> bool:
    """Return whether something that a test is about is among the files that changed."""
    patterns = list(patterns)
    return any(fnmatch(path, pattern) for path in changed for pattern in patterns)
