"""What every heuristic is, whatever it does."""

import copy
import pickle
from abc import ABC
from dataclasses import FrozenInstanceError, dataclass

import pytest
import torch

from supernet_bench.benchmark.plugins.composition import Composition
from supernet_bench.benchmark.training.trainer import Trainer
from supernet_bench.core.errors import InputError
from supernet_bench.heuristics.base import Heuristic, is_neutral, neutral_settings
from supernet_bench.heuristics.sampling.uniform import Uniform


@dataclass
class Mine(Heuristic):
    name = "mine"
    default = True

    rate: float = 0.5
    steps: int = 3


@dataclass
class Normalising(Mine, ABC):
    name = "normalising"

    def __post_init__(self) -> None:
        self.rate = min(self.rate, 1.0)

    def check(self, setup):
        self.rate = 0.0


@dataclass
class Rounding(Normalising):
    name = "rounding"

    def __post_init__(self) -> None:
        super().__post_init__()
        self.rate = round(self.rate, 1)


def test_settings_stay_what_they_are() -> None:
    mine = Mine(rate=0.1)
    with pytest.raises(FrozenInstanceError, match="setting 'rate' of heuristic Mine cannot be changed; what changes"):
        mine.rate = 0.2
    assert mine == Mine(rate=0.1)


def test_a_heuristic_may_normalise_its_settings_while_it_is_made_and_no_later() -> None:
    made = Normalising(rate=5.0)
    assert made == Normalising(rate=1.0)
    assert Rounding(rate=0.12) == Rounding(rate=0.1)
    for each in (made, copy.deepcopy(made), pickle.loads(pickle.dumps(made))):
        with pytest.raises(FrozenInstanceError):
            each.rate = 5.0


def test_a_hook_that_changes_a_setting_is_named_with_its_line() -> None:
    line = Normalising.check.__code__.co_firstlineno + 1
    with pytest.raises(InputError, match=rf"Normalising\.check raises .* \(test_base\.py, line {line}\)$"):
        Composition([Normalising()]).call(Heuristic.check, None)


def test_what_changes_in_a_run_has_attributes_of_its_own() -> None:
    mine = Mine()
    for count in range(2):
        mine.count = count
    assert (mine.count, mine) == (1, Mine())


def test_the_factor_is_the_name_unless_said_otherwise() -> None:
    class Sampler(Heuristic):
        factor = "sampling"

    assert Mine.factor == "mine"
    assert type("Another", (Mine,), {"name": "another"}).factor == "mine"
    assert type("OfAFamily", (Sampler,), {"name": "of_a_family"}).factor == "sampling"
    assert not hasattr(type("Nameless", (Heuristic,), {}), "factor")


def test_a_default_is_neutral_as_it_stands_unless_said_otherwise() -> None:
    said = type("Said", (Mine,), {"neutral": {"rate": 0.5}})
    other = type("Other", (Mine,), {"default": False})
    assert neutral_settings(Mine) == {"rate": 0.5, "steps": 3}
    assert neutral_settings(Uniform) == {}
    assert neutral_settings(said) == {"rate": 0.5}
    assert neutral_settings(other) is None
    assert [is_neutral(each) for each in (Mine(), Mine(steps=4), said(steps=4), said(rate=0.1), other())] == [
        True, False, True, False, False,
    ]  # fmt: skip


def test_a_run_changes_nothing_in_its_spec(toy_spec) -> None:
    """Two runs of a spec would share what is in its heuristics."""
    spec = toy_spec({"weight_average": {"kind": "mean"}, "pool": {"size": 5}, "landmark": {"landmarks": 10}})
    held = [dict(vars(each)) for each in spec.heuristics]
    trainer = Trainer(spec, spec.load_images(None), torch.device("cpu"), truth=spec.space.truth)
    trainer.run()
    assert [dict(vars(each)) for each in spec.heuristics] == held
    assert trainer.heuristics.state_dict()["weight_average"]["kept"]


def test_fresh_heuristics_have_the_settings_of_the_spec_and_share_nothing(toy_spec) -> None:
    spec = toy_spec({"weight_average": {"kind": "mean"}})
    assert spec.fresh_heuristics() == spec.active_heuristics()
    ours, others = spec.fresh_heuristics(), spec.fresh_heuristics()
    assert not {id(each) for each in ours} & {id(each) for each in (*others, *spec.heuristics)}
