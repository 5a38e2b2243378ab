"""A new heuristic is one module and one test, and both work as written."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from supernet_bench.commands.scaffold import new_heuristic
from supernet_bench.core.errors import InputError

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A copy of the project without its tests of other things."""
    for folder in ("analysis", "benchmark", "heuristics", "spaces"):
        shutil.copytree(ROOT / folder, tmp_path / folder, ignore=shutil.ignore_patterns("__pycache__"))
    contracts = [f"tests/heuristics/{name}.py" for name in ("levels", "test_neutral", "test_resume")]
    for file in ("tests/conftest.py", *contracts, "pyproject.toml"):
        (tmp_path / file).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / file, tmp_path / file)
    return tmp_path


def run(checkout: Path, *command: str) -> str:
    environment = {**os.environ, "PYTHONPATH": str(checkout)}
    result = subprocess.run(
        [sys.executable, "-m", *command], cwd=checkout, env=environment, capture_output=True, text=True
    )
    assert result.returncode == 0, result.stdout + result.stderr
    return result.stdout


def test_a_new_heuristic_touches_one_module_and_one_test_which_pass(checkout: Path) -> None:
    before = {path for path in checkout.rglob("*") if path.suffix in {".py", ".toml"}}
    run(checkout, "supernet_bench", "new", "heuristic", "loss_scale")
    after = {path for path in checkout.rglob("*") if path.suffix in {".py", ".toml"}}
    names = {"heuristics/loss_scale.py", "tests/heuristics/test_loss_scale.py"}
    assert {str(path.relative_to(checkout)) for path in after - before} == names
    assert " passed" in run(checkout, "pytest", "-q", "tests/heuristics", "-k", "loss_scale")
    assert "loss_scale" in run(checkout, "supernet_bench", "list", "heuristics")
    (checkout / "mine.toml").write_text(
        'seeds = 1\nspace = {name = "toy"}\nimages = {name = "digits", train = 96, valid = 32}\n'
        "training = {epochs = 1, batch_size = 16}\nscoring = {architectures = 8}\nfactors = {loss_scale = true}\n"
    )
    run(checkout, "supernet_bench", "run", "mine.toml", "--no-report")
    assert len(list((checkout / "store" / "runs").glob("*.json"))) == 3


def test_written_files_are_clean(checkout: Path) -> None:
    for path in new_heuristic("loss_scale", checkout):
        run(checkout, "ruff", "check", str(path))
        run(checkout, "ruff", "format", "--check", str(path))


def test_nothing_is_overwritten(checkout: Path) -> None:
    new_heuristic("loss_scale", checkout)
    with pytest.raises(InputError, match=r"loss_scale\.py exists"):
        new_heuristic("loss_scale", checkout)


@pytest.mark.parametrize("name", ["none", "_", "lambda", "step", "tensor", "Upper", "with-dash", "1st", ""])
def test_names_that_would_break_are_refused(checkout: Path, name: str) -> None:
    with pytest.raises(InputError, match="allowed: lower-case letters"):
        new_heuristic(name, checkout)


def test_a_folder_that_is_no_checkout_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="allowed: the root of a checkout"):
        new_heuristic("loss_scale", tmp_path)
    assert not list(tmp_path.iterdir())
