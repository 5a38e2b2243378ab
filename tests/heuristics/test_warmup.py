"""Decisions left open in the first steps."""

from collections import Counter

import numpy as np
import pytest
import torch
from scipy import stats

from supernet_bench.benchmark.training.trainer import Trainer
from supernet_bench.heuristics.warmup import Warmup, soft_probability
from supernet_bench.spaces.base import ALL
from supernet_bench.spaces.toy import Toy
from tests.heuristics.steps import begun, step

SPACE = Toy()
CHOSEN = (0, 1, 2)


def soft_masks(heuristic: Warmup, index: int, length: int, start: int = 0) -> np.ndarray:
    """Return which decisions of one architecture are open at one step, for many seeds, bool [seeds, decisions]."""
    masks = []
    for seed in range(2000):
        (found,) = heuristic.sample([CHOSEN], step(index, seed, start, length))
        assert all(choice in (ALL, chosen) for choice, chosen in zip(found, CHOSEN, strict=True))
        masks.append([choice == ALL for choice in found])
    return np.array(masks)


def test_probability_falls_from_one_to_zero() -> None:
    assert soft_probability(0.25, 0.0) == 1.0
    assert soft_probability(0.25, 0.125) == 0.5
    assert soft_probability(0.25, 0.25) == 0.0
    assert soft_probability(0.25, 0.9) == 0.0
    assert soft_probability(1.0, 0.75) == 0.25
    assert soft_probability(0.0, 0.0) == 0.0


@pytest.mark.parametrize(("index", "expected"), [(0, 1.0), (50, 0.8), (125, 0.5), (249, 0.004), (250, 0.0), (999, 0.0)])
def test_decisions_are_open_as_often_as_they_should_be(index: int, expected: float) -> None:
    masks = soft_masks(begun(Warmup(share=0.25)), index, length=1000)
    assert stats.binomtest(int(masks.sum()), masks.size, expected).pvalue > 1e-3


def test_decisions_are_open_independently() -> None:
    masks = soft_masks(begun(Warmup(share=0.25)), index=125, length=1000)
    found = Counter(map(tuple, masks.tolist()))
    assert stats.chisquare([found[pattern] for pattern in np.ndindex(2, 2, 2)]).pvalue > 1e-3


def test_every_iteration_is_warmed_up() -> None:
    heuristic = begun(Warmup(share=0.25))
    assert soft_masks(heuristic, index=400, start=400, length=100).all()
    assert not soft_masks(heuristic, index=425, start=400, length=100).any()


def test_what_a_sampler_draws_does_not_shift_what_is_open() -> None:
    heuristic = begun(Warmup(share=0.25))
    for seed in range(20):
        fresh, used = (step(125, seed, length=1000) for _ in range(2))
        torch.rand(5, generator=used.generator("sampling"))
        assert heuristic.sample([CHOSEN] * 4, fresh) == heuristic.sample([CHOSEN] * 4, used)


def trained(spec) -> list[tuple[bool, tuple[int, ...]]]:
    """Return whether a supernet was in training, and the architecture, of every forward pass of a run."""
    trainer, seen = Trainer(spec, spec.images.load(), torch.device("cpu")), []
    forward = trainer.supernet.forward

    def watched(images, architecture, *rest):
        seen.append((trainer.supernet.training, architecture))
        return forward(images, architecture, *rest)

    trainer.supernet.forward = watched  # type: ignore[method-assign]
    trainer.run()
    return seen


@pytest.mark.parametrize("sampler", ["uniform", "fairnas", "multi_path"])
def test_open_decisions_reach_the_network_and_leave_the_sampler_alone(toy_spec, sampler: str) -> None:
    settings = {"epochs": 4}
    passes = trained(toy_spec({sampler: {}, "warmup": {"share": 0.25}}, training=settings))
    plain = trained(toy_spec({sampler: {}}, training=settings))
    warm, hard = ([architecture for training, architecture in seen if training] for seen in (passes, plain))
    paths = {"uniform": 1, "fairnas": 3, "multi_path": 2}[sampler]
    assert len(warm) == len(hard) == 24 * paths

    assert all(architecture == (ALL,) * 3 for architecture in warm[:paths])
    during = [choice for architecture in warm[: 6 * paths] for choice in architecture]
    assert len(during) / 3 < during.count(ALL) < len(during)
    assert warm[6 * paths :] == hard[6 * paths :]
    for found, chosen in zip(warm, hard, strict=True):
        assert all(choice in (ALL, other) for choice, other in zip(found, chosen, strict=True))
    assert all(ALL not in architecture for training, architecture in passes if not training)


def test_all_choices_of_an_open_decision_are_trained(toy_spec) -> None:
    spec = toy_spec({"warmup": {"share": 1.0}, "weight_decay": {"decay": 0.0}})
    trainer = Trainer(spec, spec.images.load(), torch.device("cpu"))
    before = {name: value.clone() for name, value in trainer.supernet.named_parameters()}
    trainer._train_step(torch.arange(16), trainer._next_step(), torch.zeros(2, dtype=torch.float64))
    assert all(not torch.equal(before[name], value) for name, value in trainer.supernet.named_parameters())
