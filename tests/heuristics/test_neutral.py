"""At its neutral level a heuristic is a no-op, bit for bit; every heuristic declares what users need."""

import math
from dataclasses import replace
from typing import Any

import pytest
import torch

from benchmark.composition import Composition
from benchmark.parameters import build
from benchmark.registry import heuristic_types
from benchmark.rivals import NEEDED
from benchmark.trainer import Trainer
from heuristics.base import Heuristic
from spaces.toy import Toy
from tests.heuristics.levels import SPACES, acting
from tests.spaces.pooling import NoPaddedPooling

TYPES = heuristic_types()
WITH_NEUTRAL = [kind for kind in TYPES.values() if kind.neutral is not None]
FACTORS = sorted({kind.factor for kind in TYPES.values()})


class PlainSampling(Heuristic):
    """One architecture per step, written without the suite's samplers."""

    factor = "sampling"

    def begin(self, task) -> None:
        self.space = task.space

    def sample(self, architectures, step):
        index = torch.randint(self.space.size, (1,), generator=step.generator("sampling")).item()
        return [self.space.architecture(index)]


class PlainBatchNorm(Heuristic):
    factor = "batch_norm"

    def construct(self, construction):
        return replace(construction, norm=lambda channels: torch.nn.BatchNorm2d(channels, track_running_stats=False))


class PlainLearningRate(Heuristic):
    """The cosine of the whole run."""

    factor = "learning_rate"

    def learning_rate(self, rate, step):
        return 0.05 * (1 + math.cos(math.pi * (step.index / step.length))) / 2


class PlainWeightDecay(Heuristic):
    factor = "weight_decay"

    def weight_decay(self, decay, module):
        return 5e-4


PLAIN = {
    "sampling": PlainSampling,
    "batch_norm": PlainBatchNorm,
    "learning_rate": PlainLearningRate,
    "weight_decay": PlainWeightDecay,
}
"""What training needs to run at all; every other factor at its neutral level must be as if it were not there."""


def results(toy_spec, heuristics: list[Heuristic], space: str | dict[str, Any] = "toy") -> list[dict[str, float]]:
    spec, composition = toy_spec(space=space), Composition(heuristics)
    data = composition.revise(spec).images.load()
    trainer = Trainer(spec, data, torch.device("cpu"), composition, truth=Toy().truth)
    with NoPaddedPooling():
        trainer.run()
    return [*trainer.curve, *trainer.checkpoints]


@pytest.mark.parametrize("kind", WITH_NEUTRAL, ids=lambda kind: kind.name)
def test_neutral_level_is_a_no_op(toy_spec, kind) -> None:
    """The heuristic itself runs here; only the canonical form of a spec would leave it out."""
    plain = {factor: stub() for factor, stub in PLAIN.items()}
    with_neutral = {**plain, kind.factor: kind(**kind.neutral)}
    assert results(toy_spec, list(with_neutral.values())) == results(toy_spec, list(plain.values()))


def test_the_baseline_is_training_without_heuristics(toy_spec) -> None:
    baseline = toy_spec().build_heuristics().values()
    assert results(toy_spec, list(baseline)) == results(toy_spec, [stub() for stub in PLAIN.values()])


@pytest.mark.parametrize("kind", TYPES.values(), ids=lambda kind: kind.name)
def test_some_level_is_not_a_no_op(toy_spec, kind) -> None:
    """Otherwise the comparison above could not fail."""
    plain = {factor: stub() for factor, stub in PLAIN.items()}
    level = acting(kind)
    space = SPACES.get(kind.name, "toy")
    changed = results(toy_spec, list({**plain, kind.factor: level}.values()), space)
    assert (changed == results(toy_spec, list(plain.values()), space)) is (kind.name == "uniform")


def test_records_name_the_heuristics_that_training_needs_at_every_level() -> None:
    assert sorted(PLAIN) == sorted(NEEDED)


def test_a_neutral_heuristic_does_not_change_the_run(toy_spec) -> None:
    for kind in WITH_NEUTRAL:
        assert toy_spec({kind.name: dict(kind.neutral)}).run_id == toy_spec().run_id


@pytest.mark.parametrize("kind", TYPES.values(), ids=lambda kind: kind.name)
def test_declares_what_users_need(kind) -> None:
    assert kind.source
    assert kind.__doc__
    assert kind.levels
    for level in kind.levels:
        build(kind, level, kind.name)


@pytest.mark.parametrize("factor", FACTORS)
def test_each_factor_has_one_default_which_is_neutral(factor: str) -> None:
    defaults = [kind for kind in TYPES.values() if kind.factor == factor and kind.default]
    assert len(defaults) == 1
    default = defaults[0]()
    assert all(getattr(default, key) == value for key, value in defaults[0].neutral.items())


@pytest.mark.parametrize("kind", TYPES.values(), ids=lambda kind: kind.name)
def test_every_other_level_changes_the_run(toy_spec, kind) -> None:
    """In a space, and with images, that are large enough for the levels of a sweep."""
    enough = {"training": {"epochs": 8}, "space": "nasbench201", "images": {"train": 1000, "valid": 500}}
    baseline = toy_spec(**enough).run_id
    for level in kind.levels:
        spec = toy_spec({kind.name: dict(level)}, **enough)
        assert (spec.run_id == baseline) is (
            kind.neutral is not None
            and all(getattr(build(kind, level, ""), key) == value for key, value in kind.neutral.items())
        )
