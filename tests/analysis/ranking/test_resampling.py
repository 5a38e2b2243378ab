"""Resampling by counts against resampling by copying."""

import numpy as np
import pytest
from scipy import stats

from supernet_bench.analysis.ranking import metrics, resampling


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
def test_counts_of_listed_pairs_give_what_copies_give(ties: bool) -> None:
    predicted, truth = sample(40, ties)
    sizes = np.random.default_rng(0).integers(0, 6, 40)
    weights = resampling.bootstrap_weights(40, 25, seed=0)
    copies = [np.repeat(np.arange(40), row.astype(int)) for row in weights]
    expected = [metrics.kendall_tau_within(predicted[rows], truth[rows], sizes[rows]) for rows in copies]
    pairs = resampling.ListedPairs(weights, *metrics.equal_pairs(sizes))
    x, y = (metrics.pair_signs(values, pairs.first, pairs.second) for values in (predicted, truth))
    taus = resampling.tau_of_forms(pairs.form(x * y), pairs.form(np.abs(x)), pairs.form(np.abs(y)))
    assert taus == pytest.approx(np.array(expected), abs=1e-12)


def test_the_form_of_many_listed_pairs_has_the_same_spread(monkeypatch: pytest.MonkeyPatch) -> None:
    predicted, truth = sample(300, ties=False)
    sizes = np.random.default_rng(0).integers(0, 6, 300)
    weights = resampling.bootstrap_weights(300, 2000, seed=0)
    members = metrics.equal_pairs(sizes)
    signs = metrics.pair_signs(predicted, *members) * metrics.pair_signs(truth, *members)
    exact = resampling.ListedPairs(weights, *members).form(signs)
    monkeypatch.setattr(resampling, "EXACT_PAIRS", 100)
    linear = resampling.ListedPairs(weights, *members).form(signs)
    assert not np.array_equal(linear, exact)
    assert linear.std() == pytest.approx(exact.std(), rel=0.08)
    assert np.corrcoef(linear, exact)[0, 1] > 0.95
