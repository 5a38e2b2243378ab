"""Behaviour of training on a share of the images."""

import torch

from supernet_bench.benchmark.training.trainer import Trainer


def trainer_of(spec) -> Trainer:
    return Trainer(spec, spec.images.load(), torch.device("cpu"))


def used(spec) -> list[int]:
    """Return which training images a run uses."""
    return trainer_of(spec)._used_images(spec.images.train).tolist()


def portion(toy_spec, share: float, seed: int = 0):
    return toy_spec({"train_portion": {"portion": share}}, seed=seed)


def test_a_share_is_a_random_part_and_part_of_every_larger_one(toy_spec) -> None:
    quarter, half, whole = (used(portion(toy_spec, share)) for share in (0.25, 0.5, 1.0))
    assert (len(quarter), len(half), whole) == (24, 48, list(range(96)))
    assert set(quarter) < set(half)
    assert max(quarter) > 48 > min(quarter)  # not the first ones, which are all below 24


def test_every_image_is_drawn_equally_often_over_seeds(toy_spec) -> None:
    seeds = 60
    counts = torch.zeros(96)
    for seed in range(seeds):
        counts[used(portion(toy_spec, 0.5, seed))] += 1
    # Binomial(60, 1/2): mean 30 and standard deviation 3.9.
    assert counts.sum() == 48 * seeds
    assert counts.min() > 30 - 5 * 3.9
    assert counts.max() < 30 + 5 * 3.9


def test_epochs_stay_and_steps_change(toy_spec) -> None:
    trainer = trainer_of(portion(toy_spec, 0.5))
    trainer.run()
    assert (trainer.epoch, trainer.counts["optimiser_steps"]) == (3, 9)


def test_only_these_images_are_trained_on_each_once_an_epoch_and_in_new_order(toy_spec) -> None:
    spec = portion(toy_spec, 0.5)
    trainer, chosen = trainer_of(spec), used(spec)
    images = spec.images.load().train.images[chosen]
    assert torch.equal(trainer._images, images)
    seen: list[list[int]] = []
    train_step = trainer._train_step

    def record(indices, step, totals):
        seen[-1].extend(indices.tolist())
        return train_step(indices, step, totals)

    trainer._train_step = record  # type: ignore[method-assign]
    for _ in range(2):
        seen.append([])
        trainer._train_epoch()
    assert sorted(seen[0]) == sorted(seen[1]) == list(range(48))
    assert seen[0] != seen[1] != list(range(48))
