"""What a heuristic must hold to: neutral levels do nothing, others something, and a run repeats and resumes."""

import math
import random
from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from torch import nn

from supernet_bench.benchmark.plugins.composition import Composition, overridden_hooks
from supernet_bench.benchmark.plugins.contracts import Mistake
from supernet_bench.benchmark.study.spec import RunSpec
from supernet_bench.benchmark.training.trainer import Trainer
from supernet_bench.core.settings import build, in_words, required, values_of
from supernet_bench.heuristics.base import Heuristic, Step, Task, is_neutral, neutral_settings
from supernet_bench.records.store import Store
from supernet_bench.spaces.base import Architecture, Construction
from supernet_bench.testing.runs import small_run

ENOUGH: dict[str, Any] = {"training": {"epochs": 8}, "space": "nasbench201", "images": {"train": 1000, "valid": 500}}
"""A run that is large enough for the levels of a sweep."""

CHOOSES_PATHS = {"revise", "training_images", "steps_per_epoch", "iteration", "sample", "auxiliary_loss"}
"""Hooks of which the sampled paths may depend, beside the random numbers."""


class PlainSampling(Heuristic):
    """One architecture per step, written without the suite's samplers."""

    factor = "sampling"

    def begin(self, task: Task) -> None:
        """Note the space."""
        self._space = task.space
        self.sampled: list[Architecture] = []

    def sample(self, architectures: list[Architecture], step: Step) -> list[Architecture]:
        """Return a random one."""
        index = torch.randint(self._space.size, (1,), generator=step.generator("sampling")).item()
        self.sampled.append(self._space.architecture(int(index)))
        return [self.sampled[-1]]


class PlainBatchNorm(Heuristic):
    """The statistics of the batch."""

    factor = "batch_norm"

    def construct(self, construction: Construction) -> Construction:
        """Return how networks are built."""
        return replace(construction, norm=lambda channels: nn.BatchNorm2d(channels, track_running_stats=False))


class PlainLearningRate(Heuristic):
    """The cosine of the whole run."""

    factor = "learning_rate"

    def learning_rate(self, rate: float, step: Step) -> float:
        """Return that of a step."""
        return 0.05 * (1 + math.cos(math.pi * (step.index / step.length))) / 2


class PlainWeightDecay(Heuristic):
    """The same of all parameters."""

    factor = "weight_decay"

    def weight_decay(self, decay: float, module: nn.Module) -> float:
        """Return that of a layer."""
        return 5e-4


PLAIN: dict[str, type[Heuristic]] = {
    "sampling": PlainSampling,
    "batch_norm": PlainBatchNorm,
    "learning_rate": PlainLearningRate,
    "weight_decay": PlainWeightDecay,
}
"""What training needs to run at all; every other factor at its neutral level must be as if it were not there."""


def outcome(spec: RunSpec, heuristics: Iterable[Heuristic]) -> list[dict[str, Any]]:
    """Return curve and checkpoints of a run with just these heuristics, whatever the spec names."""
    composition = Composition(heuristics)
    data = composition.fold(Heuristic.revise, spec.setup).images.load()
    trainer = Trainer(spec, data, torch.device("cpu"), composition, truth=spec.space.truth)
    trainer.run()
    return [*trainer.curve, *trainer.checkpoints]


def with_plain(*heuristics: Heuristic) -> list[Heuristic]:
    """Return heuristics and, of the factors that training needs and they leave open, the plain ones."""
    return list({**{factor: kind() for factor, kind in PLAIN.items()}, **{h.factor: h for h in heuristics}}.values())


def check_declarations(kind: type[Heuristic]) -> None:
    """Look whether a heuristic says what users need."""
    if not kind.__doc__ or kind.__doc__.startswith(f"{kind.__name__}("):  # A dataclass writes one itself.
        raise Mistake("__doc__", "is missing; allowed: what the heuristic does, when, and why")
    if not kind.levels:
        raise Mistake("levels", "is empty; allowed: the settings that a sweep uses")


def check_levels(kind: type[Heuristic]) -> None:
    """Look whether a study can sweep over the levels, each of which is another run."""
    seen: dict[str, str] = {small_run(**ENOUGH).run_id: "the baseline"}
    for level in kind.levels:
        built = build(kind, level, kind.__name__)
        run_id = small_run({kind.name: values_of(built)}, **ENOUGH).run_id
        words = in_words(level) or "as it stands"
        if not is_neutral(built) and run_id in seen:
            raise Mistake("levels", f"has {words}, which is the same run as {seen[run_id]}; allowed: another")
        seen[run_id] = words


def check_neutral(kind: type[Heuristic], spec: RunSpec) -> None:
    """Look whether a run at the neutral level is, bit for bit, one without the heuristic."""
    neutral = neutral_level(kind)
    found, expected = outcome(spec, with_plain(neutral)), outcome(spec, with_plain())
    if found != expected:
        raise Mistake(
            "neutral",
            f"{in_words(neutral_settings(kind) or {})} changes {_first_difference(found, expected)}; "
            "allowed: what a run is without it, bit for bit",
        )


def neutral_level(kind: type[Heuristic]) -> Heuristic:
    """Return a heuristic at its neutral level, with what that leaves open and has no default as at its first level."""
    first = kind.levels[0] if kind.levels else {}
    open_ones = {key: first[key] for key in required(kind) if key in first}
    return build(kind, {**open_ones, **(neutral_settings(kind) or {})}, kind.__name__)


def acts(level: Heuristic, spec: RunSpec) -> bool:
    """Return whether a level does anything in a run; if none did, that a neutral one does nothing would say little."""
    return outcome(spec, with_plain(level)) != outcome(spec, with_plain())


def check_streams(level: Heuristic, spec: RunSpec) -> None:
    """Look whether a heuristic that leaves the sampled paths alone draws no random numbers that choose them."""
    if level.factor == "sampling" or CHOOSES_PATHS & overridden_hooks(type(level)):
        return
    with_it, without = PlainSampling(), PlainSampling()
    outcome(spec, with_plain(with_it, level))
    outcome(spec, with_plain(without))
    if with_it.sampled != without.sampled:
        raise Mistake(
            "", "draws from the stream 'sampling', which shifts others; allowed: streams with a name of its own"
        )


def check_resumes(make: Callable[[], Trainer], store: Store) -> None:
    """Look whether a run that goes on in a trainer of its own after each epoch is, bit for bit, a whole one.

    Parameters
    ----------
    make : callable
        Returns a trainer of the run that has not begun.
    store : Store
        For its checkpoints.
    """
    whole = make()
    whole.run()
    # Whoever draws from elsewhere now draws other numbers.
    torch.rand(1), np.random.rand(), random.random()  # noqa: NPY002
    part = make()
    while part.epoch < part.spec.training.epochs:
        try:
            part.run(save=lambda trainer: _save_and_stop(trainer, store))
        except _Stopped:
            part = make()
            part.load_state_dict(store.read_checkpoint("x") or {})
    found, expected = ([*each.curve, *each.checkpoints, each.counts] for each in (part, whole))
    difference = None if found == expected else _first_difference(found, expected)
    for key, value in whole.supernet.state_dict().items():
        if difference is None and not torch.equal(value, part.supernet.state_dict()[key]):
            difference = f"the weights {key}"
    if difference:
        raise Mistake(
            "state_dict",
            f"lacks something, or it draws random numbers without a seed: a resumed run has other {difference}; "
            "allowed: what an unbroken run has, bit for bit",
        )


class _Stopped(Exception):
    """As if the process had been killed."""


def _save_and_stop(trainer: Trainer, store: Store) -> None:
    store.write_checkpoint("x", trainer.state_dict())
    raise _Stopped


def _first_difference(found: list[dict[str, Any]], expected: list[dict[str, Any]]) -> str:
    for one, other in zip(found, expected, strict=False):
        for key, value in one.items():
            if value != other.get(key):
                return f"{key} of epoch {one['epoch']}" if "epoch" in one else str(key)
    return "the number of epochs or checkpoints"
