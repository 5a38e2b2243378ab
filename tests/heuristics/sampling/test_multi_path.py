"""Several uniform paths per step, whose gradients are averaged."""

from collections import Counter

import pytest
import torch
from scipy import stats
from torch.nn import functional

from supernet_bench.benchmark.plugins.composition import Composition
from supernet_bench.benchmark.training.trainer import Trainer
from supernet_bench.heuristics.base import Heuristic
from supernet_bench.heuristics.sampling.multi_path import MultiPath
from supernet_bench.heuristics.sampling.uniform import Uniform
from supernet_bench.spaces.toy import Toy
from tests.heuristics.steps import begun, step

SPACE = Toy()
BATCH = torch.arange(16)


class Look(Heuristic):
    """Keeps what the last step sampled and the gradients it made, by the position of the parameter."""

    name, factor, order = "look", "look", 1000

    def sample(self, architectures, step):
        self.architectures = architectures
        return architectures

    def on_gradients(self, parameters, step, recompute) -> None:
        self.gradients = {parameter: parameter.grad.clone() for parameter in parameters}


class SquaredLogits(Heuristic):
    """Replaces the loss."""

    name, factor, order = "squared_logits", "squared_logits", -100

    def loss(self, loss, logits, labels, step):
        return logits.square().mean()


class OneMore(Heuristic):
    """Adds the loss of one architecture to that of every step."""

    name, factor, order = "one_more", "one_more", 0

    def auxiliary_loss(self, loss_of, step):
        return loss_of((1, 1, 1))


def one_step(spec, *extra: Heuristic) -> tuple[Trainer, Look]:
    look = Look()
    heuristics = Composition([*spec.fresh_heuristics(), look, *extra])
    trainer = Trainer(spec, spec.images.load(), torch.device("cpu"), heuristics)
    assert trainer._train_step(BATCH, trainer._next_step(), torch.zeros(2, dtype=torch.float64)) == 3
    return trainer, look


@pytest.mark.parametrize("replaced", [False, True], ids=["cross-entropy", "another loss"])
@pytest.mark.parametrize("added", [False, True], ids=["paths alone", "with an auxiliary loss"])
def test_gradients_of_paths_are_averaged_and_others_added(toy_spec, replaced: bool, added: bool) -> None:
    spec = toy_spec({"multi_path": {"paths": 3}}, images={"crop": 0})
    extra = [kind() for kind, wanted in ((SquaredLogits, replaced), (OneMore, added)) if wanted]
    trainer, look = one_step(spec, *extra)

    reference = Trainer(spec, spec.images.load(), torch.device("cpu"))
    images, labels = reference.prepare(reference._images[BATCH]), reference._labels[BATCH]
    losses = []
    for architecture in look.architectures:
        logits = reference.supernet(images, architecture)
        losses.append(logits.square().mean() if replaced else functional.cross_entropy(logits, labels))
    total = torch.stack(losses).mean()
    if added:
        total = total + functional.cross_entropy(reference.supernet(images, (1, 1, 1)), labels)
    total.backward()
    for parameter, other in zip(trainer.supernet.parameters(), reference.supernet.parameters(), strict=True):
        assert (parameter in look.gradients) is (other.grad is not None)
        if other.grad is not None:
            torch.testing.assert_close(look.gradients[parameter], other.grad, rtol=1e-4, atol=1e-6)


def test_the_recorded_loss_is_not_divided(toy_spec) -> None:
    losses = []
    for paths in (1, 4):
        spec = toy_spec({"multi_path": {"paths": paths}, "learning_rate": {"rate": 0.0}}, training={"epochs": 1})
        trainer = Trainer(spec, spec.images.load(), torch.device("cpu"))
        trainer.run()
        losses.append(trainer.curve[0]["loss"])
    assert losses[1] == pytest.approx(losses[0], rel=0.2)


def test_paths_are_uniform_and_independent() -> None:
    heuristic = begun(MultiPath(paths=2))
    steps = [heuristic.sample([], step(index)) for index in range(10 * SPACE.size**2)]
    pairs = Counter(tuple(SPACE.index(path) for path in paths) for paths in steps)
    found = [pairs[first, second] for first in range(SPACE.size) for second in range(SPACE.size)]
    assert sum(found) == len(steps)
    assert stats.chisquare(found).pvalue > 1e-3


def test_the_first_path_is_that_of_uniform_sampling() -> None:
    several, uniform = begun(MultiPath(paths=4)), begun(Uniform())
    for index in range(20):
        paths = several.sample([], step(index))
        assert len(paths) == 4
        assert paths[:1] == uniform.sample([], step(index))


def test_compute_accounting_makes_fewer_steps() -> None:
    assert MultiPath(paths=4, accounting="step").steps_per_epoch(60, SPACE) == 60
    assert MultiPath(paths=4, accounting="compute").steps_per_epoch(60, SPACE) == 15
    assert MultiPath(paths=4, accounting="compute").steps_per_epoch(1, SPACE) == 1


@pytest.mark.parametrize(("accounting", "steps"), [("step", 18), ("compute", 9)])
def test_its_compute_is_counted(toy_spec, accounting: str, steps: int) -> None:
    spec = toy_spec({"multi_path": {"paths": 2, "accounting": accounting}})
    trainer = Trainer(spec, spec.images.load(), torch.device("cpu"))
    trainer.run()
    assert trainer.counts == {"optimiser_steps": steps, "path_passes": 2 * steps, "images": 16 * steps}
