"""Behaviour of gradient clipping."""

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from supernet_bench.benchmark.plugins.composition import Composition
from supernet_bench.benchmark.training.trainer import Trainer
from supernet_bench.heuristics.base import Heuristic
from supernet_bench.heuristics.gradient_clip import GradientClip
from tests.heuristics.steps import step

CPU = torch.device("cpu")


def clipped(norm: float, *gradients: list[float] | None) -> list[Tensor | None]:
    parameters = [nn.Parameter(torch.zeros(1 if gradient is None else len(gradient))) for gradient in gradients]
    for parameter, gradient in zip(parameters, gradients, strict=True):
        parameter.grad = None if gradient is None else torch.tensor(gradient)
    GradientClip(norm=norm).on_gradients(parameters, step(0), recompute=pytest.fail)
    return [parameter.grad for parameter in parameters]


def test_the_length_over_all_parameters_is_bounded_and_the_direction_kept() -> None:
    """(3, 4) and (12) have a length of 13 together."""
    result = torch.cat(clipped(1.3, [3.0, 4.0], [12.0]))
    torch.testing.assert_close(result, torch.tensor([0.3, 0.4, 1.2]))


@pytest.mark.parametrize("norm", [0.0, 13.5, 100.0])
def test_shorter_gradients_and_a_norm_of_zero_leave_everything(norm: float) -> None:
    first, second = clipped(norm, [3.0, 4.0], [12.0])
    assert torch.equal(first, torch.tensor([3.0, 4.0]))
    assert torch.equal(second, torch.tensor([12.0]))


def test_parameters_without_gradient_keep_none() -> None:
    first, second = clipped(1.0, None, [3.0, 4.0])
    assert first is None
    torch.testing.assert_close(second, torch.tensor([0.6, 0.8]))


class Look(Heuristic):
    """Makes gradients longer, and so stands for whatever changes them; the factor sorts last, the order does not."""

    name, factor = "look", "zzz"

    def on_gradients(self, parameters, step, recompute) -> None:
        for parameter in parameters:
            parameter.grad *= 1000
        self.direction = functional.normalize(torch.cat([parameter.grad.flatten() for parameter in parameters]), dim=0)


@pytest.mark.parametrize("sampling", ["uniform", "fairnas"])
def test_the_step_is_made_with_the_clipped_gradient_of_all_paths(toy_spec, sampling: str) -> None:
    look = Look()
    spec = toy_spec(
        {
            sampling: {},
            "gradient_clip": {"norm": 0.01},
            "weight_decay": {"decay": 0.0},
            "learning_rate": {"rate": 1.0},
        },
        training={"momentum": 0.0},
    )
    trainer = Trainer(spec, spec.images.load(), CPU, Composition([*spec.fresh_heuristics(), look]))
    before = [parameter.detach().clone() for parameter in trainer.supernet.parameters()]
    trainer._train_step(torch.arange(16), trainer._next_step(), torch.zeros(2, dtype=torch.float64))
    moved = torch.cat(
        [
            (old - new.detach()).flatten()
            for old, new in zip(before, trainer.supernet.parameters(), strict=True)
            if new.grad is not None
        ]
    )
    assert moved.norm().item() == pytest.approx(0.01, rel=1e-3)
    torch.testing.assert_close(moved, 0.01 * look.direction, atol=1e-6, rtol=0)
