"""Behaviour of dropout before the classifier."""

import pytest
import torch

from supernet_bench.benchmark.training.trainer import Trainer
from supernet_bench.heuristics import global_dropout
from supernet_bench.heuristics.global_dropout import GlobalDropout, drop_elements
from tests.heuristics.steps import step

CPU = torch.device("cpu")


@pytest.mark.parametrize("rate", [0.1, 0.2, 0.7])
def test_share_of_dropped_elements(rate: float) -> None:
    output = GlobalDropout(rate=rate).on_features(step(3))(torch.ones(500, 80))
    assert (output == 0).double().mean().item() == pytest.approx(rate, abs=0.01)


def test_kept_elements_are_divided_by_the_keep_probability() -> None:
    output = drop_elements(torch.full((300, 100), 2.0), 0.2, torch.Generator().manual_seed(0))
    assert output.unique().tolist() == pytest.approx([0.0, 2.5])
    assert output.mean().item() == pytest.approx(2.0, abs=0.02)


def test_elements_are_dropped_independently() -> None:
    """Of two elements of a row, and of a column, both are dropped as often as chance says."""
    zero = drop_elements(torch.ones(400, 400), 0.3, torch.Generator().manual_seed(0)) == 0
    assert (zero[1:] & zero[:-1]).double().mean().item() == pytest.approx(0.09, abs=0.005)
    assert (zero[:, 1:] & zero[:, :-1]).double().mean().item() == pytest.approx(0.09, abs=0.005)


def test_rate_zero_has_no_hook() -> None:
    assert GlobalDropout().on_features(step(0)) is None


def test_paths_of_a_step_and_steps_differ_and_can_be_repeated() -> None:
    features = torch.ones(20, 20)
    drop, again, later = (GlobalDropout(rate=0.5).on_features(step(index)) for index in (4, 4, 5))
    first, second = drop(features), drop(features)
    assert not torch.equal(first, second)
    assert torch.equal(first, again(features))
    assert not torch.equal(first, later(features))


def test_gradients_pass_through_kept_elements_alone() -> None:
    features = torch.ones(50, 50, requires_grad=True)
    output = drop_elements(features, 0.5, torch.Generator().manual_seed(0))
    output.sum().backward()
    assert torch.equal(features.grad, output.detach())


@pytest.mark.parametrize("space", ["toy", "nasbench_macro"])
def test_training_drops_what_the_classifier_is_given_and_scoring_does_not(toy_spec, monkeypatch, space: str) -> None:
    shapes: list[tuple[int, ...]] = []

    def look(features, probability, generator):
        shapes.append(tuple(features.shape))
        return drop_elements(features, probability, generator)

    monkeypatch.setattr(global_dropout, "drop_elements", look)
    spec = toy_spec({"global_dropout": {"rate": 0.2}}, training={"epochs": 1}, space=space)
    trainer = Trainer(spec, spec.images.load(), CPU)
    trainer._train_epoch()
    assert shapes == [(16, trainer.supernet.classifier.in_features)] * 6
    untrained = toy_spec({"global_dropout": {"rate": 0.2}}, training={"epochs": 0}, space=space)
    shapes.clear()
    scored = Trainer(untrained, untrained.images.load(), CPU)
    scored.run()
    assert scored.checkpoints
    assert shapes == []


@pytest.mark.parametrize("keep", [0.9, 0.7, 0.6])
def test_the_mean_is_kept_in_reduced_precision(keep: float) -> None:
    features = 1 + torch.rand(200, 500, generator=torch.Generator().manual_seed(1)).bfloat16()
    dropped = drop_elements(features, 1 - keep, torch.Generator().manual_seed(0))
    assert dropped.dtype == torch.bfloat16
    kept = dropped != 0
    ratio = dropped[kept].double().sum() / features[kept].double().sum()
    assert ratio.item() == pytest.approx(1 / keep, rel=2e-4)
