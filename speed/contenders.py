"""Who is compared: one optimiser step, and scores, of this suite, of xautodl and of plain PyTorch.

All make the same step: SGD with the suite's default settings at a constant rate, cross-entropy on the same batch,
and the same architecture, drawn before. What is timed:

* ours: ``Trainer.run`` for one epoch of one step, from the permutation and the normalisation of the batch to the
  curve of the epoch; so whatever the real training loop does is included;
* xautodl and plain: ``set_cal_mode`` (xautodl), zeroing of gradients, forward, loss, backward and update on a batch
  that is normalised before.

For scores, ours is ``benchmark.training.scores.score`` with cross-entropy and accuracy, the others a forward in
evaluation mode without autograd for each architecture; the images are one batch of the default scoring size.

xautodl 1.0.0 computes the same function as this suite in training: same stem, cells, residual blocks, last norm and
activation. It differs in three ways that `agreement` takes into account:

* the norms of its stem and residual blocks track statistics whatever its constructor is told, and use them in
  evaluation mode; here, and in `plain`, all use those of the batch;
* its `none` multiplies by zero, so weights before it get a gradient of zeros, and weight decay; here, none;
* it softmaxes architecture parameters in each forward, which this mode does not use; they are not trained.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from functools import cache, cached_property
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from speed.fidelities import CHANNELS, CLASSES, SCORED_IMAGES, Fidelity, Given, whole
from speed.names import Rename, plain_name, xautodl_name
from speed.plain import PlainSupernet
from supernet_bench.benchmark.plugins.composition import Composition
from supernet_bench.benchmark.training.scores import CheckpointScores, score
from supernet_bench.benchmark.training.trainer import Trainer
from supernet_bench.core.errors import InputError
from supernet_bench.heuristics.base import Heuristic, Step
from supernet_bench.heuristics.learning_rate import LearningRate
from supernet_bench.heuristics.setup import Training
from supernet_bench.heuristics.weight_decay import WeightDecay
from supernet_bench.images._pixels import normalise
from supernet_bench.images.base import ImageData, Split
from supernet_bench.spaces.base import Architecture, Space, TrainableSpace

ENDLESS = 1_000_000
"""Epochs, more than are ever made."""


class Replay(Heuristic):
    """Trains the architecture that it is told, one step per epoch."""

    name = "replay"
    factor = "sampling"
    source = "none: it makes different implementations train the same architectures"

    def __init__(self) -> None:
        self.architecture: Architecture = ()

    def steps_per_epoch(self, batches: int, space: TrainableSpace) -> int:
        """Return 1."""
        return 1

    def sample(self, architectures: list[Architecture], step: Step) -> list[Architecture]:
        """Return the architecture that was set."""
        return [self.architecture]


class _EpochDone(Exception):
    """Ends a run of the trainer, which the next one continues."""


def _stop(trainer: Trainer) -> None:
    raise _EpochDone


class Ours:
    """The trainer and the scoring of this suite.

    Parameters
    ----------
    fidelity : Fidelity
    data : ImageData
        One batch of training images is used in each step.
    device : torch.device
    heuristics : mapping
        Settings other than the defaults, by name of the heuristic.
    """

    def __init__(
        self, fidelity: Fidelity, data: ImageData, device: torch.device, heuristics: Mapping[str, Mapping[str, Any]]
    ) -> None:
        spec = fidelity.spec(heuristics, ENDLESS)
        self._replay = Replay()
        active = {each.factor: each for each in (*spec.fresh_heuristics(), self._replay)}
        given = replace(spec, setup=replace(spec.setup, images=Given(data)))
        self.trainer = Trainer(given, data, device, Composition(active.values()))
        self._data, self._device = data, device

    def train(self, architecture: Architecture) -> None:
        """Make one step."""
        self._replay.architecture = architecture
        try:
            self.trainer.run(save=_stop)
        except _EpochDone:
            return

    def score(self, architectures: Sequence[Architecture]) -> CheckpointScores:
        """Score architectures on one batch of validation images."""
        return score(self.trainer.supernet, self.trainer.heuristics, architectures, [self._batch])

    def logits(self, architecture: Architecture) -> Tensor:
        """Return the logits of the training batch, in training mode, in the order of the data."""
        self.trainer.supernet.train()
        images, _ = self.batch_of(self._data.train)
        with torch.no_grad():
            return self.trainer.supernet(images, architecture)

    @cached_property
    def _batch(self) -> tuple[Tensor, Tensor]:
        valid = self._data.valid
        first = Split(valid.images[:SCORED_IMAGES], valid.labels[:SCORED_IMAGES])
        return self.batch_of(first)

    def batch_of(self, split: Split) -> tuple[Tensor, Tensor]:
        """Return all images of a split as the trainer prepares them, and their labels."""
        return self.trainer.prepare(split.images.to(self._device)), split.labels.to(self._device)

    def weights(self) -> dict[str, Tensor]:
        """Return a copy of all weights, named as in stand-alone networks."""
        space = self.trainer.spec.space
        weights: dict[str, Tensor] = {}
        # Together, the architectures that have one operation throughout have all operations.
        for choice in range(max(space.choices)):
            uniform = (choice,) * len(space.choices)
            inherited = space.inherit(self.trainer.supernet, uniform)
            weights |= {name: tensor.detach().clone() for name, tensor in inherited.items()}
        return weights


class Other(ABC):
    """An implementation that makes a step in the usual few lines.

    Parameters
    ----------
    fidelity : Fidelity
    data : ImageData
        All training images are the batch.
    device : torch.device
    """

    rename: Rename

    def __init__(self, fidelity: Fidelity, data: ImageData, device: torch.device) -> None:
        training = Training()
        self.cells = fidelity.cells
        self.network = self._build(fidelity).to(device)
        self._optimiser = torch.optim.SGD(
            self._trained(),
            lr=LearningRate().rate,
            momentum=training.momentum,
            nesterov=training.nesterov,
            weight_decay=WeightDecay().decay,
        )
        self._images, self.labels = batch_of(data, data.train, device)
        self._scored, self.scored_labels = batch_of(data, data.valid, device)

    def train(self, architecture: Architecture) -> None:
        """Make one step."""
        self._optimiser.zero_grad()
        loss = functional.cross_entropy(self.logits(architecture), self.labels)
        loss.backward()
        self._optimiser.step()

    def logits(self, architecture: Architecture) -> Tensor:
        """Return the logits of the training batch, in training mode."""
        self.network.train()
        return self._run(self._images, architecture)

    @torch.no_grad()
    def score(self, architecture: Architecture) -> Tensor:
        """Return logits of the validation images, in one batch."""
        self.network.eval()
        return self._run(self._scored, architecture)

    def load(self, weights: Mapping[str, Tensor]) -> None:
        """Take over weights that are named as in stand-alone networks; none may be left over on either side."""
        own = self._named(weights)
        spare = {id(weight) for weight in self._trained()} ^ {id(weight) for weight in own.values()}
        if spare:
            raise ValueError(f"{len(spare)} weights of {type(self).__name__} have no counterpart")
        with torch.no_grad():
            for name, weight in own.items():
                weight.copy_(weights[name])

    def double(self) -> None:
        """Compute in float64 from now on."""
        self.network.double()
        self._images, self._scored = self._images.double(), self._scored.double()

    def weights(self, names: Iterable[str]) -> dict[str, Tensor]:
        """Return the weights that stand-alone networks call `names`."""
        return {name: weight.detach() for name, weight in self._named(names).items()}

    def gradients(self, names: Iterable[str]) -> dict[str, Tensor]:
        """Return the gradients of the weights that stand-alone networks call `names`; zero where there is none."""
        weights = self._named(names).items()
        return {name: torch.zeros_like(weight) if weight.grad is None else weight.grad for name, weight in weights}

    @abstractmethod
    def _run(self, images: Tensor, architecture: Architecture) -> Tensor: ...

    @abstractmethod
    def _build(self, fidelity: Fidelity) -> nn.Module: ...

    def _trained(self) -> list[nn.Parameter]:
        return list(self.network.parameters())

    def _named(self, names: Iterable[str]) -> dict[str, nn.Parameter]:
        own = dict(self.network.named_parameters())
        return {name: own[type(self).rename(name, self.cells)] for name in names}


class Plain(Other):
    """Plain PyTorch."""

    rename = staticmethod(plain_name)

    def _run(self, images: Tensor, architecture: Architecture) -> Tensor:
        return self.network(images, architecture)

    def _build(self, fidelity: Fidelity) -> nn.Module:
        return PlainSupernet(fidelity.width, fidelity.cells, CHANNELS, CLASSES)


class Xautodl(Other):
    """AutoDL-Projects (Dong et al.), package xautodl 1.0.0, as its NATS-Bench scripts train a sampled architecture."""

    rename = staticmethod(xautodl_name)

    def __init__(self, fidelity: Fidelity, data: ImageData, device: torch.device) -> None:
        super().__init__(fidelity, data, device)
        self._structures = structures(fidelity.space)

    def _run(self, images: Tensor, architecture: Architecture) -> Tensor:
        self.network.set_cal_mode("dynamic", self._structures[architecture])  # type: ignore[operator]
        return self.network(images)[1]

    def _build(self, fidelity: Fidelity) -> nn.Module:
        from xautodl.models.cell_operations import NAS_BENCH_201

        generic = require_xautodl().generic_model
        network: nn.Module = generic.GenericNAS201Model(
            C=fidelity.width,
            N=fidelity.cells,
            max_nodes=4,
            num_classes=CLASSES,
            search_space=list(NAS_BENCH_201),
            affine=True,
            track_running_stats=False,
        )
        return network

    def _trained(self) -> list[nn.Parameter]:
        return self.network.weights  # type: ignore[return-value]


@cache
def structures(space: Space) -> dict[Architecture, Any]:
    """Return xautodl's form of every architecture."""
    structure = require_xautodl().genotypes.Structure
    return {each: structure.str2structure(space.text(each)) for each in whole(space)}


def require_xautodl() -> Any:
    """Return the part of xautodl with the supernet, or raise InputError if it is not installed."""
    try:
        from xautodl.models import cell_searchs
        from xautodl.models.cell_searchs import generic_model, genotypes  # noqa: F401
    except ImportError as error:
        raise InputError(
            f"xautodl, which is compared with, cannot be imported ({error}); pip install --no-deps xautodl==1.0.0"
        ) from None
    return cell_searchs


def batch_of(data: ImageData, split: Split, device: torch.device) -> tuple[Tensor, Tensor]:
    """Return all images of a split, normalised and in PyTorch's usual layout, and their labels."""
    images = normalise(split.images.to(device), data.mean.to(device), data.std.to(device))
    return images, split.labels.to(device)
