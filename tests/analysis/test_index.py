"""The index says of every level what its interval shows."""

import json
from pathlib import Path

import pandas as pd
import pytest

from analysis.index import check_index, index, write_index
from analysis.publication import publish
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


def test_every_level_is_in_the_list_that_its_interval_belongs_to(results: Path) -> None:
    found = lists(index(results))
    table = pd.read_csv(results / "default" / "table.csv")
    for _, row in table[table["difference"].notna()].iterrows():
        title = "Helps" if row["difference_low"] > 0 else "Hurts" if row["difference_high"] < 0 else "No effect shown"
        low, high = row["difference_low"], row["difference_high"]
        corrected = " \\*" if title != "No effect shown" and row["difference_holm"] < 0.05 else ""
        entry = f"{row['level']}: {row['difference']:+.3f} [{low:+.3f}, {high:+.3f}]{corrected}, 4 seeds"
        assert [name for name, entries in found.items() if entry in entries] == [title]
    assert "fair: +" in found["Helps"]
    assert "pool size=50: -" in found["Hurts"]
    assert "failing (of 4 runs: 4 failed)" in found["Nothing to compare"]
    assert "sampling failing (of 4 runs: 4 failed)" in found["Runs without a result"]
    assert "baseline" not in found["Runs without a result"]


def test_the_setting_and_the_references_are_named(results: Path) -> None:
    text = index(results)
    assert "Space toy, images digits, 28 runs, 4 seeds, 60 architectures scored." in text
    for reference in ("untrained", "parameter count", "MACs", "noise ceiling"):
        assert f"{reference} " in text


def test_one_seed_helps_and_hurts_nothing(tmp_path: Path) -> None:
    found = lists(index(published(tmp_path, (0,))))
    for title in ("Helps", "Hurts", "No effect shown"):
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
