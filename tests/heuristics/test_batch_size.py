"""Behaviour of the number of images per step."""

import pytest
import torch

from supernet_bench.benchmark.training.trainer import Trainer
from supernet_bench.core.errors import InputError


@pytest.mark.parametrize(("scale", "batch", "steps"), [(0.5, 8, 36), (1.0, 16, 18), (2.0, 32, 9), (4.0, 64, 3)])
def test_epochs_stay_and_steps_change(toy_spec, scale: float, batch: int, steps: int) -> None:
    spec = toy_spec({"batch_size": {"scale": scale}})
    trainer = Trainer(spec, spec.images.load(), torch.device("cpu"))
    trainer.run()
    assert trainer.epoch == 3
    assert (trainer.counts["optimiser_steps"], trainer.counts["images"]) == (steps, steps * batch)


def test_a_batch_has_at_least_two_images(toy_spec) -> None:
    assert toy_spec({"batch_size": {"scale": 0.01}}).revised().training.batch_size == 2


def test_a_batch_larger_than_the_training_images_is_refused(toy_spec) -> None:
    spec = toy_spec({"batch_size": {"scale": 8.0}})
    with pytest.raises(InputError, match=r"size is 128 \(as revised by batch_size\); allowed: 2 to .* 96$"):
        Trainer(spec, spec.images.load(), torch.device("cpu"))
