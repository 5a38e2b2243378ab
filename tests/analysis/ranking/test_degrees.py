"""Degrees against all pairs, written out."""

import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from supernet_bench.analysis.ranking.degrees import degrees, weighted_degrees
from supernet_bench.analysis.ranking.metrics import kendall_tau
from supernet_bench.analysis.ranking.sample import Sample

ROWS = st.lists(st.tuples(st.integers(0, 5), st.integers(0, 5), st.integers(0, 3), st.integers(1, 9)), max_size=30)


def columns(rows: list[tuple[int, ...]]) -> np.ndarray:
    return np.array(rows, dtype=float).reshape(-1, 4).T


def signs(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    return np.sign(x[:, None] - x) * np.sign(y[:, None] - y)


@given(ROWS)
@settings(deadline=None)
def test_degrees_are_sums_over_the_others(rows: list[tuple[int, ...]]) -> None:
    x, y, groups, weights = columns(rows)
    assert degrees(x, y) == pytest.approx(signs(x, y).sum(axis=1))
    assert degrees(x, y, weights) == pytest.approx(signs(x, y) @ weights)
    same = groups[:, None] == groups
    assert degrees(x, y, weights, groups) == pytest.approx((signs(x, y) * same) @ weights)


@given(ROWS.filter(len))
@settings(deadline=None)
def test_degrees_in_strata_count_pairs_by_what_they_stand_for(rows: list[tuple[int, ...]]) -> None:
    x, y, groups, extra = columns(rows)
    of = groups.astype(int)
    sample = Sample.in_strata(of, np.bincount(of, minlength=4) + extra[:4].astype(int).sum())
    weights, first = sample.weights, np.arange(len(x))
    pairs = sample.weights_of_pairs(*np.meshgrid(first, first, indexing="ij")) / weights[:, None]
    assert weighted_degrees(x, y, sample) == pytest.approx((signs(x, y) * pairs).sum(axis=1))
    inside = extra[:, None] == extra
    assert weighted_degrees(x, y, sample, extra) == pytest.approx((signs(x, y) * pairs * inside).sum(axis=1))


def test_infinite_values_are_ordered() -> None:
    x, y = np.array([-np.inf, 0, np.inf, np.inf]), np.array([3.0, 1, np.inf, 2])
    assert degrees(x, y).tolist() == [-1 - 1 + 1, -1 + 1 + 1, 1 + 1, -1 + 1]


def test_a_whole_space_takes_no_time() -> None:
    """All 122 million pairs of NAS-Bench-201 one by one take seconds and gigabytes."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=15625).round(2)
    y = (x + rng.normal(size=15625)).round(2)
    start = time.process_time()
    of_all, untied = degrees(x, y), degrees(x, x).sum() * degrees(y, y).sum()
    assert time.process_time() - start < 3
    assert of_all.sum() / np.sqrt(untied) == pytest.approx(kendall_tau(x, y), abs=1e-12)
