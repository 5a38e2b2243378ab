"""Behaviour of the learning-rate schedules."""

import pytest

from supernet_bench.heuristics.learning_rate import LearningRate, scheduled_rate
from tests.heuristics.steps import step


def test_cosine_starts_at_the_rate_and_ends_at_the_minimum() -> None:
    assert scheduled_rate(0.2, 0.01, "cosine", 0.0) == pytest.approx(0.2)
    assert scheduled_rate(0.2, 0.01, "cosine", 0.5) == pytest.approx(0.105)
    assert scheduled_rate(0.2, 0.01, "cosine", 1.0) == pytest.approx(0.01)


def test_constant_stays() -> None:
    assert {scheduled_rate(0.2, 0.0, "constant", progress / 10) for progress in range(11)} == {0.2}


def test_step_divides_by_ten_at_a_half_and_three_quarters() -> None:
    rates = [scheduled_rate(1.0, 0.0, "step", progress) for progress in (0.0, 0.49, 0.5, 0.74, 0.75, 1.0)]
    assert rates == pytest.approx([1.0, 1.0, 0.1, 0.1, 0.01, 0.01])


def test_is_a_function_of_the_step_alone() -> None:
    heuristic = LearningRate(rate=0.1)
    later = heuristic.learning_rate(0.0, step(700_000))
    assert heuristic.learning_rate(0.0, step(0)) == pytest.approx(0.1)
    assert heuristic.learning_rate(0.0, step(700_000)) == later < 0.1
