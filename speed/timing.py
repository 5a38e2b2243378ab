"""Times, their spread and their ratios."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from time import perf_counter

import numpy as np
import torch

from supernet_bench.spaces.base import Architecture

RESAMPLES = 2000
LEVEL = 0.95


@dataclass(frozen=True)
class TimingSpread:
    """Times of one contender, seconds.

    Attributes
    ----------
    median : float
    quartiles : tuple of float
        The first and the third.
    mean : float
    n : int
        Number of times.
    """

    median: float
    quartiles: tuple[float, float]
    mean: float
    n: int

    @classmethod
    def of(cls, times: np.ndarray) -> "TimingSpread":
        """Return the spread of times [n]."""
        low, median, high = np.quantile(times, [0.25, 0.5, 0.75]).tolist()
        return cls(median, (low, high), float(np.mean(times)), len(times))


@dataclass(frozen=True)
class Ratio:
    """How many times as long the slow one takes.

    Attributes
    ----------
    of_medians : float
    of_means : float
    interval : tuple of float
        Bootstrap percentile interval of the ratio of means, 95 %.
    """

    of_medians: float
    of_means: float
    interval: tuple[float, float]


def ratio(slow: np.ndarray, fast: np.ndarray, *, paired: bool) -> Ratio:
    """Return how many times as long `slow` takes.

    Parameters
    ----------
    slow, fast : ndarray of float, [n] and [m]
        Seconds per step or per architecture.
    paired : bool
        Whether the times of one position belong together, as those of the same architecture at the same turn do;
        they are then resampled together, and n must be m.
    """
    random = np.random.default_rng(0)
    chosen = random.integers(len(slow), size=(RESAMPLES, len(slow)))
    others = chosen if paired else random.integers(len(fast), size=(RESAMPLES, len(fast)))
    if paired and len(slow) != len(fast):
        raise ValueError(f"{len(slow)} and {len(fast)} times are not paired")
    resampled = slow[chosen].mean(1) / fast[others].mean(1)
    low, high = np.quantile(resampled, [(1 - LEVEL) / 2, (1 + LEVEL) / 2]).tolist()
    return Ratio(float(np.median(slow) / np.median(fast)), float(slow.mean() / fast.mean()), (low, high))


def timed(work: Callable[[], object], device: torch.device) -> float:
    """Return how long `work` takes, including what it leaves to the device, seconds."""
    _wait_for(device)
    started = perf_counter()
    work()
    _wait_for(device)
    return perf_counter() - started


def alternate(
    contenders: Mapping[str, Callable[[Architecture], object]],
    architectures: Sequence[Architecture],
    warmup: int,
    device: torch.device,
) -> dict[str, np.ndarray]:
    """Time all contenders on the same architectures, in turn.

    Parameters
    ----------
    contenders : mapping of str to callable
        Each given an architecture.
    architectures : sequence of Architecture, [warmup + n]
    warmup : int
        Times at the start that are thrown away.
    device : torch.device

    Returns
    -------
    dict of str to ndarray of float64, [n]
        Seconds, in the order of `architectures`.
    """
    names = list(contenders)
    times: dict[str, list[float]] = {name: [] for name in names}
    for turn, architecture in enumerate(architectures):
        # Nobody always follows the same one, whose leftovers are in the cache.
        for name in names[turn % len(names) :] + names[: turn % len(names)]:
            times[name].append(timed(partial(contenders[name], architecture), device))
    return {name: np.array(values[warmup:]) for name, values in times.items()}


def _wait_for(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)
