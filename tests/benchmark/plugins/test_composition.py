"""Hooks of several heuristics are called in order, each as its kind of hook is."""

import numpy as np
import pytest

from supernet_bench.benchmark.plugins.composition import Composition
from supernet_bench.heuristics.base import Heuristic, Reset
from tests.heuristics.steps import step


class First(Heuristic):
    name, order = "first", -1

    def learning_rate(self, rate, step):
        return np.float64(rate + 1)

    def steps_per_epoch(self, batches, space):
        return np.int64(batches - 1)

    def iteration(self, index, total_steps):
        return None


class Second(Heuristic):
    name, order = "second", 1

    def learning_rate(self, rate, step):
        return rate * 10

    def iteration(self, index, total_steps):
        return index, 5

    def resets(self):
        return Reset(weights=True)


class Third(Heuristic):
    name, order = "third", 2

    def iteration(self, index, total_steps):
        pytest.fail("an earlier one has answered")

    def resets(self):
        return Reset(momentum=True)


ALL = Composition([Third(), Second(), First()])


def test_a_value_is_handed_on_in_order() -> None:
    assert ALL.fold(Heuristic.learning_rate, 0.0, step(0)) == 10.0


def test_numbers_become_those_of_python() -> None:
    assert type(Composition([First()]).fold(Heuristic.learning_rate, 0.0, step(0))) is float
    assert type(ALL.fold(Heuristic.steps_per_epoch, 7, None)) is int  # type: ignore[arg-type]


def test_a_whole_number_is_not_made_of_a_broken_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(First, "steps_per_epoch", lambda self, batches, space: batches / 2)
    with pytest.raises(TypeError):
        ALL.fold(Heuristic.steps_per_epoch, 7, None)  # type: ignore[arg-type]


def test_the_first_answer_is_taken() -> None:
    assert ALL.first(Heuristic.iteration, 3, 100) == (3, 5)
    assert Composition([First()]).first(Heuristic.iteration, 3, 100) is None


def test_answers_are_collected_in_order_and_one_at_a_time() -> None:
    asked = ALL.collect(Heuristic.resets)
    assert next(asked) == Reset(weights=True)
    assert list(asked) == [Reset(momentum=True)]
    assert list(Composition([First()]).collect(Heuristic.resets)) == []


def test_who_changes_a_value_is_named() -> None:
    assert ALL.changers(Heuristic.training_images, 96) == ""
