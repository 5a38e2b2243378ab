"""The index says of every level what its interval shows."""

import json
import re
import shutil
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest

from supernet_bench.analysis.effects.intervals import Estimate
from supernet_bench.analysis.findings import Survivor, read_study_findings, write_findings
from supernet_bench.analysis.pages.index import index
from supernet_bench.analysis.pages.words import TITLES
from supernet_bench.analysis.publishing.publish import publish
from supernet_bench.analysis.verdicts import Verdict
from tests.analysis.synthetic import Scenario, run_id, write_record, write_store

FACTORS = {
    "sampling": {"uniform": 1.0, "fair": 0.1, "pool size=50": 9.0, "close": 1.0, "failing": 1.0},
    "batch_norm": {"batch": 1.0, "tracked": 1.1},
}


def published(folder: Path, seeds: tuple[int, ...]) -> Path:
    store = write_store(folder / "store", Scenario(factors=FACTORS, seeds=seeds, epochs=(5, 10)))
    for seed in seeds:
        path = store / "runs" / f"{run_id('sampling', 'failing', seed)}.json"
        error = {"type": "Diverged", "message": "loss is NaN", "traceback": "..."}
        failed = {"status": "failed", "error": error, "checkpoints": [], "curve": []}
        write_record(store, json.loads(path.read_text()) | failed)
    publish(store, "default", folder / "results")
    return folder / "results"


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return published(tmp_path_factory.mktemp("index"), (0, 1, 2, 3))


def lists(text: str) -> dict[str, str]:
    """Return the text under each bold title."""
    parts = [part.split("**", 1) for part in text.split("\n\n**")[1:]]
    return dict(parts)


SHOWN = ("Helps", "Hurts", "Perhaps helps", "Perhaps hurts")
NOTHING, NOISY = "Does nothing: no effect larger than 0.05", "Too noisy to say"


def expected_title(row: pd.Series) -> str:
    low, high = row["difference_low"], row["difference_high"]
    if low > 0 or high < 0:
        word = "helps" if low > 0 else "hurts"
        return word.capitalize() if row["difference_holm"] < 0.05 else f"Perhaps {word}"
    return NOTHING if max(-low, high) <= 0.05 else NOISY


def test_every_level_is_in_the_list_that_its_interval_belongs_to(results: Path) -> None:
    found = lists(index(results))
    table = pd.read_csv(results / "default" / "table.csv")
    for _, row in table[table["difference"].notna()].iterrows():
        low, high = row["difference_low"], row["difference_high"]
        entry = f"{row['level']}: {row['difference']:+.3f} [{low:+.3f}, {high:+.3f}], 4 seeds"
        assert [name for name, entries in found.items() if entry in entries] == [expected_title(row)]
    assert "fair: +" in found["Helps"]
    assert "pool size=50: -" in found["Hurts"]
    assert "failing (of 4 runs: 4 failed)" in found["Nothing to compare"]
    assert "sampling failing (of 4 runs: 4 failed)" in found["Runs without a result"]
    assert "baseline" not in found["Runs without a result"]


def change(folder: Path, level: str, **values: object) -> None:
    """Have something else be found of a level in a published study."""
    found = read_study_findings(folder / "default")
    levels = tuple(replace(one, **values) if one.level == level else one for one in found.levels)
    write_findings(replace(found, levels=levels), folder / "default")


@pytest.mark.parametrize("verdict", Verdict)
def test_every_verdict_has_its_list(results: Path, tmp_path: Path, verdict: Verdict) -> None:
    shutil.copytree(results, tmp_path / "results")
    numbers = {"difference": Estimate(0.02, 0.01, 0.03, 4, 60), "given_parameters": Estimate(0.047, 0.01, 0.09, 4, 60)}
    change(tmp_path / "results", "close", verdict=verdict, path_passes=5.0, **numbers)
    found = {title: entries.replace("\\", "") for title, entries in lists(index(tmp_path / "results")).items()}
    has_direction = "helps" in verdict or "hurts" in verdict
    given = ", given parameters +0.047 [+0.010, +0.090]" if has_direction else ""
    entry = f"close: +0.020 [+0.010, +0.030], 4 seeds{given} (5.0 x the path passes)"
    assert [title for title, entries in found.items() if entry in entries] == [TITLES[verdict]]
    assert [title for title, entries in found.items() if "close" in entries] == [TITLES[verdict]]


@pytest.mark.parametrize(("ratio", "said"), [(0.951, ""), (1.049, ""), (0.949, "0.95"), (1.06, "1.1"), (0.5, "0.50")])
def test_path_passes_are_mentioned_where_they_differ(results: Path, tmp_path: Path, ratio: float, said: str) -> None:
    assert "x the path passes" not in index(results)
    shutil.copytree(results, tmp_path / "results")
    change(tmp_path / "results", "close", path_passes=ratio)
    assert (f"({said} x the path passes)" in index(tmp_path / "results")) == bool(said)


def test_what_survives_in_other_metrics_has_a_line(results: Path, tmp_path: Path) -> None:
    shutil.copytree(results, tmp_path / "results")
    found = read_study_findings(tmp_path / "results" / "default")
    write_findings(replace(found, best=(), interactions=()), tmp_path / "results" / "default")
    nothing = lists(index(tmp_path / "results"))
    assert "): none." in nothing["Interactions"]
    assert "): none." in nothing["The architectures predicted best"]
    numbers = Estimate(-0.004, -0.006, -0.002, 4, 60)
    best = (Survivor("sampling", "fair", "surpassing_random_10", numbers),)
    best += (Survivor("sampling", "fair", "regret_at_10", numbers),)
    interactions = (Survivor("sampling", "fair", "tau", numbers),)
    write_findings(replace(found, best=best, interactions=interactions), tmp_path / "results" / "default")
    said = lists(index(tmp_path / "results"))
    assert (
        "): sampling fair, regret at 10 (%) -0.40 [-0.60, -0.20]; "
        "sampling fair, P \\> R, 10 draws -0.004 [-0.006, -0.002]."
    ) in said["The architectures predicted best"]
    assert "sampling fair, tau -0.004 [-0.006, -0.002]" in said["Interactions"]


def test_a_level_with_the_runs_of_another_is_listed_once(tmp_path: Path) -> None:
    store = write_store(tmp_path / "store", Scenario(factors=FACTORS, epochs=(5, 10)))
    path = store / "studies" / "default.json"
    manifest = json.loads(path.read_text())
    manifest["factors"].append({"factor": "a x b", "levels": [{"level": "fair, batch", "baseline": False}]})
    manifest["runs"] += [
        run | {"factor": "a x b", "level": "fair, batch"} for run in manifest["runs"] if run["level"] == "fair"
    ]
    path.write_text(json.dumps(manifest))
    publish(store, "default", tmp_path / "results")
    assert "fair, batch" in (tmp_path / "results" / "default" / "table.csv").read_text()
    text = index(tmp_path / "results")
    assert "fair, batch" not in text
    assert sum(int(found) for found in re.findall(r"\((\d+) levels?\)", text)) == 5


def test_the_setting_and_the_references_are_named(results: Path) -> None:
    text = index(results)
    expected = "Space toy, images digits, 28 runs, 4 seeds, 60 scored architectures with a known truth."
    assert expected in text
    assert re.search(r"Baseline: tau .*, 4 seeds, 60 architectures\.", text)
    for reference in ("untrained", "parameter count", "MACs", "noise ceiling"):
        assert re.search(rf"{reference} 0\.\d+ [^;]*, 60 architectures", text)


def test_one_seed_helps_and_hurts_nothing(tmp_path: Path) -> None:
    found = lists(index(published(tmp_path, (0,))))
    for title in (*SHOWN, NOTHING, NOISY):
        assert found[title].strip() == "(0 levels)\n\n- none"
    assert "fair: +" in found["Not decidable with one seed"]


def test_a_folder_without_studies_has_an_index(tmp_path: Path) -> None:
    assert index(tmp_path).startswith("# Results")
