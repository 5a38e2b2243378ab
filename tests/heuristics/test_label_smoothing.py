"""Behaviour of label smoothing."""

import pytest
import torch
from torch.nn import functional

from supernet_bench.benchmark.plugins.composition import Composition
from supernet_bench.benchmark.training.trainer import Trainer
from supernet_bench.heuristics.base import Heuristic
from supernet_bench.heuristics.label_smoothing import LabelSmoothing
from tests.heuristics.steps import step

CPU = torch.device("cpu")
LOGITS = torch.tensor([[2.0, -1.0, 0.5], [0.1, 0.2, -3.0], [1.0, 1.0, 4.0], [0.0, 0.0, 0.0]])
LABELS = torch.tensor([0, 2, 1, 1])


def smoothed(smoothing: float, logits: torch.Tensor = LOGITS) -> torch.Tensor:
    plain = functional.cross_entropy(logits, LABELS)
    return LabelSmoothing(smoothing=smoothing).loss(plain, logits, LABELS, step(0))


@pytest.mark.parametrize("smoothing", [0.1, 0.3])
def test_the_share_is_spread_over_all_classes(smoothing: float) -> None:
    target = (1 - smoothing) * functional.one_hot(LABELS, 3) + smoothing / 3
    expected = -(target * LOGITS.log_softmax(1)).sum(1).mean()
    assert smoothed(smoothing).item() == pytest.approx(expected.item())


def test_the_best_probabilities_are_the_smoothed_label() -> None:
    target = (1 - 0.3) * functional.one_hot(LABELS, 3) + 0.3 / 3
    logits = target.log().requires_grad_()
    smoothed(0.3, logits).backward()
    assert logits.grad.abs().max() < 1e-7


def test_neutral_is_the_loss_itself() -> None:
    loss = torch.tensor(1.25)
    assert LabelSmoothing().loss(loss, LOGITS, LABELS, step(0)) is loss


def test_what_others_do_to_the_loss_comes_afterwards() -> None:
    class Double(Heuristic):
        name, factor = "double", "a_double"

        def loss(self, loss, logits, labels, step):
            return 2 * loss

    both = Composition([Double(), LabelSmoothing(smoothing=0.1)])
    loss = both.fold(Heuristic.loss, torch.tensor(0.0), LOGITS, LABELS, step(0))
    assert loss.item() == pytest.approx(2 * smoothed(0.1).item())


def test_the_recorded_curve_is_the_plain_cross_entropy(toy_spec) -> None:
    """With a learning rate of zero the weights stay, so the curves must be equal."""
    curves = []
    for smoothing in (0.0, 0.3):
        still = {"learning_rate": {"rate": 0.0, "schedule": "constant"}, "label_smoothing": {"smoothing": smoothing}}
        spec = toy_spec(still, training={"epochs": 1})
        trainer = Trainer(spec, spec.images.load(), CPU)
        trainer.run()
        curves.append(trainer.curve)
    assert curves[0] == curves[1]


@pytest.mark.full
def test_outputs_become_less_certain(toy_spec) -> None:
    entropies = []
    for smoothing in (0.0, 0.5):
        spec = toy_spec({"label_smoothing": {"smoothing": smoothing}}, training={"epochs": 15}, images={"train": 1000})
        trainer = Trainer(spec, spec.images.load(), CPU)
        trainer.run()
        trainer.supernet.eval()
        images, _ = trainer._scoring_batches[0]
        with torch.no_grad():
            predicted = trainer.supernet(images, (1, 1, 1)).softmax(1)
        entropies.append(-(predicted * predicted.log()).sum(1).mean().item())
    assert entropies[1] > entropies[0] + 0.1
