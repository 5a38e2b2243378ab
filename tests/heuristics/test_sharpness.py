"""Behaviour of sharpness-aware minimisation."""

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from supernet_bench.benchmark.plugins.composition import Composition
from supernet_bench.benchmark.training.trainer import Trainer
from supernet_bench.heuristics.base import Heuristic
from supernet_bench.heuristics.gradient_clip import GradientClip
from supernet_bench.heuristics.sharpness import Sharpness
from tests.heuristics.steps import step

CPU = torch.device("cpu")


class Bowl:
    """The loss sum(curvature * x**2) / 2 over two parameters, by hand."""

    def __init__(self, x: list[float], y: list[float]) -> None:
        self.parameters = [nn.Parameter(torch.tensor(x)), nn.Parameter(torch.tensor(y))]
        self.curvatures = [torch.tensor([1.0, 4.0]), torch.tensor([2.0])]
        self.passes = 0
        self.compute()

    def compute(self) -> None:
        self.passes += 1
        for parameter, curvature in zip(self.parameters, self.curvatures, strict=True):
            parameter.grad = curvature * parameter.detach()

    @property
    def values(self) -> list[Tensor]:
        return [parameter.detach().clone() for parameter in self.parameters]

    @property
    def gradients(self) -> list[Tensor]:
        return [parameter.grad.clone() for parameter in self.parameters]


def test_the_gradient_is_that_up_the_slope() -> None:
    """Gradients (3, 4) and (12) have a length of 13 together, so radius 1.3 moves by a tenth of each."""
    bowl = Bowl([3.0, 1.0], [6.0])
    Sharpness(radius=1.3).on_gradients(bowl.parameters, step(0), bowl.compute)
    torch.testing.assert_close(bowl.gradients, [torch.tensor([3.3, 4 * 1.4]), torch.tensor([2 * 7.2])])
    assert bowl.passes == 2


def test_weights_are_put_back_bit_for_bit() -> None:
    bowl = Bowl([0.1, 1e-8], [1e6])
    before = bowl.values
    Sharpness(radius=0.05).on_gradients(bowl.parameters, step(0), bowl.compute)
    assert all(map(torch.equal, bowl.values, before))


def test_weights_are_put_back_if_the_second_pass_fails() -> None:
    bowl = Bowl([0.1, 0.7], [3.0])
    before = bowl.values

    def fail() -> None:
        assert not any(map(torch.equal, bowl.values, before))
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        Sharpness(radius=0.05).on_gradients(bowl.parameters, step(0), fail)
    assert all(map(torch.equal, bowl.values, before))


def test_neutral_makes_no_second_pass() -> None:
    bowl = Bowl([3.0, 1.0], [6.0])
    Sharpness().on_gradients(bowl.parameters, step(0), bowl.compute)
    assert bowl.passes == 1
    torch.testing.assert_close(bowl.gradients, [torch.tensor([3.0, 4.0]), torch.tensor([12.0])])


def test_a_gradient_of_zero_moves_nothing() -> None:
    bowl = Bowl([0.0, 0.0], [0.0])
    Sharpness(radius=1.0).on_gradients(bowl.parameters, step(0), bowl.compute)
    assert all(map(torch.equal, bowl.gradients, [torch.zeros(2), torch.zeros(1)]))


def test_parameters_may_lack_a_gradient_before_and_after() -> None:
    bowl = Bowl([3.0, 1.0], [6.0])
    first, second = bowl.parameters
    second.grad = None
    before = bowl.values

    def recompute() -> None:
        assert torch.equal(second, before[1])
        first.grad = None

    Sharpness(radius=1.0).on_gradients(bowl.parameters, step(0), recompute)
    assert all(map(torch.equal, bowl.values, before))
    assert first.grad is second.grad is None


def test_clipping_is_of_the_gradient_that_it_made() -> None:
    bowl = Bowl([3.0, 1.0], [6.0])
    both = Composition([GradientClip(norm=1.0), Sharpness(radius=1.3)])
    both.call(Heuristic.on_gradients, bowl.parameters, step(0), bowl.compute)
    clipped = torch.cat(bowl.gradients)
    torch.testing.assert_close(clipped, functional.normalize(torch.tensor([3.3, 5.6, 14.4]), dim=0))


class Look(Heuristic):
    """Keeps what the first step sampled and the gradients that were left to it, by name."""

    name, factor = "look", "look"

    def sample(self, architectures, step):
        self.architectures = architectures
        return architectures

    def on_gradients(self, parameters, step, recompute) -> None:
        self.gradients = [parameter.grad.clone() for parameter in parameters]


def test_a_step_of_training_has_the_gradient_at_higher_loss(toy_spec) -> None:
    """With several paths, compared with PyTorch's gradients at weights that are moved by hand."""
    radius, look = 0.5, Look()
    spec = toy_spec({"fairnas": {}, "sharpness": {"radius": radius}}, images={"crop": 0})
    look.order = 1
    trainer = Trainer(spec, spec.images.load(), CPU, Composition([*spec.fresh_heuristics(), look]))
    reference = Trainer(spec, spec.images.load(), CPU)
    indices = torch.arange(16)
    trainer._train_step(indices, trainer._next_step(), torch.zeros(2, dtype=torch.float64))

    images, labels = reference.prepare(reference._images[indices]), reference._labels[indices]

    def loss() -> Tensor:
        logits = [reference.supernet(images, architecture) for architecture in look.architectures]
        return sum(functional.cross_entropy(each, labels) for each in logits)

    before = loss()
    before.backward()
    used = [parameter for parameter in reference.supernet.parameters() if parameter.grad is not None]
    length = torch.cat([parameter.grad.flatten() for parameter in used]).norm()
    with torch.no_grad():
        for parameter in used:
            parameter += radius * parameter.grad / length
    after = loss()
    assert after > before + 0.1
    expected = torch.autograd.grad(after, used)
    torch.testing.assert_close(look.gradients, list(expected), atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize("sampling", ["uniform", "fairnas"])
def test_it_counts_its_compute(toy_spec, sampling: str) -> None:
    counts = []
    for radius in (0.0, 0.05):
        spec = toy_spec({sampling: {}, "sharpness": {"radius": radius}}, training={"epochs": 1})
        trainer = Trainer(spec, spec.images.load(), CPU)
        trainer.run()
        counts.append(trainer.counts)
    assert counts[1] == {**counts[0], "path_passes": 2 * counts[0]["path_passes"]}


def test_masks_are_drawn_anew_in_the_second_pass(toy_spec) -> None:
    seen = []

    class Mask(Heuristic):
        name, factor = "mask", "mask"

        def on_features(self, step):
            return lambda features: (seen.append(torch.rand(1, generator=step.generator("mask")).item()), features)[1]

    spec = toy_spec({"sharpness": {"radius": 0.05}})
    trainer = Trainer(spec, spec.images.load(), CPU, Composition([*spec.fresh_heuristics(), Mask()]))
    trainer._train_epoch()
    assert len(seen) == len(set(seen)) == 12
