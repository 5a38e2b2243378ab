"""Whether 95 % intervals hold what they should in 95 % of studies."""

import math

import numpy as np
import pytest

from analysis.metrics import kendall_tau
from analysis.resampling import bootstrap_tau, bootstrap_weights
from analysis.statistics import over_architectures, over_both, over_seeds

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
