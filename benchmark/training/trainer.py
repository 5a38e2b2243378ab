"""The one training loop: one supernet under one spec."""

import math
import operator
from collections.abc import Callable, Mapping
from dataclasses import replace
from time import perf_counter
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from supernet_bench.benchmark.plugins.composition import Composition
from supernet_bench.benchmark.study.spec import RunSpec
from supernet_bench.benchmark.training.scores import Batch, BlockScores, batches_for, score
from supernet_bench.core.errors import InputError
from supernet_bench.core.generators import SharedGenerators
from supernet_bench.core.streams import StepStreams, stream, stream_seed
from supernet_bench.engines.cpu.optimiser import SGD
from supernet_bench.heuristics.base import Heuristic, Step, Task
from supernet_bench.images._pixels import PixelAugmentation, normalise
from supernet_bench.images.base import ImageData
from supernet_bench.spaces.base import Architecture, Construction, Supernet, Truth

LOSS_DECIMALS = 6
"""Of a cross-entropy, nats."""

LOSS_STEPS = {100: 0.01, 1: 0.05}
"""To what the cross-entropy of a block of at least so many images is rounded, nats: below what chance does in a block,
as a published study of hundreds of runs has to stay small."""


class Diverged(ArithmeticError):
    """The training loss is no longer finite."""


def check_images(spec: RunSpec, data: ImageData, heuristics: Composition | None = None) -> None:
    """Raise InputError if a run cannot be done with these images.

    Parameters
    ----------
    spec : RunSpec
        As given; its heuristics may revise it.
    data : ImageData
        What the revised images are, loaded.
    heuristics : Composition, optional
        Those of the spec, unless given.
    """
    heuristics = heuristics or Composition(spec.fresh_heuristics())
    revised = heuristics.fold(Heuristic.revise, spec.setup)
    available, validation = len(data.train.labels), len(data.valid.labels)
    for name, found in (("resolution", data.resolution), ("train", available), ("valid", validation)):
        said = getattr(revised.images, name, None)
        if type(said) is int and said != found:
            raise InputError(f"images.{name} is {found} in the images given; allowed: what the run says, {said}")
    training = heuristics.fold(Heuristic.training_images, available)
    heuristics.call(Heuristic.check_data, revised, training, validation)
    if revised.training.batch_size > training:
        raise InputError(
            f"training.batch_size is {revised.training.batch_size}"
            f"{heuristics.changers(Heuristic.revise, spec.setup, lambda each: each.training.batch_size)}; "
            f"allowed: 2 to the number of training images, {training}"
            f"{heuristics.changers(Heuristic.training_images, available)}"
        )
    if revised.scoring.images > validation:
        raise InputError(
            f"scoring.images is {revised.scoring.images}"
            f"{heuristics.changers(Heuristic.revise, spec.setup, lambda each: each.scoring.images)}; "
            f"allowed: 0 to the number of validation images, {validation}"
        )


class Trainer:
    """A supernet in training.

    Everything that changes while it trains is in `state_dict`; everything else follows from the spec. Random numbers
    are derived from the seed and the step, so a trainer that loads a state continues bit for bit.

    Parameters
    ----------
    spec : RunSpec
    data : ImageData
    device : torch.device
    heuristics : Composition, optional
        Those of the spec, unless given.
    truth : callable, optional
        Reads the published accuracies, for heuristics that look at them.

    Attributes
    ----------
    spec : RunSpec
        What is run: as given, with what the heuristics make of it.
    truth_seen : Truth or None
        The published accuracies, if a heuristic has asked for them.
    """

    _plain_state = ("epoch", "curve", "checkpoints", "counts", "seconds")

    def __init__(
        self,
        spec: RunSpec,
        data: ImageData,
        device: torch.device,
        heuristics: Composition | None = None,
        truth: Callable[[], Truth] | None = None,
    ) -> None:
        self.heuristics = heuristics or Composition(spec.fresh_heuristics())
        self._device = device
        self._truth = truth
        self.truth_seen: Truth | None = None
        self._shared = SharedGenerators(device)
        with self._shared.seeded(stream_seed(spec.seed, "shared generators, before training")):
            self._set_up(spec, data)

    def _set_up(self, spec: RunSpec, data: ImageData) -> None:
        check_images(spec, data, self.heuristics)
        # Before anything is revised: all runs of a study score the same.
        self.choice = spec.setup.choice(self._truth)
        self.spec = spec = replace(spec, setup=self.heuristics.fold(Heuristic.revise, spec.setup))
        self._construction = self.heuristics.fold(Heuristic.construct, Construction())
        self._classes = data.classes
        self._augment = PixelAugmentation(crop=spec.images.crop, flip=spec.images.flip)
        self._mean, self._std = data.mean.to(self._device), data.std.to(self._device)
        used = self._used_images(len(data.train.labels))
        self._images = data.train.images[used].to(self._device)
        self._labels = data.train.labels[used].to(self._device)
        self._scoring_batches = self._validation_batches(data)
        batches = len(self._labels) // spec.training.batch_size
        self.steps_per_epoch = self.heuristics.fold(Heuristic.steps_per_epoch, batches, spec.space)
        self.epoch = 0
        self.curve: list[dict[str, Any]] = []
        self.checkpoints: list[dict[str, Any]] = []
        self.counts = {"optimiser_steps": 0, "path_passes": 0, "images": 0}
        self.seconds = {"training": 0.0, "scoring": 0.0}
        self._build(data)

    @property
    def architectures(self) -> list[int]:
        """Indices of the scored architectures."""
        return self.choice.architectures

    @property
    def total_steps(self) -> int:
        """Optimiser steps of the whole run."""
        return self.steps_per_epoch * self.spec.training.epochs

    def run(
        self,
        advance: Callable[[float], None] = lambda share: None,
        save: Callable[["Trainer"], None] = lambda trainer: None,
    ) -> None:
        """Train from the current epoch to the last and score at the checkpoints.

        Parameters
        ----------
        advance : callable
            Told how much work is done, as a fraction of the run.
        save : callable
            Called with the trainer after each epoch; whatever it stores is enough to resume.

        Raises
        ------
        Diverged
            If the training loss of an epoch is not finite.
        """
        if self.spec.training.epochs == 0:
            self._score_if_due(advance)
        while self.epoch < self.spec.training.epochs:
            self._train_epoch()
            advance(self._share_done())
            self._score_if_due(advance)
            save(self)

    def state_dict(self) -> dict[str, Any]:
        """Return everything that changes while training."""
        return {
            "supernet": self.supernet.state_dict(),
            "optimiser": self._optimiser.state_dict(),
            "heuristics": self.heuristics.state_dict(),
            "architectures": self.architectures,
            **{key: getattr(self, key) for key in self._plain_state},
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Continue from a state.

        Raises
        ------
        InputError
            If other architectures were scored before: strata by truth are others when the published table is.
        """
        if state.get("architectures", self.architectures) != self.architectures:
            raise InputError("it has scores of other architectures; allowed: those that the published table gives now")
        self.supernet.load_state_dict(state["supernet"])
        self._optimiser.load_state_dict(state["optimiser"])
        self.heuristics.load_state_dict(state["heuristics"])
        for key in self._plain_state:
            setattr(self, key, state[key])

    def _build(self, data: ImageData) -> None:
        self.supernet = self._initial_supernet(0).to(self._device)
        self.supernet.to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # missing in PyTorch's types
        self._parameters = list(self.supernet.parameters())
        training = self.spec.training
        self._optimiser = SGD(self._groups(), lr=0.0, momentum=training.momentum, nesterov=training.nesterov)
        self.heuristics.begin(
            Task(
                space=self.spec.space,
                in_channels=data.channels,
                classes=data.classes,
                resolution=data.resolution,
                generator=lambda name: stream(self.spec.seed, name),
                training_images=self._calibration_batches,
                truth=self._truth_of_others,
            )
        )
        self.heuristics.state_dict()  # One that cannot be saved is better known now than after an epoch.

    def _groups(self) -> list[dict[str, Any]]:
        """Return the parameters with equal weight decay together, each once, in the order of the supernet."""
        decay_of = {
            parameter: self.heuristics.fold(Heuristic.weight_decay, 0.0, module)
            for module in self.supernet.modules()
            for parameter in module.parameters(recurse=False)
        }
        groups: dict[float, list[Tensor]] = {}
        for parameter in self._parameters:
            groups.setdefault(decay_of[parameter], []).append(parameter)
        return [{"params": parameters, "weight_decay": decay} for decay, parameters in groups.items()]

    def _used_images(self, available: int) -> Tensor:
        """Return which training images are used, ascending."""
        count = self.heuristics.fold(Heuristic.training_images, available)
        if count == available:
            return torch.arange(available)
        return torch.randperm(available, generator=stream(self.spec.seed, "training images"))[:count].sort().values

    def _truth_of_others(self) -> np.ndarray:
        """Return the published accuracies, without those of architectures that are scored or equal to such."""
        if self._truth is None:
            raise InputError("a heuristic asks for published accuracies; allowed: where a run is given them")
        self.truth_seen = self._truth()
        return np.where(
            self.spec.setup.apart_from_scored(self._truth), self.truth_seen.columns[self.truth_seen.target], np.nan
        )

    def _initial_supernet(self, step: int) -> Supernet:
        """Return a supernet with the initial weights of the iteration that starts at `step`."""
        with self._shared.seeded(stream_seed(self.spec.seed, "initialisation", step)):
            return self.spec.space.supernet(self._images.shape[1], self._classes, self._construction)

    def _validation_batches(self, data: ImageData) -> list[Batch]:
        count = self.spec.scoring.images or len(data.valid.labels)
        parts = batches_for(count, self.spec.scoring.batch_size)
        images = data.valid.images[:count].tensor_split(parts)
        labels = data.valid.labels[:count].to(self._device).tensor_split(parts)
        # One batch after the other, since what normalisation needs meanwhile is several times the images.
        return [(self.prepare(part.to(self._device)), true) for part, true in zip(images, labels, strict=True)]

    def _calibration_batches(self, count: int) -> list[Tensor]:
        if count > len(self._labels):
            raise InputError(
                f"a heuristic asks for {count} training images; allowed: at most the number there are, "
                f"{len(self._labels)}"
            )
        order = torch.randperm(len(self._labels), generator=stream(self.spec.seed, "calibration"))
        images = self.prepare(self._images[order[:count].to(self._device)])
        return list(images.tensor_split(batches_for(len(images), self.spec.scoring.batch_size)))

    def prepare(self, images: Tensor) -> Tensor:
        """Return images of the device, normalised, in the type and the layout that the supernet is given them in."""
        # Convolutions are faster in this layout, on processors as on GPUs.
        normal = normalise(images, self._mean, self._std).to(self._construction.dtype)
        return normal.contiguous(memory_format=torch.channels_last)

    def _train_epoch(self) -> None:
        started = perf_counter()
        if not self.supernet.training:
            self.supernet.train()
        order = torch.randperm(len(self._labels), generator=stream(self.spec.seed, "batch order", self.epoch)).to(
            self._device
        )
        totals = torch.zeros(2, dtype=torch.float64, device=self._device)
        passes = 0
        with self._shared.seeded(self._shared_seed()):
            for indices in order.split(self.spec.training.batch_size)[: self.steps_per_epoch]:
                self._shared.seed(self._shared_seed())
                step = self._next_step()
                passes += self._train_step(indices, step, totals)
                self.counts["optimiser_steps"] += 1
                self.counts["images"] += len(indices)
        loss, accuracy = (totals / passes).tolist()
        if not math.isfinite(loss):
            raise Diverged(f"the training loss is {loss} in epoch {self.epoch + 1}")
        self.epoch += 1
        rate = self._optimiser.param_groups[0]["lr"]
        self.curve.append({"epoch": self.epoch, "loss": loss, "accuracy": accuracy, "learning_rate": rate})
        self.seconds["training"] += perf_counter() - started

    def _shared_seed(self) -> int:
        """Return what the shared generators are seeded with at this step."""
        return stream_seed(self.spec.seed, "shared generators", self.counts["optimiser_steps"])

    def _next_step(self) -> Step:
        index = self.counts["optimiser_steps"]
        window = self.heuristics.first(Heuristic.iteration, index, self.total_steps) or (0, self.total_steps)
        start, length = map(operator.index, window)
        ends_epoch = (index + 1) % self.steps_per_epoch == 0
        return Step(index, start, length, StepStreams(self.spec.seed, index), ends_epoch)

    def _train_step(self, indices: Tensor, step: Step, totals: Tensor) -> int:
        """Make one optimiser step, add loss and accuracy of each sampled path to `totals`, and return their number."""
        if step.starts_iteration:
            self._start_iteration(step)
        rate = self.heuristics.fold(Heuristic.learning_rate, 0.0, step)
        for group in self._optimiser.param_groups:
            group["lr"] = rate
        images = self._augment(self._images[indices], step.generator("augmentation", self._device))
        images, labels = self.heuristics.fold(Heuristic.on_images, self.prepare(images), step), self._labels[indices]
        hooks = self.heuristics.hooks(step)
        architectures = self.heuristics.fold(Heuristic.sample, [], step)

        def run(architecture: Architecture) -> tuple[Tensor, Tensor]:
            self.counts["path_passes"] += 1
            logits = self.supernet(images, architecture, hooks)
            return logits, functional.cross_entropy(logits, labels)

        def compute_gradients() -> list[Tensor]:
            # Weights outside the sampled paths keep no gradient, so the optimiser leaves them and their momentum alone.
            self._optimiser.zero_grad(set_to_none=True)
            seen = []
            for architecture in architectures:
                logits, loss = run(architecture)
                self.heuristics.fold(Heuristic.loss, loss, logits, labels, step).backward()
                seen.append(torch.stack([loss.detach(), (logits.argmax(1) == labels).double().mean()]))
            for auxiliary in self.heuristics.collect(Heuristic.auxiliary_loss, lambda path: run(path)[1], step):
                auxiliary.backward()
            return seen

        for values in compute_gradients():
            totals += values
        parameters = [parameter for parameter in self._parameters if parameter.grad is not None]
        self.heuristics.call(Heuristic.on_gradients, parameters, step, compute_gradients)
        self._optimiser.step()
        with torch.no_grad():
            self.heuristics.call(Heuristic.after_step, self.supernet, step)
        return len(architectures)

    def _start_iteration(self, step: Step) -> None:
        resets = list(self.heuristics.collect(Heuristic.resets))
        if any(reset.momentum for reset in resets):
            self._optimiser.state.clear()
        if any(reset.weights for reset in resets):
            self.supernet.load_state_dict(self._initial_supernet(step.start).state_dict())

    def _score_if_due(self, advance: Callable[[float], None]) -> None:
        late = self.epoch in self.spec.scoring.late_epochs(self.spec.training.epochs)
        if not late and self.epoch not in self.spec.scoring.trace_epochs(self.spec.training.epochs):
            return
        started = perf_counter()
        architectures = [self.spec.space.architecture(index) for index in self.architectures]
        with (
            self._shared.seeded(stream_seed(self.spec.seed, "shared generators, scoring", self.epoch)),
            self.heuristics.while_scoring(self.supernet, StepStreams(self.spec.seed, self.epoch)),
        ):
            scores = score(
                self.supernet,
                self.heuristics,
                architectures,
                self._scoring_batches,
                lambda share: advance(self._share_done(share)),
            )
        self.checkpoints.append(
            {
                "epoch": self.epoch,
                "late": late,
                "accuracy": scores.accuracy.tolist(),
                "cross_entropy": _finite_or_none(scores.cross_entropy, LOSS_DECIMALS),
                "blocks": _listed(scores.blocks) if late and scores.blocks else None,
            }
        )
        self.seconds["scoring"] += perf_counter() - started

    def _share_done(self, scored: float = 0.0) -> float:
        """Return the share of the run that is done; a checkpoint counts as an epoch."""
        epochs, scoring = self.spec.training.epochs, self.spec.scoring
        checkpoints = {*scoring.late_epochs(epochs), *scoring.trace_epochs(epochs)}
        return (self.epoch + len(self.checkpoints) + scored) / (epochs + len(checkpoints))


def _finite_or_none(losses: Tensor, decimals: int) -> list[float | None]:
    """Return what JSON can hold, which has no infinity: a supernet may have exploded for some architectures."""
    return [round(loss, decimals) if math.isfinite(loss) else None for loss in losses.tolist()]


def _listed(blocks: BlockScores) -> dict[str, Any]:
    """Return the scores of each block of images, [blocks][n]."""
    step = next(step for images, step in LOSS_STEPS.items() if min(blocks.images) >= images)
    rounded = (blocks.cross_entropy / step).round() * step
    return {
        "images": blocks.images,
        "correct": blocks.correct.T.tolist(),
        "cross_entropy": [_finite_or_none(block, decimals=2) for block in rounded.T],
    }
