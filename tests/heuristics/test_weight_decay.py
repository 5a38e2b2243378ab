"""Behaviour of weight decay."""

import pytest
import torch
from torch import nn

from supernet_bench.benchmark.plugins.composition import Composition
from supernet_bench.benchmark.training.trainer import Trainer
from supernet_bench.heuristics.base import Heuristic
from supernet_bench.heuristics.weight_decay import WeightDecay
from supernet_bench.spaces.toy import Toy
from tests.heuristics.steps import OnePath

CPU = torch.device("cpu")


class Zero(Heuristic):
    """Gradients of zero, so that nothing but decay moves a weight."""

    name, factor = "zero", "zero"

    def on_gradients(self, parameters, step, recompute) -> None:
        for parameter in parameters:
            parameter.grad.zero_()


def trainer_of(toy_spec, *extra: Heuristic, **settings) -> Trainer:
    spec = toy_spec(
        {"weight_decay": settings, "learning_rate": {"rate": 0.5}, "batch_norm": {"statistics": "batch"}},
        training={"momentum": 0.0},
    )
    return Trainer(spec, spec.images.load(), CPU, Composition([*spec.fresh_heuristics(), *extra]))


def norm_names(supernet: nn.Module) -> set[str]:
    """Return the names of the parameters of normalisation layers."""
    return {
        f"{name}.{own}"
        for name, module in supernet.named_modules()
        if isinstance(module, nn.BatchNorm2d)
        for own, _ in module.named_parameters(recurse=False)
    }


def decays(trainer: Trainer) -> dict[str, float]:
    name_of = {parameter: name for name, parameter in trainer.supernet.named_parameters()}
    groups = trainer._optimiser.param_groups
    return {name_of[parameter]: group["weight_decay"] for group in groups for parameter in group["params"]}


@pytest.mark.parametrize("decay", [level["decay"] for level in WeightDecay.levels if "decay" in level])
def test_every_parameter_decays_alike(toy_spec, decay: float) -> None:
    trainer = trainer_of(toy_spec, decay=decay)
    assert decays(trainer) == dict.fromkeys(dict(trainer.supernet.named_parameters()), decay)
    assert len(trainer._optimiser.param_groups) == 1


def test_scales_and_shifts_can_be_left_out(toy_spec) -> None:
    trainer = trainer_of(toy_spec, decay=1e-3, norms=False)
    norms = norm_names(trainer.supernet)
    found = decays(trainer)
    assert norms
    assert len(found) == len(list(trainer.supernet.parameters()))
    assert {name for name, decay in found.items() if decay == 0} == norms
    assert set(found.values()) == {0.0, 1e-3}


@pytest.mark.parametrize("norms", [True, False])
def test_a_step_shrinks_the_weights_of_the_path_in_proportion(toy_spec, norms: bool) -> None:
    architecture = Toy().architecture(5)
    trainer = trainer_of(toy_spec, Zero(), OnePath(architecture), decay=0.2, norms=norms)
    before = {name: parameter.detach().clone() for name, parameter in trainer.supernet.named_parameters()}
    trainer._train_step(torch.arange(16), trainer._next_step(), torch.zeros(2, dtype=torch.float64))
    path = trainer.spec.space.inherit(trainer.supernet, architecture)
    left_out = set() if norms else norm_names(trainer.supernet)
    for name, parameter in trainer.supernet.named_parameters():
        if name in path and name not in left_out:
            torch.testing.assert_close(parameter.detach(), before[name] * (1 - 0.5 * 0.2))
        else:
            assert torch.equal(parameter, before[name])
    assert set(before) - set(path)
