"""Behaviour of the length of training."""

import pytest
import torch

from supernet_bench.benchmark.training.trainer import Trainer
from supernet_bench.heuristics.learning_rate import LearningRate


def trainer_of(spec) -> Trainer:
    return Trainer(spec, spec.images.load(), torch.device("cpu"))


@pytest.mark.parametrize(
    ("epochs", "scale", "expected"), [(30, 0.5, 15), (30, 2.0, 60), (3, 0.4, 1), (1, 0.01, 1), (0, 2.0, 0)]
)
def test_epochs_are_scaled_and_an_untrained_run_stays_untrained(toy_spec, epochs, scale, expected) -> None:
    spec = toy_spec({"epochs": {"scale": scale}}, training={"epochs": epochs})
    assert spec.revised().training.epochs == expected
    assert spec.training.epochs == epochs


def test_a_longer_run_makes_more_steps_and_is_scored_at_its_end(toy_spec) -> None:
    trainer = trainer_of(toy_spec({"epochs": {"scale": 2.0}}))
    trainer.run()
    assert trainer.counts["optimiser_steps"] == 2 * 18
    assert [checkpoint["epoch"] for checkpoint in trainer.checkpoints] == [5, 6]


def test_schedules_stretch(toy_spec) -> None:
    rates = {}
    for scale in (1.0, 2.0):
        trainer = trainer_of(toy_spec({"epochs": {"scale": scale}}))
        steps = []
        for index in range(trainer.total_steps):
            trainer.counts["optimiser_steps"] = index
            steps.append(LearningRate().learning_rate(0.0, trainer._next_step()))
        rates[scale] = steps
    assert rates[2.0][::2] == pytest.approx(rates[1.0])
    assert len(rates[2.0]) == 36
