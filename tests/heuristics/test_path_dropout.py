"""Behaviour of path dropout."""

from itertools import pairwise

import pytest
import torch

from supernet_bench.benchmark.training.trainer import Trainer
from supernet_bench.heuristics.path_dropout import PathDropout, drop_per_sample, drop_probability
from supernet_bench.spaces.base import Architecture, Construction, Hooks, Space
from supernet_bench.spaces.nasbench201.space import NasBench201
from supernet_bench.spaces.nasbench_macro.space import NasBenchMacro
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


def test_the_rate_is_reached_in_the_last_cell_at_the_last_step_and_only_there() -> None:
    """Up to the rate: nothing is ever dropped more often."""
    shares = [[drop_probability(0.4, cell / 3, (index + 1) / 10) for cell in (1, 2, 3)] for index in range(10)]
    assert shares[9][2] == pytest.approx(0.4)
    assert all(first < second for row in shares for first, second in pairwise(row))
    assert all(first < second for column in zip(*shares, strict=True) for first, second in pairwise(column))


def test_gradients_of_dropped_samples_vanish_and_the_others_are_scaled() -> None:
    inputs = torch.ones(100, 2, requires_grad=True)
    output = drop_per_sample(inputs, 0.5, torch.Generator().manual_seed(0))
    output.sum().backward()
    assert inputs.grad is not None
    assert torch.equal(inputs.grad, output.detach())


@pytest.mark.parametrize(
    ("space", "identities"),
    [(NasBench201(width=4, cells=1), (1,) * 6), (NasBenchMacro(width=4), (0,) * 8)],
    ids=lambda value: getattr(value, "name", ""),
)
def test_an_identity_is_never_dropped(space: Space, identities: Architecture) -> None:
    torch.manual_seed(0)
    supernet = space.supernet(1, 3, Construction())
    images = torch.rand(8, 1, 8, 8)
    hooks = Hooks(hook(0.95, 99))
    assert torch.equal(supernet(images, identities, hooks), supernet(images, identities))
    others = tuple(n - 1 for n in space.choices)
    assert not torch.equal(supernet(images, others, hooks), supernet(images, others))


def test_nothing_is_dropped_while_scoring(toy_spec) -> None:
    """Scores are those of the plain forward pass of the trained weights."""
    spec = toy_spec({"path_dropout": {"rate": 0.95}}, space={"name": "nasbench201", "width": 2, "cells": 1})
    trainer = Trainer(spec, spec.images.load(), torch.device("cpu"))
    trainer.run()
    ((images, labels),) = trainer._scoring_batches
    with torch.no_grad():
        logits = [trainer.supernet(images, spec.space.architecture(index)) for index in trainer.architectures]
    losses = [torch.nn.functional.cross_entropy(each, labels).item() for each in logits]
    assert trainer.checkpoints[-1]["cross_entropy"] == pytest.approx(losses, rel=1e-5)


def test_ramp_starts_again_with_an_iteration() -> None:
    heuristic = PathDropout(rate=0.4)
    restarted = heuristic.on_operation(step(100, start=100, length=100))
    assert (restarted(torch.ones(5000, 1, 1, 1), 1.0) == 0).double().mean().item() < 0.02


def test_operations_of_one_step_are_dropped_independently() -> None:
    drop = hook(0.9, 99)
    first, second = drop(torch.ones(50, 1, 1, 1), 1.0), drop(torch.ones(50, 1, 1, 1), 1.0)
    assert not torch.equal(first, second)


@pytest.mark.parametrize("keep", [0.9, 0.7, 0.6])
def test_the_mean_is_kept_in_reduced_precision(keep: float) -> None:
    """A scale of 1 / keep, rounded to eight bits, would be wrong by up to 0.4 percent for every value alike."""
    outputs = 1 + torch.rand(200, 500, generator=torch.Generator().manual_seed(1)).bfloat16()
    dropped = drop_per_sample(outputs, 1 - keep, torch.Generator().manual_seed(0))
    assert dropped.dtype == torch.bfloat16
    kept = (dropped != 0).any(1)
    ratio = dropped[kept].double().sum() / outputs[kept].double().sum()
    assert ratio.item() == pytest.approx(1 / keep, rel=2e-4)
    assert (1 / torch.tensor(keep)).bfloat16().item() != pytest.approx(1 / keep, rel=2e-4)
