"""Whether 95 % intervals hold what they should in 95 % of studies."""

import math

import numpy as np
import pytest
from scipy import stats

from supernet_bench.analysis.effects.intervals import (
    ALPHA,
    FEWEST,
    Difference,
    Estimate,
    adjusted,
    difference_over_both,
    difference_over_seeds,
    has_interval,
    holm,
    over_architectures,
    over_both,
    over_seeds,
)
from supernet_bench.analysis.ranking.metrics import kendall_tau
from supernet_bench.analysis.ranking.resampling import bootstrap_tau, bootstrap_weights

ARCHITECTURES = 100
STUDIES = 400


class Study:
    """Scores: truth, an error that all supernets share, and one of their own whose size differs by seed."""

    shared = 0.6

    def __init__(self, seed: int) -> None:
        self.rng = np.random.default_rng(seed)
        self.truth = self.rng.normal(size=ARCHITECTURES)
        self.common = self.truth + self.shared * self.rng.normal(size=ARCHITECTURES)
        self.weights = bootstrap_weights(ARCHITECTURES, 200, seed)

    def supernet(self, noise: float) -> tuple[float, np.ndarray]:
        own = noise * np.exp(0.2 * self.rng.normal())
        score = self.common + own * self.rng.normal(size=ARCHITECTURES)
        return kendall_tau(score, self.truth), bootstrap_tau(self.weights, score, self.truth)


def expected_tau(noise: float) -> float:
    """Mean over seeds of tau of a bivariate normal, (2 / pi) asin(correlation)."""
    own = noise * np.exp(0.2 * np.random.default_rng(0).normal(size=100_000))
    return float(np.mean(2 / np.pi * np.arcsin(1 / np.sqrt(1 + Study.shared**2 + own**2))))


@pytest.mark.parametrize("seeds", [3, 5])
def test_intervals_of_levels_cover(seeds: int) -> None:
    expected, covered = expected_tau(0.6), 0
    for number in range(STUDIES):
        study = Study(number)
        runs = [study.supernet(0.6) for _ in range(seeds)]
        estimate = over_both(np.array([r[0] for r in runs]), np.array([r[1] for r in runs]), ARCHITECTURES)
        covered += estimate.low <= expected <= estimate.high
    assert 0.92 < covered / STUDIES < 0.995


@pytest.mark.parametrize("seeds", [3, 5])
def test_intervals_of_paired_differences_cover(seeds: int) -> None:
    expected, covered = expected_tau(0.9) - expected_tau(0.6), 0
    for number in range(STUDIES):
        study = Study(number)
        pairs = [(study.supernet(0.9), study.supernet(0.6)) for _ in range(seeds)]
        values = np.array([level[0] - baseline[0] for level, baseline in pairs])
        replicates = np.array([level[1] - baseline[1] for level, baseline in pairs])
        estimate = over_both(values, replicates, ARCHITECTURES, bound=2.0)
        covered += estimate.low <= expected <= estimate.high
    assert 0.92 < covered / STUDIES < 0.995


def test_the_interval_over_seeds_alone_does_not_cover() -> None:
    """The reason for the second part: seeds that share their architectures cannot show what those add."""
    expected, covered = expected_tau(0.2), 0
    for number in range(STUDIES):
        study = Study(number)
        estimate = over_seeds(np.array([study.supernet(0.2)[0] for _ in range(5)]), ARCHITECTURES)
        covered += estimate.low <= expected <= estimate.high
    assert covered / STUDIES < 0.8


def test_seeds_alone_give_the_t_interval() -> None:
    values = np.array([0.4, 0.5, 0.6])
    estimate = over_both(values, np.repeat(values[:, None], 100, axis=1), 50)
    half = 4.302653 * 0.1 / math.sqrt(3)
    assert (estimate.value, estimate.low, estimate.high) == pytest.approx((0.5, 0.5 - half, 0.5 + half))
    assert (estimate.seeds, estimate.architectures, estimate.one_seed) == (3, 50, False)


def test_both_parts_are_added_in_quadrature() -> None:
    """The t interval over seeds, and what the replicates of different seeds have in common, written out."""
    rng = np.random.default_rng(0)
    values = np.array([0.42, 0.5, 0.55])
    replicates = values[:, None] + 0.03 * rng.normal(size=500) + 0.02 * rng.normal(size=(3, 500))
    centred = replicates - replicates.mean(axis=1, keepdims=True)
    shared = np.mean([(centred[i] * centred[j]).sum() / 499 for i, j in ((0, 1), (0, 2), (1, 2))])
    seeds = 4.302653 * values.std(ddof=1) / math.sqrt(3)
    half = math.sqrt(seeds**2 + 1.959964**2 * shared)
    assert shared == pytest.approx(0.03**2, rel=0.2)
    estimate = over_both(values, replicates, 50)
    assert (estimate.low, estimate.high) == pytest.approx((values.mean() - half, values.mean() + half), abs=1e-6)


def test_a_part_that_all_seeds_share_does_not_shrink_with_their_number() -> None:
    shared = np.random.default_rng(0).normal(0.5, 0.05, 4000)
    estimate = over_both(np.full(10, 0.5), np.repeat(shared[None], 10, axis=0), 50)
    assert estimate.high - estimate.low == pytest.approx(2 * 1.96 * 0.05, rel=0.05)


def test_seeds_that_agree_by_chance_do_not_hide_the_choice_of_architectures() -> None:
    replicates = np.random.default_rng(0).normal(0.5, 0.05, (2, 4000))
    estimate = over_both(np.array([0.5, 0.5]), replicates, 50)
    assert estimate.high - estimate.low == pytest.approx(2 * 1.96 * 0.05 / math.sqrt(2), rel=0.05)


def test_one_seed_is_marked_and_has_the_percentiles_of_the_bootstrap() -> None:
    replicates = np.linspace(0, 1, 1001)
    estimate = over_both(np.array([0.5]), replicates[None], 50)
    assert (estimate.low, estimate.high) == pytest.approx((0.025, 0.975))
    assert estimate.one_seed
    far = over_both(np.array([0.5]), replicates[None] + 5, 50, bound=9.0)
    assert far.low > 0
    assert not far.excludes_zero
    assert not over_architectures(0.5, replicates, 50).one_seed


def test_intervals_stay_where_tau_can_be() -> None:
    estimate = over_both(np.array([0.5, 0.9]), np.full((2, 10), 0.5), 50)
    assert (estimate.low, estimate.high) == (-1, 1)


def test_no_run_and_undefined_replicates_give_no_interval() -> None:
    nothing = over_both(np.empty(0), np.empty((0, 10)), 50)
    assert math.isnan(nothing.value)
    assert (nothing.seeds, nothing.excludes_zero) == (0, False)
    undefined = over_both(np.array([0.1, 0.2]), np.full((2, 10), np.nan), 50)
    assert undefined.value == pytest.approx(0.15)
    assert math.isnan(undefined.low)


def estimates(value: float, spread: float, architectures: int) -> dict[str, Estimate]:
    """Return every kind of estimate around a value, of replicates and seeds that spread alike."""
    steps = spread * np.linspace(-1, 1, 100)
    one, seeds = value + steps, value + spread * np.array([-1.0, 0, 1])
    both = seeds[:, None] + steps
    return {
        "over architectures": over_architectures(value, one, architectures),
        "one seed": over_both(seeds[1:2], both[1:2], architectures),
        "over both": over_both(seeds, both, architectures),
        "over seeds": over_seeds(seeds, architectures, lowest=-1.0),
        "one difference": difference_over_both(seeds[1:2], both[1:2], architectures),
        "difference over both": difference_over_both(seeds, both, architectures),
        "difference over seeds": difference_over_seeds(seeds, architectures),
    }


@pytest.mark.parametrize("kind", estimates(0.5, 0.1, FEWEST))
def test_one_rule_says_where_there_is_an_interval(kind: str) -> None:
    """None of few architectures or without a spread, and then nothing is decided; around zero it claims nothing."""

    def of(value: float, spread: float, architectures: int) -> Estimate:
        return estimates(value, spread, architectures)[kind]

    enough = of(0.5, 0.1, FEWEST)
    assert enough.low < enough.value < enough.high
    for without in (of(0.5, 0.1, FEWEST - 1), of(0.5, 0.0, 60), of(1.0, 0.0, 60), of(0.0, 0.0, FEWEST - 1)):
        assert not math.isnan(without.value)
        assert np.isnan([without.low, without.high]).all()
        assert not without.excludes_zero
        if isinstance(without, Difference):
            assert np.isnan([without.p_value, without.shared]).all()
    same = of(0.0, 0.0, 60)
    assert (same.low, same.high, same.excludes_zero) == (0, 0, False)


def test_the_rule_for_intervals() -> None:
    assert has_interval(0.5, 0.1, FEWEST)
    assert not has_interval(0.5, 0.1, FEWEST - 1)
    assert not has_interval(0.5, 1e-15, FEWEST)
    assert not has_interval(0.0, math.nan, FEWEST)
    assert has_interval(0.0, 0.0, FEWEST)


def random_differences(seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Return differences and replicates in which each part of the spread may be the largest."""
    rng = np.random.default_rng(seed)
    values = rng.normal(0.03, 10 ** rng.uniform(-3, -1), size=rng.integers(2, 8))
    shared = 10 ** rng.uniform(-3, -1) * rng.normal(size=200)
    return values, values[:, None] + shared + 10 ** rng.uniform(-3, -1) * rng.normal(size=(len(values), 200))


@pytest.mark.parametrize("seed", range(40))
def test_at_the_p_value_the_interval_ends_at_zero(seed: int) -> None:
    values, replicates = random_differences(seed)
    difference = difference_over_both(values, replicates, 50)
    spread = difference.spread
    assert spread is not None
    assert (difference.p_value < ALPHA) == difference.excludes_zero
    assert spread.half_width(difference.p_value) == pytest.approx(abs(difference.value))
    assert spread.half_width() == pytest.approx(difference.high - difference.value)
    assert difference.p_value >= stats.ttest_1samp(values, 0).pvalue - 1e-12


def test_without_a_shared_part_the_p_value_is_that_of_the_t_test() -> None:
    values = np.array([0.02, 0.05, 0.03, 0.06])
    expected = stats.ttest_1samp(values, 0).pvalue
    assert difference_over_seeds(values, 50).p_value == pytest.approx(expected, rel=1e-9)
    both = difference_over_both(values, np.repeat(values[:, None], 100, axis=1), 50)
    assert both.p_value == pytest.approx(expected, rel=1e-9)
    assert (both.deviation, both.shared) == pytest.approx((np.std(values, ddof=1), 0), abs=1e-9)


def test_no_difference_and_one_seed_have_no_small_p_value() -> None:
    same = difference_over_both(np.zeros(3), np.zeros((3, 100)), 50)
    assert (same.low, same.high, same.p_value, same.excludes_zero) == (0, 0, 1, False)
    one = difference_over_both(np.array([0.5]), np.full((1, 100), 0.5), 50)
    none = difference_over_both(np.empty(0), np.empty(0), 50)
    assert math.isnan(one.p_value)
    assert math.isnan(none.p_value)
    assert none.seeds == 0


def test_top_metrics_that_agree_exactly_have_no_interval_but_no_difference_has() -> None:
    agreed = difference_over_seeds(np.array([0.1, 0.1, 0.1]), 50)
    assert agreed.value == pytest.approx(0.1)
    assert np.isnan([agreed.low, agreed.high, agreed.p_value]).all()
    assert not agreed.excludes_zero
    same = difference_over_seeds(np.zeros(3), 50)
    assert (same.value, same.low, same.high, same.p_value) == (0, 0, 0, 1)


def test_holm_by_hand() -> None:
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([0.6, 0.9]) == [1, 1]
    assert holm([0.02]) == [0.02]
    assert holm([]) == []


def test_a_comparison_of_the_same_runs_is_corrected_once() -> None:
    def difference(p_value: float, *runs: str) -> Difference:
        return Difference(0.1, 0.0, 0.2, 3, 50, p_value=p_value, runs=frozenset(runs))

    family = [difference(0.01, "a"), difference(0.04, "b"), difference(0.01, "a"), difference(math.nan, "c"), None]
    assert adjusted(family) == pytest.approx({frozenset("a"): 0.02, frozenset("b"): 0.04})


def test_holm_keeps_false_claims_rare_where_single_intervals_do_not() -> None:
    """Levels without an effect, all compared with one baseline over three seeds, as in a study."""
    rng = np.random.default_rng(0)
    single = corrected = 0
    for _ in range(600):
        runs = rng.normal(size=(11, 3))
        p_values = [difference_over_seeds((level - runs[0]) / 100, 50).p_value for level in runs[1:]]
        single += min(p_values) < ALPHA
        corrected += min(holm(p_values)) < ALPHA
    assert single / 600 > 0.2
    assert corrected / 600 < 0.07


def test_holm_keeps_false_claims_rare_with_resampled_architectures() -> None:
    false = 0
    for number in range(100):
        study = Study(number)
        baseline, *levels = [[study.supernet(0.6) for _ in range(4)] for _ in range(5)]
        p_values = []
        for level in levels:
            values = np.array([one[0] - other[0] for one, other in zip(level, baseline, strict=True)])
            replicates = np.array([one[1] - other[1] for one, other in zip(level, baseline, strict=True)])
            p_values.append(difference_over_both(values, replicates, ARCHITECTURES).p_value)
        false += min(holm(p_values)) < ALPHA
    assert false / 100 <= 0.09
