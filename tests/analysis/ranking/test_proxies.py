"""Scores of proxies rank as others do: minus infinity last, and what has no score not at all."""

import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from supernet_bench.analysis.ranking.metrics import kendall_tau
from supernet_bench.analysis.ranking.proxies import of_proxies
from supernet_bench.analysis.ranking.scores import Kind

INDEX = pd.Index([4, 7, 9, 12])


def of(scores: dict[int, float]) -> list[np.ndarray]:
    return [each.checkpoints[0] for each in of_proxies({"mine": pd.Series(scores, dtype=float)}, INDEX)]


def test_a_proxy_is_one_in_the_order_of_the_architectures() -> None:
    (found,) = of_proxies({"mine": pd.Series({9: 3.0, 4: 1.0, 12: 4.0, 7: 2.0, 99: 5.0})}, INDEX)
    assert (found.kind, found.name, found.complete) == (Kind.PROXY, "mine", True)
    assert found.checkpoints[0].tolist() == [1.0, 2.0, 3.0, 4.0]


@given(st.lists(st.floats(-1e30, 1e30), min_size=3, max_size=3))
def test_minus_infinity_is_last_and_finite(values: list[float]) -> None:
    (found,) = of({4: -math.inf, 7: values[0], 9: values[1], 12: values[2]})
    assert np.isfinite(found).all()
    assert found[0] < min(values)
    assert found[1:].tolist() == values


def test_all_of_minus_infinity_rank_nothing() -> None:
    (found,) = of(dict.fromkeys(INDEX, -math.inf))
    assert math.isnan(kendall_tau(found, np.arange(4.0)))


def test_those_without_a_score_are_told_apart() -> None:
    (found,) = of_proxies({"mine": pd.Series({4: 1.0, 12: -math.inf})}, INDEX)
    assert not found.complete
    assert np.isnan(found.checkpoints[0]).tolist() == [False, True, True, False]


@pytest.mark.parametrize("scores", [{}, {4: 1.0}, {99: 1.0, 98: 2.0}])
def test_hardly_any_score_says_nothing(scores: dict[int, float]) -> None:
    assert of(scores) == []
