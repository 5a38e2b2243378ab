"""The suite's statistics for scores from anywhere: arrays in, an estimate with its interval out."""

import numpy as np
from numpy.typing import ArrayLike

from supernet_bench.analysis.effects.intervals import (
    Difference,
    Estimate,
    difference_over_both,
    over_architectures,
    over_both,
)
from supernet_bench.analysis.ranking.metrics import kendall_tau
from supernet_bench.analysis.ranking.resampling import RESAMPLES, bootstrap_tau, bootstrap_weights, check_resamples
from supernet_bench.core.errors import InputError, in_one_line


def rank_correlation(predicted: ArrayLike, truth: ArrayLike, *, resamples: int = RESAMPLES, seed: int = 0) -> Estimate:
    """Return Kendall's tau-b between scores and the truth, with a 95 % interval.

    Parameters
    ----------
    predicted : array_like, [architectures] or [seeds, architectures]
        Scores, of one ranking that no seed has a part in, or of one supernet for each seed.
    truth : array_like, [architectures]
        What they should rank, such as published accuracies.
    resamples, seed : int
        Bootstrap resamples of the architectures, at least 100, and the seed of their random numbers.

    Returns
    -------
    Estimate
        The mean over seeds. The interval covers the choice of architectures and, with several seeds, that of seeds;
        NaN where none can be given.

    Raises
    ------
    InputError
        If shapes do not fit, something is no number or NaN, or there are too few resamples for an interval.
    """
    scores, known = _numbers("predicted", predicted), _numbers("truth", truth)
    values, replicates = _taus(scores, known, resamples, seed)
    if scores.ndim == 1:
        return over_architectures(float(values[0]), replicates[0], len(known))
    return over_both(values, replicates, len(known))


def paired_difference(
    predicted: ArrayLike, baseline: ArrayLike, truth: ArrayLike, *, resamples: int = RESAMPLES, seed: int = 0
) -> Difference:
    """Return by how much scores rank better than those of a baseline, in Kendall's tau-b, paired by seed.

    Parameters
    ----------
    predicted, baseline : array_like, [seeds, architectures]
        Scores; a row of one is compared with the same row of the other.
    truth : array_like, [architectures]
        What they should rank.
    resamples, seed : int
        Bootstrap resamples of the architectures, at least 100, and the seed of their random numbers.

    Returns
    -------
    Difference
        The mean over seeds, its interval as in `rank_correlation`, and the smallest level at which that excludes zero.

    Raises
    ------
    InputError
        If shapes do not fit, something is no number or NaN, or there are too few resamples for an interval.
    """
    scores, others, known = _numbers("predicted", predicted), _numbers("baseline", baseline), _numbers("truth", truth)
    if scores.shape != others.shape:
        raise InputError(f"baseline has shape {others.shape}; allowed: that of predicted, {scores.shape}")
    values, replicates = _taus(scores, known, resamples, seed)
    less, replicates_less = _taus(others, known, resamples, seed)
    return difference_over_both(values - less, replicates - replicates_less, len(known))


def _numbers(name: str, values: ArrayLike) -> np.ndarray:
    try:
        return np.asarray(values, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise InputError(f"{name} is no array of numbers ({in_one_line(error)}); allowed: numbers alone") from error


def _taus(scores: np.ndarray, truth: np.ndarray, resamples: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Return tau of each row, [seeds], and of its resamples, [seeds, resamples]."""
    check_resamples(resamples)
    rows = np.atleast_2d(scores)
    if rows.ndim != 2 or not len(rows):
        raise InputError(f"scores have shape {scores.shape}; allowed: [architectures] or [seeds, architectures]")
    values = np.array([kendall_tau(row, truth) for row in rows])
    weights = bootstrap_weights(len(truth), resamples, seed)
    return values, np.array([bootstrap_tau(weights, row, truth) for row in rows])
