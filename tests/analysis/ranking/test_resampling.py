"""Resampling by counts against resampling by copying."""

import numpy as np
import pytest
from scipy import stats

from supernet_bench.analysis.ranking import metrics, resampling
from supernet_bench.analysis.ranking.degrees import degrees


def sample(n: int, ties: bool) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(n)
    truth = rng.normal(size=n)
    predicted = truth + rng.normal(size=n)
    return (predicted.round(1), truth.round(1)) if ties else (predicted, truth)


@pytest.mark.parametrize("ties", [False, True])
def test_counts_give_what_copies_give(ties: bool) -> None:
    predicted, truth = sample(40, ties)
    weights = resampling.bootstrap_weights(40, 25, seed=0)
    copies = [np.repeat(np.arange(40), row.astype(int)) for row in weights]
    taus = [stats.kendalltau(predicted[rows], truth[rows]).statistic for rows in copies]
    rhos = [stats.spearmanr(predicted[rows], truth[rows]).statistic for rows in copies]
    ranks = [resampling.resampled_ranks(weights, values) for values in (predicted, truth)]
    assert resampling.bootstrap_tau(weights, predicted, truth) == pytest.approx(np.array(taus), abs=1e-12)
    assert resampling.bootstrap_spearman(weights, *ranks) == pytest.approx(np.array(rhos), abs=1e-5)


def test_infinite_predictions_are_ranked() -> None:
    predicted, truth = sample(30, ties=False)
    infinite = np.where(predicted < 0, -np.inf, predicted)
    finite = np.where(predicted < 0, -99.0, predicted)
    weights = resampling.bootstrap_weights(30, 20, seed=0)
    expected = resampling.bootstrap_tau(weights, finite, truth)
    assert np.array_equal(resampling.bootstrap_tau(weights, infinite, truth), expected)


def test_a_constant_prediction_has_no_tau() -> None:
    weights = resampling.bootstrap_weights(20, 10, seed=0)
    constant, truth = np.ones(20), np.arange(20.0)
    ranks = [resampling.resampled_ranks(weights, values) for values in (constant, truth)]
    assert np.isnan(resampling.bootstrap_tau(weights, constant, truth)).all()
    assert np.isnan(resampling.bootstrap_spearman(weights, *ranks)).all()


def test_the_form_for_many_architectures_has_the_same_spread(monkeypatch: pytest.MonkeyPatch) -> None:
    predicted, truth = sample(300, ties=True)
    weights = resampling.bootstrap_weights(300, 2000, seed=0)
    exact = resampling.bootstrap_tau(weights, predicted, truth)
    ranks = resampling.resampled_ranks(weights, truth)
    monkeypatch.setattr(resampling, "EXACT_LIMIT", 100)
    linear = resampling.bootstrap_tau(weights, predicted, truth)
    assert np.array_equal(resampling.resampled_ranks(weights, truth), ranks)
    assert not np.array_equal(linear, exact)
    assert linear.std() == pytest.approx(exact.std(), rel=0.03)
    assert np.corrcoef(linear, exact)[0, 1] > 0.98


def test_equal_seeds_give_equal_resamples() -> None:
    first, again, other = (resampling.bootstrap_weights(50, 30, seed) for seed in (4, 4, 5))
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)
    assert np.all(first.sum(axis=1) == 50)


@pytest.mark.parametrize("ties", [False, True])
def test_counts_of_pairs_within_groups_give_what_copies_give(ties: bool) -> None:
    predicted, truth = sample(40, ties)
    sizes = np.random.default_rng(0).integers(0, 6, 40)
    weights = resampling.bootstrap_weights(40, 25, seed=0)
    copies = [np.repeat(np.arange(40), row.astype(int)) for row in weights]
    expected = [metrics.kendall_tau_within(predicted[rows], truth[rows], sizes[rows]) for rows in copies]
    forms = [
        resampling.pair_form(weights, x, y, groups=sizes)
        for x, y in ((predicted, truth), (predicted, predicted), (truth, truth))
    ]
    assert resampling.tau_of_forms(*forms) == pytest.approx(np.array(expected), abs=1e-12)


def test_the_form_of_many_pairs_within_groups_has_the_same_spread(monkeypatch: pytest.MonkeyPatch) -> None:
    predicted, truth = sample(300, ties=False)
    sizes = np.random.default_rng(0).integers(0, 6, 300)
    weights = resampling.bootstrap_weights(300, 2000, seed=0)
    exact = resampling.pair_form(weights, predicted, truth, groups=sizes)
    monkeypatch.setattr(resampling, "EXACT_LIMIT", 100)
    linear = resampling.pair_form(weights, predicted, truth, groups=sizes)
    assert not np.array_equal(linear, exact)
    assert linear.std() == pytest.approx(exact.std(), rel=0.08)
    assert np.corrcoef(linear, exact)[0, 1] > 0.95


def test_the_better_half_is_that_of_each_resample() -> None:
    predicted, truth = sample(41, ties=True)
    weights = resampling.bootstrap_weights(41, 25, seed=0)
    copies = [np.repeat(np.arange(41), row.astype(int)) for row in weights]
    expected = [metrics.kendall_tau_better_half(predicted[rows], truth[rows]) for rows in copies]
    halves = {np.median(truth[rows]) for rows in copies}
    assert len(halves) > 1
    found = resampling.BetterHalf(weights, truth).bootstrap_tau(predicted, truth)
    assert found == pytest.approx(np.array(expected), abs=1e-12)


def test_the_better_half_of_many_architectures_has_nearly_the_same_spread(monkeypatch: pytest.MonkeyPatch) -> None:
    predicted, truth = sample(400, ties=False)
    weights = resampling.bootstrap_weights(400, 1000, seed=0)
    exact = resampling.BetterHalf(weights, truth).bootstrap_tau(predicted, truth)
    monkeypatch.setattr(resampling, "EXACT_LIMIT", 100)
    linear = resampling.BetterHalf(weights, truth).bootstrap_tau(predicted, truth)
    assert not np.array_equal(linear, exact)
    assert linear.std() == pytest.approx(exact.std(), rel=0.15)


@pytest.mark.parametrize("architectures", [400, 2000])
def test_the_variance_of_u_statistics_is_that_of_the_bootstrap(
    architectures: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Above `EXACT_LIMIT` intervals rest on it: tau from degrees, whose spread is the variance of the U-statistic."""
    predicted, truth = sample(architectures, ties=True)
    weights = resampling.bootstrap_weights(architectures, 600, seed=0)
    exact = resampling.bootstrap_tau(weights, predicted, truth)
    forms = [(predicted, truth), (predicted, predicted), (truth, truth)]
    of_all, x, y = (degrees(a, b) for a, b in forms)
    scale, tau = np.sqrt(x.sum() * y.sum()), metrics.kendall_tau(predicted, truth)
    influence = of_all / scale - tau / 2 * (x / x.sum() + y / y.sum())
    assert influence.sum() == pytest.approx(0, abs=1e-9)
    deviation = 2 * np.sqrt(np.sum(influence**2))
    assert deviation == pytest.approx(exact.std(), rel=0.1)
    monkeypatch.setattr(resampling, "EXACT_LIMIT", 100)
    linear = resampling.bootstrap_tau(weights, predicted, truth)
    assert linear.std() == pytest.approx(deviation, rel=0.08)
    assert np.quantile(linear, [0.025, 0.975]) == pytest.approx(np.quantile(exact, [0.025, 0.975]), abs=deviation / 5)


@pytest.mark.parametrize("ties", [False, True])
def test_linear_spearman_has_the_spread_of_the_exact_one(ties: bool) -> None:
    predicted, truth = sample(400, ties)
    weights = resampling.bootstrap_weights(400, 1000, seed=0)
    exact = resampling.bootstrap_spearman(
        weights, *(resampling.resampled_ranks(weights, values) for values in (predicted, truth))
    )
    linear = resampling.linear_spearman(weights, predicted, truth)
    assert linear.std() == pytest.approx(exact.std(), rel=0.05)
    assert np.corrcoef(linear, exact)[0, 1] > 0.98
    assert resampling.linear_spearman(np.ones((1, 400), np.float32), predicted, truth) == pytest.approx(
        metrics.spearman_rho(predicted, truth), abs=1e-5
    )


def test_resamples_of_many_architectures_are_as_large_as_the_sample() -> None:
    weights = resampling.bootstrap_weights(2500, 100, seed=0)
    assert np.all(weights.sum(axis=1) == 2500)
    assert weights.var() == pytest.approx(1, abs=0.02)
    assert np.array_equal(weights, resampling.bootstrap_weights(2500, 100, seed=0))
