"""What the supernets of a level say together: their mean score, and that with the parameter count.

How an estimate moves when the seeds are left out one by one says how far other seeds would move it: the jackknife of
Tukey (1958), which serves statistics like tau that are smooth in the scores of each seed.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

import numpy as np

from supernet_bench.analysis.effects.intervals import (
    NO_PART,
    Estimate,
    Part,
    Spread,
    has_interval,
    nothing,
    over_architectures,
)
from supernet_bench.analysis.ranking.combined import ensemble, rank_sum
from supernet_bench.analysis.ranking.measures import Yardstick
from supernet_bench.analysis.ranking.metrics import kendall_tau, kendall_tau_better_half
from supernet_bench.analysis.ranking.resampling import bootstrap_tau
from supernet_bench.analysis.ranking.scores import Scores

TOGETHER_METRICS = ("tau_ensemble", "tau_ensemble_rank_sum")
"""tau of the mean score over the seeds of a level, and of the mean rank over them plus that in the parameter count."""

Combine = Callable[[Sequence[Scores]], np.ndarray]
"""Makes one score for each architecture, [n], of those of several runs."""


def together(runs: Sequence[Scores], yardstick: Yardstick) -> dict[str, Estimate]:
    """Return tau of what the runs of a level say together, by the names of `TOGETHER_METRICS`.

    The intervals cover the choice of architectures, of as many seeds, and of images where it is known. More seeds say
    more together, so the numbers of levels with other numbers of seeds do not compare.

    Parameters
    ----------
    runs : sequence of Scores
        One of each seed. Those without a tau of their own, whose scores are all equal, are to be left out.
    yardstick : Yardstick
        What they are compared with.
    """
    return {name: estimate_of(combine, runs, yardstick) for name, combine in combinations(yardstick).items()}


def combinations(yardstick: Yardstick) -> Mapping[str, Combine]:
    """Return how scores of several runs are made one, by the names of `TOGETHER_METRICS`."""
    by_mean, by_sum = TOGETHER_METRICS
    return {
        by_mean: lambda runs: ensemble(runs, by_mean).checkpoints[0],
        by_sum: lambda runs: rank_sum(runs, yardstick.parameters, by_sum, yardstick.sample).checkpoints[0],
    }


def estimate_of(combine: Combine, runs: Sequence[Scores], yardstick: Yardstick, better_half: bool = False) -> Estimate:
    """Return tau of combined scores, of the architectures that have one from every run, or of their better half."""
    seeds = len(runs)
    if not runs:
        return nothing(len(yardstick.truth))
    scores = combine(runs)
    known = ~np.isnan(scores)
    used, architectures = yardstick.part(known), int(known.sum())
    if architectures < 2:
        return nothing(architectures)
    value, replicates = _tau(scores[known], used, better_half), _bootstrapped(scores[known], used, better_half)
    images = _part_of_images(combine, runs, known, used, better_half)
    if seeds == 1:
        return over_architectures(value, replicates, architectures, seeds, images)
    of_seeds = _jackknifed([_without(combine, runs, seed, known) for seed in range(seeds)], used, better_half)
    half = Spread((of_seeds,), Part(_deviation_of(replicates)), images).half_width()
    if not has_interval(value, half, architectures):
        return Estimate(value, math.nan, math.nan, seeds, architectures)
    return Estimate(value, max(value - half, -1.0), min(value + half, 1.0), seeds, architectures)


def _without(combine: Combine, runs: Sequence[Scores], seed: int, known: np.ndarray) -> np.ndarray:
    """Return the combined scores of all runs but one."""
    return combine([*runs[:seed], *runs[seed + 1 :]])[known]


def _tau(scores: np.ndarray, yardstick: Yardstick, better_half: bool) -> float:
    tau = kendall_tau_better_half if better_half else kendall_tau
    return tau(scores, yardstick.truth, yardstick.sample)


def _bootstrapped(scores: np.ndarray, yardstick: Yardstick, better_half: bool) -> np.ndarray:
    if better_half:
        return yardstick.better_half.bootstrap_tau(scores, yardstick.truth)
    return bootstrap_tau(yardstick.weights, scores, yardstick.truth, yardstick.sample)


def _part_of_images(
    combine: Combine, runs: Sequence[Scores], known: np.ndarray, yardstick: Yardstick, better_half: bool
) -> Part:
    """Return how far other images would move it: the same blocks are left out of the scores of all runs."""
    blocks = {len(deleted) for run in runs for deleted in run.deleted}
    if len(blocks) != 1 or not all(run.deleted for run in runs):
        return NO_PART
    left_out = [
        combine([replace(run, checkpoints=tuple(deleted[block] for deleted in run.deleted)) for run in runs])[known]
        for block in range(blocks.pop())
    ]
    return _jackknifed(left_out, yardstick, better_half)


def _jackknifed(left_out: Sequence[np.ndarray], yardstick: Yardstick, better_half: bool = False) -> Part:
    """Return the part of what is left out one by one.

    Parameters
    ----------
    left_out : sequence of ndarray, [parts][n]
        What the others say together, without each of the parts.
    yardstick : Yardstick
        Of these architectures.
    better_half : bool
        Whether tau is that of their better half.
    """
    taus = [_tau(scores, yardstick, better_half) for scores in left_out]
    return Part(float(np.std(taus) * math.sqrt(len(taus) - 1)), len(taus) - 1)


def _deviation_of(replicates: np.ndarray) -> float:
    finite = replicates[np.isfinite(replicates)]
    return float(np.std(finite, ddof=1)) if len(finite) > 1 else math.nan
