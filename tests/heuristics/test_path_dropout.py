"""Behaviour of path dropout."""

import pytest
import torch

from heuristics.path_dropout import PathDropout, drop_per_sample, drop_probability
from tests.heuristics.steps import step


def hook(rate: float, index: int, length: int = 100):
    return PathDropout(rate=rate).on_operation(step(index, length=length))


def test_probability_is_linear_in_depth_and_step() -> None:
    assert drop_probability(0.4, 1.0, 1.0) == pytest.approx(0.4)
    assert drop_probability(0.4, 0.5, 1.0) == pytest.approx(0.2)
    assert drop_probability(0.4, 0.5, 0.25) == pytest.approx(0.05)


def test_rate_zero_has_no_hook() -> None:
    assert hook(0.0, 50) is None


@pytest.mark.parametrize(
    ("index", "depth", "expected"), [(99, 1.0, 0.4), (49, 1.0, 0.2), (99, 0.5, 0.2), (0, 1.0, 0.004)]
)
def test_share_of_dropped_samples(index: int, depth: float, expected: float) -> None:
    output = hook(0.4, index)(torch.ones(20_000, 1, 1, 1), depth)
    assert (output == 0).double().mean().item() == pytest.approx(expected, abs=0.015)


def test_kept_samples_are_divided_by_the_keep_probability() -> None:
    output = drop_per_sample(torch.ones(1000, 2, 3, 3), 0.25, torch.Generator().manual_seed(0))
    assert output.unique().tolist() == pytest.approx([0.0, 1 / 0.75])
    assert output.mean().item() == pytest.approx(1.0, abs=0.06)


def test_a_sample_is_dropped_as_a_whole() -> None:
    output = drop_per_sample(torch.ones(200, 2, 3, 3), 0.5, torch.Generator().manual_seed(0)).flatten(1)
    assert ((output == 0).all(1) | (output != 0).all(1)).all()
    assert (output == 0).any()


def test_ramp_starts_again_with_an_iteration() -> None:
    heuristic = PathDropout(rate=0.4)
    restarted = heuristic.on_operation(step(100, start=100, length=100))
    assert (restarted(torch.ones(5000, 1, 1, 1), 1.0) == 0).double().mean().item() < 0.02


def test_operations_of_one_step_are_dropped_independently() -> None:
    drop = hook(0.9, 99)
    first, second = drop(torch.ones(50, 1, 1, 1), 1.0), drop(torch.ones(50, 1, 1, 1), 1.0)
    assert not torch.equal(first, second)
