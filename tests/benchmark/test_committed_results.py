"""The committed reports say what the committed records say."""

import os
from pathlib import Path

import pytest
from typer.testing import CliRunner

from analysis.publication import AGREEMENT
from benchmark.cli import app
from benchmark.published import MANIFEST

RESULTS = Path(__file__).resolve().parents[2] / "results"
STUDIES = sorted(file.parent.name for file in RESULTS.glob(f"*/{MANIFEST}"))
SHARED_DATA = Path(__file__).resolve().parents[2] / "shared" / "data"


@pytest.fixture(autouse=True)
def _nothing_imported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The official tables that a user may have imported are not those that the reports were made with."""
    monkeypatch.setenv("SUPERNET_BENCH_CACHE", str(tmp_path))
    monkeypatch.delenv("SUPERNET_BENCH_DATA", raising=False)


def check(*arguments: str) -> None:
    """Run a check with the published tables at hand; skip, and say so, if one cannot be had."""
    data = Path(os.environ.get("SUPERNET_BENCH_TEST_DATA", SHARED_DATA))
    options = ["--data", str(data)] if data.is_dir() else []
    result = CliRunner().invoke(app, [*arguments, "--check", "--results", str(RESULTS), *options])
    if result.exit_code == 2 and "download" in result.stderr:
        pytest.skip(f"nothing was compared: {result.stderr.strip()}")
    assert result.exit_code == 0, result.output


@pytest.mark.skipif(not STUDIES, reason=f"{RESULTS} has no published study; this test compared nothing")
@pytest.mark.parametrize("study", STUDIES)
def test_the_report_of_a_study_is_as_rebuilt(study: str) -> None:
    check("report", study)


@pytest.mark.skipif(not (RESULTS / AGREEMENT).is_dir(), reason=f"{RESULTS} compares no studies; nothing was compared")
def test_the_agreement_is_as_rebuilt() -> None:
    check("agreement")
