"""What `import supernet_bench` offers, and what it costs."""

import ast
import doctest
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import supernet_bench
from supernet_bench import InputError, check_plugin, load_study, paired_difference, rank_correlation
from supernet_bench.analysis.ranking.metrics import kendall_tau
from supernet_bench.benchmark.plugins.registry import files_in_use
from tests.benchmark.plugins import mistakes

ROOT = Path(__file__).resolve().parents[2]


def test_the_example_works(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    found = doctest.testmod(supernet_bench)
    assert found.attempted >= 5
    assert found.failed == 0


SCRIPT = """
from supernet_bench import load_study, run

with open("starts", "a") as file:
    print("started", file=file)
print(run(load_study("mine.toml"), jobs=2, threads=1))
"""


def test_a_script_needs_no_guard_against_being_executed_by_each_process(tmp_path: Path) -> None:
    text = 'seeds = 1\nspace.name = "toy"\nimages.name = "digits"\ntraining.epochs = 1\nscoring.architectures = 8\n'
    (tmp_path / "mine.toml").write_text(text)
    (tmp_path / "script.py").write_text(SCRIPT)
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "script.py"]
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=300)
    assert (done.returncode, done.stdout) == (0, "[]\n"), done.stderr
    assert (tmp_path / "starts").read_text() == "started\n"


def test_what_a_study_uses_is_in_use_after_another_file_is_checked(tmp_path: Path) -> None:
    for name in ("mine", "other"):
        text = (mistakes.IMPORTS + mistakes.HEURISTIC).replace("NAME", name)
        (tmp_path / f"{name}.py").write_text(text)
    text = 'plugins = ["mine.py"]\nspace.name = "toy"\nimages.name = "digits"\nscoring.architectures = 8\n'
    (tmp_path / "mine.toml").write_text(text)
    load_study(str(tmp_path / "mine.toml"))
    before = files_in_use()
    assert [file.path.name for file in before] == ["mine.py"]
    assert ["Mine.__doc__ is missing" in line for line in check_plugin(tmp_path / "other.py")] == [True]
    assert files_in_use() == before
    (tmp_path / "other.py").write_text("1 / 0")
    assert "ZeroDivisionError" in next(check_plugin(tmp_path / "other.py"))
    assert files_in_use() == before, "also if what is found is not read to the end"


def test_every_name_leads_to_what_readers_and_type_checkers_are_told() -> None:
    (block,) = (node for node in ast.parse(Path(supernet_bench.__file__).read_text()).body if isinstance(node, ast.If))
    told = {
        alias.asname or alias.name: f"{node.module}.{alias.name}"
        for node in block.body
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }
    assert {*told, "__version__"} == set(supernet_bench.__all__)
    for name, place in told.items():
        found = getattr(supernet_bench, name)
        assert f"{found.__module__}.{found.__name__}" == place
    with pytest.raises(AttributeError, match="has no attribute 'nothing'"):
        supernet_bench.nothing  # noqa: B018


def test_nothing_large_is_imported_before_it_is_needed() -> None:
    large = ("torch", "numpy", "pandas", "scipy", "typer", "rich")
    code = (
        "import sys, supernet_bench; from supernet_bench.core.errors import InputError; supernet_bench.__version__;"
        f"sys.exit(str([name for name in {large!r} if name in sys.modules] or ''))"
    )
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, timeout=60).stderr == b"\n"
    code = (
        "import sys; import supernet_bench.commands.app;"
        "sys.exit(str([name for name in ('torch', 'numpy', 'pandas', 'scipy') if name in sys.modules] or ''))"
    )
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, timeout=60).stderr == b"\n"


SCORES = np.random.default_rng(0).normal(size=(4, 50))
TRUTH = np.linspace(0, 1, 50)


def test_a_rank_correlation_of_plain_arrays() -> None:
    one = rank_correlation(SCORES[0].tolist(), TRUTH.tolist())
    assert one.value == kendall_tau(SCORES[0], TRUTH)
    assert one.low < one.value < one.high
    assert (one.seeds, one.architectures) == (0, 50)
    four = rank_correlation(SCORES, TRUTH)
    assert four.value == pytest.approx(np.mean([kendall_tau(row, TRUTH) for row in SCORES]))
    assert (four.seeds, four.architectures) == (4, 50)


def test_a_difference_is_paired_by_seed() -> None:
    better = SCORES + 3 * TRUTH
    found = paired_difference(better, SCORES, TRUTH)
    each = [kendall_tau(row, TRUTH) - kendall_tau(other, TRUTH) for row, other in zip(better, SCORES, strict=True)]
    assert found.value == pytest.approx(np.mean(each))
    assert found.deviation == pytest.approx(np.std(each, ddof=1))
    assert found.excludes_zero
    assert found.p_value < 0.05
    same = paired_difference(SCORES, SCORES, TRUTH)
    assert (same.value, same.p_value) == (0, 1)


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ((SCORES, SCORES[:2], TRUTH), r"baseline has shape \(2, 50\); allowed: that of predicted, \(4, 50\)"),
        ((SCORES, SCORES, TRUTH[:9]), "have lengths 50 and 9"),
        ((SCORES * np.nan, SCORES, TRUTH), "predicted holds 50 NaN"),
        ((SCORES[None], SCORES[None], TRUTH), r"scores have shape \(1, 4, 50\)"),
    ],
)
def test_arrays_that_do_not_fit_are_named(arrays: tuple[np.ndarray, ...], message: str) -> None:
    with pytest.raises(InputError, match=message):
        paired_difference(*arrays)


@pytest.mark.parametrize("resamples", [-1, 0, 99])
def test_too_few_resamples_for_an_interval_are_refused(resamples: int) -> None:
    with pytest.raises(InputError, match=f"^resamples is {resamples}; allowed: at least 100$"):
        rank_correlation(SCORES, TRUTH, resamples=resamples)
    with pytest.raises(InputError, match=f"^resamples is {resamples}; allowed: at least 100$"):
        paired_difference(SCORES, SCORES, TRUTH, resamples=resamples)


@pytest.mark.parametrize("values", [["0.1", "high"], [0.1, [0.2]], [object(), 1.0], [1j, 2j]])
def test_what_is_no_number_is_refused_in_one_line(values: list[object]) -> None:
    with pytest.raises(InputError, match=r"^predicted is no array of numbers \(.*\); allowed: numbers alone$"):
        rank_correlation(values, [0.1, 0.2])
    with pytest.raises(InputError, match=r"^truth is no array of numbers \(.*\); allowed: numbers alone$"):
        rank_correlation([0.1, 0.2], values)
    with pytest.raises(InputError, match=r"^baseline is no array of numbers \(.*\); allowed: numbers alone$"):
        paired_difference([[0.1, 0.2]], values, [0.1, 0.2])
