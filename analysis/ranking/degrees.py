"""What each item adds to a rank correlation, without looking at all pairs: n log n instead of n squared.

tau is a U-statistic: a mean over pairs. Its variance over samples of items comes from the degrees, the sums over the
pairs that an item is in (Hoeffding, "A Class of Statistics with Asymptotically Normal Distribution", Annals of
Mathematical Statistics 19, 1948). For thousands of items resamples are linear in them: the bootstrap of the linear
part, whose variance is that of the U-statistic up to relative order 1 / n.
"""

import numpy as np


def pair_degrees(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Return for each item how many pairs with it are concordant minus how many are discordant, int64 [n].

    ``pair_degrees(x, x)`` is the number of others that `x` does not tie with it.

    Parameters
    ----------
    x, y : ndarray, [n]
        Values without NaN; infinite ones are ordered, too.

    References
    ----------
    Knight, "A Computer Method for Calculating Kendall's Tau with Ungrouped Data", JASA 61, 1966, counts the pairs by
    sorting; here each is credited to its members.
    """
    x, y = (np.unique(values, return_inverse=True)[1].astype(np.int64) for values in (x, y))
    below_x, above_x = _below(x), _below(-x)
    both_below = _below_in_both(x, y)
    # Of items that are equal in one, how many are below or above in the other.
    equal_x_below_y = _below(x * len(x) + y) - below_x
    equal_y_below_x = _below(y * len(x) + x) - _below(y)
    equal_y_above_x = _below(y * len(x) + x.max() - x) - _below(y)
    below_y_above_x = _below(y) - both_below - equal_x_below_y
    below_x_above_y = below_x - both_below - equal_y_below_x
    both_above = above_x - below_y_above_x - equal_y_above_x
    return both_below + both_above - below_y_above_x - below_x_above_y


def grouped_degrees(x: np.ndarray, y: np.ndarray, groups: np.ndarray) -> np.ndarray:
    """Return the same as `pair_degrees` from the pairs whose members are of one group alone, int64 [n].

    Where groups come first in the order of both, all pairs across them are concordant; where they come the other way
    round in one, discordant: half of both sums is what is left within.

    Parameters
    ----------
    x, y : ndarray, [n]
        Values without NaN.
    groups : ndarray, [n]
        Equal values are one group.
    """
    x, y, own = (np.unique(values, return_inverse=True)[1].astype(np.int64) for values in (x, y, groups))
    n = len(x)
    by_group = own * n + x
    both = pair_degrees(by_group, own * n + y) + pair_degrees(by_group, (own.max() - own) * n + y)
    return np.asarray(both // 2)


def _below(values: np.ndarray) -> np.ndarray:
    """Return for each item how many others are below it, int64 [n]."""
    return np.searchsorted(np.sort(values), values)


def _below_in_both(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Return for each item how many others are below it in both, int64 [n].

    In the order of x, and of y from the top among equals, these are the earlier ones with a smaller y. They are counted
    while that order is sorted by y, halves of blocks merged from the bottom up: an item of a right half has all of the
    left half that the merge puts before it.
    """
    n = len(x)
    order = np.lexsort((-y, x))
    values, earlier = y[order], np.zeros(n, dtype=np.int64)
    places = np.arange(n)
    width = 1
    while width < n:
        in_left = (places // width) % 2 == 0
        merged = np.lexsort((in_left, values, places // (2 * width)))  # Of equal values those of the right come first.
        left_so_far = np.cumsum(in_left[merged])
        starts = (merged // (2 * width)) * width  # Left halves before this block are full.
        right = ~in_left[merged]
        earlier[merged[right]] += (left_so_far - starts)[right]
        width *= 2
    found = np.empty(n, dtype=np.int64)
    found[order] = earlier
    return found


def resampled_sums(weights: np.ndarray, degrees: np.ndarray) -> np.ndarray:
    """Return a sum over ordered pairs in each resample, linear in the counts around the sample, float64 [resamples].

    Parameters
    ----------
    weights : ndarray of float32, [resamples, n]
        Counts; each row adds up to n.
    degrees : ndarray, [n]
        What the pairs of each item add up to.
    """
    return 2 * _around(weights, degrees) + degrees.sum(dtype=np.float64)


def _around(weights: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Return by how much a sum of values differs in each resample from that of the sample, float64 [resamples].

    In the precision of the counts, without a copy of them in another: what is summed is scaled and centred.
    """
    around = values - values.mean()
    scale = float(np.abs(around).max()) or 1.0
    return scale * (weights @ (around / scale).astype(weights.dtype)).astype(np.float64)


def rank_form_slopes(x: np.ndarray, y: np.ndarray) -> tuple[float, np.ndarray]:
    """Return the sum of products of centred ranks, and by how much another copy of each item would change it, [n].

    The ranks are twice the mean ranks around their mean, as in `resampling.resampled_ranks`. They depend on the sample
    as well: a copy of an item raises the ranks of all above it, which is the second and the third part of its slope.

    Parameters
    ----------
    x, y : ndarray, [n]
        Values without NaN.
    """
    ranks_x, ranks_y = ((_below(values) - _below(-values)).astype(np.float64) for values in (x, y))
    slopes = ranks_x * ranks_y + _sum_above_minus_below(x, ranks_y) + _sum_above_minus_below(y, ranks_x)
    return float(ranks_x @ ranks_y), slopes


def _sum_above_minus_below(values: np.ndarray, summed: np.ndarray) -> np.ndarray:
    """Return for each item the sum of `summed` over those above it in `values` minus over those below, [n]."""
    order = np.argsort(values, kind="stable")
    up_to = np.concatenate([[0.0], np.cumsum(summed[order])])
    ordered = values[order]
    below = up_to[np.searchsorted(ordered, values, side="left")]
    above = up_to[-1] - up_to[np.searchsorted(ordered, values, side="right")]
    return above - below


def spearman_resamples(weights: np.ndarray, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Return Spearman's rho of each resample, linear in the counts around the sample, float64 [resamples].

    NaN where either is constant. Parameters are those of `resampled_sums` and `pair_degrees`.
    """
    forms = []
    for first, second in ((x, y), (x, x), (y, y)):
        value, slopes = rank_form_slopes(first, second)
        forms.append(value + _around(weights, slopes))
    variances = forms[1] * forms[2]
    return forms[0] / np.sqrt(np.where(variances > 0, variances, np.nan))
