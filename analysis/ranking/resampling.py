"""Rank correlations of thousands of bootstrap resamples of architectures at once.

A resample is a row of counts w, [n]: how often each architecture was drawn. With S the matrix of the signs of
all pairs, the concordant minus discordant pairs of the resample are the quadratic form w' S w, and so are its
untied pairs. tau-b is a ratio of three such forms, and the forms of all resamples are one matrix product. Copies of an
architecture make no pair: they are tied in both rankings, so neither form counts them.

Of a sample in strata the resamples are weights (`sample.Sample.resample`), and pairs within strata count a factor more.
"""

import math

import numpy as np

from supernet_bench.analysis.ranking.degrees import weighted_degrees
from supernet_bench.analysis.ranking.metrics import above_of_weight, better_half, space_ranks
from supernet_bench.analysis.ranking.sample import Sample
from supernet_bench.core.errors import InputError

EXACT_LIMIT = 2000
"""Most architectures for which all pairs are held; it also keeps every count exact in float32."""

RESAMPLES = 2000
"""Resamples of a report."""

EDGE = 0.1
"""Share of the better half, the worst of it, that stands for what lies at the median where forms are linear."""

FEWEST_RESAMPLES = 100
"""That an interval of 95 % can be read from."""


def check_resamples(resamples: int) -> None:
    """Raise InputError if there are too few resamples for an interval."""
    if resamples < FEWEST_RESAMPLES:
        raise InputError(f"resamples is {resamples}; allowed: at least {FEWEST_RESAMPLES}")


def bootstrap_weights(architectures: int, resamples: int, seed: int, sample: Sample | None = None) -> np.ndarray:
    """Draw resamples with replacement.

    Parameters
    ----------
    architectures : int
        n.
    resamples : int
        Number of resamples.
    seed : int
        Equal seeds give equal resamples.
    sample : Sample, optional
        Where the architectures were drawn from strata: they are resampled within.

    Returns
    -------
    ndarray of float32, [resamples, n]
        Counts; each row adds up to n. Of a sample in strata they are weights, see `Sample.resample`.
    """
    if sample is not None:
        return sample.resample(resamples, seed)
    probabilities = np.full(architectures, 1 / architectures)
    generator = np.random.default_rng(seed)
    if architectures > EXACT_LIMIT:  # One at a time takes a tenth of the time, and draws others.
        drawn = (generator.integers(architectures, size=architectures) for _ in range(resamples))
        return np.stack([np.bincount(one, minlength=architectures).astype(np.float32) for one in drawn])
    return generator.multinomial(architectures, probabilities, size=resamples).astype(np.float32)


def pair_form(
    weights: np.ndarray,
    x: np.ndarray,
    y: np.ndarray,
    sample: Sample | None = None,
    groups: np.ndarray | None = None,
) -> np.ndarray:
    """Return w' S w of each resample, with S the products of the pairwise signs of `x` and of `y`.

    Ordered pairs are counted, so each pair counts twice. ``pair_form(weights, x, x)`` is the number of pairs
    that `x` does not tie.

    Parameters
    ----------
    weights : ndarray of float32, [resamples, n]
        Counts or weights, as `bootstrap_weights` draws them.
    x, y : ndarray, [n]
        Values without NaN.
    sample : Sample, optional
        Whose resamples they are, where it is one in strata.
    groups : ndarray, [n], optional
        Only pairs within one group count, such as those of equal size.

    Returns
    -------
    ndarray of float64, [resamples]
        Exact up to `EXACT_LIMIT` architectures. Above, the form is linear in the counts around the sample, where an
        architecture counts by its degree; what is left out is of relative order 1 / n.
    """
    if len(x) > EXACT_LIMIT:
        degrees = weighted_degrees(x, y, sample, groups)
        return 2 * _linear(weights, degrees) - (degrees.sum() if sample is None else sample.weights @ degrees)
    signs = _pair_signs(_order(x), _order(y))
    if groups is not None:
        signs *= np.equal.outer(groups, groups)
    if sample is not None:
        signs = sample.resampled_pairs.times(signs)
    return _row_products(weights @ signs, weights)


def _linear(weights: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Return the sum of a value of each architecture over each resample, float64 [resamples]."""
    # In the precision of the weights, which are too many to be copied.
    return np.asarray(weights @ values.astype(weights.dtype), dtype=np.float64)


def _order(values: np.ndarray) -> np.ndarray:
    """Return whole numbers of the same order, float32 [n]; infinite values would give NaN when subtracted."""
    return np.unique(values, return_inverse=True)[1].astype(np.float32)


def _pair_signs(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Return the products of the signs of all pairs, float32 [n, n]."""
    return np.sign(x[:, None] - x) * np.sign(y[:, None] - y)


def tau_of_forms(concordance: np.ndarray, untied_x: np.ndarray, untied_y: np.ndarray) -> np.ndarray:
    """Return tau-b of each resample from its three forms; NaN where all pairs are tied."""
    pairs = np.sqrt(np.maximum(untied_x, 0) * np.maximum(untied_y, 0))
    return concordance / np.where(pairs > 0, pairs, np.nan)


def bootstrap_tau(
    weights: np.ndarray, predicted: np.ndarray, truth: np.ndarray, sample: Sample | None = None
) -> np.ndarray:
    """Return tau-b of each resample, float64 [resamples].

    Parameters
    ----------
    weights : ndarray of float32, [resamples, n]
        Counts, as `bootstrap_weights` draws them.
    predicted, truth : ndarray, [n]
        Values without NaN.
    sample : Sample, optional
        Whose resamples they are, where it is one in strata.
    """
    return tau_of_forms(
        pair_form(weights, predicted, truth, sample),
        pair_form(weights, predicted, predicted, sample),
        pair_form(weights, truth, truth, sample),
    )


class BetterHalf:
    """The architectures at or above the median in each resample.

    The median is that of the resample: where the half begins is known from the sample, too. In simulations from a
    published table intervals then cover as they should; with the median of the sample in all of them, some do not.

    Parameters
    ----------
    weights : ndarray of float32, [resamples, n]
        Counts, as `bootstrap_weights` draws them.
    by : ndarray, [n]
        What they are chosen by, such as the truth, without NaN.
    sample : Sample, optional
        Whose resamples they are, where it is one in strata.
    """

    def __init__(self, weights: np.ndarray, by: np.ndarray, sample: Sample | None = None) -> None:
        self.edge: np.ndarray | None = None
        if len(by) > EXACT_LIMIT:
            # Forms are then linear around the sample, and go by the degrees among its own better half.
            self.used = better_half(by, sample)
            self.weights = weights[:, self.used]
            # A resample with more of that half has a higher median, which leaves as many of the worst of them out.
            counts = np.ones(len(by)) if sample is None else sample.weights
            share = counts[self.used].sum() / counts.sum()
            self.beyond = self.weights.sum(axis=1, dtype=np.float64) - share * weights.sum(axis=1, dtype=np.float64)
            self.edge = np.argsort(by[self.used], kind="stable")[: math.ceil(EDGE * self.used.sum())]
            self.counts = counts[self.used][self.edge]
        else:
            better = above_of_weight(by, weights)
            self.used = np.any(better, axis=0)
            self.weights = (weights * better)[:, self.used]
        self.sample = sample and sample.within(self.used)

    def form(self, x: np.ndarray, y: np.ndarray) -> np.ndarray:
        """Return the `pair_form` of the better half of each resample, [resamples]; `x` and `y` are of all, [n]."""
        x, y = x[self.used], y[self.used]
        form = pair_form(self.weights, x, y, self.sample)
        if self.edge is None:
            return form
        at_edge = np.average(weighted_degrees(x, y, self.sample)[self.edge], weights=self.counts)
        return form - 2 * self.beyond * at_edge

    def bootstrap_tau(self, predicted: np.ndarray, truth: np.ndarray) -> np.ndarray:
        """Return tau-b among the better half of each resample, [resamples]; NaN where it is constant."""
        untied = [self.form(values, values) for values in (predicted, truth)]
        return tau_of_forms(self.form(predicted, truth), *untied)


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
    return (below + up_to - up_to[:, -1:])[:, group]


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


def linear_spearman(
    weights: np.ndarray, predicted: np.ndarray, truth: np.ndarray, sample: Sample | None = None
) -> np.ndarray:
    """Return Spearman's rho of each resample of many architectures, float64 [resamples].

    As in `pair_form`, its sums are linear in the counts around the sample: they are forms of the third degree in the
    counts, since both ranks of each architecture depend on all others.

    Parameters
    ----------
    weights : ndarray of float32, [resamples, n]
        Counts, as `bootstrap_weights` draws them.
    predicted, truth : ndarray, [n]
        Values without NaN.
    sample : Sample, optional
        Whose resamples they are, where it is one in strata.
    """
    counts = np.ones(len(truth)) if sample is None else sample.weights
    covariance, *variances = (
        _linear_rank_form(weights, x, y, counts)
        for x, y in ((predicted, truth), (predicted, predicted), (truth, truth))
    )
    return tau_of_forms(covariance, *variances)


def _linear_rank_form(weights: np.ndarray, x: np.ndarray, y: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """Return the sum of the products of both ranks around their means in each resample, [resamples]."""
    of_x, of_y = space_ranks(x, counts), space_ranks(y, counts)
    # One more copy of an architecture adds its own product, and moves the ranks of all others above and below it.
    slopes = of_x * of_y - space_ranks(x, counts * of_y) - space_ranks(y, counts * of_x)
    return _linear(weights, slopes) - 2 * float(counts @ (of_x * of_y))


def _row_products(left: np.ndarray, right: np.ndarray) -> np.ndarray:
    """Return the inner product of each pair of rows, float64 [rows]."""
    return np.einsum("bi,bi->b", left, right, dtype=np.float64)
