"""What the supernets of a level say together: their mean score, and that with the parameter count.

How an estimate moves when the seeds are left out one by one says how far other seeds would move it: the jackknife of
Tukey (1958), which serves statistics like tau that are smooth in the scores of each seed.
"""

import math
from collections.abc import Callable, Mapping, Sequence

import numpy as np

from supernet_bench.analysis.effects.intervals import Estimate, Spread, has_interval, nothing, over_architectures
from supernet_bench.analysis.ranking.combined import ensemble, rank_sum
from supernet_bench.analysis.ranking.measures import Yardstick
from supernet_bench.analysis.ranking.metrics import kendall_tau
from supernet_bench.analysis.ranking.resampling import bootstrap_tau
from supernet_bench.analysis.ranking.scores import Scores

TOGETHER_METRICS = ("tau_ensemble", "tau_ensemble_rank_sum")
"""tau of the mean score over the seeds of a level, and of the mean rank over them plus that in the parameter count."""

Combine = Callable[[Sequence[Scores]], np.ndarray]
"""Makes one score for each architecture, [n], of those of several runs."""


def together(runs: Sequence[Scores], yardstick: Yardstick) -> dict[str, Estimate]:
    """Return tau of what the runs of a level say together, by the names of `TOGETHER_METRICS`.

    The intervals cover the choice of architectures and of seeds, of as many seeds: more of them say more together, so
    the numbers of levels with other numbers of seeds do not compare.

    Parameters
    ----------
    runs : sequence of Scores
        One of each seed. Those without a tau of their own, whose scores are all equal, are to be left out.
    yardstick : Yardstick
        What they are compared with.
    """
    return {name: _estimate(combine, runs, yardstick) for name, combine in combinations(yardstick.parameters).items()}


def combinations(parameters: np.ndarray) -> Mapping[str, Combine]:
    """Return how scores of several runs are made one, by the names of `TOGETHER_METRICS`."""
    by_mean, by_sum = TOGETHER_METRICS
    return {
        by_mean: lambda runs: ensemble(runs, by_mean).checkpoints[0],
        by_sum: lambda runs: rank_sum(runs, parameters, by_sum).checkpoints[0],
    }


def _estimate(combine: Combine, runs: Sequence[Scores], yardstick: Yardstick) -> Estimate:
    architectures, seeds = len(yardstick.truth), len(runs)
    if not runs:
        return nothing(architectures)
    scores = combine(runs)
    value = kendall_tau(scores, yardstick.truth)
    replicates = bootstrap_tau(yardstick.weights, scores, yardstick.truth)
    if seeds == 1:
        return over_architectures(value, replicates, architectures, seeds)
    spread = Spread(seeds, _deviation(combine, runs, yardstick.truth), shared=_deviation_of(replicates))
    half = spread.half_width()
    if not has_interval(value, half, architectures):
        return Estimate(value, math.nan, math.nan, seeds, architectures)
    return Estimate(value, max(value - half, -1.0), min(value + half, 1.0), seeds, architectures)


def _deviation(combine: Combine, runs: Sequence[Scores], truth: np.ndarray) -> float:
    """Return the standard deviation of one seed's part: that of the whole times the root of the number of seeds."""
    without = [kendall_tau(combine([*runs[:seed], *runs[seed + 1 :]]), truth) for seed in range(len(runs))]
    return float(np.std(without) * math.sqrt(len(runs) * (len(runs) - 1)))


def _deviation_of(replicates: np.ndarray) -> float:
    finite = replicates[np.isfinite(replicates)]
    return float(np.std(finite, ddof=1)) if len(finite) > 1 else math.nan
