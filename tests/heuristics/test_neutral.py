"""At its neutral level a heuristic is a no-op, bit for bit; every heuristic declares what users need."""

import pytest
import torch

from benchmark.composition import Composition
from benchmark.parameters import build
from benchmark.registry import heuristic_types
from benchmark.trainer import Trainer

TYPES = heuristic_types()
WITH_NEUTRAL = [kind for kind in TYPES.values() if kind.neutral is not None]
FACTORS = sorted({kind.factor for kind in TYPES.values()})


def curve(toy_spec, heuristics: list) -> list[dict[str, float]]:
    spec = toy_spec()
    trainer = Trainer(spec, spec.images.load(), torch.device("cpu"), Composition(heuristics))
    trainer.run()
    return [*trainer.curve, *trainer.checkpoints]


@pytest.mark.parametrize("kind", WITH_NEUTRAL, ids=lambda kind: kind.name)
def test_neutral_level_is_a_no_op(toy_spec, kind) -> None:
    """The heuristic itself runs here; only the canonical form of a spec would leave it out."""
    defaults = toy_spec().build_heuristics()
    neutral = kind(**kind.neutral)
    assert curve(toy_spec, list({**defaults, kind.factor: neutral}.values())) == curve(
        toy_spec, list(defaults.values())
    )


@pytest.mark.parametrize("factor", ["path_dropout", "independence", "batch_norm"])
def test_a_default_equals_having_no_such_heuristic(toy_spec, factor: str) -> None:
    defaults = toy_spec().build_heuristics()
    without = [heuristic for name, heuristic in defaults.items() if name != factor]
    if factor == "batch_norm":
        without.append(TYPES["batch_norm"]())  # A layer without statistics has no neutral default in PyTorch.
    assert curve(toy_spec, without) == curve(toy_spec, list(defaults.values()))


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
    baseline = toy_spec(training={"epochs": 4}).run_id
    for level in kind.levels:
        spec = toy_spec({kind.name: dict(level)}, training={"epochs": 4})
        assert (spec.run_id == baseline) is (
            kind.neutral is not None
            and all(getattr(build(kind, level, ""), key) == value for key, value in kind.neutral.items())
        )
