"""How much every architecture agrees with all others, without going through all pairs.

The degree of an architecture is the number of others that two rankings order alike relative to it, minus the number
that they order differently. The degrees add up to what tau counts, and their spread is its variance over the choice of
architectures: tau is a ratio of U-statistics [1]_. For 15,625 architectures there are 122 million pairs; counting by
merging takes n log(n)^2 steps [2]_.

References
----------
.. [1] Hoeffding, "A Class of Statistics with Asymptotically Normal Distribution", Annals of Mathematical Statistics 19,
   1948.
.. [2] Knight, "A Computer Method for Calculating Kendall's Tau with Ungrouped Data", Journal of the American
   Statistical Association 61, 1966.
"""

import math

import numpy as np

from supernet_bench.analysis.ranking.sample import Sample


def degrees(
    x: np.ndarray, y: np.ndarray, weights: np.ndarray | None = None, groups: np.ndarray | None = None
) -> np.ndarray:
    """Return for each architecture the sum over the others of sign(x_i - x_j) sign(y_i - y_j), float64 [n].

    Parameters
    ----------
    x, y : ndarray, [n]
        Values without NaN; infinite ones are ordered, too.
    weights : ndarray, [n], optional
        What each of the others counts; otherwise 1.
    groups : ndarray, [n], optional
        Only the others of the same group count, such as those of equal size.
    """
    if not len(x):
        return np.zeros(0)
    x, y = (np.unique(values, return_inverse=True)[1].astype(np.int64) for values in (x, y))
    weights = np.ones(len(x)) if weights is None else np.asarray(weights, dtype=np.float64)
    outside = np.zeros(len(x))
    if groups is not None:
        # With groups one above the other in both orders, all pairs across them are ordered alike.
        group = np.unique(groups, return_inverse=True)[1].astype(np.int64)
        x, y = x + group * (x.max() + 1), y + group * (y.max() + 1)
        outside = weights.sum() - np.bincount(group, weights)[group]
        y = np.unique(y, return_inverse=True)[1].astype(np.int64)
    alike = _dominated(x, y, weights) + _dominated(-x, -y, weights)
    return alike - _dominated(x, -y, weights) - _dominated(-x, y, weights) - outside


def weighted_degrees(
    x: np.ndarray, y: np.ndarray, sample: Sample | None = None, groups: np.ndarray | None = None
) -> np.ndarray:
    """Return the degrees in a sample, where architectures and pairs count as much as they stand for, float64 [n].

    Parameters
    ----------
    x, y, groups : ndarray, [n]
        As in `degrees`.
    sample : Sample, optional
        Where the architectures were drawn from strata; otherwise these are the degrees.
    """
    if sample is None:
        return degrees(x, y, groups=groups)
    weights, factors = sample.weights, sample.pairs.factors
    found = degrees(x, y, weights, groups)
    for stratum in np.flatnonzero(factors != 1):
        members = sample.of == stratum
        inside = None if groups is None else groups[members]
        found[members] += (factors[stratum] - 1) * degrees(x[members], y[members], weights[members], inside)
    return found


def _dominated(x: np.ndarray, y: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Return the weight of the others below each one in both of two whole numbers, float64 [n]."""
    # Those of equal x come in falling order of y, so that none of them is both before and below another.
    order = np.lexsort((-y, x))
    found = np.empty(len(x))
    found[order] = _below_among_earlier(y[order] - y.min(), weights[order])
    return found


def _below_among_earlier(values: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Return the weight of the earlier ones with a smaller value, float64 [n], for whole numbers from 0.

    Neighbouring runs of 1, 2, 4, ... are compared as in a merge sort: each member of a right run with its left one.
    """
    n = len(values)
    length = 1 << max(0, math.ceil(math.log2(max(n, 1))))
    top = int(values.max(initial=0)) + 1
    padded = np.full(length, top, dtype=np.int64)
    padded[:n] = values
    heavy = np.zeros(length)
    heavy[:n] = weights
    found = np.zeros(length)
    place = np.arange(length)
    half = 1
    while half < length:
        block = place // (2 * half)
        is_left = place // half % 2 == 0
        keys = padded + block * (top + 1)
        left = place[is_left]
        left = left[np.argsort(keys[left], kind="stable")]
        right = place[~is_left]
        before = np.concatenate([[0.0], np.cumsum(heavy[left])])
        # The sorted left runs stand one behind the other, half of them in each block.
        found[right] += before[np.searchsorted(keys[left], keys[right])] - before[block[right] * half]
        half *= 2
    return found[:n]
