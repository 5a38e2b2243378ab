"""Notes say of this study what they say, and count each comparison once."""

import json
import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from supernet_bench.analysis.effects.chance import chance_of
from supernet_bench.analysis.effects.effects import Effects
from supernet_bench.analysis.effects.estimate import compute_effects
from supernet_bench.analysis.effects.intervals import Part, holm
from supernet_bench.analysis.effects.power import Power, Side, seeds_needed
from supernet_bench.analysis.pages.notes import metric_notes, summary, table_notes
from supernet_bench.analysis.results import load_results
from supernet_bench.records.run import Strata
from tests.analysis.synthetic import Scenario, write_store

FAIRNAS = "fairnas accounting=compute"


def notes(store: Path) -> tuple[str, str]:
    results = load_results(store, "default")
    effects = compute_effects(results, 100, seed=0)
    return "\n".join(table_notes(results, effects)), "\n".join(metric_notes(effects))


@pytest.mark.parametrize(
    ("more", "said"), [((), "3 seeds (0, 1, 2)."), ((7, 9), "3 seeds (0, 1, 2), and 2 more of the baseline alone.")]
)
def test_seeds_of_the_baseline_alone_are_counted(tmp_path: Path, more: tuple[int, ...], said: str) -> None:
    store = write_store(tmp_path / "store", Scenario(epochs=(5,), late=1, baseline_seeds=more))
    assert f"60 architectures scored; {said}" in notes(store)[0]


@pytest.mark.parametrize(("architectures", "top"), [(40, "2 and 1"), (200, "10 and 2")])
def test_the_sizes_of_the_top_are_those_of_the_scored_architectures(
    tmp_path: Path, architectures: int, top: str
) -> None:
    store = write_store(tmp_path / "store", Scenario(architectures=architectures, epochs=(5,), seeds=(0,), factors={}))
    assert f"of {architectures} architectures these are {top})" in notes(store)[1]


def test_two_costs_of_one_order_are_said_to_be_one(tmp_path: Path) -> None:
    store = write_store(tmp_path / "store", Scenario(epochs=(5,), seeds=(0, 1), late=1))
    assert "order these architectures identically" not in notes(store)[0]
    path = store / "spaces" / "toy.parquet"
    table = pd.read_parquet(path)
    table["macs"] = 2 * table["parameters"] + 7
    table.to_parquet(path)
    main, _ = notes(store)
    assert "order these architectures identically" in main
    assert "Every metric is a family of its own." in main


def effects_of(store: Path) -> Effects:
    return compute_effects(load_results(store, "default"), 100, seed=0)


def seeds_line(effects: Effects) -> str:
    """Return what is said of the seeds needed."""
    return next(line for line in summary(effects) if line.startswith("Seeds needed"))


def repeat_in_a_grid(store: Path) -> None:
    """Add a factor whose only level besides the baseline has the runs of another factor's."""
    path = store / "studies" / "default.json"
    manifest = json.loads(path.read_text())
    manifest["factors"].append({"factor": "a x b", "levels": [{"level": f"{FAIRNAS}, batch", "baseline": False}]})
    manifest["runs"] += [
        run | {"factor": "a x b", "level": f"{FAIRNAS}, batch"} for run in manifest["runs"] if run["level"] == FAIRNAS
    ]
    path.write_text(json.dumps(manifest))


MODERATED = "The variance over the seeds of a level is moderated by those of all levels that were trained apart"
OWN = "The variance over the seeds of a level is its own, since there are too few levels to moderate it by."


def test_variances_are_said_to_be_moderated_where_they_are(tmp_path: Path) -> None:
    few = notes(write_store(tmp_path / "few", Scenario()))[0]
    assert OWN in few
    assert MODERATED not in few
    factors = {"factor": {f"level {number}": number / 100 for number in range(10)}}
    many = notes(write_store(tmp_path / "many", Scenario(factors=factors)))[0]
    assert MODERATED in many
    assert OWN not in many


def test_a_comparison_that_a_grid_repeats_counts_once(tmp_path: Path) -> None:
    store = write_store(tmp_path / "store", Scenario())
    repeat_in_a_grid(store)
    effects = effects_of(store)
    distinct = [e.difference for e in effects.levels if e.difference and e.level.factor != "a x b"]
    excluding = sum(difference.low > 0 or difference.high < 0 for difference in distinct)
    surviving = sum(p < 0.05 for p in holm([difference.p_value for difference in distinct]))
    assert len(effects.levels) == 1 + 3 + 2 + 1
    line, seeds = summary(effects)[-2:]
    assert f"{excluding} of 3 intervals of differences" in line
    chance = chance_of(distinct)
    assert f"{chance.mean:.1f} would by chance on average, and up to {chance.most} in 19 of 20 such studies" in line
    assert f"at 5 %, {surviving} exclude" in line
    assert "(median of 3 comparisons, each over 3 seeds)" in seeds


def typical_power(effects: Effects) -> Power:
    """Return the medians over comparisons, worked out anew."""
    found = [e.difference for e in effects.levels if e.difference]
    sides = []
    for place in range(2):
        parts = [one.spread.seeds[place] for one in found if one.spread]
        assert all(part.degrees == 2 for part in parts)
        deviation = float(np.median([part.deviation * math.sqrt(3) for part in parts]))
        sides.append(Side(3, deviation / math.sqrt(stats.chi2.median(2) / 2), 2.0))
    return Power(tuple(sides), float(np.median([one.shared for one in found])), (3, 3, 3))


def test_the_seeds_needed_follow_from_the_observed_spread(tmp_path: Path) -> None:
    effects = effects_of(write_store(tmp_path / "store", Scenario()))
    typical, line = typical_power(effects), seeds_line(effects)
    level, baseline = (f"{side.deviation:.3f}" for side in typical.sides)
    assert f"a standard deviation of {level} (median of 3 comparisons, each over 3 seeds)" in line
    assert f"over the 3 of the baseline with {baseline}" in line
    assert f"adds one of {typical.shared:.3f}" in line
    for alpha, start in (
        (0.05, "by an interval at 5 %, the baseline having seeds in the same proportion"),
        (0.05 / 3, "At 5 % / 3, where Holm's correction starts"),
    ):
        needed = (seeds_needed(typical.sides, effect, alpha, typical.shared) for effect in (0.05, 0.1))
        many, few = (f"{seeds} seeds" if seeds else "not reachable with 60 architectures" for seeds in needed)
        assert f"{start}: {many} for 0.05, {few} for 0.10." in line


def test_what_no_number_of_seeds_shows_is_said(tmp_path: Path) -> None:
    effects = effects_of(write_store(tmp_path / "store", Scenario()))
    levels = []
    for effect in effects.levels:
        tau = effect.difference
        if tau and tau.spread:
            tau = replace(tau, spread=replace(tau.spread, architectures=Part(0.03)))
            effect = replace(effect, differences={**effect.differences, "tau": tau})
        levels.append(effect)
    line = seeds_line(replace(effects, levels=tuple(levels)))
    assert "in the same proportion: not reachable with 60 architectures for 0.05, " in line


def test_the_smallest_difference_that_these_seeds_can_mark_is_said(tmp_path: Path) -> None:
    effects = effects_of(write_store(tmp_path / "store", Scenario()))
    typical, line = typical_power(effects).typical, seeds_line(effects)
    alone, corrected = (f"{typical.half_width(alpha):.3f}" for alpha in (0.05, 0.05 / 3))
    assert f"With 3 seeds and this spread a difference excludes zero from {alone} if it stands alone" in line
    assert f"with 3 seeds the correction cannot mark effects below {corrected}, except" in line


def test_levels_that_share_a_baseline_are_said_to(tmp_path: Path) -> None:
    lines = summary(effects_of(write_store(tmp_path / "store", Scenario())))
    assert sum("All levels share the runs of one baseline, so false ones come together" in line for line in lines) == 1


@pytest.mark.parametrize(("seeds", "rows"), [((0,), 6), ((0, 1, 2), 7)])
def test_every_reference_stands_beside_the_baseline(tmp_path: Path, seeds: tuple[int, ...], rows: int) -> None:
    effects = effects_of(write_store(tmp_path / "store", Scenario(seeds=seeds)))
    lines = [line for line in summary(effects) if "baseline minus this" in line]
    assert len(lines) == len(effects.references) == rows
    assert all(("one seed: not decidable" in line) == (len(seeds) == 1) for line in lines)


def test_one_seed_shows_no_chance(tmp_path: Path) -> None:
    effects = effects_of(write_store(tmp_path / "store", Scenario(seeds=(0,))))
    assert not any("chance" in line or "exclude" in line for line in summary(effects))


def test_strata_are_declared_with_what_they_are_by(tmp_path: Path) -> None:
    results = load_results(write_store(tmp_path / "store", Scenario(epochs=(5,), seeds=(0, 1), factors={})), "default")
    of = tuple(int(place) for place in np.arange(len(results.architectures)) % 2)

    def said(strata: Strata | None) -> str:
        drawn = replace(results, strata=strata)
        return "\n".join(table_notes(drawn, compute_effects(drawn, 100, seed=0)))

    assert "strata" not in said(None)
    assert "drawn from 2 strata of the space by published accuracy" in said(Strata("truth", (200, 200), of))
    assert "drawn from 2 strata of the space by parameter count" in said(Strata("parameters", (200, 200), of))


def test_the_winners_are_explained(tmp_path: Path) -> None:
    store = write_store(tmp_path / "store", Scenario(epochs=(5,), seeds=(0,), factors={}))
    of_tables, of_metrics = notes(store)
    assert "predicted top 10 % (here 6)" in of_metrics
    assert "at or above the median" in of_tables
    assert "the third chooses the half" in " ".join(of_tables.split())
