"""Sentences claim what the intervals show and count each comparison once."""

import json
from pathlib import Path

import pytest

from analysis.effects import Effects
from analysis.estimation import compute_effects
from analysis.results import load_results
from analysis.wording import reading, summary
from tests.analysis.synthetic import Scenario, run_id, write_store

FAIRNAS = "fairnas accounting=compute"


def effects_of(store: Path) -> Effects:
    return compute_effects(load_results(store, "default"), 100, seed=0)


def repeat_in_a_grid(store: Path) -> None:
    """Add a factor whose only level besides the baseline has the runs of another factor's."""
    path = store / "studies" / "default.json"
    manifest = json.loads(path.read_text())
    manifest["factors"].append({"factor": "a x b", "levels": [{"level": f"{FAIRNAS}, batch", "baseline": False}]})
    manifest["runs"] += [
        run | {"factor": "a x b", "level": f"{FAIRNAS}, batch"} for run in manifest["runs"] if run["level"] == FAIRNAS
    ]
    path.write_text(json.dumps(manifest))


def test_a_comparison_that_a_grid_repeats_counts_once(tmp_path: Path) -> None:
    store = write_store(tmp_path / "store", Scenario())
    repeat_in_a_grid(store)
    effects = effects_of(store)
    distinct = [e.difference for e in effects.levels if e.difference and e.level.factor != "a x b"]
    excluding = sum(difference.low > 0 or difference.high < 0 for difference in distinct)
    assert len(effects.levels) == 1 + 3 + 2 + 1
    assert f"{excluding} of 3 intervals of differences" in summary(effects)[-1]
    assert "at most about 0.2 of them would by chance" in summary(effects)[-1]


def test_only_differences_of_several_seeds_are_counted(tmp_path: Path) -> None:
    store = write_store(tmp_path / "store", Scenario())
    for seed in (0, 1):
        (store / "runs" / f"{run_id('sampling', 'pool size=50', seed)}.json").unlink()
    effects = effects_of(store)
    assert " of 2 intervals of differences" in summary(effects)[-1]
    (finding,) = (finding for finding in reading(effects, "sampling") if any("pool" in text for text in finding.levels))
    assert finding.claim.startswith("One seed: not decidable")
    assert finding.levels[0].endswith("1 of 3 pairs (2 missing)")


def test_one_seed_shows_no_direction_and_no_chance(tmp_path: Path) -> None:
    effects = effects_of(write_store(tmp_path / "store", Scenario(seeds=(0,))))
    assert not any("chance" in line or "exclude" in line for line in summary(effects))
    assert all(finding.claim.startswith("One seed") for finding in reading(effects, "sampling"))


@pytest.mark.parametrize("seeds", [(0,), (0, 1, 2)])
def test_every_reference_stands_beside_the_baseline(tmp_path: Path, seeds: tuple[int, ...]) -> None:
    effects = effects_of(write_store(tmp_path / "store", Scenario(seeds=seeds)))
    lines = [line for line in summary(effects) if "baseline minus this" in line]
    assert len(lines) == len(effects.references) == 5
    assert all(("one seed: not decidable" in line) == (len(seeds) == 1) for line in lines)
