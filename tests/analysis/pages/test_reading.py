"""Sentences claim what the intervals show."""

import json
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest
from scipy import stats

from supernet_bench.analysis.effects.effects import Effects
from supernet_bench.analysis.effects.estimate import compute_effects
from supernet_bench.analysis.pages.notes import summary
from supernet_bench.analysis.pages.reading import reading, size_reading
from supernet_bench.analysis.results import load_results
from supernet_bench.records.layout import record_path
from tests.analysis.synthetic import Scenario, reference_table, run_id, write_record, write_store

FAIRNAS = "fairnas accounting=compute"


def effects_of(store: Path) -> Effects:
    return compute_effects(load_results(store, "default"), 100, seed=0)


def test_a_claim_that_the_correction_does_not_leave_is_told_apart(tmp_path: Path) -> None:
    effects = effects_of(write_store(tmp_path / "store", Scenario()))
    first, second = (e for e in effects.levels if e.level.factor == "sampling" and e.difference)
    weak = replace(second.differences["tau"], value=-0.2, low=-0.3, high=-0.1, p_value=0.03, adjusted=0.09)
    strong = replace(weak, value=0.2, low=0.1, high=0.3, adjusted=0.009, runs=first.differences["tau"].runs)
    levels = [
        replace(
            effect, differences={**effect.differences, "tau": {first.level: strong, second.level: weak}[effect.level]}
        )
        if effect.level in (first.level, second.level)
        else effect
        for effect in effects.levels
    ]
    found = reading(replace(effects, levels=tuple(levels)), "sampling")
    assert [finding.claim for finding in found] == [
        "The interval excludes zero, higher tau than the baseline, also when corrected for 3 comparisons (Holm)",
        "The interval excludes zero, lower tau than the baseline, but not when corrected for 3 comparisons (Holm)",
    ]
    assert "+0.200 [+0.100, +0.300] *," in found[0].levels[0]
    assert "-0.200 [-0.300, -0.100] (*)," in found[1].levels[0]


def mix(store: Path, weight: float, column: str) -> None:
    """Give a level the scores of the baseline plus a column of the reference table, both standardised."""
    for seed in range(3):
        baseline = json.loads(record_path(store, run_id("baseline", "baseline", seed)).read_text())
        extra = reference_table()[column].to_numpy()[baseline["architectures"]]
        for checkpoint in baseline["checkpoints"]:
            score = stats.zscore(checkpoint["accuracy"]) + weight * stats.zscore(extra)
            checkpoint["accuracy"] = (0.5 + 0.05 * score).tolist()
        write_record(store, baseline | {"run_id": run_id("batch_norm", "tracked", seed)})


def in_sizes(store: Path, sizes: int) -> None:
    """Make parameter counts so coarse that many architectures share one."""
    path = store / "spaces" / "toy.parquet"
    table = pd.read_parquet(path)
    table["parameters"] = pd.qcut(table["parameters"], sizes, labels=False)
    table.to_parquet(path)


@pytest.mark.parametrize("sizes", [None, 25])
@pytest.mark.parametrize(
    ("column", "claim"),
    [
        ("parameters", dict.fromkeys((None, 25), "Not shown beyond a preference for size")),
        ("cifar10_test_200", {None: "Perhaps more than a preference for size", 25: "More than a preference for size"}),
    ],
)
def test_a_preference_for_size_is_told_from_a_better_ranking(
    tmp_path: Path, column: str, claim: dict[int | None, str], sizes: int | None
) -> None:
    store = write_store(tmp_path / "store", Scenario(architectures=200))
    mix(store, 0.7, column)
    if sizes:
        in_sizes(store, sizes)
    effects = effects_of(store)
    (level,) = (effect for effect in effects.levels if effect.level.name == "tracked")
    assert level.differences["tau"].low > 0
    assert level.differences["tau_parameters"].low > 0
    assert (effects.equal_size_pairs >= 100) == bool(sizes)
    (finding,) = size_reading(effects, "batch_norm")
    assert finding.claim.startswith(claim[sizes])
    assert finding.levels[0].startswith("tracked: given parameters ")
    assert ("among equal sizes" in finding.levels[0]) == bool(sizes)


def test_equal_sizes_have_to_agree_where_there_are_enough_of_them(tmp_path: Path) -> None:
    store = write_store(tmp_path / "store", Scenario(architectures=200))
    mix(store, 0.7, "cifar10_test_200")
    in_sizes(store, 25)
    effects = effects_of(store)
    (level,) = (effect for effect in effects.levels if effect.level.name == "tracked")
    for pairs, value, claim in (
        (100, -0.01, "Not shown beyond"),
        (100, 0.01, "Perhaps more than"),
        (100, 0.03, "More than"),
        (99, -0.01, "Perhaps more than"),
        (99, 0.03, "Perhaps more than"),
    ):
        equal = replace(level.differences["tau_equal_size"], value=value, low=value - 0.02, high=value + 0.02)
        changed = replace(level, differences={**level.differences, "tau_equal_size": equal})
        levels = tuple(changed if effect is level else effect for effect in effects.levels)
        (finding,) = size_reading(replace(effects, levels=levels, equal_size_pairs=pairs), "batch_norm")
        assert finding.claim.startswith(claim)


def test_only_differences_of_several_seeds_are_counted(tmp_path: Path) -> None:
    store = write_store(tmp_path / "store", Scenario())
    for seed in (0, 1):
        (store / "runs" / f"{run_id('sampling', 'pool size=50', seed)}.json").unlink()
    effects = effects_of(store)
    assert " of 2 intervals of differences" in summary(effects)[-2]
    (finding,) = (finding for finding in reading(effects, "sampling") if any("pool" in text for text in finding.levels))
    assert finding.claim.startswith("One seed: not decidable")
    assert finding.levels[0].endswith("1 of 3 seeds (2 missing)")


def test_one_seed_shows_no_direction(tmp_path: Path) -> None:
    effects = effects_of(write_store(tmp_path / "store", Scenario(seeds=(0,))))
    assert all(finding.claim.startswith("One seed") for finding in reading(effects, "sampling"))
