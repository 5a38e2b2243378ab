"""Every metric of more architectures than have exact forms of pairs: the same numbers, and nearly the same spread."""

import numpy as np
import pytest

from supernet_bench.analysis.ranking import resampling
from supernet_bench.analysis.ranking.measures import RANK_METRICS, Measures, Yardstick, measure_run
from supernet_bench.analysis.ranking.scores import Kind, Scores


def measured(n: int) -> Measures:
    rng = np.random.default_rng(0)
    truth = np.round(0.9 - 0.05 * rng.gamma(2, 1, n), 3).clip(0, 1)
    score = truth + 0.03 * rng.normal(size=n)
    weights = resampling.bootstrap_weights(n, 800, seed=0)
    parameters = rng.integers(0, 12, n)
    yardstick = Yardstick(truth, parameters, truth, weights)
    return measure_run(Scores(Kind.SUPERNET, "run", (score,), (1 - score,)), yardstick)


def test_every_metric_has_the_spread_of_the_exact_forms(monkeypatch: pytest.MonkeyPatch) -> None:
    exact = measured(600)
    monkeypatch.setattr(resampling, "EXACT_LIMIT", 599)
    monkeypatch.setattr(resampling, "EXACT_PAIRS", 10)
    linear = measured(600)
    assert linear.values == pytest.approx(exact.values, nan_ok=True)
    for metric in RANK_METRICS:
        found, expected = linear.replicates[metric], exact.replicates[metric]
        assert not np.array_equal(found, expected)
        assert np.std(found) == pytest.approx(np.std(expected), rel=0.12), metric
        assert np.mean(found) == pytest.approx(np.mean(expected), abs=0.3 * np.std(expected)), metric
