"""Agreement of two studies, on effects whose true order is known."""

import numpy as np
import pytest
from scipy import stats

from analysis.agreement import Agreement, Correlation, agree, kendall, self_agreement, spearman

Made = tuple[np.ndarray, np.ndarray, np.ndarray]


def made(rng, factors=10, of_each=4, seeds=5, correlation=0.8, noise=0.5, alike=0.5) -> Made:
    """Return differences of two studies and the factors.

    True effects have the given correlation between studies; a share `alike` of their variance is their factor's.
    """
    of_level = np.repeat(np.arange(factors), of_each)
    shared, own = (_pair(rng, size, correlation) for size in (factors, len(of_level)))
    true = [np.sqrt(alike) * a[of_level] + np.sqrt(1 - alike) * b for a, b in zip(shared, own, strict=True)]
    first, second = (effect[:, None] + noise * rng.normal(size=(len(of_level), seeds)) for effect in true)
    return first, second, of_level


def _pair(rng, size: int, correlation: float) -> tuple[np.ndarray, np.ndarray]:
    first = rng.normal(size=size)
    return first, correlation * first + np.sqrt(1 - correlation**2) * rng.normal(size=size)


def test_rank_correlations_are_those_of_scipy() -> None:
    rng = np.random.default_rng(0)
    for _ in range(20):
        x, y = rng.integers(5, size=(2, 12)).astype(float)
        assert spearman(x, y) == pytest.approx(stats.spearmanr(x, y).statistic)
        assert kendall(x, y) == pytest.approx(stats.kendalltau(x, y).statistic)
    assert np.isnan(spearman(np.zeros(5), np.arange(5.0)))
    assert np.isnan(kendall(np.zeros(5), np.arange(5.0)))


def test_equal_orders_agree_and_reversed_ones_disagree() -> None:
    first, _, factors = made(np.random.default_rng(0), noise=0.01)
    same, other = agree(first, 3 * first, factors, 200), agree(first, -first, factors, 200)
    assert same.rho.value == pytest.approx(1)
    assert same.tau.value == pytest.approx(1)
    assert same.rho.low > 0.9
    assert same.shown
    assert same.p_value == pytest.approx(1 / 201)
    assert same.ceiling > 0.95
    assert other.rho.value == pytest.approx(-1)
    assert other.rho.high < -0.9
    assert other.shown
    assert (same.levels, same.factors, same.seeds) == (40, 10, (5, 5))


def test_a_known_correlation_is_found() -> None:
    """Of many levels without noise, rho of two normals is (6 / pi) asin(r / 2)."""
    first, second, factors = made(np.random.default_rng(1), factors=300, correlation=0.6, noise=0.0)
    assert agree(first, second, factors, 2).rho.value == pytest.approx(6 / np.pi * np.arcsin(0.3), abs=0.07)


@pytest.mark.parametrize(("factors", "alike"), [(6, 0.5), (12, 0.0)])
def test_the_interval_covers_what_other_seeds_and_factors_give(factors: int, alike: float) -> None:
    settings = {"correlation": 0.7, "noise": 1.0, "seeds": 4, "alike": alike}
    rng = np.random.default_rng(2)
    first, second, _ = made(rng, factors=20000, **settings)
    expected = spearman(first.mean(axis=1), second.mean(axis=1))
    covered, runs = 0, 40
    for seed in range(runs):
        x, y, of_level = made(rng, factors=factors, **settings)
        rho = agree(x, y, of_level, 100, seed).rho
        covered += rho.low <= expected <= rho.high
    assert covered >= 0.9 * runs


def test_factors_whose_levels_are_alike_do_not_make_a_p_value_small() -> None:
    """Levels shuffled one by one would call a fifth of unrelated studies related."""
    rng = np.random.default_rng(3)
    cases = [made(rng, factors=6, correlation=0.0, noise=0.1, seeds=1, alike=0.95) for _ in range(100)]
    small = sum(agree(*case, 60).p_value <= 0.05 for case in cases)
    assert small <= 12
    free = [stats.spearmanr(x.mean(axis=1), y.mean(axis=1)).pvalue for x, y, _ in cases]
    assert sum(value <= 0.05 for value in free) >= 15


def test_unrelated_studies_are_seldom_called_related() -> None:
    rng = np.random.default_rng(4)
    assert sum(agree(*made(rng, correlation=0.0, seeds=3), 60).shown for _ in range(40)) <= 4


def test_noise_lowers_rho_and_the_agreement_with_itself_shows_it() -> None:
    found = [agree(*made(np.random.default_rng(5), correlation=1.0, noise=noise), 100) for noise in (0.1, 1.0, 4.0)]
    rhos, ceilings = [one.rho.value for one in found], [one.ceiling for one in found]
    assert rhos[0] > 0.95 > rhos[1] > rhos[2]
    assert ceilings[0] > 0.95 > ceilings[1] > ceilings[2]
    assert np.abs(np.subtract(rhos, ceilings)).max() < 0.35


@pytest.mark.parametrize("seeds", [2, 4, 5])
def test_the_agreement_with_itself_is_that_with_as_many_fresh_seeds(seeds: int) -> None:
    """Halves have fewer seeds; the correction is for what all of them would give."""
    rng = np.random.default_rng(6)
    first, second, factors = made(rng, factors=400, seeds=seeds, correlation=1.0, noise=1.0)
    fresh = spearman(first.mean(axis=1), second.mean(axis=1))
    found = self_agreement(first, factors, 100)
    assert found.value == pytest.approx(fresh, abs=0.05)
    assert found.low < found.value < found.high


def test_what_cannot_be_known_is_not_computed() -> None:
    rng = np.random.default_rng(7)
    first, second, factors = made(rng)
    assert agree(first[:3], second[:3], factors[:3]) == Agreement(3, 1, (5, 5))
    assert not agree(np.zeros((8, 3)), second[:8], factors[:8], 100).computed
    one_seed = agree(first[:, :1], second, factors, 100)
    assert one_seed.computed
    assert np.isnan([one_seed.rho.low, one_seed.selves[0].value, one_seed.ceiling]).all() or one_seed.ceiling == 0
    assert not one_seed.shown
    one_factor = agree(first, second, np.zeros(len(factors), dtype=int), 100)
    assert np.isnan(one_factor.rho.low)
    assert not one_factor.shown


def test_lost_runs_leave_the_other_seeds() -> None:
    first, second, factors = made(np.random.default_rng(8), noise=0.05)
    holes = first.copy()
    holes[3, 1:] = np.nan
    holes[:, 4] = np.nan
    found = agree(holes, second, factors, 200)
    assert found.seeds == (4, 5)
    assert found.rho.value == pytest.approx(agree(first, second, factors, 200).rho.value, abs=0.05)
    assert found.rho.low < found.rho.value < found.rho.high


def test_equal_seeds_give_equal_numbers() -> None:
    case = made(np.random.default_rng(9))
    assert agree(*case, 100) == agree(*case, 100)
    assert agree(*case, 100) != agree(*case, 100, seed=1)
    assert Correlation(0.5, 0.1, 0.8).excludes_zero
    assert not Correlation(0.5, -0.1, 0.8).excludes_zero
