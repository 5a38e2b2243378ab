"""Scored architectures per second."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
import torch

from speed.contenders import Other, Ours
from speed.fidelities import Fidelity, draw, whole
from speed.timing import timed
from supernet_bench.core.streams import stream
from supernet_bench.spaces.base import Architecture
from supernet_bench.spaces.nasbench201.liveness import canonical

PASSES = 3

SHARES = (1, 5, 25, 125, 625)
"""How many times smaller than the space a part is that is scored where all architectures would take too long."""


@dataclass(frozen=True)
class Part:
    """Architectures that are scored in the place of more.

    Attributes
    ----------
    architectures : list of Architecture
        All of the space; or one of each class in a random sample of classes, a class being cells that are computed
        alike. What first cells share is less in a sample, so a part takes a little longer than it should.
    stands_for : float
        How many architectures of the space that is.
    """

    architectures: list[Architecture]
    stands_for: float


@dataclass(frozen=True)
class Scored:
    """Times of scoring.

    Attributes
    ----------
    seconds : dict of str to ndarray of float64
        Per architecture: for ours of each pass over the part, for others of each architecture of a sample.
    part : Part
        What ours scored.
    """

    seconds: dict[str, np.ndarray]
    part: Part


def parts(fidelity: Fidelity) -> list[Part]:
    """Return the whole space, and smaller and smaller parts of it."""
    everything = whole(fidelity.space)
    classes = np.unique(canonical(np.array(everything)), axis=0)
    order = torch.randperm(len(classes), generator=stream(0, "classes of scores")).tolist()
    smaller = []
    for share in SHARES[1:]:
        count = len(classes) // share
        drawn = [tuple(representative) for representative in classes[sorted(order[:count])].tolist()]
        smaller.append(Part(drawn, len(everything) * count / len(classes)))
    return [Part(everything, len(everything)), *smaller]


def measure_scoring(
    fidelity: Fidelity, ours: Ours, others: dict[str, Other], device: torch.device, sample: int, patience_s: float
) -> Scored:
    """Time the scoring of the largest part that does not take too long, and of a random sample by the others.

    Ours takes turns with the others: some of the sample is scored after each pass.

    Parameters
    ----------
    fidelity : Fidelity
    ours, others : Ours, dict of str to Other
    device : torch.device
    sample : int
        Architectures that the others score.
    patience_s : float
        How long ours may score, seconds.
    """
    chosen, first = _choose(parts(fidelity), ours, device, patience_s)
    passes = max(1, min(PASSES, int(patience_s / first)))
    drawn = draw(whole(fidelity.space), sample, "sample of scores")
    seconds: dict[str, list[float]] = {name: [] for name in others} | {"ours": [first / chosen.stands_for]}
    for other in others.values():
        other.score(drawn[0])
    for turn in range(passes):
        for architecture in drawn[turn::passes]:
            for name, other in others.items():
                seconds[name].append(timed(partial(other.score, architecture), device))
        if turn < passes - 1:
            seconds["ours"].append(timed(partial(ours.score, chosen.architectures), device) / chosen.stands_for)
    return Scored({name: np.array(times) for name, times in seconds.items()}, chosen)


def _choose(parts: Sequence[Part], ours: Ours, device: torch.device, patience_s: float) -> tuple[Part, float]:
    """Return the largest part that can be scored in time, and how long that took, seconds.

    Larger parts share more, so each is judged by the one before it.
    """
    chosen = parts[-1]
    ours.score(chosen.architectures)
    took = timed(partial(ours.score, chosen.architectures), device)
    for larger in reversed(parts[:-1]):
        if took * larger.stands_for / chosen.stands_for > patience_s:
            break
        chosen = larger
        took = timed(partial(ours.score, chosen.architectures), device)
    return chosen, took
