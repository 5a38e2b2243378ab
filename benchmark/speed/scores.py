"""Scored architectures per second."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
import torch

from benchmark.speed.contenders import Other, Ours
from benchmark.speed.fidelities import Fidelity, draw, whole
from benchmark.speed.timing import timed
from spaces.base import Architecture

PASSES = 3

FIXED: tuple[dict[int, int], ...] = ({}, {3: 2}, {3: 2, 0: 2}, {3: 2, 0: 2, 1: 2}, {3: 2, 0: 2, 1: 2, 5: 2})
"""Edges whose operation is fixed, so that a smaller set is scored where all architectures would take too long.

Edge 3 is the one from the input of a cell to its output: it has no part in which branches are dead, so a set with one
operation there shares between its architectures what the whole space shares, a fifth of it. Fixing others loses some.
"""


@dataclass(frozen=True)
class Scored:
    """Times of scoring.

    Attributes
    ----------
    seconds : dict of str to ndarray of float64
        Per architecture: for ours of each pass over the set, for others of each architecture of a sample of it.
    architectures : int
        In the set.
    """

    seconds: dict[str, np.ndarray]
    architectures: int


def architecture_sets(fidelity: Fidelity) -> list[list[Architecture]]:
    """Return the whole space and smaller and smaller complete subtrees of it."""
    everything = whole(fidelity.space)
    return [[each for each in everything if all(each[edge] == op for edge, op in fixed.items())] for fixed in FIXED]


def measure_scoring(
    fidelity: Fidelity, ours: Ours, others: dict[str, Other], device: torch.device, sample: int, patience_s: float
) -> Scored:
    """Time the scoring of the largest set that does not take too long, and of a random sample of it by the others.

    Ours takes turns with the others: a part of the sample is scored after each pass.

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
    chosen, first = _choose(architecture_sets(fidelity), ours, device, patience_s)
    passes = max(1, min(PASSES, int(patience_s / first)))
    drawn = draw(chosen, sample, "sample of scores")
    seconds: dict[str, list[float]] = {name: [] for name in others} | {"ours": [first / len(chosen)]}
    for other in others.values():
        other.score(drawn[0])
    for part in range(passes):
        for architecture in drawn[part::passes]:
            for name, other in others.items():
                seconds[name].append(timed(partial(other.score, architecture), device))
        if part < passes - 1:
            seconds["ours"].append(timed(partial(ours.score, chosen), device) / len(chosen))
    return Scored({name: np.array(times) for name, times in seconds.items()}, len(chosen))


def _choose(
    sets: Sequence[list[Architecture]], ours: Ours, device: torch.device, patience_s: float
) -> tuple[list[Architecture], float]:
    """Return the largest set that can be scored in time, and how long that took, seconds.

    Larger sets share more, so each is judged by the one before it.
    """
    chosen = sets[-1]
    ours.score(chosen)
    took = timed(partial(ours.score, chosen), device)
    for larger in reversed(sets[:-1]):
        if took * len(larger) / len(chosen) > patience_s:
            break
        chosen = larger
        took = timed(partial(ours.score, chosen), device)
    return chosen, took
