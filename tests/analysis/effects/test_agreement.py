"""Agreement of two studies, on effects whose true order is known."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from supernet_bench.analysis.effects.agreement import SPLITS, Agreement, Correlation, agree, divisions
from supernet_bench.analysis.ranking.metrics import spearman_rho

Made = tuple[np.ndarray, np.ndarray, np.ndarray, tuple[range, range]]


def made(rng, factors=10, of_each: int | list[int] = 4, seeds=5, correlation=0.8, noise=0.5, alike=0.5) -> Made:
    """Return differences of two studies and the factors.

    True effects have the given correlation between studies; a share `alike` of their variance is their factor's.
    """
    of_level = np.repeat(np.arange(factors), of_each)
    shared, own = (_pair(rng, size, correlation) for size in (factors, len(of_level)))
    true = [np.sqrt(alike) * a[of_level] + np.sqrt(1 - alike) * b for a, b in zip(shared, own, strict=True)]
    first, second = (effect[:, None] + noise * rng.normal(size=(len(of_level), seeds)) for effect in true)
    return first, second, of_level, (range(seeds), range(seeds, 2 * seeds))


def _pair(rng, size: int, correlation: float) -> tuple[np.ndarray, np.ndarray]:
    first = rng.normal(size=size)
    return first, correlation * first + np.sqrt(1 - correlation**2) * rng.normal(size=size)


@pytest.mark.parametrize(
    ("first", "second", "ways"),
    [
        (range(8), range(3), [((3, 4, 5, 6, 7), (0, 1, 2))]),
        (range(3), range(8), [((0, 1, 2), (3, 4, 5, 6, 7))]),
        (range(5), range(3), [((0, 3, 4), (1, 2)), ((1, 3, 4), (0, 2)), ((2, 3, 4), (0, 1)), ((3, 4), (0, 1, 2))]),
        (range(2), range(2, 5), [((0, 1), (2, 3, 4))]),
        (range(2), range(2), [((0,), (1,)), ((1,), (0,))]),
        (range(1), range(1), [((), (0,)), ((0,), ())]),
    ],
)
def test_seeds_are_divided_in_all_equal_ways(first: range, second: range, ways: list[object]) -> None:
    assert sorted(divisions(first, second)) == ways


@given(st.sets(st.integers(0, 9), max_size=7), st.sets(st.integers(0, 9), max_size=7))
def test_no_seed_is_used_of_both_and_all_are_used(first: set[int], second: set[int]) -> None:
    ways = divisions(sorted(first), sorted(second))
    common, sizes = first & second, {(len(one), len(other)) for one, other in ways}
    found = Agreement(9, 9, 0, (tuple(first), tuple(second)), divisions=len(ways))
    assert len(set(ways)) == len(ways) <= SPLITS
    assert found.fewest == (min(one for one, _ in sizes), min(other for _, other in sizes))
    for one, other in ways:
        assert set(one).isdisjoint(other)
        assert set(one) | set(other) == first | second
        assert first - second <= set(one) <= first
    if common:
        difference = abs(abs(len(first) - len(second)) - len(common)) if not ways else min(abs(a - b) for a, b in sizes)
        assert difference <= max(1, abs(len(first - second) - len(second - first)) - len(common))


def test_of_many_divisions_some_are_drawn_and_always_the_same() -> None:
    ways = divisions(range(8), range(8))
    assert (len(ways), ways) == (SPLITS, divisions(range(8), range(8)))
    assert len({one for one, _ in ways}) == SPLITS
    assert all(len(one) == len(other) == 4 for one, other in ways)
    assert np.ptp([sum(seed in one for one, _ in ways) for seed in range(8)]) < SPLITS / 2


def test_the_correlation_is_the_mean_over_divisions() -> None:
    first, second, factors, _ = made(np.random.default_rng(3), seeds=4, noise=1.0)
    found = agree(first, second, factors, (range(4), range(4)), 50)
    ways = divisions(range(4), range(4))
    assert (found.divisions, found.fewest) == (len(ways), (2, 2)) == (6, (2, 2))
    means = [(first[:, list(one)].mean(axis=1), second[:, list(other)].mean(axis=1)) for one, other in ways]
    assert found.rho.value == pytest.approx(np.mean([stats.spearmanr(x, y).statistic for x, y in means]))
    assert found.tau.value == pytest.approx(np.mean([stats.kendalltau(x, y).statistic for x, y in means]))
    assert found.rho.low < found.rho.value < found.rho.high


def test_the_interval_of_the_mean_over_divisions_covers() -> None:
    """With common seeds, too, whose noise is that of both studies."""
    rng, settings = np.random.default_rng(10), {"correlation": 0.7, "noise": 0.0, "seeds": 4}
    noise = rng.normal(size=(2, 20_000, 2))
    large = made(rng, factors=5000, of_each=4, **settings)[:2]
    expected = spearman_rho(*(x[:, 0] + each.mean(axis=1) for x, each in zip(large, noise, strict=True)))
    covered = 0
    for seed in range(40):
        first, second, factors, _ = made(rng, factors=10, **settings)
        of_seed = rng.normal(size=first.shape)
        found = agree(first + of_seed, second + of_seed, factors, (range(4), range(4)), 100, seed).rho
        covered += found.low <= expected <= found.high
    assert covered >= 36


def test_noise_that_equal_seeds_share_makes_no_agreement() -> None:
    """True effects are unrelated, the noise of equal seeds is the same."""
    rng = np.random.default_rng(11)
    rhos, shared = [], []
    for _ in range(30):
        noise = 3 * rng.normal(size=(40, 8))
        first, second, factors, _ = made(rng, correlation=0.0, noise=0.0, seeds=8)
        first, second = first + noise, second + noise
        rhos.append(agree(first, second[:, :3], factors, (range(8), range(3)), 2).rho.value)
        shared.append(spearman_rho(first.mean(axis=1), second[:, :3].mean(axis=1)))
    assert abs(np.mean(rhos)) < 0.1 < 0.25 < np.mean(shared)


def test_equal_orders_agree_and_reversed_ones_disagree() -> None:
    first, _, factors, seeds = made(np.random.default_rng(0), noise=0.01)
    same, other = agree(first, 3 * first, factors, seeds, 200), agree(first, -first, factors, seeds, 200)
    assert same.rho.value == pytest.approx(1)
    assert same.tau.value == pytest.approx(1)
    assert same.rho.low > 0.9
    assert same.ceiling.value > 0.95
    assert other.rho.value == pytest.approx(-1)
    assert other.rho.high < -0.9
    assert (same.levels, same.factors, same.left_out, same.seeds) == (40, 10, 0, (tuple(range(5)), tuple(range(5, 10))))


def test_a_known_correlation_is_found() -> None:
    """Of many levels without noise, rho of two normals is (6 / pi) asin(r / 2)."""
    case = made(np.random.default_rng(1), factors=300, correlation=0.6, noise=0.0)
    assert agree(*case, 2).rho.value == pytest.approx(6 / np.pi * np.arcsin(0.3), abs=0.07)


@pytest.mark.parametrize(("factors", "alike"), [(6, 0.5), (12, 0.0)])
def test_the_interval_covers_what_other_seeds_and_factors_give(factors: int, alike: float) -> None:
    settings = {"correlation": 0.7, "noise": 1.0, "seeds": 4, "alike": alike}
    rng = np.random.default_rng(2)
    first, second, *_ = made(rng, factors=20000, **settings)
    expected = spearman_rho(first.mean(axis=1), second.mean(axis=1))
    covered, runs = 0, 40
    for seed in range(runs):
        rho = agree(*made(rng, factors=factors, **settings), 100, seed).rho
        covered += rho.low <= expected <= rho.high
    assert covered >= 0.9 * runs


UNEQUAL = [8, 1, 1, 2, 5, 1, 3, 2, 1, 6]


@pytest.mark.parametrize("of_each", [3, UNEQUAL], ids=["equal", "unequal"])
@pytest.mark.parametrize("alike", [0.0, 0.95])
def test_unrelated_studies_are_seldom_called_related(of_each: int | list[int], alike: float) -> None:
    """Even if levels of one factor are alike, which would deceive a test that takes levels as independent."""
    rng = np.random.default_rng(4)
    cases = [made(rng, of_each=of_each, correlation=0.0, seeds=3, noise=0.2, alike=alike) for _ in range(60)]
    assert sum(agree(*case, 60).rho.excludes_zero for case in cases) <= 6
    if alike and of_each == 3:
        free = [stats.spearmanr(x.mean(axis=1), y.mean(axis=1)).pvalue for x, y, *_ in cases]
        assert sum(value <= 0.05 for value in free) >= 12


def test_noise_lowers_rho_and_the_agreement_with_itself_shows_it() -> None:
    found = [agree(*made(np.random.default_rng(5), correlation=1.0, noise=noise), 100) for noise in (0.1, 1.0, 4.0)]
    rhos, ceilings = [one.rho.value for one in found], [one.ceiling.value for one in found]
    assert rhos[0] > 0.95 > rhos[1] > rhos[2]
    assert ceilings[0] > 0.95 > ceilings[1] > ceilings[2]
    assert np.abs(np.subtract(rhos, ceilings)).max() < 0.35


@pytest.mark.parametrize("seeds", [2, 4, 5])
def test_the_agreement_with_itself_is_that_with_as_many_fresh_seeds(seeds: int) -> None:
    """Halves have fewer seeds; the correction is for what all of them would give."""
    rng = np.random.default_rng(6)
    first, second, factors, numbers = made(rng, factors=400, seeds=seeds, correlation=1.0, noise=1.0)
    fresh = spearman_rho(first.mean(axis=1), second.mean(axis=1))
    found = agree(first, second, factors, numbers, 100)
    for own in (*found.selves, found.ceiling):
        assert own.value == pytest.approx(fresh, abs=0.05)
        assert own.low < own.value < own.high


def test_the_ceiling_has_an_interval_that_covers_that_of_other_factors() -> None:
    rng = np.random.default_rng(12)
    settings = {"correlation": 1.0, "noise": 1.0, "seeds": 4}
    expected = agree(*made(rng, factors=2000, **settings), 2).ceiling.value
    found = [agree(*made(rng, factors=12, **settings), 100, seed).ceiling for seed in range(40)]
    assert sum(one.low <= expected <= one.high for one in found) >= 35
    assert all(0 <= one.low <= one.value <= one.high <= 1 for one in found)
    noise = agree(*made(rng, factors=12, noise=1000.0), 100).ceiling
    assert noise.low == 0


def test_what_cannot_be_known_is_not_computed() -> None:
    rng = np.random.default_rng(7)
    first, second, factors, seeds = made(rng)
    assert agree(first[:3], second[:3], factors[:3], seeds) == Agreement(
        3, 1, 0, (tuple(seeds[0]), tuple(seeds[1])), divisions=1
    )
    assert not agree(np.zeros((8, 5)), second[:8], factors[:8], seeds, 100).computed
    assert not agree(first[:0], second[:0], factors[:0], seeds, 100).computed
    one_seed = agree(first[:, :1], second, factors, (range(1), range(5)), 100)
    assert (one_seed.seeds, one_seed.fewest) == (((0,), (0, 1, 2, 3, 4)), (1, 4))
    assert one_seed.computed
    assert np.isnan([one_seed.rho.low, one_seed.selves[0].value, one_seed.ceiling.value]).all()
    assert not one_seed.rho.excludes_zero
    same_seed = agree(first[:, :1], second[:, :1], factors, (range(1), range(1)), 100)
    assert same_seed.fewest == (0, 0)
    assert not same_seed.computed
    one_factor = agree(first, second, np.zeros(len(factors), dtype=int), seeds, 100)
    assert np.isnan(one_factor.rho.low)


def test_a_level_that_lost_a_run_is_left_out_of_rho_and_ceiling() -> None:
    first, second, factors, seeds = made(np.random.default_rng(8), noise=0.05)
    holes = first.copy()
    holes[3, 1:] = np.nan
    holes[:, 4] = np.nan  # A seed that no level has is not used.
    found = agree(holes, second, factors, seeds, 200)
    assert (found.levels, found.left_out, found.seeds[0]) == (39, 1, (0, 1, 2, 3))
    kept = np.arange(len(factors)) != 3
    without = agree(first[kept][:, :4], second[kept], factors[kept], (range(4), seeds[1]), 200)
    assert found == Agreement(**{**vars(without), "left_out": 1})


def test_equal_seeds_give_equal_numbers() -> None:
    case = made(np.random.default_rng(9))
    assert agree(*case, 100) == agree(*case, 100)
    assert agree(*case, 100) != agree(*case, 100, seed=1)
    assert Correlation(0.5, 0.1, 0.8).excludes_zero
    assert not Correlation(0.5, -0.1, 0.8).excludes_zero


def test_effects_of_one_order_in_every_resample_have_no_interval() -> None:
    """Seeds that agree exactly, factors that all order alike: nothing tells how far the agreement may be off."""
    effects = np.tile(np.arange(4.0), 2)[:, None].repeat(4, axis=1)
    found = agree(effects, effects, np.repeat([0, 1], 4), (range(4), range(4, 8)), 50)
    assert (found.rho.value, found.computed) == (1, True)
    for correlation in (found.rho, found.tau, *found.selves, found.ceiling):
        assert np.isnan([correlation.low, correlation.high]).all()
        assert not correlation.excludes_zero
