"""Tests that take long are left out loudly, and executed where what they are about has changed."""

import re
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from supernet_bench.heuristics.width import Width
from supernet_bench.spaces.nasbench201.space import NasBench201
from tests.selection import ROOT, changed_files, concerned, subjects


def about(**params: object) -> set[str]:
    """Return what a test with these parameters is about."""
    return subjects(SimpleNamespace(callspec=SimpleNamespace(params=params)))


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        ("heuristics/width.py", True),
        ("heuristics/depth.py", False),
        ("heuristics/base.py", True),
        ("heuristics/_scaling.py", True),
        ("benchmark/execution/driver.py", False),
        ("docs/studies.md", False),
    ],
)
def test_a_test_of_a_plugin_is_about_it_and_what_its_family_shares(changed: str, expected: bool) -> None:
    assert concerned(about(kind=Width, number=3), [changed]) is expected


@pytest.mark.parametrize(
    ("changed", "expected"), [("spaces/nasbench201/cell.py", True), ("spaces/toy.py", False), ("spaces/base.py", True)]
)
def test_a_test_of_a_plugin_in_a_folder_is_about_the_folder(changed: str, expected: bool) -> None:
    assert concerned(about(space=NasBench201()), [changed]) is expected


def test_a_test_that_is_not_repeated_for_plugins_is_about_none() -> None:
    assert about(seed=3) == subjects(SimpleNamespace()) == set()


def test_all_that_is_not_as_committed_has_changed(tmp_path: Path) -> None:
    def git(*arguments: str) -> None:
        identity = ("-c", "user.name=a", "-c", "user.email=a@b")
        subprocess.run(["git", *identity, *arguments], cwd=tmp_path, check=True, capture_output=True)

    git("init")
    for name in ("before", "between", "edited"):
        (tmp_path / name).write_text(name)
        git("add", ".")
        git("commit", "-m", name)
    (tmp_path / "edited").write_text("anew")
    (tmp_path / "new").touch()
    assert set(changed_files("HEAD~2", tmp_path)) == {"between", "edited", "new"}


def test_a_commit_that_is_not_there_is_told() -> None:
    with pytest.raises(pytest.UsageError, match="--full-since is nowhere: "):
        changed_files("nowhere")


FILE = """
import pytest


@pytest.mark.full
def test_long():
    pass


@pytest.mark.cluster
def test_slurm():
    pass
"""


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ((), ["takes long: make test-all", "on a real cluster: make test-cluster"]),
        (("--full",), ["on a real cluster: make test-cluster"]),
        (("--full", "-m", "cluster"), []),
    ],
)
def test_what_is_left_out_is_told(tmp_path: Path, options: tuple[str, ...], told: list[str]) -> None:
    (tmp_path / "conftest.py").write_text('pytest_plugins = ["tests.selection"]')
    file = tmp_path / "test_file.py"
    file.write_text(FILE)
    command = [sys.executable, "-m", "pytest", str(file), f"--rootdir={tmp_path}", f"-c{ROOT / 'pyproject.toml'}"]
    done = subprocess.run([*command, "-pno:cacheprovider", *options], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout
    assert re.findall("NOT TESTED, (.*) does it", done.stdout) == told
