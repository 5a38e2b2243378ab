"""Scores made of scores: what the supernets of a level say together, and together with the parameter count.

Single supernets of one level disagree about single architectures; the mean of their scores keeps what they have in
common. An architecture that both a supernet and the parameter count place high is one that the supernet adds to.
"""

from collections.abc import Sequence

import numpy as np
from scipy import stats

from supernet_bench.analysis.ranking.scores import Kind, Scores
from supernet_bench.core.errors import InputError


def ensemble(runs: Sequence[Scores], name: str) -> Scores:
    """Return the mean score of some runs, each with the mean over its checkpoints, as scores of their own.

    Parameters
    ----------
    runs : sequence of Scores
        Those of one level, one of each seed, of the same architectures.
    name : str
        What tables call the row.

    Raises
    ------
    InputError
        If there is no run, or they are of different numbers of architectures.
    """
    return Scores(Kind.SUPERNET, name, (np.mean(_means(runs, name), axis=0),))


def rank_sum(runs: Sequence[Scores], other: np.ndarray, name: str) -> Scores:
    """Return the rank in other scores, such as the parameter count, plus the mean rank over some runs.

    Ranks of equal scores are their mean, and missing scores stay missing. What ranks by both weighs them alike,
    whatever their scales.

    Parameters
    ----------
    runs : sequence of Scores
        Those of one level, one of each seed, each ranked by the mean over its checkpoints.
    other : ndarray, [n]
        Of the same architectures, higher is better.
    name : str
        What tables call the row.

    Raises
    ------
    InputError
        If there is no run, or they are of different numbers of architectures.
    """
    means = [*_means(runs, name), np.asarray(other, dtype=np.float64)]
    _check_lengths(means, name)
    *ranks, rank = (stats.rankdata(values, nan_policy="omit") for values in means)
    return Scores(Kind.SUPERNET, name, (np.mean(ranks, axis=0) + rank,))


def _means(runs: Sequence[Scores], name: str) -> list[np.ndarray]:
    """Return the mean over its checkpoints of each run, [n]."""
    if not runs:
        raise InputError(f"scores {name!r} are the mean of 0 runs; allowed: at least 1")
    means = [np.mean(run.checkpoints, axis=0) for run in runs]
    _check_lengths(means, name)
    return means


def _check_lengths(values: Sequence[np.ndarray], name: str) -> None:
    lengths = sorted({len(part) for part in values})
    if len(lengths) > 1:
        told = " and ".join(map(str, lengths))
        raise InputError(f"scores {name!r} are made of scores of {told} architectures; allowed: one number")
