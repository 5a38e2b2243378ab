"""The committed reports say what the committed records say."""

from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from supernet_bench.analysis.effects.effects import Effects
from supernet_bench.analysis.effects.estimate import compute_effects
from supernet_bench.analysis.publishing.agreement import compared
from supernet_bench.analysis.results import Results
from supernet_bench.benchmark.study.verify import check_shipped, is_redefined
from supernet_bench.commands.app import app
from supernet_bench.core.progress import SILENT
from supernet_bench.records.archive import AGREEMENT, MANIFEST, unpack
from supernet_bench.records.manifest import read_published_manifest
from supernet_bench.spaces.nasbench201.truth import PACKAGE

RESULTS = Path(__file__).resolve().parents[2] / "results"
STUDIES = sorted(file.parent.name for file in RESULTS.glob(f"*/{MANIFEST}"))
SUPERSEDED = {"catalogue-cifar10", "catalogue-digits", "catalogue-macro", "interactions-digits"}
"""Studies whose records are of an earlier definition, and are to be replaced: `docs/findings.md` says so."""

COMPARED = {"catalogue-digits", "catalogue-cifar10"}
"""Studies that are compared as soon as both are there."""


@pytest.fixture(autouse=True)
def _nothing_imported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The official tables that a user may have imported are not those that the reports were made with."""
    monkeypatch.setenv("SUPERNET_BENCH_CACHE", str(tmp_path))
    monkeypatch.delenv("SUPERNET_BENCH_DATA", raising=False)


def has_package() -> bool:
    """Return whether the accuracies of NAS-Bench-201 are installed."""
    try:
        distribution(PACKAGE)
    except PackageNotFoundError:
        return False
    return True


def check(*arguments: str, studies: list[str], tables: Path) -> str | None:
    """Run a check with the published tables at hand; return why nothing was compared, only if one cannot be had."""
    spaces = {read_published_manifest(RESULTS / study / MANIFEST).space for study in studies}
    if "nasbench201" in spaces and not has_package():
        return f"{PACKAGE} is not installed"
    options = ["--data", str(tables)] if tables.is_dir() else []
    result = CliRunner().invoke(app, [*arguments, "--check", "--results", str(RESULTS), *options])
    if result.exit_code == 2 and "download" in result.stderr and spaces != {"nasbench201"}:
        return result.stderr.strip()
    assert result.exit_code == 0, result.output
    return None


@pytest.fixture
def _estimate_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have the effects of a study, which take most of the time, estimated for its report and its agreement at once."""
    known: dict[tuple[str, int, int], Effects] = {}

    def estimate(results: Results, resamples: int, seed: int, progress: Any = SILENT) -> Effects:
        key = (results.manifest.study, resamples, seed)
        if key not in known:
            known[key] = compute_effects(results, resamples, seed, progress)
        return known[key]

    monkeypatch.setattr("supernet_bench.analysis.publishing.publish.compute_effects", estimate)
    monkeypatch.setattr("supernet_bench.analysis.effects.pairs.compute_effects", estimate)


@pytest.mark.skipif(not RESULTS.exists(), reason=f"there is no {RESULTS}; nothing was compared")
def test_there_are_studies_and_what_they_agree_in() -> None:
    """Else the tests below would compare nothing and pass."""
    assert STUDIES
    folders = {path.name for path in RESULTS.iterdir() if path.is_dir()}
    assert folders - {AGREEMENT} == set(STUDIES)
    assert AGREEMENT in folders or not set(STUDIES) >= COMPARED


@pytest.mark.parametrize("study", STUDIES)
def test_a_published_study_is_the_shipped_one_unless_that_has_changed_since(study: str) -> None:
    with unpack(RESULTS / study) as store:
        assert bool(check_shipped(store, study)) == is_redefined(store, study) == (study in SUPERSEDED)


@pytest.mark.skipif(not RESULTS.exists(), reason=f"there is no {RESULTS}; nothing was compared")
@pytest.mark.usefixtures("_estimate_once")
def test_all_pages_are_as_rebuilt(tables: Path) -> None:
    missing = {study: check("report", study, studies=[study], tables=tables) for study in STUDIES}
    if (RESULTS / AGREEMENT).is_dir():
        missing[AGREEMENT] = check("agreement", studies=compared(RESULTS / AGREEMENT), tables=tables)
    reasons = [f"{name}: {reason}" for name, reason in missing.items() if reason]
    if reasons:
        pytest.skip(f"nothing was compared of {'; '.join(reasons)}")
