"""Metrics against their definitions, written out over all pairs, and against facts of the published table."""

import math
from itertools import combinations, permutations
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from supernet_bench.analysis.ranking import metrics
from supernet_bench.core.errors import InputError

TIED = st.lists(st.tuples(*[st.integers(0, 6)] * 3), min_size=2, max_size=25)


def tau_b(x: np.ndarray, y: np.ndarray) -> float:
    """tau-b over all pairs."""
    pairs = [(np.sign(x[i] - x[j]), np.sign(y[i] - y[j])) for i, j in combinations(range(len(x)), 2)]
    concordance = sum(a * b for a, b in pairs)
    untied = sum(a != 0 for a, _ in pairs) * sum(b != 0 for _, b in pairs)
    return concordance / math.sqrt(untied) if untied else math.nan


def columns(rows: list[tuple[int, ...]]) -> list[np.ndarray]:
    return [np.array(column, dtype=float) for column in zip(*rows, strict=True)]


@given(TIED)
def test_kendall_tau_counts_pairs(rows: list[tuple[int, ...]]) -> None:
    x, y, _ = columns(rows)
    assert metrics.kendall_tau(x, y) == pytest.approx(tau_b(x, y), nan_ok=True)


@given(TIED)
def test_spearman_is_the_correlation_of_mean_ranks(rows: list[tuple[int, ...]]) -> None:
    x, y, _ = columns(rows)
    ranks = [[np.sum(v < value) + (np.sum(v == value) + 1) / 2 for value in v] for v in (x, y)]
    constant = np.ptp(x) == 0 or np.ptp(y) == 0
    expected = math.nan if constant else np.corrcoef(ranks)[0, 1]
    assert metrics.spearman_rho(x, y) == pytest.approx(expected, nan_ok=True)


@given(TIED)
def test_partial_tau_is_kendalls_formula(rows: list[tuple[int, ...]]) -> None:
    x, y, z = columns(rows)
    xy, xz, yz = tau_b(x, y), tau_b(x, z), tau_b(y, z)
    left = (1 - xz**2) * (1 - yz**2)
    expected = (xy - xz * yz) / math.sqrt(left) if left > 1e-9 else math.nan
    assert metrics.partial_kendall_tau(x, y, z) == pytest.approx(expected, nan_ok=True)


@given(st.lists(st.tuples(*[st.integers(0, 4)] * 3), min_size=2, max_size=12).map(columns))
def test_tau_within_groups_counts_their_pairs(arrays: list[np.ndarray]) -> None:
    x, y, groups = arrays
    pairs = [(i, j) for i, j in combinations(range(len(x)), 2) if groups[i] == groups[j]]
    signs = [(np.sign(x[i] - x[j]), np.sign(y[i] - y[j])) for i, j in pairs]
    untied = math.sqrt(sum(a != 0 for a, _ in signs) * sum(b != 0 for _, b in signs))
    expected = sum(a * b for a, b in signs) / untied if untied else math.nan
    assert metrics.kendall_tau_within(x, y, groups) == pytest.approx(expected, nan_ok=True)


def test_a_preference_for_size_moves_partial_tau_but_not_tau_among_equal_sizes() -> None:
    """Scores of truth, size and noise, with and without a preference for size on top."""
    rng = np.random.default_rng(0)
    size = rng.integers(0, 20, 400).astype(float)
    truth = 0.15 * size + rng.normal(size=400)
    score = truth + rng.normal(size=400)
    preferred = score + 0.5 * size
    assert metrics.kendall_tau(preferred, size) > metrics.kendall_tau(score, size) + 0.3
    within, partial = metrics.kendall_tau_within, metrics.partial_kendall_tau
    assert within(preferred, truth, size) == within(score, truth, size) > 0.3
    assert abs(partial(preferred, truth, size) - partial(score, truth, size)) > 0.01
    # Of a predictor that knows nothing but size, nothing is left.
    taus = [within(size + rng.normal(size=400), truth, size) for _ in range(50)]
    assert np.mean(taus) == pytest.approx(0, abs=0.02)


def test_no_pair_of_a_group_has_no_tau() -> None:
    assert math.isnan(metrics.kendall_tau_within(np.arange(3), np.arange(3), np.arange(3)))
    assert math.isnan(metrics.kendall_tau_within(np.ones(3), np.arange(3), np.ones(3)))


def test_partial_tau_of_a_copy_of_the_cost_is_undefined() -> None:
    cost = np.arange(20.0)
    truth = np.random.default_rng(0).permutation(20)
    assert math.isnan(metrics.partial_kendall_tau(cost, truth, cost))


@given(TIED)
def test_sparse_tau_ties_truth_of_one_bin(rows: list[tuple[int, ...]]) -> None:
    x, y, _ = columns(rows)
    inside = np.linspace(0, 0.0009, len(x))
    expected = tau_b(x, y)
    assert metrics.sparse_kendall_tau(x, y / 1000 + inside) == pytest.approx(expected, nan_ok=True)


STEPS = np.arange(1001)


@pytest.mark.parametrize(
    "truth",
    [STEPS / 1000, (STEPS / 1000).astype(np.float32), (STEPS / 10).astype(np.float32).astype(float) / 100],
    ids=["double", "single", "percent in single"],
)
def test_no_edge_of_a_bin_falls_below_it(truth: np.ndarray) -> None:
    assert np.array_equal(metrics.accuracy_bins(truth), STEPS)
    assert not np.array_equal(np.floor(truth.astype(float) / 0.001), STEPS)


def test_accuracies_just_below_an_edge_stay_below() -> None:
    assert np.array_equal(metrics.accuracy_bins(STEPS[1:] / 1000 - 1e-5), STEPS[1:] - 1)


def yu_tau(predicted: np.ndarray, truth: np.ndarray) -> float:
    """The published form, step by step."""
    by_truth = sorted(range(len(truth)), key=lambda i: truth[i])
    rank, last, rank_of = -1, -1, {}
    for i in by_truth:
        current = math.floor(round(truth[i] * 1000, 6))
        if current > last:
            rank += 1
        rank_of[i], last = rank, current
    by_prediction = sorted(range(len(truth)), key=lambda i: predicted[i])
    return tau_b(np.array([rank_of[i] for i in by_truth]), np.array([rank_of[i] for i in by_prediction]))


@given(
    st.lists(
        st.tuples(st.integers(0, 10**6), st.integers(0, 80)),
        min_size=3,
        max_size=30,
        unique_by=lambda r: r[0],
    )
)
def test_yu_variant_is_the_published_procedure(rows: list[tuple[int, ...]]) -> None:
    predicted, truth = columns(rows)
    truth = truth / 4000
    assert metrics.sparse_kendall_tau_yu(predicted, truth) == pytest.approx(yu_tau(predicted, truth), nan_ok=True)


def test_yu_variant_differs_from_the_sparse_tau() -> None:
    rng = np.random.default_rng(0)
    truth = rng.uniform(0.9, 0.94, 50)
    predicted = truth + rng.normal(0, 0.01, 50)
    difference = metrics.sparse_kendall_tau_yu(predicted, truth) - metrics.sparse_kendall_tau(predicted, truth)
    assert 0.001 < abs(difference) < 0.3


def test_constant_predictions_have_no_rank_correlation() -> None:
    constant, truth = np.full(10, 0.5), np.linspace(0.1, 0.9, 10)
    for metric in (
        metrics.kendall_tau,
        metrics.spearman_rho,
        metrics.sparse_kendall_tau,
        metrics.sparse_kendall_tau_yu,
    ):
        assert math.isnan(metric(constant, truth))
    assert metrics.precision_at(constant, truth, 0.2) == pytest.approx(0.2)
    assert metrics.final_search_performance(constant, truth, 3)[0] == pytest.approx(truth.mean())


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 3), st.integers(0, 5)), min_size=2, max_size=6),
    st.integers(1, 6),
)
def test_top_metrics_are_means_over_all_orders_of_ties(rows: list[tuple[int, ...]], top: int) -> None:
    predicted, truth = columns(rows)
    top = min(top, len(truth))
    orders = [order for order in permutations(range(len(truth))) if np.all(np.diff(predicted[list(order)]) <= 0)]
    chosen = [truth[list(order[:top])] for order in orders]
    threshold = np.sort(truth)[-top]
    assert metrics.best_truth_at(predicted, truth, top) == pytest.approx(np.mean([c.max() for c in chosen]))
    assert metrics.regret_at(predicted, truth, top) == pytest.approx(np.mean([truth.max() - c.max() for c in chosen]))
    mean, deviation = metrics.final_search_performance(predicted, truth, top)
    assert mean == pytest.approx(np.mean(chosen))
    assert deviation == pytest.approx(np.std(chosen))
    precision = metrics.precision_at(predicted, truth, top / len(truth))
    assert precision == pytest.approx(np.mean([np.mean(c >= threshold) for c in chosen]))


def test_a_perfect_predictor_is_perfect_even_with_ties() -> None:
    truth = np.array([0.1, 0.5, 0.5, 0.5, 0.9])
    assert metrics.precision_at(truth, truth, 0.4) == 1
    assert metrics.regret_at(truth, truth, 1) == 0
    assert metrics.kendall_tau(truth, truth) == pytest.approx(1)


def test_probability_surpassing_random_is_the_frequency_of_worse_draws() -> None:
    draws = np.random.default_rng(0).integers(1, 101, size=(200_000, 3))
    frequency = np.mean((draws > 20).all(axis=1))
    assert metrics.probability_surpassing_random(20, 100, 3) == pytest.approx(0.8**3)
    assert metrics.probability_surpassing_random(20, 100, 3) == pytest.approx(frequency, abs=0.005)
    assert metrics.probability_surpassing_random(100, 100, 1) == 0


GOOD = np.array([0.1, 0.2, 0.3])
HALF: Any = 1.5


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: metrics.kendall_tau(GOOD, GOOD[:2]), "predicted and truth have lengths 3 and 2"),
        (lambda: metrics.kendall_tau(GOOD, np.array([0.1, np.nan, 0.2])), "truth holds 1 NaN"),
        (lambda: metrics.spearman_rho(GOOD[None], GOOD), r"predicted has shape \(1, 3\)"),
        (lambda: metrics.kendall_tau(GOOD[:1], GOOD[:1]), r"shape \(1,\); allowed: \[n\] with n at least 2"),
        (lambda: metrics.sparse_kendall_tau(GOOD, GOOD * 100), r"truth ranges from 10.0 to 30.0; allowed"),
        (lambda: metrics.sparse_kendall_tau_yu(GOOD, GOOD, 0), "resolution is 0; allowed: above 0"),
        (lambda: metrics.precision_at(GOOD, GOOD, 1.5), "fraction is 1.5"),
        (lambda: metrics.best_truth_at(GOOD, GOOD, 4), "number of top architectures is 4; allowed: 1 to 3"),
        (lambda: metrics.final_search_performance(GOOD, GOOD), "is 10; allowed: 1 to 3"),
        (lambda: metrics.probability_surpassing_random(0, 10, 1), "best_rank is 0; allowed: 1 to"),
        (
            lambda: metrics.best_truth_at(GOOD, GOOD, HALF),
            "number of top architectures is 1.5; allowed: a whole number",
        ),
        (lambda: metrics.regret_at(GOOD[:0], GOOD[:0], 1), r"predicted has shape \(0,\)"),
        (lambda: metrics.regret_at(GOOD, np.array([0.1, np.nan, 0.2]), 1), "truth holds 1 NaN"),
        (lambda: metrics.probability_surpassing_random(HALF, 10, 1), "best_rank is 1.5; allowed: a whole number"),
        (lambda: metrics.probability_surpassing_random(1, 10, 0), "draws is 0; allowed: at least 1"),
        (lambda: metrics.tau_cap(-0.1, 0.0), "spread is -0.1; allowed: a number, at least 0"),
        (lambda: metrics.tau_cap(0.1, math.nan), "noise is nan; allowed: a number, at least 0"),
        (lambda: metrics.binomial_noise(1.1, 10), r"accuracy is 1.1; allowed: a fraction in \[0, 1\]"),
        (lambda: metrics.binomial_noise(0.5, 0), "images is 0; allowed: at least 1"),
        (lambda: metrics.binomial_noise(0.5, HALF), "images is 1.5; allowed: a whole number"),
    ],
)
def test_bad_input_is_named(call: object, message: str) -> None:
    with pytest.raises(InputError, match=message):
        call()  # type: ignore[operator]


@pytest.mark.parametrize("noise", [0.0, 0.01, 0.02, 0.1])
def test_the_cap_is_the_tau_of_values_with_their_noisy_copies(noise: float) -> None:
    rng = np.random.default_rng(0)
    values = rng.normal(0.8, 0.02, 4000)
    found = metrics.kendall_tau(values + noise * rng.normal(size=4000), values)
    assert found == pytest.approx(metrics.tau_cap(0.02, noise), abs=0.025)


@pytest.mark.parametrize(("accuracy", "cap"), [(0.81, 0.54), (0.5, 0.46), (0.9, 0.62)])
def test_500_images_of_ones_own_cap_tau(accuracy: float, cap: float) -> None:
    """Accuracies of standard deviation 2 %; measured ones are whole numbers of images, so some are tied."""
    assert metrics.tau_cap(0.02, metrics.binomial_noise(accuracy, 500)) == pytest.approx(cap, abs=0.005)
    rng = np.random.default_rng(1)
    values = rng.normal(accuracy, 0.02, 4000)
    measured = rng.binomial(500, values) / 500
    assert (measured - values).std() == pytest.approx(metrics.binomial_noise(accuracy, 500), rel=0.05)
    assert metrics.kendall_tau(measured, values) == pytest.approx(cap, abs=0.03)


def test_images_that_all_share_cost_less_than_the_cap() -> None:
    """An image is about as hard for all: whether it is right hangs on one draw per image."""
    rng = np.random.default_rng(2)
    values = rng.normal(0.81, 0.02, 1000)
    shared = (rng.random(500) < values[:, None]).mean(axis=1)
    own = (rng.random((1000, 500)) < values[:, None]).mean(axis=1)
    cap = metrics.tau_cap(0.02, metrics.binomial_noise(0.81, 500))
    assert metrics.kendall_tau(own, values) == pytest.approx(cap, abs=0.05)
    assert metrics.kendall_tau(shared, values) > cap + 0.2


def test_caps_at_the_ends() -> None:
    assert metrics.tau_cap(0.02, 0.0) == 1
    assert metrics.tau_cap(0.0, 0.02) == 0
    assert math.isnan(metrics.tau_cap(0.0, 0.0))
    assert metrics.tau_cap(0.03, 0.03) == pytest.approx(0.5)
    assert metrics.binomial_noise(0.5, 100) == pytest.approx(0.05)
    assert metrics.binomial_noise(1.0, 100) == metrics.binomial_noise(0.0, 1) == 0


@pytest.mark.parametrize(
    ("column", "expected"),
    [("c10_macs", 0.578), ("c10_params", 0.578), ("c10v_valid_12", 0.5945), ("c10_test_12", 0.700)],
)
def test_published_table(shared_data: Path, column: str, expected: float) -> None:
    table = np.load(shared_data / "nb201.npz")
    assert metrics.kendall_tau(table[column], table["c10_test_200"]) == pytest.approx(expected, abs=5e-4)


def test_bins_of_the_published_table_are_those_of_exact_decimals(shared_data: Path) -> None:
    """Percentages of single precision against the same numbers in whole thousandths of a percent."""
    percent = np.load(shared_data / "nb201.npz")["c10_test_200"].astype(float)
    exact = np.round(percent * 1000).astype(np.int64) // 100
    assert np.array_equal(metrics.accuracy_bins(percent / 100), exact)
