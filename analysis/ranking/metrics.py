"""How well predicted accuracies rank architectures: NumPy arrays in, floats out.

`predicted` and `truth` are arrays of shape [n], n at least 2, higher is better. A predictor that gives every
architecture the same value ranks nothing: its rank correlations are NaN, never 0 or 1. Where a metric looks
at the best predicted architectures, ties are broken uniformly at random and the expected value is returned,
so that the order in which architectures are stored does not matter. `sparse_kendall_tau_yu` is the exception:
it follows published code, which leaves tied predictions as they are stored.

Where the arrays are a sample of a space in strata, `sample` says so, and the metric estimates that of the whole space:
architectures and pairs count as often as they stand for. Metrics of the `k` best of those that were scored are of these
architectures and take no sample.
"""

import math

import numpy as np
from scipy import stats

from supernet_bench.analysis.ranking.degrees import weighted_degrees
from supernet_bench.analysis.ranking.sample import Sample
from supernet_bench.core.errors import InputError

SINGLE_PRECISION = float(np.finfo(np.float32).eps)

ALL_PAIRS = 1000
"""Most architectures whose pairs are held where one tau is asked for; going through them is faster up to there."""


MOST_LISTED = 2000
"""Most architectures of which the pairs of equal size are listed; of 15,625 there may be millions."""


def kendall_tau(predicted: np.ndarray, truth: np.ndarray, sample: Sample | None = None) -> float:
    """Return Kendall's tau-b.

    Parameters
    ----------
    predicted, truth : ndarray, [n]
        Any scale.
    sample : Sample, optional
        Where these architectures were drawn from strata of a space; otherwise all count alike.

    Returns
    -------
    float
        In [-1, 1]; NaN where either array is constant.

    Raises
    ------
    InputError
        If the arrays are not one-dimensional, differ in length, are shorter than 2, or hold NaN.

    References
    ----------
    Kendall, "The Treatment of Ties in Ranking Problems", Biometrika 33, 1945.
    """
    predicted, truth = _checked(predicted=predicted, truth=truth)
    if sample is None:
        return float(stats.kendalltau(predicted, truth).statistic)
    return _weighted_tau(predicted, truth, sample)


def _weighted_tau(x: np.ndarray, y: np.ndarray, sample: Sample | None, groups: np.ndarray | None = None) -> float:
    """Return tau-b of a space, whose pairs are estimated from those of a sample; only those within groups if any."""
    if sample is not None and groups is None and len(x) <= ALL_PAIRS:
        counts = sample.pairs.times(np.outer(sample.weights, sample.weights))
        of_x, of_y = (np.sign(ranks[:, None] - ranks) for ranks in map(stats.rankdata, (x, y)))
        forms = [float(np.vdot(counts, signs)) for signs in (of_x * of_y, np.abs(of_x), np.abs(of_y))]
    else:
        weights = np.ones(len(x)) if sample is None else sample.weights
        forms = [float(weights @ weighted_degrees(*both, sample, groups)) for both in ((x, y), (x, x), (y, y))]
    untied = math.sqrt(max(0.0, forms[1]) * max(0.0, forms[2]))
    return forms[0] / untied if untied else math.nan


def kendall_tau_better_half(
    predicted: np.ndarray, truth: np.ndarray, sample: Sample | None = None, by: np.ndarray | None = None
) -> float:
    """Return Kendall's tau-b among the architectures whose truth is at or above the median.

    Who searches looks there. tau over all mostly tells the worst architectures from the rest, which is easy.

    Parameters
    ----------
    predicted, truth, sample
        As in `kendall_tau`.
    by : ndarray, [n], optional
        What the better half is chosen by; otherwise the truth. Between two noisy measurements, either would choose what
        its own noise favours, and the value would be biased: a third one chooses without.

    Returns
    -------
    float
        In [-1, 1]; NaN where either array is constant in the better half, or fewer than two architectures are in it.

    Raises
    ------
    InputError
        As `kendall_tau`.
    """
    predicted, truth, by = _checked(predicted=predicted, truth=truth, by=truth if by is None else by)
    better = better_half(by, sample)
    if better.sum() < 2:
        return math.nan
    return kendall_tau(predicted[better], truth[better], sample and sample.within(better))


def better_half(truth: np.ndarray, sample: Sample | None = None) -> np.ndarray:
    """Return which architectures are at or above the median of the truth, bool [n].

    These are those than which less than half of all are better. In a sample in strata it is the median of the space.
    """
    weights = np.ones(len(truth)) if sample is None else sample.weights
    return above_of_weight(truth, weights[None])[0]


def above_of_weight(values: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Return which values are at or above the median, bool [samples, n], for each row of weights, [samples, n]."""
    falling, group = np.unique(-values, return_inverse=True)
    order = np.argsort(group, kind="stable")
    ends = np.searchsorted(group[order], np.arange(len(falling)), side="right") - 1
    up_to = np.cumsum(weights[:, order], axis=1, dtype=np.float64)
    better = np.pad(up_to[:, ends[:-1]], ((0, 0), (1, 0)))
    # The margin keeps sums of weights that are half of all from being less by a rounding error.
    return np.asarray(better < up_to[:, -1:] * (0.5 - 1e-9))[:, group]


def sparse_kendall_tau(
    predicted: np.ndarray, truth: np.ndarray, resolution: float = 0.001, sample: Sample | None = None
) -> float:
    """Return tau-b with the truth, a fraction, cut down to bins of width `resolution`.

    Architectures whose stand-alone accuracies share a bin count as tied, because repeated training would swap
    them.

    Parameters
    ----------
    predicted : ndarray, [n]
        Any scale.
    truth : ndarray, [n]
        Accuracies as fractions in [0, 1].
    resolution : float
        Width of a bin, in (0, 1].
    sample
        As in `kendall_tau`.

    Returns
    -------
    float
        In [-1, 1]; NaN where the predictions, or all bins, are equal.

    Raises
    ------
    InputError
        As `kendall_tau`, and if the truth is not a fraction or the resolution is out of range.

    References
    ----------
    Yu, Ranftl and Salzmann, "How to Train Your Super-Net", arXiv 2003.04276.
    """
    return kendall_tau(predicted, accuracy_bins(truth, resolution), sample)


def sparse_kendall_tau_yu(predicted: np.ndarray, truth: np.ndarray, resolution: float = 0.001) -> float:
    """Return the sparse tau as the code of its authors computes it, for comparison with published numbers.

    The bins of the truth are numbered without gaps. tau-b is taken between these numbers listed in the order
    of the truth and the same numbers listed in the order of the prediction, so it compares places in two
    sorted lists rather than pairs of architectures and differs from `sparse_kendall_tau`. Equal predictions
    keep the order in which they are given, so under ties the value depends on how architectures are stored.

    Parameters
    ----------
    predicted, truth, resolution
        As in `sparse_kendall_tau`.

    Returns
    -------
    float
        In [-1, 1]; NaN where the predictions, or all bins, are equal.

    Raises
    ------
    InputError
        As `sparse_kendall_tau`.

    References
    ----------
    Yu, Ranftl and Salzmann, "How to Train Your Super-Net", arXiv 2003.04276.
    """
    predicted, bins = _checked(predicted=predicted, truth=accuracy_bins(truth, resolution))
    if np.ptp(stats.rankdata(predicted)) == 0:
        return math.nan
    ranks = np.unique(bins, return_inverse=True)[1]
    return kendall_tau(ranks[np.argsort(predicted, kind="stable")], np.sort(ranks))


def accuracy_bins(truth: np.ndarray, resolution: float = 0.001) -> np.ndarray:
    """Return ``floor(truth / resolution)`` of fractions in [0, 1], int64 [n], safe at the edges of bins.

    Published accuracies are percentages with few decimals, often stored in single precision, so an accuracy
    on the edge of a bin can lie below it by up to one part in 2**24: 0.29 / 0.01 is 28.999999999999996. The
    quotient is therefore raised by one unit of single precision before it is cut, at most 1.2e-4 of a bin at
    the usual resolution, while neighbouring published values are at least 0.01 of a bin apart.

    Raises
    ------
    InputError
        If the truth is not a fraction or the resolution is not in (0, 1].
    """
    (truth,) = _checked(truth=truth)
    if not 0 < resolution <= 1:
        raise InputError(f"resolution is {resolution}; allowed: above 0, at most 1")
    if truth.min() < 0 or truth.max() > 1:
        raise InputError(f"truth ranges from {truth.min()} to {truth.max()}; allowed: fractions in [0, 1]")
    return np.floor(truth / resolution * (1 + SINGLE_PRECISION)).astype(np.int64)


def spearman_rho(predicted: np.ndarray, truth: np.ndarray, sample: Sample | None = None) -> float:
    """Return Spearman's rank correlation, with mean ranks for ties.

    Parameters, errors and the NaN of constant arrays are those of `kendall_tau`.
    """
    predicted, truth = _checked(predicted=predicted, truth=truth)
    if sample is not None:
        return _weighted_spearman(predicted, truth, sample.weights)
    ranks = [stats.rankdata(values) - (len(values) + 1) / 2 for values in (predicted, truth)]
    spread = math.sqrt(float(ranks[0] @ ranks[0]) * float(ranks[1] @ ranks[1]))
    return float(ranks[0] @ ranks[1]) / spread if spread else math.nan


def _weighted_spearman(predicted: np.ndarray, truth: np.ndarray, weights: np.ndarray) -> float:
    """Return the correlation of ranks in the space, where each architecture counts as often as it stands for."""
    ranks = [space_ranks(values, weights) for values in (predicted, truth)]
    spread = math.sqrt(float(weights @ ranks[0] ** 2) * float(weights @ ranks[1] ** 2))
    return float((weights * ranks[0]) @ ranks[1]) / spread if spread else math.nan


def space_ranks(values: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Return how much lies below each one, minus how much lies above, [n], where each counts its weight."""
    group = np.unique(values, return_inverse=True)[1]
    held = np.bincount(group, weights)
    up_to = np.cumsum(held)
    return np.asarray(2 * up_to - held - up_to[-1])[group]


def partial_kendall_tau(
    predicted: np.ndarray, truth: np.ndarray, given: np.ndarray, sample: Sample | None = None
) -> float:
    """Return Kendall's partial tau between prediction and truth, with `given` held fixed.

    Parameters
    ----------
    predicted, truth : ndarray, [n]
        Any scale.
    given : ndarray, [n]
        What is accounted for, such as the parameter count.
    sample
        As in `kendall_tau`.

    Returns
    -------
    float
        In [-1, 1]; NaN where an array is constant or `given` orders either of the others perfectly.

    Raises
    ------
    InputError
        As `kendall_tau`.

    References
    ----------
    Kendall, "Partial Rank Correlation", Biometrika 32, 1942.
    """
    pairs = ((predicted, truth), (predicted, given), (truth, given))
    return float(partial_tau(*(np.array(kendall_tau(x, y, sample)) for x, y in pairs)))


def partial_tau(tau: np.ndarray, predicted_given: np.ndarray, truth_given: np.ndarray) -> np.ndarray:
    """Return the partial tau that belongs to three pairwise ones, elementwise."""
    left = (1 - predicted_given**2) * (1 - truth_given**2)
    # A tau of 1 comes out of floating point as 1 - 1e-16; what is left is then noise divided by noise.
    return (tau - predicted_given * truth_given) / np.sqrt(np.where(left > 1e-12, left, np.nan))


def kendall_tau_within(
    predicted: np.ndarray, truth: np.ndarray, groups: np.ndarray, sample: Sample | None = None
) -> float:
    """Return Kendall's tau-b over the pairs whose members are of one group, such as of equal size.

    Whatever the groups alone decide, such as a preference for large networks, cancels.

    Parameters
    ----------
    predicted, truth : ndarray, [n]
        Any scale.
    groups : ndarray, [n]
        Equal values are one group.
    sample
        As in `kendall_tau`.

    Returns
    -------
    float
        Concordant minus discordant pairs over the geometric mean of those that either array leaves untied; NaN where
        there are none.

    Raises
    ------
    InputError
        As `kendall_tau`.
    """
    predicted, truth, groups = _checked(predicted=predicted, truth=truth, groups=groups)
    if len(truth) > MOST_LISTED:
        return _weighted_tau(predicted, truth, sample, groups)
    first, second = equal_pairs(groups)
    x, y = pair_signs(predicted, first, second), pair_signs(truth, first, second)
    if sample is None:
        untied = math.sqrt(np.count_nonzero(x) * np.count_nonzero(y))
        return float(x @ y) / untied if untied else math.nan
    count = sample.weights_of_pairs(first, second)
    untied = math.sqrt(float(np.abs(x) @ count) * float(np.abs(y) @ count))
    return float((x * y) @ count) / untied if untied else math.nan


def equal_pairs(groups: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the places of the first and of the second members of all pairs of equal values, int [pairs] each."""
    order = np.argsort(groups, kind="stable")
    parts = np.split(order, np.flatnonzero(np.diff(groups[order])) + 1)
    pairs = [members[np.stack(np.triu_indices(len(members), 1))] for members in parts]
    first, second = np.concatenate(pairs, axis=1)
    return first, second


def pair_signs(values: np.ndarray, first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Return the sign of the difference of each pair, float32 [pairs]; infinite values are ordered, too."""
    return (values[first] > values[second]).astype(np.float32) - (values[first] < values[second])


def binomial_noise(accuracy: float, images: int) -> float:
    """Return the standard deviation of an accuracy that is measured on a sample of images.

    Parameters
    ----------
    accuracy : float
        What it would be on all images, a fraction in [0, 1].
    images : int
        Size of the sample, at least 1, drawn from many more.

    Returns
    -------
    float
        A fraction. It is at its largest for an accuracy of 0.5.

    Raises
    ------
    InputError
        If the accuracy is no fraction, or the number of images is not whole or below 1.
    """
    _check_whole(images=images)
    if not 0 <= accuracy <= 1:
        raise InputError(f"accuracy is {accuracy}; allowed: a fraction in [0, 1]")
    if images < 1:
        raise InputError(f"images is {images}; allowed: at least 1")
    return math.sqrt(accuracy * (1 - accuracy) / images)


def tau_cap(spread: float, noise: float) -> float:
    """Return Kendall's tau between values and the same values with independent noise of their own.

    No predictor ranks better than that if each of its scores has such noise, as where every architecture is scored
    on images of its own; images that all architectures share favour or harm all of them alike, and cost less.

    For values of variance d^2 and noise of variance s^2, both normal, the correlation of the values with the noisy
    ones is d / sqrt(d^2 + s^2), and in a bivariate normal distribution of correlation r tau is (2 / pi) asin(r),
    which is Greiner's relation. With 500 images and accuracies of standard deviation 0.02 the cap is 0.54 around an
    accuracy of 0.81 (or 0.19); around 0.5, where binomial noise is largest, it is 0.46, and around 0.9 it is 0.62.

    Parameters
    ----------
    spread : float
        Standard deviation d of the values, at least 0.
    noise : float
        Standard deviation s of the noise, at least 0, in the same unit; see `binomial_noise`.

    Returns
    -------
    float
        In [0, 1]; NaN where both are 0.

    Raises
    ------
    InputError
        If either is negative or not finite.

    References
    ----------
    Greiner, "Über das Fehlersystem der Kollektivmaßlehre", Zeitschrift für Mathematik und Physik 57, 1909.
    """
    for name, value in (("spread", spread), ("noise", noise)):
        if not 0 <= value < math.inf:
            raise InputError(f"{name} is {value}; allowed: a number, at least 0")
    return 2 / math.pi * math.atan2(spread, noise) if spread or noise else math.nan


def probability_surpassing_random(best_rank: int, space_size: int, draws: int) -> float:
    """Return the probability that `draws` uniform random architectures are all worse than the one found.

    Parameters
    ----------
    best_rank : int
        Rank of the architecture found, counted from the top, 1 = best.
    space_size : int
        Number of ranked architectures.
    draws : int
        Architectures drawn by random search, with replacement, at least 1.

    Returns
    -------
    float
        ``((space_size - best_rank) / space_size) ** draws``.

    Raises
    ------
    InputError
        If the rank is not between 1 and the size, there is no draw, or a number is not whole.

    References
    ----------
    Yu, Ranftl and Salzmann, "How to Train Your Super-Net", arXiv 2003.04276.
    """
    _check_whole(best_rank=best_rank, space_size=space_size, draws=draws)
    if not 1 <= best_rank <= space_size:
        raise InputError(f"best_rank is {best_rank}; allowed: 1 to space_size, {space_size}")
    if draws < 1:
        raise InputError(f"draws is {draws}; allowed: at least 1")
    return float(((space_size - best_rank) / space_size) ** draws)


def final_search_performance(predicted: np.ndarray, truth: np.ndarray, top: int = 10) -> tuple[float, float]:
    """Return mean and standard deviation of the truth of the `top` best predicted architectures.

    Parameters
    ----------
    predicted, truth : ndarray, [n]
        Any scale.
    top : int
        1 to n.

    Returns
    -------
    mean, deviation : float
        In the unit of the truth. The deviation describes these architectures (it divides by `top`); it is not
        the uncertainty of the mean.

    Raises
    ------
    InputError
        As `kendall_tau`, and if `top` is out of range or not whole.
    """
    predicted, truth = _checked(predicted=predicted, truth=truth)
    share = _share_of_top(predicted, top) / top
    mean = float(share @ truth)
    return mean, math.sqrt(float(share @ (truth - mean) ** 2))


def precision_at(predicted: np.ndarray, truth: np.ndarray, fraction: float, sample: Sample | None = None) -> float:
    """Return the share of the predicted top `fraction` that is in the true top `fraction`.

    Parameters
    ----------
    predicted, truth : ndarray, [n]
        Any scale.
    fraction : float
        In (0, 1]; the nearest whole number of architectures, at least one, is taken. Architectures whose
        truth equals that of the last one of the true top are in it too.
    sample
        As in `kendall_tau`.

    Returns
    -------
    float
        In [0, 1].

    Raises
    ------
    InputError
        As `kendall_tau`, and if `fraction` is out of range.
    """
    predicted, truth = _checked(predicted=predicted, truth=truth)
    if not 0 < fraction <= 1:
        raise InputError(f"fraction is {fraction}; allowed: above 0, at most 1")
    top = top_size(fraction, len(truth))
    if sample is None:
        return float(_share_of_top(predicted, top) @ (truth >= np.sort(truth)[-top])) / top
    weights = sample.weights
    held, in_top = weights * _share_of_weight(predicted, top, weights), _share_of_weight(truth, top, weights) > 1e-9
    return float(held @ in_top) / float(held.sum())


def ndcg_at(predicted: np.ndarray, truth: np.ndarray, fraction: float = 0.1, sample: Sample | None = None) -> float:
    """Return the normalised discounted cumulative gain of the predicted top `fraction`.

    The gain of an architecture is the share of the scored ones that are worse; with accuracies as gain every ranking
    would have nearly 1. The one predicted at rank r counts 1 / log2(1 + r), and none counts below the top.

    Parameters
    ----------
    predicted, truth : ndarray, [n]
        Any scale.
    fraction : float
        In (0, 1]; the nearest whole number of architectures, at least one, is taken.
    sample
        As in `kendall_tau`; a gain is then the share of the space that is worse. Ranks are those among the scored.

    Returns
    -------
    float
        The sum over the predicted top over that of the best possible one, in [0, 1]; the mean over all orders of equal
        predictions. NaN where all truth is equal.

    Raises
    ------
    InputError
        As `precision_at`.

    References
    ----------
    Järvelin and Kekäläinen, "Cumulated Gain-Based Evaluation of IR Techniques", ACM Transactions on Information Systems
    20, 2002; McSherry and Najork, "Computing Information Retrieval Performance Measures Efficiently in the Presence of
    Tied Scores", ECIR 2008, for the mean over orders.
    """
    predicted, truth = _checked(predicted=predicted, truth=truth)
    if not 0 < fraction <= 1:
        raise InputError(f"fraction is {fraction}; allowed: above 0, at most 1")
    top = top_size(fraction, len(truth))
    gains = _share_below(truth, sample)
    discounts = np.zeros(len(truth))
    discounts[:top] = 1 / np.log2(np.arange(2, top + 2))
    best = float(discounts @ np.sort(gains)[::-1])
    return float(gains @ _mean_over_orders(predicted, discounts)) / best if best else math.nan


def _share_below(truth: np.ndarray, sample: Sample | None) -> np.ndarray:
    """Return the share of all that are worse than each one, [n]."""
    group = np.unique(truth, return_inverse=True)[1]
    held = np.bincount(group, None if sample is None else sample.weights)
    return np.asarray((np.cumsum(held) - held) / held.sum())[group]


def _mean_over_orders(predicted: np.ndarray, by_rank: np.ndarray) -> np.ndarray:
    """Return what belongs to the rank of each one, best first, the mean over all orders of equal predictions, [n]."""
    group, sizes = np.unique(-predicted, return_inverse=True, return_counts=True)[1:]
    sums = np.add.reduceat(by_rank, np.cumsum(sizes) - sizes)
    return np.asarray(sums / sizes)[group]


def best_percentile_at(predicted: np.ndarray, truth: np.ndarray, k: int, sample: Sample | None = None) -> float:
    """Return the percentile, as a fraction, of the truly best one among the `k` best predicted architectures.

    Parameters
    ----------
    predicted, truth : ndarray, [n]
        Any scale.
    k : int
        1 to n: how many architectures a search would train from scratch.
    sample
        As in `kendall_tau`; the percentile is then that in the space.

    Returns
    -------
    float
        Share of the architectures that are no better than it, itself among them: 1 if the best of all is found.

    Raises
    ------
    InputError
        As `best_truth_at`.
    """
    predicted, truth = _checked(predicted=predicted, truth=truth)
    group = np.unique(truth, return_inverse=True)[1]
    held = np.bincount(group, None if sample is None else sample.weights)
    # The chances of a mean over orders add up to 1 but for rounding.
    return min(1.0, best_truth_at(predicted, np.asarray(np.cumsum(held) / held.sum())[group], k))


def _share_of_weight(values: np.ndarray, top: float, weights: np.ndarray) -> np.ndarray:
    """Return the share of each one that is in the top of a weight, [n]; those that are equal at its edge share it."""
    falling, group = np.unique(-values, return_inverse=True)
    held = np.bincount(group, weights, len(falling))
    above = np.cumsum(held) - held
    return np.asarray(np.clip((top - above) / held, 0, 1))[group]


def top_size(fraction: float, architectures: int) -> int:
    """Return how many the top `fraction` of some architectures are: the nearest whole number, at least one."""
    return max(1, round(fraction * architectures))


def best_truth_at(predicted: np.ndarray, truth: np.ndarray, k: int) -> float:
    """Return the best truth among the `k` best predicted architectures.

    Parameters
    ----------
    predicted, truth : ndarray, [n]
        Any scale.
    k : int
        1 to n: how many architectures a search would train from scratch.

    Returns
    -------
    float
        In the unit of the truth.

    Raises
    ------
    InputError
        As `kendall_tau`, and if `k` is out of range or not whole.
    """
    predicted, truth = _checked(predicted=predicted, truth=truth)
    predicted, truth = _checked(predicted=predicted, truth=truth)
    share = _share_of_top(predicted, k)
    surely = truth[share == 1]
    tied = -np.sort(-truth[(share > 0) & (share < 1)])
    drawn = k - len(surely)
    left = len(tied) - np.arange(len(tied))
    # Of `drawn` out of the tied ones, the best is number j of the sorted list if none before it is drawn.
    none_before = np.concatenate([[1.0], np.cumprod(1 - np.minimum(1, drawn / left))])
    best = np.append(np.maximum(tied, surely.max(initial=-np.inf)), surely.max(initial=truth.min()))
    chance = none_before * np.append(np.minimum(1, drawn / left), 1)
    return float(chance @ best)


def regret_at(predicted: np.ndarray, truth: np.ndarray, k: int) -> float:
    """Return the best truth of all minus `best_truth_at`; parameters and errors are the same."""
    best_found = best_truth_at(predicted, truth, k)
    return float(np.max(truth)) - best_found


def _share_of_top(predicted: np.ndarray, top: int) -> np.ndarray:
    """Return each one's probability to be among the `top` when ties are broken at random, [n]."""
    _check_whole(**{"number of top architectures": top})
    if not 1 <= top <= len(predicted):
        raise InputError(f"number of top architectures is {top}; allowed: 1 to {len(predicted)}")
    threshold = np.sort(predicted)[-top]
    above, tied = predicted > threshold, predicted == threshold
    return above + tied * ((top - above.sum()) / tied.sum())


def _check_whole(**numbers: object) -> None:
    for name, number in numbers.items():
        if not isinstance(number, int | np.integer) or isinstance(number, bool):
            raise InputError(f"{name} is {number}; allowed: a whole number")


def _checked(**arrays: np.ndarray) -> list[np.ndarray]:
    """Return the arrays as float64 [n] of one length, or raise InputError."""
    checked = [np.asarray(values, dtype=np.float64) for values in arrays.values()]
    for name, values in zip(arrays, checked, strict=True):
        if values.ndim != 1 or len(values) < 2:
            raise InputError(f"{name} has shape {values.shape}; allowed: [n] with n at least 2")
        if np.isnan(values).any():
            raise InputError(f"{name} holds {int(np.isnan(values).sum())} NaN; allowed: none")
        if len(values) != len(checked[0]):
            lengths = " and ".join(str(len(values)) for values in checked)
            raise InputError(f"{' and '.join(arrays)} have lengths {lengths}; allowed: one length")
    return checked
