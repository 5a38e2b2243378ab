"""A plug-in may draw from the generators that all code shares: its runs repeat, resume, and differ between seeds."""

import random
from collections.abc import Callable
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch.nn import functional

from supernet_bench.benchmark.plugins.composition import Composition
from supernet_bench.benchmark.training.trainer import Trainer
from supernet_bench.core.generators import SharedGenerators
from supernet_bench.heuristics.base import Heuristic
from supernet_bench.images.digits import Digits
from supernet_bench.records.store import Store

CPU = torch.device("cpu")

DRAWS: dict[str, Callable[[], float]] = {
    "torch": lambda: torch.rand(()).item(),
    "numpy": lambda: float(np.random.rand()),  # noqa: NPY002
    "python": random.random,
}


def draws() -> list[float]:
    """Return the next number of each generator."""
    return [draw() for draw in DRAWS.values()]


@dataclass
class Noisy(Heuristic):
    """Scales what each hook is given by a random number of one of the shared generators."""

    draw: Callable[[], float]
    hook: str

    name, factor, order, conflicts = "noisy", "noisy", 200, ()

    def _factor(self, hook: str) -> float:
        return 0.5 + self.draw() if hook == self.hook else 1.0

    def begin(self, task) -> None:
        self._begun = self._factor("begin")

    def construct(self, construction):
        scale = self._factor("construct")

        class Scaled(torch.nn.BatchNorm2d):
            def forward(self, maps):
                return super().forward(maps) * scale

        return replace(construction, norm=lambda channels: Scaled(channels, track_running_stats=False))

    def learning_rate(self, rate, step):
        return rate * self._factor("step") * self._begun

    def on_features(self, step):
        if self.hook == "dropout":
            return lambda features: functional.dropout(features, 0.5)
        return lambda features: features * self._factor("features")

    @contextmanager
    def while_scoring(self, supernet, generator):
        weight = supernet.classifier.weight
        kept = weight.detach().clone()
        weight.data[0] += 5 * (self._factor("scoring") - 1)
        yield
        weight.data.copy_(kept)


HOOKS = ["begin", "construct", "step", "features", "scoring"]


def trainer_of(spec, *heuristics: Heuristic) -> Trainer:
    """Return a trainer made after the shared generators have gone on."""
    draws()
    return Trainer(spec, spec.images.load(), CPU, Composition([*spec.fresh_heuristics(), *heuristics]))


def outcome(trainer: Trainer) -> list[dict[str, float]]:
    draws()
    trainer.run(save=lambda trainer: draws() and None)
    return [*trainer.curve, *trainer.checkpoints]


@pytest.mark.parametrize("hook", HOOKS)
@pytest.mark.parametrize("source", DRAWS)
def test_runs_repeat_and_differ_between_seeds(toy_spec, source: str, hook: str) -> None:
    def run(seed: int) -> tuple[list[float], object]:
        seen: list[float] = []

        def draw() -> float:
            seen.append(DRAWS[source]())
            return seen[-1]

        return seen, outcome(trainer_of(toy_spec(seed=seed, training={"epochs": 2}), Noisy(draw, hook)))

    first, again, other = run(0), run(0), run(1)
    assert first == again
    assert set(first[0]).isdisjoint(other[0])
    assert len(set(first[0])) == len(first[0])


def test_dropout_of_pytorch_is_reproducible(toy_spec) -> None:
    spec = toy_spec(training={"epochs": 2})
    with_dropout = [outcome(trainer_of(spec, Noisy(random.random, "dropout"))) for _ in range(2)]
    assert with_dropout[0] == with_dropout[1] != outcome(trainer_of(spec))


@pytest.mark.parametrize("source", DRAWS)
def test_a_resumed_run_draws_what_a_whole_one_draws(toy_spec, tmp_path: Path, source: str) -> None:
    spec, store = toy_spec(), Store(tmp_path)

    def make() -> Trainer:
        return trainer_of(spec, Noisy(DRAWS[source], "features"), Noisy(DRAWS[source], "scoring"))

    class Stop(Exception):
        pass

    def save(trainer: Trainer) -> None:
        store.write_checkpoint("x", trainer.state_dict())
        raise Stop

    with pytest.raises(Stop):
        make().run(save=save)
    resumed = make()
    resumed.load_state_dict(store.read_checkpoint("x"))
    assert outcome(resumed) == outcome(make())


def test_the_generators_go_on_as_if_no_run_had_been(toy_spec) -> None:
    def seed() -> None:
        torch.manual_seed(5)
        np.random.seed(5)  # noqa: NPY002
        random.seed(5)

    spec = toy_spec(training={"epochs": 1})
    trainer = Trainer(spec, spec.images.load(), CPU)
    seed()
    expected = draws()
    seed()
    Trainer(spec, spec.images.load(), CPU)
    trainer.run()
    assert draws() == expected


def test_an_error_restores_the_generators_too() -> None:
    def fail() -> None:
        with SharedGenerators(CPU).seeded(5):
            draws()
            raise ZeroDivisionError

    with SharedGenerators(CPU).seeded(5):
        expected = [draws(), draws()]
    with SharedGenerators(CPU).seeded(5):
        first = draws()
        with pytest.raises(ZeroDivisionError):
            fail()
        assert [first, draws()] == expected


def test_images_are_the_same_whatever_was_drawn_before(toy_spec, monkeypatch) -> None:
    load = Digits.load

    def noisy(self, folder=None):
        data = load(self, folder)
        return replace(data, mean=data.mean + sum(draws()))

    monkeypatch.setattr(Digits, "load", noisy)
    means = []
    for _ in range(2):
        draws()
        means.append(toy_spec().load_images(None).mean)
    assert torch.equal(*means)


def test_every_seed_is_taken() -> None:
    with SharedGenerators(CPU).seeded(2**63 - 1):
        draws()
