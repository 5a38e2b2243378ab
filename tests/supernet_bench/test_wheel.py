"""What is installed is all that is here: studies, kernels, the notebook."""

import shutil
import subprocess
import sys
from pathlib import Path
from zipfile import ZipFile

ROOT = Path(__file__).resolve().parents[2]
FOLDERS = ("analysis", "benchmark", "heuristics", "spaces")
BUILD = "from setuptools import build_meta; build_meta.build_wheel('dist')"


def built(folder: Path) -> set[str]:
    """Return the names of what a wheel of a checkout installs."""
    subprocess.run([sys.executable, "-c", BUILD], cwd=folder, check=True, capture_output=True, timeout=60)
    (wheel,) = (folder / "dist").glob("*.whl")
    return {name for name in ZipFile(wheel).namelist() if ".dist-info/" not in name}


def test_the_wheel_contains_everything_and_nothing_that_is_gone(tmp_path: Path) -> None:
    for folder in FOLDERS:
        shutil.copytree(ROOT / folder, tmp_path / folder, ignore=shutil.ignore_patterns("__pycache__"))
    for file in ("pyproject.toml", "setup.py", "README.md", "LICENSE"):
        shutil.copy(ROOT / file, tmp_path / file)
    files = {path.relative_to(tmp_path) for folder in FOLDERS for path in (tmp_path / folder).rglob("*.*")}
    needed = {str(path) for path in files if path.name != "README.md"}
    assert {Path(name).suffix for name in needed} >= {".py", ".toml", ".cpp", ".h", ".ipynb"}
    gone = tmp_path / "heuristics" / "gone.py"
    gone.touch()
    assert built(tmp_path) == {*needed, "heuristics/gone.py"}
    gone.unlink()
    assert built(tmp_path) == needed
