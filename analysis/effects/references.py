"""What ranks the scored architectures without a trained supernet, and how well anything could."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from itertools import combinations

import numpy as np
import pandas as pd

from supernet_bench.analysis.effects.intervals import Estimate, over_architectures
from supernet_bench.analysis.ranking.metrics import kendall_tau
from supernet_bench.analysis.ranking.resampling import bootstrap_tau
from supernet_bench.analysis.ranking.scores import Kind, Scores

NOISE_CEILING = "noise ceiling"


@dataclass(frozen=True)
class Reference:
    """tau with the truth, with the same from each resample of architectures, [resamples], and what gave the scores."""

    tau: Estimate
    replicates: np.ndarray
    kind: Kind | None = None


def reference(scores: Scores, truth: np.ndarray, weights: np.ndarray) -> Reference | None:
    """Return how well scores rank the architectures that have them, the mean over checkpoints; None if hardly any has.

    Parameters
    ----------
    scores : Scores
    truth : ndarray, [n]
        Published accuracies, without NaN.
    weights : ndarray of float32, [resamples, n]
        Resamples of the architectures.
    """
    found = _mean_tau([(values, truth) for values in scores.checkpoints], weights)
    return found and replace(found, kind=scores.kind)


def noise_ceiling(rows: pd.DataFrame, target: str, weights: np.ndarray) -> Reference | None:
    """Return the mean tau between two single published runs; None where the table has no such.

    A ranking can exceed it a little, because the truth averages runs and is less noisy than one.

    Parameters
    ----------
    rows : DataFrame
        Rows of the reference table of the scored architectures.
    target : str
        Its truth column.
    weights : ndarray of float32, [resamples, n]
        Resamples of these rows.
    """
    single = [column for column in rows.columns if re.fullmatch(rf"{re.escape(target)}_run\d+", column)]
    return _mean_tau([(rows[a].to_numpy(), rows[b].to_numpy()) for a, b in combinations(single, 2)], weights)


def _mean_tau(pairs: Iterable[tuple[np.ndarray, np.ndarray]], weights: np.ndarray) -> Reference | None:
    """Return the mean tau over pairs of values, each where both are known; None where none is."""
    values, replicates, used = [], [], np.zeros(weights.shape[1], dtype=bool)
    for first, second in pairs:
        both = ~(np.isnan(first) | np.isnan(second))
        if both.sum() < 2:
            continue
        x, y = first[both], second[both]
        values.append(kendall_tau(x, y))
        replicates.append(bootstrap_tau(weights[:, both], x, y))
        used |= both
    if not values:
        return None
    mean = np.mean(replicates, axis=0)
    return Reference(over_architectures(float(np.mean(values)), mean, int(used.sum())), mean)
