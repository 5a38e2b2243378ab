"""What is installed is all that is here, under one name, and works wherever it is called from."""

import os
import shutil
import subprocess
import sys
from pathlib import Path
from zipfile import ZipFile

import pytest

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = "supernet_bench"
PARTS = sorted(path.name for path in (ROOT / PACKAGE).iterdir() if path.is_symlink())
BUILD = "from setuptools import build_meta; build_meta.build_{kind}('dist')"


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A copy of what is built."""
    folder, leave = tmp_path / "checkout", shutil.ignore_patterns("__pycache__")
    for name in (PACKAGE, "speed", "tools", *PARTS):
        shutil.copytree(ROOT / name, folder / name, symlinks=True, ignore=leave)
    for file in ("pyproject.toml", "setup.py", "README.md", "LICENSE"):
        shutil.copy(ROOT / file, folder / file)
    return folder


def built(checkout: Path, kind: str = "wheel") -> Path:
    """Return the wheel of a checkout."""
    shutil.rmtree(checkout / "dist", ignore_errors=True)
    code = BUILD.format(kind=kind)
    subprocess.run([sys.executable, "-c", code], cwd=checkout, check=True, capture_output=True, timeout=120)
    (wheel,) = (checkout / "dist").glob("*.whl")
    return wheel


def content(wheel: Path) -> set[str]:
    return {name for name in ZipFile(wheel).namelist() if ".dist-info/" not in name}


def test_the_wheel_contains_everything_under_one_name_and_nothing_that_is_gone(checkout: Path) -> None:
    files = [path for name in (PACKAGE, *PARTS) for path in (checkout / name).rglob("*.*") if path.is_file()]
    own = {path.relative_to(checkout).as_posix() for path in files if path.name != "README.md"}
    needed = {name if name.startswith(f"{PACKAGE}/") else f"{PACKAGE}/{name}" for name in own}
    assert {Path(name).suffix for name in needed} >= {".py", ".toml", ".cpp", ".h", ".ipynb", ".tmpl", ".css", ".js"}
    gone = checkout / "heuristics" / "gone.py"
    gone.touch()
    assert content(built(checkout)) == {*needed, f"{PACKAGE}/heuristics/gone.py"}
    gone.unlink()
    assert content(built(checkout)) == needed


def as_files(checkout: Path) -> None:
    """Replace links as some programs do that unpack an archive, and git on Windows."""
    for link in (checkout / PACKAGE / part for part in PARTS):
        target = str(link.readlink())
        link.unlink()
        link.write_text(target)


def test_an_archive_whose_links_were_unpacked_as_files_is_built_all_the_same(checkout: Path) -> None:
    needed = content(built(checkout))
    as_files(checkout)
    assert content(built(checkout)) == needed


def test_a_checkout_without_links_is_told(checkout: Path) -> None:
    as_files(checkout)
    (checkout / ".git").mkdir()
    with pytest.raises(subprocess.CalledProcessError) as failed:
        built(checkout)
    assert b"is a file; allowed: a link to ../" in failed.value.stderr


def test_an_editable_install_is_a_path_that_every_tool_understands(checkout: Path) -> None:
    wheel = built(checkout, "editable")
    (pth,) = content(wheel)
    assert pth.endswith(".pth")
    assert ZipFile(wheel).read(pth).decode().strip() == str(checkout)


STUDY = """
seeds = 1
space = {name = "toy"}
images = {name = "digits", train = 96, valid = 32}
training = {epochs = 1, batch_size = 16}
scoring = {architectures = 8, checkpoints = 1}
factors = {path_dropout = [{rate = 0.3}]}
"""
EVERYTHING = """
import importlib, pickle, pkgutil, sys
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

import supernet_bench

PARTS = {parts!r}


def is_ours(space):
    return type(space).__module__ == "supernet_bench.spaces.toy" and not set(PARTS) & set(sys.modules)


if __name__ == "__main__":
    for module in pkgutil.walk_packages(supernet_bench.__path__, "supernet_bench."):
        if not module.name.endswith("__main__"):
            importlib.import_module(module.name)
    strangers = [name for name in sys.modules if name.split(".")[0] in PARTS]
    assert strangers == [], strangers
    from supernet_bench.spaces.toy import Toy

    assert pickle.loads(pickle.dumps(Toy)) is Toy
    with ProcessPoolExecutor(1, mp_context=get_context("forkserver")) as pool:
        assert pool.submit(is_ours, Toy()).result()
    print(supernet_bench.__file__)
"""


def test_folders_of_the_user_that_are_called_like_parts_of_ours_harm_nothing(checkout: Path, tmp_path: Path) -> None:
    """They stand before the installed suite wherever Python looks: in the current folder, and in PYTHONPATH."""
    installed, mine = tmp_path / "installed", tmp_path / "mine"
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps"]
    subprocess.run([*pip, "--target", installed, built(checkout)], check=True, timeout=120)
    for name in (*PARTS, "commands", "testing", "speed", "tests"):
        (mine / name).mkdir(parents=True)
        (mine / name / "__init__.py").write_text("raise ImportError('this is not the suite')")
    (mine / "small.toml").write_text(STUDY)
    (mine / "everything.py").write_text(EVERYTHING.format(parts=PARTS))
    environment = {**os.environ, "PYTHONPATH": f"{mine}{os.pathsep}{installed}"}

    def run(*arguments: str) -> str:
        command = [sys.executable, *arguments]
        done = subprocess.run(command, cwd=mine, env=environment, capture_output=True, text=True, timeout=300)
        assert done.returncode == 0, done.stderr
        return done.stdout

    assert "default\n" in run("-m", PACKAGE, "list", "studies")
    run("-m", PACKAGE, "run", "small.toml", "--jobs", "2", "--threads", "1", "--no-report")
    assert "the whole report" in run("-m", PACKAGE, "report", "small")
    assert run("everything.py").strip() == str(installed / PACKAGE / "__init__.py")
