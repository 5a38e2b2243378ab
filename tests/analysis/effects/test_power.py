"""How many seeds an effect needs, against tables of powers and against the rule itself."""

import math
from dataclasses import replace

import numpy as np
import pytest
from scipy import special, stats

from supernet_bench.analysis.effects.intervals import ALPHA, Part, Spread, difference_over_both
from supernet_bench.analysis.effects.power import Side, detection_power, seeds_needed, typical_deviation


def needed_pairs(deviation: float, effect: float, alpha: float = ALPHA, shared: float = 0.0) -> int | None:
    return seeds_needed([Side(2, deviation, 1.0)], effect, alpha, shared)


def power(seeds: int, deviation: float, effect: float, alpha: float = ALPHA, shared: float = 0.0) -> float:
    return detection_power([Part(deviation / math.sqrt(seeds), seeds - 1)], effect, alpha, shared)


@pytest.mark.parametrize(("size", "seeds"), [(0.5, 34), (0.8, 15), (1.0, 10)])
def test_seeds_needed_are_the_tabulated_ones(size: float, seeds: int) -> None:
    """Cohen's d and pairs for a two-sided paired t test at 5 % with power 0.8, as in any table of powers."""
    assert needed_pairs(0.1, size * 0.1) == seeds


@pytest.mark.parametrize(("alpha", "shared"), [(ALPHA, 0.0), (ALPHA / 20, 0.0), (ALPHA, 0.02), (ALPHA / 20, 0.02)])
def test_seeds_needed_have_the_power_of_the_rule_in_a_simulation(alpha: float, shared: float) -> None:
    deviation, effect = 0.06, 0.1
    needed = needed_pairs(deviation, effect, alpha, shared)
    assert needed is not None
    rng, powers = np.random.default_rng(0), {}
    for seeds in (needed - 1, needed):
        samples = rng.normal(effect, deviation, size=(40_000, seeds)) + shared * rng.normal(size=(40_000, 1))
        over_seeds = stats.t.isf(alpha / 2, seeds - 1) * samples.std(axis=1, ddof=1) / math.sqrt(seeds)
        half = np.hypot(over_seeds, stats.norm.isf(alpha / 2) * shared)
        powers[seeds] = np.mean(samples.mean(axis=1) > half)
        assert powers[seeds] == pytest.approx(power(seeds, deviation, effect, alpha, shared), abs=0.01)
    assert powers[needed - 1] < 0.805
    assert powers[needed] > 0.795


@pytest.mark.parametrize("seeds", [3, 10])
@pytest.mark.parametrize("alpha", [ALPHA, ALPHA / 35])
def test_the_power_without_a_shared_part_is_that_of_the_t_test(seeds: int, alpha: float) -> None:
    shift, quantile = 0.1 / 0.06 * math.sqrt(seeds), stats.t.isf(alpha / 2, seeds - 1)
    expected = 1 - special.nctdtr(seeds - 1, shift, quantile)
    assert power(seeds, 0.06, 0.1, alpha) == pytest.approx(expected, abs=1e-3)


def test_the_power_is_that_of_the_interval_which_a_report_shows() -> None:
    """Replicates that move together are what all seeds share."""
    rng, shared, found = np.random.default_rng(0), 0.03, 0
    replicates = shared * np.tile(rng.normal(size=2000), (4, 1))
    for _ in range(1000):
        values = rng.normal(0.1, 0.04, size=4) + shared * rng.normal()
        found += difference_over_both(values, replicates, 50).low > 0
    assert found / 1000 == pytest.approx(power(4, 0.04, 0.1, shared=shared), abs=0.05)


def test_seeds_needed_at_the_ends() -> None:
    assert needed_pairs(0.0, 0.05) == needed_pairs(1e-9, 0.05) == 2
    assert (needed_pairs(1.0, 0.05) or 0) > 3000
    strict, usual, large = (needed_pairs(0.06, *settings) or 0 for settings in ((0.05, ALPHA / 50), (0.05,), (0.1,)))
    assert strict > usual > large > 2
    assert power(801, 0.1, 0.1 * 38 / math.sqrt(801)) == 1


def test_no_number_of_seeds_shows_what_the_choice_of_architectures_hides() -> None:
    limit = 0.05 / (stats.norm.isf(0.025) + stats.norm.isf(0.2))
    assert needed_pairs(0.06, 0.05, shared=1.02 * limit) is None
    assert (needed_pairs(0.06, 0.05, shared=0.9 * limit) or 0) > (needed_pairs(0.06, 0.05) or 0)


def test_the_typical_deviation_is_not_too_small_for_few_seeds() -> None:
    samples = np.random.default_rng(0).normal(0, 0.05, size=(4000, 3)).std(axis=1, ddof=1)
    assert np.median(samples) < 0.043
    assert typical_deviation(list(samples), [2] * 4000) == pytest.approx(0.05, rel=0.05)
    assert math.isnan(typical_deviation([], []))


@pytest.mark.parametrize("alpha", [ALPHA, ALPHA / 35])
def test_the_power_of_two_sides_is_that_of_their_interval_in_a_simulation(alpha: float) -> None:
    level, baseline, rng = Side(5, 0.08, 4.0), Side(32, 0.06, 31.0), np.random.default_rng(0)
    values = [rng.normal(0, side.deviation, size=(20_000, side.seeds)) for side in (level, baseline)]
    shift = 0.15 + values[0].mean(axis=1) - values[1].mean(axis=1)
    squares = sum(
        (stats.t.isf(alpha / 2, side.degrees) ** 2) * drawn.var(axis=1, ddof=1) / side.seeds
        for side, drawn in zip((level, baseline), values, strict=True)
    )
    found = np.mean(shift > np.sqrt(squares))
    assert found == pytest.approx(detection_power([level.part(), baseline.part()], 0.15, alpha), abs=0.01)
    assert Spread((level.part(), baseline.part())).half_width(alpha) > level.part().half_width(alpha)


def test_more_seeds_of_the_baseline_save_seeds_of_the_levels() -> None:
    level = Side(5, 0.08, 4.0)
    few, many = ((level, Side(seeds, 0.08, seeds - 1.0)) for seeds in (5, 32))
    assert (seeds_needed(many, 0.1) or 0) < (seeds_needed(few, 0.1) or 0)
    assert seeds_needed([replace(level, degrees=100.0)], 0.1) < seeds_needed([level], 0.1)
