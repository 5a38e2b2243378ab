"""Every metric of more architectures than have exact forms: the same numbers, and the intervals of the bootstrap."""

import numpy as np
import pytest

from supernet_bench.analysis.ranking import resampling
from supernet_bench.analysis.ranking.degrees import degrees
from supernet_bench.analysis.ranking.measures import RANK_METRICS, Measures, Yardstick, measure_run
from supernet_bench.analysis.ranking.scores import Kind, Scores


def sample(n: int) -> tuple[np.ndarray, np.ndarray]:
    """Return scores and accuracies as skewed as published ones: most are good, and there are ties."""
    rng = np.random.default_rng(n)
    truth = np.round(0.95 - rng.gamma(1.5, 0.05, n), 3).clip(0, 1)
    return np.round(truth + 0.06 * rng.normal(size=n), 3), truth


def measured(weights: np.ndarray) -> Measures:
    n = weights.shape[1]
    score, truth = sample(n)
    yardstick = Yardstick(truth, np.random.default_rng(0).integers(0, 12, n), truth, weights)
    return measure_run(Scores(Kind.SUPERNET, "run", (score,), (1 - score,)), yardstick)


@pytest.mark.parametrize(("n", "resamples", "near"), [(400, 1000, 0.15), (2000, 300, 0.08)])
def test_the_linear_form_has_the_interval_of_the_bootstrap(
    n: int, resamples: int, near: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    weights = resampling.bootstrap_weights(n, resamples, seed=0)
    exact = measured(weights)
    monkeypatch.setattr(resampling, "EXACT_LIMIT", n - 1)
    linear = measured(weights)
    assert linear.values == pytest.approx(exact.values, nan_ok=True)
    for metric in RANK_METRICS:
        found, expected = linear.replicates[metric], exact.replicates[metric]
        assert not np.array_equal(found, expected), metric
        assert np.std(found) == pytest.approx(np.std(expected), rel=near), metric
        width = np.ptp(np.quantile(expected, [0.025, 0.975]))
        for end in (0.025, 0.975):
            assert abs(np.quantile(found, end) - np.quantile(expected, end)) < 1.5 * near * width, metric


@pytest.mark.parametrize("n", [400, 2000])
def test_resamples_have_the_variance_of_the_u_statistic(n: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without ties: the variance of tau is four times that of what an item adds, over n (Hoeffding 1948)."""
    rng = np.random.default_rng(n)
    x = rng.normal(size=n)
    y = x + rng.normal(size=n)
    weights = resampling.bootstrap_weights(n, 4000, seed=0)
    monkeypatch.setattr(resampling, "EXACT_LIMIT", n - 1)
    forms = resampling.pair_form(weights, x, y) / (n * (n - 1))
    per_item = degrees(x, y) / (n - 1)
    assert np.std(forms) == pytest.approx(2 * np.std(per_item) / np.sqrt(n), rel=0.04)


def test_the_better_half_of_many_moves_with_its_median(monkeypatch: pytest.MonkeyPatch) -> None:
    """Among the better ones the worst is told apart, nothing else: how many there are of it is what counts."""
    n = 1000
    truth = np.arange(n, dtype=float)
    score = np.where(truth < 0.6 * n, 0.0, np.random.default_rng(0).random(n) + 1)
    weights = resampling.bootstrap_weights(n, 2000, seed=0)
    exact = resampling.BetterHalf(weights, truth).bootstrap_tau(score, truth)
    monkeypatch.setattr(resampling, "EXACT_LIMIT", n // 4)
    linear = resampling.BetterHalf(weights, truth).bootstrap_tau(score, truth)
    assert np.std(linear) == pytest.approx(np.std(exact), rel=0.05)
    assert np.corrcoef(linear, exact)[0, 1] > 0.95


def test_counts_of_many_are_drawn_with_replacement() -> None:
    n = resampling.EXACT_LIMIT + 1
    weights = resampling.bootstrap_weights(n, 200, seed=0)
    assert np.all(weights.sum(axis=1) == n)
    assert np.var(weights) == pytest.approx(1, rel=0.02)  # Of a binomial distribution.
    assert np.array_equal(weights, resampling.bootstrap_weights(n, 200, seed=0))
