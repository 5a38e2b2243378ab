"""What each item adds, by sorting, against all pairs; and intervals from that against the bootstrap."""

from collections.abc import Callable
from time import process_time

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from supernet_bench.analysis.ranking import degrees, metrics, resampling

FEW = st.lists(st.tuples(st.integers(-2, 2), st.integers(-2, 2), st.integers(0, 1)), min_size=1, max_size=40)


def all_pairs(x: np.ndarray, y: np.ndarray, groups: np.ndarray) -> np.ndarray:
    signs = np.sign(x[:, None] - x) * np.sign(y[:, None] - y)
    return (signs * (groups[:, None] == groups)).sum(axis=1)


@given(FEW)
def test_degrees_are_those_of_all_pairs(items: list[tuple[int, int, int]]) -> None:
    x, y, groups = np.array(items).T
    assert np.array_equal(degrees.pair_degrees(x, y), all_pairs(x, y, np.zeros(len(x))))
    assert np.array_equal(degrees.pair_degrees(x, x), all_pairs(x, x, np.zeros(len(x))))
    assert np.array_equal(degrees.grouped_degrees(x, y, groups), all_pairs(x, y, groups))


@given(FEW.filter(lambda items: len(items) > 2))
def test_they_add_up_to_tau(items: list[tuple[int, int, int]]) -> None:
    x, y, _ = np.array(items).T
    concordance, *untied = (degrees.pair_degrees(*pair).sum() for pair in ((x, y), (x, x), (y, y)))
    expected = metrics.kendall_tau(x, y)
    if np.isnan(expected):
        assert 0 in untied
    else:
        assert concordance / np.sqrt(np.prod([float(each) for each in untied])) == pytest.approx(expected)


def test_infinite_values_are_ordered() -> None:
    x = np.array([-np.inf, 0.0, 1.0, np.inf, -np.inf])
    assert degrees.pair_degrees(x, x).tolist() == [3, 4, 4, 4, 3]
    assert np.isfinite(degrees.rank_form_slopes(x, x)[1]).all()


def test_slopes_of_ranks_are_what_a_copy_adds() -> None:
    rng = np.random.default_rng(0)
    x, y = rng.integers(0, 9, 30).astype(float), rng.normal(size=30)

    def form(weights: np.ndarray) -> float:
        ranks = [((values[:, None] > values) * 1.0 - (values[:, None] < values)) @ weights for values in (x, y)]
        return float(weights @ (ranks[0] * ranks[1]))

    value, slopes = degrees.rank_form_slopes(x, y)
    assert value == pytest.approx(form(np.ones(30)))
    for item in range(30):
        step = np.zeros(30)
        step[item] = 1e-6
        assert slopes[item] == pytest.approx((form(1 + step) - form(1 - step)) / 2e-6, rel=1e-5, abs=1e-3)


def sample(n: int) -> tuple[np.ndarray, np.ndarray]:
    """Return scores and accuracies as skewed as published ones: most are good, and there are ties."""
    rng = np.random.default_rng(n)
    truth = np.round(1 - rng.gamma(1.5, 0.05, n), 4)
    return np.round(truth + 0.06 * rng.normal(size=n), 3), truth


def rho(weights: np.ndarray, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    return resampling.bootstrap_spearman(weights, *(resampling.resampled_ranks(weights, values) for values in (x, y)))


def linear_tau(weights: np.ndarray, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    forms = (degrees.resampled_sums(weights, degrees.pair_degrees(*pair)) for pair in ((x, y), (x, x), (y, y)))
    return resampling.tau_of_forms(*forms)


@pytest.mark.parametrize("n", [400, 2000])
@pytest.mark.parametrize(
    ("linear", "exact"), [(linear_tau, resampling.bootstrap_tau), (degrees.spearman_resamples, rho)], ids=["tau", "rho"]
)
def test_the_linear_form_has_the_interval_of_the_bootstrap(n: int, linear: Callable, exact: Callable) -> None:
    x, y = sample(n)
    weights = resampling.bootstrap_weights(n, 500, seed=0)
    found, expected = linear(weights, x, y), exact(weights, x, y)
    assert np.std(found) == pytest.approx(np.std(expected), rel=0.02)
    width = np.ptp(np.quantile(expected, [0.025, 0.975]))
    for end in (0.025, 0.975):
        assert abs(np.quantile(found, end) - np.quantile(expected, end)) < 0.05 * width


@pytest.mark.parametrize("n", [400, 2000])
def test_resamples_have_the_variance_of_the_u_statistic(n: int) -> None:
    """Without ties: the variance of tau is four times that of what an item adds, over n (Hoeffding 1948)."""
    rng = np.random.default_rng(n)
    x = rng.normal(size=n)
    y = x + rng.normal(size=n)
    weights = resampling.bootstrap_weights(n, 4000, seed=0)
    per_item = degrees.pair_degrees(x, y) / (n - 1)
    forms = degrees.resampled_sums(weights, degrees.pair_degrees(x, y)) / (n * (n - 1))
    assert np.std(forms) == pytest.approx(2 * np.std(per_item) / np.sqrt(n), rel=0.04)


def test_all_of_a_large_space_take_no_time() -> None:
    x, y = sample(15_625)
    began = process_time()
    found = degrees.pair_degrees(x, y).sum() / np.sqrt(
        float(degrees.pair_degrees(x, x).sum()) * float(degrees.pair_degrees(y, y).sum())
    )
    assert process_time() - began < 2  # All pairs at once are two gigabytes.
    assert found == pytest.approx(stats.kendalltau(x, y).statistic)


def test_counts_of_many_are_drawn_with_replacement() -> None:
    weights = resampling.bootstrap_weights(resampling.EXACT_LIMIT + 1, 200, seed=0)
    assert np.all(weights.sum(axis=1) == resampling.EXACT_LIMIT + 1)
    assert np.var(weights) == pytest.approx(1, rel=0.02)  # Of a binomial distribution.
    assert np.array_equal(weights, resampling.bootstrap_weights(resampling.EXACT_LIMIT + 1, 200, seed=0))
