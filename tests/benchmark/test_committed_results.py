"""The committed reports say what the committed records say."""

from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

import pytest
from typer.testing import CliRunner

from analysis.agreement_report import compared
from analysis.records import read_manifest_file
from benchmark.cli import app
from benchmark.published import AGREEMENT, MANIFEST
from spaces.nasbench201.truth import PACKAGE

RESULTS = Path(__file__).resolve().parents[2] / "results"
STUDIES = sorted(file.parent.name for file in RESULTS.glob(f"*/{MANIFEST}"))
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


def check(*arguments: str, studies: list[str], tables: Path) -> None:
    """Run a check with the published tables at hand; skip, and say so, only if one cannot be had."""
    spaces = {read_manifest_file(RESULTS / study / MANIFEST).space for study in studies}
    if "nasbench201" in spaces and not has_package():
        pytest.skip(f"nothing was compared: {PACKAGE} is not installed")
    options = ["--data", str(tables)] if tables.is_dir() else []
    result = CliRunner().invoke(app, [*arguments, "--check", "--results", str(RESULTS), *options])
    if result.exit_code == 2 and "download" in result.stderr and spaces != {"nasbench201"}:
        pytest.skip(f"nothing was compared: {result.stderr.strip()}")
    assert result.exit_code == 0, result.output


@pytest.mark.skipif(not RESULTS.exists(), reason=f"there is no {RESULTS}; nothing was compared")
def test_there_are_studies_and_what_they_agree_in() -> None:
    """Else the tests below would compare nothing and pass."""
    assert STUDIES
    folders = {path.name for path in RESULTS.iterdir() if path.is_dir()}
    assert folders - {AGREEMENT} == set(STUDIES)
    assert AGREEMENT in folders or not set(STUDIES) >= COMPARED


@pytest.mark.parametrize("study", STUDIES)
def test_the_report_of_a_study_is_as_rebuilt(study: str, tables: Path) -> None:
    check("report", study, studies=[study], tables=tables)


@pytest.mark.skipif(not (RESULTS / AGREEMENT).is_dir(), reason=f"{RESULTS} compares no studies; nothing was compared")
def test_the_agreement_is_as_rebuilt(tables: Path) -> None:
    check("agreement", studies=compared(RESULTS / AGREEMENT), tables=tables)
