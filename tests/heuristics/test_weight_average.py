"""Behaviour of weight averages."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from supernet_bench.benchmark.plugins.composition import Composition
from supernet_bench.benchmark.training.scores import score
from supernet_bench.benchmark.training.trainer import Trainer
from supernet_bench.core.streams import StepStreams
from supernet_bench.heuristics.base import Heuristic, Step
from supernet_bench.heuristics.weight_average import WeightAverage, newest_share
from supernet_bench.records.store import Store
from supernet_bench.spaces.base import Construction
from supernet_bench.spaces.nasbench201.space import NasBench201
from tests.heuristics.steps import begun, step

CPU = torch.device("cpu")
KINDS: list[dict[str, Any]] = [{"kind": "ema", "decay": 0.8}, {"kind": "mean", "checkpoints": 2}]


class Walk:
    """A network of one weight that takes given values, one per step; every third step ends an epoch."""

    def __init__(self, heuristic: WeightAverage) -> None:
        self.net: Any = nn.Linear(1, 1, bias=False)
        self.heuristic = begun(heuristic)
        self.index = 0

    def go(self, values: list[float], start: int = 0) -> None:
        for value in values:
            with torch.no_grad():
                self.net.weight.fill_(value)
                self.heuristic.after_step(self.net, self._step(start))
            self.index += 1

    def _step(self, start: int) -> Step:
        return replace(step(self.index, start=start), ends_epoch=self.index % 3 == 2)

    @property
    def scored(self) -> float:
        with self.heuristic.while_scoring(self.net, StepStreams(0, 0)):
            return self.net.weight.item()


@pytest.mark.parametrize("decay", [0.0, 0.5, 0.99, 0.9999])
def test_the_moving_average_is_the_weighted_mean_of_all_steps(decay: float) -> None:
    walk, values = Walk(WeightAverage(kind="ema", decay=decay)), [5.0, -1.0, 2.0, 8.0, 0.5]
    walk.go(values)
    weights = [decay**age for age in reversed(range(len(values)))]
    expected = sum(map(float.__mul__, weights, values)) / sum(weights)
    assert walk.scored == pytest.approx(expected, rel=1e-5)


def test_the_first_step_alone_is_its_own_average() -> None:
    walk = Walk(WeightAverage(kind="ema"))
    walk.go([3.3])
    assert walk.scored == walk.net.weight.item()


def test_the_default_looks_back_a_hundred_steps() -> None:
    assert newest_share(WeightAverage().decay, 10_000) == pytest.approx(0.01)


@pytest.mark.parametrize(("steps", "expected"), [(3, 3.0), (6, 4.5), (8, 4.5), (9, 6.0), (12, 9.0), (14, 9.0)])
def test_the_mean_is_over_the_ends_of_the_last_epochs(steps: int, expected: float) -> None:
    """The weight is the number of the step; the ends are 3, 6, 9 and 12, of which the last 3 count."""
    walk = Walk(WeightAverage(kind="mean", checkpoints=3))
    walk.go([float(number) for number in range(1, steps + 1)])
    assert walk.scored == pytest.approx(expected)
    assert walk.net.weight.item() == steps


@pytest.mark.parametrize("kind", ["none", "ema", "mean"])
def test_before_there_is_an_average_the_weights_are_scored(kind: str) -> None:
    walk = Walk(WeightAverage(kind=kind))
    assert walk.scored == walk.net.weight.item()


@pytest.mark.parametrize(("kind", "expected"), [("ema", 7.5), ("mean", 8.0)])
def test_an_iteration_starts_a_new_average(kind: str, expected: float) -> None:
    walk = Walk(WeightAverage(kind=kind, decay=0.9999))
    walk.go([-100.0] * 3)
    walk.go([7.0, 7.5, 8.0], start=3)
    assert walk.scored == pytest.approx(expected, abs=1e-3)


def trainer_of(toy_spec, settings: dict[str, Any], **others: dict[str, Any]) -> Trainer:
    spec = toy_spec({"weight_average": settings, **others}, training={"epochs": 4})
    return Trainer(spec, spec.images.load(), CPU)


@pytest.mark.parametrize("settings", KINDS, ids=lambda s: s["kind"])
@pytest.mark.parametrize("statistics", ["batch", "tracked", "recalibrated"])
def test_training_is_the_same_and_scores_are_not(toy_spec, settings, statistics: str) -> None:
    others = {"batch_norm": {"statistics": statistics, "images": 32}}
    averaged, plain = trainer_of(toy_spec, settings, **others), trainer_of(toy_spec, {}, **others)
    averaged.run()
    plain.run()
    assert averaged.curve == plain.curve
    for one, other in zip(averaged.supernet.parameters(), plain.supernet.parameters(), strict=True):
        assert torch.equal(one, other)
    assert averaged.checkpoints[-1]["cross_entropy"] != plain.checkpoints[-1]["cross_entropy"]


@pytest.mark.parametrize("settings", KINDS, ids=lambda s: s["kind"])
def test_weights_are_put_back_bit_for_bit_even_after_an_error(toy_spec, settings) -> None:
    trainer = trainer_of(toy_spec, settings)
    trainer._train_epoch()
    trainer._train_epoch()
    parameters = list(trainer.supernet.parameters())
    before = [parameter.detach().clone() for parameter in parameters]
    pointers = [parameter.data_ptr() for parameter in parameters]

    def fail() -> None:
        with trainer.heuristics.while_scoring(trainer.supernet, StepStreams(0, 0)):
            assert not any(map(torch.equal, before, parameters))
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fail()
    assert all(map(torch.equal, before, parameters))
    assert pointers == [parameter.data_ptr() for parameter in parameters]
    assert all(parameter.requires_grad for parameter in parameters)


def test_running_statistics_are_not_averaged(toy_spec) -> None:
    trainer = trainer_of(toy_spec, {"kind": "ema"}, batch_norm={"statistics": "tracked"})
    trainer._train_epoch()
    before = [buffer.clone() for buffer in trainer.supernet.buffers()]
    assert before
    with trainer.heuristics.while_scoring(trainer.supernet, StepStreams(0, 0)):
        assert all(map(torch.equal, before, trainer.supernet.buffers()))


def test_recalibration_is_with_the_averaged_weights(toy_spec) -> None:
    trainer = trainer_of(toy_spec, {"kind": "ema"}, batch_norm={"statistics": "recalibrated", "images": 32})
    trainer._train_epoch()
    architecture = trainer.spec.space.architecture(13)

    def statistics() -> Tensor:
        trainer.supernet.eval()
        with torch.no_grad():
            trainer.heuristics.call(Heuristic.before_scoring, trainer.supernet, architecture)
        return trainer.supernet.norm.running_mean.clone()

    plain = statistics()
    with trainer.heuristics.while_scoring(trainer.supernet, StepStreams(0, 0)):
        averaged = statistics()
    assert not torch.equal(plain, averaged)
    assert torch.equal(statistics(), plain)


@pytest.mark.parametrize("kind", ["ema", "mean"])
def test_networks_that_were_run_before_see_the_averages(kind: str) -> None:
    """A space may run paths with kernels, and remember what they have in common."""
    torch.manual_seed(0)
    space = NasBench201(width=8, cells=1)
    net, other = (space.supernet(1, 10, Construction()).to(memory_format=torch.channels_last) for _ in range(2))
    heuristic, share = begun(WeightAverage(kind=kind)), newest_share(0.99, 2) if kind == "ema" else 0.5
    architectures = [space.architecture(index) for index in (7, 6111, 15_000)]
    images = torch.randn(20, 1, 8, 8).contiguous(memory_format=torch.channels_last)
    batches = [(images, torch.randint(10, (20,)))]

    def losses(supernet) -> Tensor:
        return score(supernet, Composition([]), architectures, batches).cross_entropy

    with torch.no_grad():
        heuristic.after_step(net, replace(step(0), ends_epoch=True))
        for parameter, counterpart in zip(net.parameters(), other.parameters(), strict=True):
            change = torch.randn_like(parameter)
            counterpart.copy_(parameter + change * share)
            parameter += change
        heuristic.after_step(net, replace(step(1), ends_epoch=True))
    trained = losses(net)
    with heuristic.while_scoring(net, StepStreams(0, 0)):
        averaged = losses(net)
    torch.testing.assert_close(averaged, losses(other), atol=1e-5, rtol=1e-4)
    assert not torch.allclose(averaged, trained, atol=1e-2)
    assert torch.equal(losses(net), trained)


@pytest.mark.parametrize("settings", KINDS, ids=lambda s: s["kind"])
def test_memory_format_is_kept(settings) -> None:
    net = NasBench201(width=8, cells=1).supernet(3, 10, Construction()).to(memory_format=torch.channels_last)
    heuristic = begun(WeightAverage(**settings))
    strides = [parameter.stride() for parameter in net.parameters()]
    for index in range(2):
        with torch.no_grad():
            heuristic.after_step(net, replace(step(index), ends_epoch=True))
    for copies in heuristic.state_dict()["kept"]:
        assert [copy.stride() for copy in copies] == strides
    with heuristic.while_scoring(net, StepStreams(0, 0)):
        assert [parameter.stride() for parameter in net.parameters()] == strides


@pytest.mark.parametrize("settings", KINDS, ids=lambda s: s["kind"])
@pytest.mark.parametrize("reset", ["none", "full"])
@pytest.mark.parametrize("stop", [1, 2, 3])
def test_a_resumed_run_equals_an_unbroken_one(toy_spec, tmp_path: Path, settings, reset: str, stop: int) -> None:
    others = {"independence": {"reset": reset, "iterations": 2}}
    whole, stopped, resumed = (trainer_of(toy_spec, settings, **others) for _ in range(3))
    whole.run()
    for _ in range(stop):
        stopped._train_epoch()
    Store(tmp_path).write_checkpoint("x", stopped.state_dict())
    stopped._train_epoch()
    resumed.load_state_dict(Store(tmp_path).read_checkpoint("x"))
    resumed.run()
    assert resumed.curve == whole.curve
    assert resumed.checkpoints == whole.checkpoints[-len(resumed.checkpoints) :]
    assert resumed.checkpoints


def test_a_loaded_state_is_a_copy() -> None:
    walk, other = (Walk(WeightAverage(kind="ema", decay=0.5)) for _ in range(2))
    walk.go([1.0, 2.0])
    other.heuristic.load_state_dict(walk.heuristic.state_dict())
    before = walk.scored
    other.go([100.0])
    assert walk.scored == before != other.scored
