"""Rank correlations of thousands of bootstrap resamples of architectures at once.

A resample is a row of counts w, [n]: how often each architecture was drawn. With S the matrix of the signs of
all pairs, the concordant minus discordant pairs of the resample are the quadratic form w' S w, and so are its
untied pairs. tau-b is a ratio of three such forms, and the forms of all resamples are one matrix product.
"""

import numpy as np

from supernet_bench.analysis.ranking.degrees import pair_degrees, resampled_sums
from supernet_bench.core.errors import InputError

EXACT_LIMIT = 2000
"""Most architectures for which all pairs are held; it also keeps every count exact in float32."""

EXACT_PAIRS = 20_000
"""Most listed pairs whose counts are held for every resample: all pairs of 200 architectures."""

RESAMPLES = 2000
"""Resamples of a report."""

FEWEST_RESAMPLES = 100
"""That an interval of 95 % can be read from."""


def check_resamples(resamples: int) -> None:
    """Raise InputError if there are too few resamples for an interval."""
    if resamples < FEWEST_RESAMPLES:
        raise InputError(f"resamples is {resamples}; allowed: at least {FEWEST_RESAMPLES}")


def bootstrap_weights(architectures: int, resamples: int, seed: int) -> np.ndarray:
    """Draw resamples with replacement.

    Parameters
    ----------
    architectures : int
        n.
    resamples : int
        Number of resamples.
    seed : int
        Equal seeds give equal resamples.

    Returns
    -------
    ndarray of float32, [resamples, n]
        Counts; each row adds up to n.
    """
    generator = np.random.default_rng(seed)
    if architectures <= EXACT_LIMIT:
        probabilities = np.full(architectures, 1 / architectures)
        return generator.multinomial(architectures, probabilities, size=resamples).astype(np.float32)
    counts = np.empty((resamples, architectures), dtype=np.float32)
    for row in counts:  # The same, ten times as fast for thousands.
        row[:] = np.bincount(generator.integers(architectures, size=architectures), minlength=architectures)
    return counts


def pair_form(weights: np.ndarray, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Return w' S w of each resample, with S the products of the pairwise signs of `x` and of `y`.

    Ordered pairs are counted, so each pair counts twice. ``pair_form(weights, x, x)`` is the number of pairs
    that `x` does not tie.

    Parameters
    ----------
    weights : ndarray of float32, [resamples, n]
        Counts, as `bootstrap_weights` draws them.
    x, y : ndarray, [n]
        Values without NaN.

    Returns
    -------
    ndarray of float64, [resamples]
        Exact up to `EXACT_LIMIT` architectures. Above, the form is linear in the counts around the sample; what is
        left out is of relative order 1 / n.
    """
    x, y = _order(x), _order(y)
    if len(x) <= EXACT_LIMIT:
        return _row_products(weights @ _pair_signs(x, y), weights)
    return resampled_sums(weights, pair_degrees(x, y))


def _order(values: np.ndarray) -> np.ndarray:
    """Return whole numbers of the same order, float32 [n]; infinite values would give NaN when subtracted."""
    return np.unique(values, return_inverse=True)[1].astype(np.float32)


def _pair_signs(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Return the products of signs of all pairs, float32 [n, n]."""
    return np.sign(x[:, None] - x) * np.sign(y[:, None] - y)


def tau_of_forms(concordance: np.ndarray, untied_x: np.ndarray, untied_y: np.ndarray) -> np.ndarray:
    """Return tau-b of each resample from its three forms; NaN where all pairs are tied."""
    pairs = np.sqrt(np.maximum(untied_x, 0) * np.maximum(untied_y, 0))
    return concordance / np.where(pairs > 0, pairs, np.nan)


class ListedPairs:
    """Some pairs of architectures, such as those of equal size, and how often each is in each resample.

    Parameters
    ----------
    weights : ndarray of float32, [resamples, n]
        Counts, as `bootstrap_weights` draws them.
    first, second : ndarray of int, [pairs]
        The members of the pairs.
    """

    def __init__(self, weights: np.ndarray, first: np.ndarray, second: np.ndarray) -> None:
        self.weights, self.first, self.second = weights, first, second
        exact = len(first) <= EXACT_PAIRS
        self.products = weights[:, first] * weights[:, second] if exact else None

    def form(self, values: np.ndarray) -> np.ndarray:
        """Return the sum of a value of each pair, [pairs], over the pairs of each resample, float64 [resamples].

        Exact for whole numbers up to `EXACT_PAIRS` pairs; above, linear in the counts as in `pair_form`, where what is
        left out is of relative order 1 over the pairs that an architecture is in.
        """
        if self.products is not None:
            return np.asarray(self.products @ values.astype(np.float32), dtype=np.float64)
        n = self.weights.shape[1]
        degrees = np.bincount(self.first, values, n) + np.bincount(self.second, values, n)
        return np.asarray(self.weights @ degrees - values.sum(dtype=np.float64))


def bootstrap_tau(weights: np.ndarray, predicted: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """Return tau-b of each resample, float64 [resamples].

    Parameters
    ----------
    weights : ndarray of float32, [resamples, n]
        Counts, as `bootstrap_weights` draws them.
    predicted, truth : ndarray, [n]
        Values without NaN.
    """
    return tau_of_forms(
        pair_form(weights, predicted, truth),
        pair_form(weights, predicted, predicted),
        pair_form(weights, truth, truth),
    )


def resampled_ranks(weights: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Return twice the mean ranks of each resample around their mean, float32 [resamples, n].

    This is how many of the resample lie below an architecture minus how many lie above. Copies of an
    architecture, like architectures of equal value, share the mean of their ranks.
    """
    group = np.unique(values, return_inverse=True)[1]
    order = np.argsort(group, kind="stable")
    ends = np.flatnonzero(np.diff(group[order], append=-1))
    up_to = np.cumsum(weights[:, order], axis=1)[:, ends]
    below = np.pad(up_to[:, :-1], ((0, 0), (1, 0)))
    return (below + up_to - len(values))[:, group]


def bootstrap_spearman(weights: np.ndarray, predicted_ranks: np.ndarray, truth_ranks: np.ndarray) -> np.ndarray:
    """Return Spearman's rho of each resample, float64 [resamples]; NaN where all ranks are equal.

    Parameters
    ----------
    weights : ndarray of float32, [resamples, n]
        Counts, as `bootstrap_weights` draws them.
    predicted_ranks, truth_ranks : ndarray, [resamples, n]
        From `resampled_ranks`.
    """
    weighted_prediction, weighted_truth = weights * predicted_ranks, weights * truth_ranks
    variances = _row_products(weighted_prediction, predicted_ranks) * _row_products(weighted_truth, truth_ranks)
    spread = np.sqrt(np.where(variances > 0, variances, np.nan))
    return _row_products(weighted_prediction, truth_ranks) / spread


def _row_products(left: np.ndarray, right: np.ndarray) -> np.ndarray:
    """Return the inner product of each pair of rows, float64 [rows]."""
    return np.einsum("bi,bi->b", left, right, dtype=np.float64)
