"""Resampling by counts against resampling by copying."""

import numpy as np
import pytest
from scipy import stats

from analysis import resampling


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
    monkeypatch.setattr(resampling, "BLOCK", 7 * 300)
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
