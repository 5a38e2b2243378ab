"""What is installed is all that is here: studies, kernels, the notebook."""

import shutil
import subprocess
import sys
from pathlib import Path
from zipfile import ZipFile

ROOT = Path(__file__).resolve().parents[2]
FOLDERS = ("analysis", "benchmark", "heuristics", "spaces")
BUILD = "from setuptools import build_meta; build_meta.build_wheel('dist')"


def test_the_wheel_contains_everything(tmp_path: Path) -> None:
    # Of a copy, since building leaves folders, and takes over what older ones hold.
    for folder in FOLDERS:
        shutil.copytree(ROOT / folder, tmp_path / folder, ignore=shutil.ignore_patterns("__pycache__"))
    for file in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / file, tmp_path / file)
    files = {path.relative_to(tmp_path) for folder in FOLDERS for path in (tmp_path / folder).rglob("*.*")}
    needed = {str(path) for path in files if path.name != "README.md"}
    subprocess.run([sys.executable, "-c", BUILD], cwd=tmp_path, check=True, capture_output=True, timeout=60)
    (wheel,) = (tmp_path / "dist").glob("*.whl")
    contained = {name for name in ZipFile(wheel).namelist() if ".dist-info/" not in name}
    assert {Path(name).suffix for name in needed} >= {".py", ".toml", ".cpp", ".h", ".ipynb"}
    assert contained == needed
