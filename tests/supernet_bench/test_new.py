"""What `supernet-bench new` writes works as it is: in a checkout a module and its test, elsewhere one file."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from supernet_bench import check_plugin
from supernet_bench.commands.new import FOLDERS, write_plugin
from supernet_bench.core.errors import InputError

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = "supernet_bench"
CONTRACTS = {
    "heuristic": ("tests/heuristics/test_neutral.py", "tests/heuristics/test_resume.py"),
    "space": ("tests/spaces/test_supernets.py",),
    "images": (),
    "proxy": ("tests/proxies/test_proxies.py",),
}
"""Tests of all plug-ins of a kind."""


@pytest.fixture
def rooms(tmp_path: Path) -> Path:
    """A folder that looks like a checkout."""
    for own in FOLDERS.values():
        (tmp_path / own).mkdir()
        (tmp_path / own / "base.py").touch()
        (tmp_path / "tests" / own).mkdir(parents=True)
    return tmp_path


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A copy of the suite with the tests of plug-ins."""
    parts = [path.name for path in (ROOT / PACKAGE).iterdir() if path.is_symlink()]
    for folder in (PACKAGE, *parts, *(f"tests/{own}" for own in FOLDERS.values())):
        leave = shutil.ignore_patterns("__pycache__")
        shutil.copytree(ROOT / folder, tmp_path / folder, symlinks=True, ignore=leave)
    for file in (ROOT / "pyproject.toml", *(ROOT / "tests").glob("*.py")):
        shutil.copy(file, tmp_path / file.relative_to(ROOT))
    return tmp_path


def run(checkout: Path, *command: str) -> str:
    environment = {**os.environ, "PYTHONPATH": str(checkout)}
    result = subprocess.run(
        [sys.executable, "-m", *command], cwd=checkout, env=environment, capture_output=True, text=True, timeout=280
    )
    assert result.returncode == 0, result.stdout + result.stderr
    return result.stdout


@pytest.mark.parametrize("kind", FOLDERS)
def test_a_new_plugin_touches_one_module_and_one_test_which_pass(checkout: Path, kind: str) -> None:
    before = set(checkout.rglob("*.py"))
    run(checkout, PACKAGE, "new", kind, "brand_new")
    module, test = f"{FOLDERS[kind]}/brand_new.py", f"tests/{FOLDERS[kind]}/test_brand_new.py"
    assert {str(path.relative_to(checkout)) for path in set(checkout.rglob("*.py")) - before} == {module, test}
    assert " passed" in run(checkout, "pytest", "-q", "-p", "no:cacheprovider", test)
    for contract in CONTRACTS[kind]:
        assert " passed" in run(
            checkout, "pytest", "-q", "-p", "no:cacheprovider", "--full", contract, "-k", "brand_new"
        )
    assert "brand_new" in run(checkout, PACKAGE, "list", FOLDERS[kind])


@pytest.mark.parametrize("kind", FOLDERS)
def test_elsewhere_it_is_one_file_with_which_nothing_is_wrong(tmp_path: Path, kind: str) -> None:
    (file,) = write_plugin(kind, "brand_new", tmp_path)
    assert file == tmp_path / "brand_new.py"
    assert list(check_plugin(file)) == []


@pytest.mark.parametrize("kind", FOLDERS)
def test_written_files_are_clean(checkout: Path, kind: str) -> None:
    files = list(map(str, write_plugin(kind, "brand_new", checkout)))
    assert len(files) == 2
    run(checkout, "ruff", "check", *files)
    run(checkout, "ruff", "format", "--check", *files)


def test_nothing_is_overwritten(rooms: Path) -> None:
    write_plugin("heuristic", "loss_scale", rooms)
    with pytest.raises(InputError, match=r"loss_scale\.py exists"):
        write_plugin("heuristic", "loss_scale", rooms)


@pytest.mark.parametrize("name", ["none", "_", "lambda", "step", "tensor", "Upper", "with-dash", "1st", "", "base"])
def test_names_that_would_break_are_refused(rooms: Path, name: str) -> None:
    with pytest.raises(InputError, match="allowed: lower-case letters"):
        write_plugin("heuristic", name, rooms)


def test_what_a_template_uses_is_no_name(tmp_path: Path) -> None:
    for kind, name in (("space", "supernet"), ("space", "network"), ("images", "split"), ("proxy", "batch")):
        with pytest.raises(InputError, match="allowed: lower-case letters"):
            write_plugin(kind, name, tmp_path)


@pytest.mark.parametrize(
    ("kind", "name"),
    [("heuristic", "fairnas"), ("heuristic", "sampling"), ("space", "toy"), ("images", "digits"), ("proxy", "snip")],
)
def test_a_name_that_exists_is_refused(tmp_path: Path, kind: str, name: str) -> None:
    with pytest.raises(InputError, match=f"which exists; see: supernet-bench list {FOLDERS[kind]}"):
        write_plugin(kind, name, tmp_path)


def test_a_folder_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="allowed: one that exists"):
        write_plugin("heuristic", "loss_scale", tmp_path / "nowhere")
    assert not list(tmp_path.iterdir())
