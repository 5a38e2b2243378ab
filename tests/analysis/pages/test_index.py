"""The index says of every level what its interval shows."""

import json
import re
import shutil
from pathlib import Path

import pandas as pd
import pytest

from supernet_bench.analysis.pages.index import check_index, index, write_index
from supernet_bench.analysis.publishing.publish import publish
from tests.analysis.synthetic import Scenario, run_id, write_record, write_store

FACTORS = {
    "sampling": {"uniform": 1.0, "fair": 0.2, "pool size=50": 9.0, "close": 1.0, "failing": 1.0},
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


TITLES = ("Helps", "Hurts", "Perhaps helps", "Perhaps hurts", "Does nothing: no effect larger than 0.05")
NOISY = "Too noisy to say"


def expected_title(row: pd.Series) -> str:
    low, high = row["difference_low"], row["difference_high"]
    if low > 0 or high < 0:
        word = "helps" if low > 0 else "hurts"
        return word.capitalize() if row["difference_holm"] < 0.05 else f"Perhaps {word}"
    return TITLES[-1] if max(-low, high) <= 0.05 else NOISY


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


@pytest.mark.parametrize("seeds", [(0, 1, 2), (0,)])
def test_levels_without_an_interval_are_listed_as_such(results: Path, tmp_path: Path, seeds: tuple[int, ...]) -> None:
    folder = shutil.copytree(results, tmp_path / "results")
    change(folder, "fair", difference_low=float("nan"), difference_high=float("nan"), difference_seeds=len(seeds))
    found = lists(index(folder))
    assert [name for name, entries in found.items() if "fair: +" in entries] == ["Too little for an interval"]


def change(folder: Path, level: str, **values: float) -> None:
    """Set numbers of a level in a published table."""
    path = folder / "default" / "table.csv"
    table = pd.read_csv(path, dtype={"level": str})
    table = table.astype(dict.fromkeys(values, float))
    table.loc[table["level"] == level, list(values)] = list(values.values())
    table.to_csv(path, index=False)


@pytest.mark.parametrize(
    ("low", "high", "holm", "title"),
    [
        (0.01, 0.03, 0.04, "Helps"),
        (-0.03, -0.01, 0.04, "Hurts"),
        (0.01, 0.03, 0.06, "Perhaps helps"),
        (-0.03, -0.01, 0.06, "Perhaps hurts"),
        (-0.05, 0.05, 1.0, TITLES[-1]),
        (-0.01, 0.052, 1.0, NOISY),
    ],
)
def test_lists_by_what_is_left_and_by_width(
    results: Path, tmp_path: Path, low: float, high: float, holm: float, title: str
) -> None:
    shutil.copytree(results, tmp_path / "results")
    middle = (low + high) / 2
    numbers = {"difference": middle, "difference_low": low, "difference_high": high, "difference_holm": holm}
    partial = {f"difference_partial_tau{end}": value for end, value in (("", 0.047), ("_low", 0.01), ("_high", 0.09))}
    change(tmp_path / "results", "close", **numbers, **partial, path_passes_ratio=5.0)
    found = lists(index(tmp_path / "results"))
    entry = f"close: {middle:+.3f} [{low:+.3f}, {high:+.3f}], 4 seeds"
    given = ", given parameters +0.047 [+0.010, +0.090]" if title not in (TITLES[-1], NOISY) else ""
    assert f"{entry}{given} (5.0 x the path passes)" in found[title].replace("\\", "")
    assert sum(entry in entries for entries in found.values()) == 1


def test_path_passes_like_those_of_the_baseline_are_not_mentioned(results: Path) -> None:
    assert "x the path passes" not in index(results)


def test_what_survives_in_other_metrics_has_a_line(results: Path, tmp_path: Path) -> None:
    shutil.copytree(results, tmp_path / "results")
    for name in ("difference_regret_at_10", "difference_precision_at_5_percent", "difference_final_performance_10"):
        for level in ("fair", "close", "tracked", "pool size=50"):
            change(tmp_path / "results", level, **{f"{name}_holm": 0.2})
    found = lists(index(tmp_path / "results"))
    assert "): none." in found["Interactions"]
    numbers = {"": -0.004, "_low": -0.006, "_high": -0.002, "_holm": 0.01}
    change(tmp_path / "results", "fair", **{f"difference_regret_at_10{end}": value for end, value in numbers.items()})
    change(tmp_path / "results", "fair", **{f"interaction{end}": value for end, value in numbers.items()})
    change(tmp_path / "results", "fair", interaction_seeds=4)
    found = {title: text.replace("\\", "") for title, text in lists(index(tmp_path / "results")).items()}
    assert "sampling fair, regret at 10 (%) -0.40 [-0.60, -0.20]" in found["The architectures predicted best"]
    assert "sampling fair, tau -0.004 [-0.006, -0.002]" in found["Interactions"]


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
    for title in (*TITLES, NOISY):
        assert found[title].strip() == "(0 levels)\n\n- none"
    assert "fair: +" in found["Not decidable with one seed"]


def test_a_changed_index_is_told(results: Path) -> None:
    path = write_index(results)
    assert check_index(results) == []
    path.write_text(path.read_text().replace("## [default]", "## [other]"))
    assert [line.split(":")[0] for line in check_index(results)] == [str(path)]
    path.unlink()
    assert check_index(results)


def test_a_folder_without_studies_has_an_index(tmp_path: Path) -> None:
    assert index(tmp_path).startswith("# Results")
