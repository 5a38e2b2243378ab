"""Metrics of who looks for winners, against all orders of ties written out."""

import math
from itertools import permutations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import ndcg_score

from supernet_bench.analysis.ranking import metrics
from supernet_bench.analysis.ranking.scores import of_runs
from supernet_bench.core.errors import InputError
from tests.analysis import old_digits

FEW = st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3)), min_size=2, max_size=6)
MANY = st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9)), min_size=2, max_size=40)


def columns(rows: list[tuple[int, ...]]) -> list[np.ndarray]:
    return [np.array(column, dtype=float) for column in zip(*rows, strict=True)]


def orders(predicted: np.ndarray) -> list[tuple[int, ...]]:
    """Return all lists of the places that are sorted by the prediction, best first."""
    everything = permutations(range(len(predicted)))
    return [one for one in everything if all(np.diff(predicted[list(one)]) <= 0)]


@given(FEW, st.sampled_from([0.2, 0.5, 1.0]))
@settings(max_examples=40, deadline=None)
def test_ndcg_is_the_mean_over_all_orders_of_ties(rows: list[tuple[int, ...]], fraction: float) -> None:
    predicted, truth = columns(rows)
    n, top = len(truth), max(1, round(fraction * len(truth)))
    gain = [sum(other < own for other in truth) / n for own in truth]

    def cumulated(order: tuple[int, ...]) -> float:
        return sum(gain[place] / math.log2(1 + rank) for rank, place in enumerate(order[:top], start=1))

    best = max(cumulated(order) for order in permutations(range(n)))
    expected = np.mean([cumulated(order) for order in orders(predicted)]) / best if best else math.nan
    assert metrics.ndcg_at(predicted, truth, fraction) == pytest.approx(expected, nan_ok=True)


@given(MANY)
@settings(deadline=None)
def test_ndcg_is_that_of_another_library(rows: list[tuple[int, ...]]) -> None:
    predicted, truth = columns(rows)
    gain = np.array([np.mean(truth < own) for own in truth])
    if gain.any():
        expected = ndcg_score(gain[None], predicted[None], k=metrics.top_size(0.1, len(truth)))
        assert metrics.ndcg_at(predicted, truth) == pytest.approx(expected)


@given(FEW, st.integers(1, 6))
@settings(max_examples=40, deadline=None)
def test_the_best_percentile_is_the_mean_over_all_orders_of_ties(rows: list[tuple[int, ...]], k: int) -> None:
    predicted, truth = columns(rows)
    k = min(k, len(truth))
    found = [max(truth[list(order[:k])]) for order in orders(predicted)]
    expected = np.mean([np.mean(truth <= best) for best in found])
    assert metrics.best_percentile_at(predicted, truth, k) == pytest.approx(expected)


@given(MANY)
@settings(deadline=None)
def test_the_better_half_is_at_or_above_the_median(rows: list[tuple[int, ...]]) -> None:
    predicted, truth = columns(rows)
    better = truth >= np.median(truth)
    assert np.array_equal(metrics.better_half(truth), better)
    expected = metrics.kendall_tau(predicted[better], truth[better]) if better.sum() > 1 else math.nan
    assert metrics.kendall_tau_better_half(predicted, truth) == pytest.approx(expected, nan_ok=True)


@given(MANY, st.randoms(use_true_random=False))
@settings(deadline=None)
def test_neither_scale_nor_order_of_storage_matters(rows: list[tuple[int, ...]], random: object) -> None:
    predicted, truth = columns(rows)
    k = min(3, len(truth))
    order = np.array(random.sample(range(len(truth)), len(truth)))  # type: ignore[attr-defined]
    others = (np.exp(predicted / 3)[order], (truth**3 - 5)[order])
    for metric in (
        metrics.ndcg_at,
        metrics.kendall_tau_better_half,
        lambda x, y: metrics.best_percentile_at(x, y, k),
    ):
        assert metric(*others) == pytest.approx(metric(predicted, truth), nan_ok=True)


@given(MANY)
@settings(deadline=None)
def test_the_truth_itself_is_perfect_and_its_reverse_never_better(rows: list[tuple[int, ...]]) -> None:
    predicted, truth = columns(rows)
    constant = np.ptp(truth) == 0
    assert metrics.ndcg_at(truth, truth) == pytest.approx(math.nan if constant else 1, nan_ok=True)
    assert metrics.best_percentile_at(truth, truth, 1) == pytest.approx(1)
    found, reverse = (metrics.best_percentile_at(values, truth, 1) for values in (predicted, -truth))
    assert 0 < reverse <= found + 1e-12
    assert found <= 1
    if not constant:
        found, reverse = (metrics.ndcg_at(values, truth) for values in (predicted, -truth))
        assert 0 <= reverse <= found + 1e-12 <= 1 + 2e-12


def test_the_worse_half_does_not_matter() -> None:
    rng = np.random.default_rng(0)
    truth, predicted = rng.random(60), rng.random(60)
    worse = truth < np.median(truth)
    other = np.where(worse, rng.random(60), predicted)
    better = metrics.kendall_tau_better_half(predicted, truth)
    assert (
        better == metrics.kendall_tau_better_half(other, truth) == metrics.kendall_tau_better_half(other * 1.0, truth)
    )
    assert metrics.kendall_tau(predicted, truth) != metrics.kendall_tau(other, truth)


def test_a_half_that_noise_has_chosen_is_told_apart() -> None:
    """Of two noisy measurements, the better half by either has less tau than that by a third."""
    rng = np.random.default_rng(0)
    a, b, c = rng.normal(size=4000) + rng.normal(size=(3, 4000))
    by_third = metrics.kendall_tau_better_half(a, b, by=c)
    assert metrics.kendall_tau_better_half(a, b) < by_third - 0.03
    assert metrics.kendall_tau_better_half(b, a, by=c) == pytest.approx(by_third)


def test_one_of_a_half_has_no_tau() -> None:
    assert math.isnan(metrics.kendall_tau_better_half(np.array([1.0, 2]), np.array([1.0, 2])))
    assert math.isnan(metrics.kendall_tau_better_half(np.array([1.0, 2, 2]), np.array([1.0, 2, 3])))


@pytest.mark.parametrize("fraction", [0, -0.1, 1.01, math.nan])
def test_a_fraction_out_of_range_is_refused(fraction: float) -> None:
    with pytest.raises(InputError, match=r"fraction is .*; allowed: above 0, at most 1"):
        metrics.ndcg_at(np.arange(4), np.arange(4), fraction)


@pytest.mark.parametrize("k", [0, 5, 2.0])
def test_a_number_out_of_range_is_refused(k: int) -> None:
    with pytest.raises(InputError, match="allowed"):
        metrics.best_percentile_at(np.arange(4), np.arange(4), k)


@pytest.mark.parametrize(
    ("place", "tau", "better_half"),
    [(old_digits.BASELINE, 0.415, 0.184), (old_digits.TRANSFORM, 0.507, 0.161)],
    ids=["baseline", "transform"],
)
def test_nearly_all_of_the_tau_of_published_supernets_is_of_the_worse_half(
    place: tuple[str, str], tau: float, better_half: float
) -> None:
    """An audit found the numbers of the baseline with other code."""
    results = old_digits.load()
    truth = results.truth.to_numpy()
    by_run = {scores.name: scores for scores in of_runs(results.scores, results.truth.index, ())}
    checkpoints = [one for run in old_digits.run_ids(results, place) for one in by_run[run].checkpoints]
    assert len(checkpoints) == 16
    found = [(metrics.kendall_tau(one, truth), metrics.kendall_tau_better_half(one, truth)) for one in checkpoints]
    assert np.mean(found, axis=0) == pytest.approx([tau, better_half], abs=5e-4)
