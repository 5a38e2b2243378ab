"""Variances over few seeds, moderated by what all levels of a study show of such variances.

Five seeds that agree by luck make a level look certain. How variances are spread over many levels tells how far to
trust that of a single level: the true ones are taken as drawn from a scaled inverse chi squared distribution, whose
centre and degrees of freedom are estimated from all levels (empirical Bayes), and each level's own is drawn towards
it. A few levels that diverge must not widen all the others: they are held back while the prior is estimated, and have
less of it themselves.

References
----------
Smyth, "Linear Models and Empirical Bayes Methods for Assessing Differential Expression in Microarray Experiments",
Statistical Applications in Genetics and Molecular Biology 3, 2004: the prior and its moments.
Phipson, Lee, Majewski, Alexander and Smyth, "Robust Hyperparameter Estimation Protects against Hypervariable Genes and
Improves Power to Detect Differential Expression", Annals of Applied Statistics 10, 2016: the robust form. Both as
`squeezeVar` of the package limma has them.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import optimize, special, stats

FEWEST_LEVELS = 10
"""Levels below which there is no prior: variances of fewer say too little of how variances are spread."""

TAILS = (0.05, 0.1)
"""Shares of the smallest and of the largest variances that are held back while the prior is estimated."""

MANY = 1e6
"""Degrees of freedom from which on a prior is taken as certain."""

NODES, WEIGHTS = np.polynomial.legendre.leggauss(64)


@dataclass(frozen=True)
class Variance:
    """A variance over seeds, and the degrees of freedom that it is known with."""

    value: float
    degrees: float


def moderate(variances: Sequence[float], degrees: Sequence[float], only_wider: bool = True) -> list[Variance]:
    """Return the variances of levels, each drawn towards what all of them show.

    Variances are only made larger, unless asked otherwise. Seeds that agree by luck then do not make a level look
    certain, while those that differ widely are believed: simulated studies in which some level diverges have too many
    false marks otherwise (`tools/simulate_marks.py`). A level without any spread, as metrics that move in steps have
    it, keeps none. No variance is known with more degrees of freedom than all levels have together.

    Parameters
    ----------
    variances : sequence of float, [levels]
        Of each level's values over its seeds, at least 0.
    degrees : sequence of float, [levels]
        Their degrees of freedom, at least 1.
    only_wider : bool
        Whether no variance becomes smaller; otherwise they are those of limma.

    Returns
    -------
    list of Variance
        As they are if fewer than `FEWEST_LEVELS` have a spread, or less than half of them.
    """
    own, known = np.asarray(variances, dtype=np.float64), np.asarray(degrees, dtype=np.float64)
    spread = own > 0
    if spread.sum() < max(FEWEST_LEVELS, len(own) / 2):
        return _together(own, known)
    centre, prior = _robust_prior(own[spread], known[spread])
    with np.errstate(invalid="ignore"):
        drawn = (prior * centre + known[spread] * own[spread]) / (prior + known[spread])
    found, total = own.copy(), known.copy()
    found[spread] = np.where(np.isinf(prior), centre, drawn)
    found = np.maximum(found, own) if only_wider else found
    total[spread] = np.minimum(prior + known[spread], known[spread].sum())
    return _together(found, total)


def _together(values: np.ndarray, degrees: np.ndarray) -> list[Variance]:
    return [Variance(float(value), float(known)) for value, known in zip(values, degrees, strict=True)]


def _moments_prior(variances: np.ndarray, degrees: np.ndarray) -> tuple[float, float]:
    """Return centre and degrees of freedom of the prior, by the moments of the logarithms (Smyth 2004, section 6.2)."""
    logs = np.log(variances) - special.digamma(degrees / 2) + np.log(degrees / 2)
    excess = float(np.var(logs, ddof=1) - np.mean(special.polygamma(1, degrees / 2)))
    if excess <= 0:
        return float(np.average(variances, weights=degrees)), math.inf
    half = _inverse_trigamma(excess)
    return float(np.exp(logs.mean() + special.digamma(half) - math.log(half))), _capped(2 * half)


def _robust_prior(variances: np.ndarray, degrees: np.ndarray) -> tuple[float, np.ndarray]:
    """Return the centre of the prior and, for each level, its degrees of freedom (Phipson and others 2016)."""
    first_centre, first = _moments_prior(variances, degrees)
    common = float(np.median(degrees))
    logs = np.log(_as_of(variances / first_centre, degrees, common, first) * first_centre)
    middle = float(stats.trim_mean(logs, TAILS[1]))
    low, high = np.quantile(logs - middle, [TAILS[0], 1 - TAILS[1]])
    held = np.clip(logs - middle, low, high)
    certainty = _matching(float(np.var(held, ddof=1)), common, first)
    centre = math.exp(middle + float(held.mean()) - _held_moments(common, certainty)[0])
    return centre, _less_for_outliers(variances / centre, degrees, certainty)


def _matching(variance: float, degrees: float, least: float) -> float:
    """Return the prior's degrees of freedom at which ratios, held back alike, have this variance of logarithms."""

    def excess(share: float) -> float:
        return math.log(variance / _held_moments(degrees, share / (1 - share))[1])

    if variance <= _held_moments(degrees, math.inf)[1] or math.isinf(least):
        return math.inf
    start, end = least / (1 + least), 1 - 1 / MANY
    if excess(start) >= 0:
        return least
    return math.inf if excess(end) <= 0 else _capped(float(_odds(optimize.brentq(excess, start, end))))


def _held_moments(degrees: float, certainty: float) -> tuple[float, float]:
    """Return mean and variance of the logarithm of a ratio of variances whose tails are held back."""
    ends = np.array([TAILS[0], 1 - TAILS[1]])
    inner = ends[0] + (ends[1] - ends[0]) * (NODES + 1) / 2
    logs = np.log(np.concatenate([_quantile(inner, degrees, certainty), _quantile(ends, degrees, certainty)]))
    shares = np.concatenate([(ends[1] - ends[0]) * WEIGHTS / 2, TAILS])
    mean = float(shares @ logs)
    return mean, float(shares @ (logs - mean) ** 2)


def _less_for_outliers(ratios: np.ndarray, degrees: np.ndarray, certainty: float) -> np.ndarray:
    """Return the prior's degrees of freedom for each level: fewer, the less its variance is of the prior at all.

    A level is an outlier as far as its variance is larger than its place in the order of all explains. The prior that
    outliers have is so uncertain that the largest of them is ordinary.
    """
    tails = _log_tail(ratios, degrees, certainty)
    places = np.log((stats.rankdata(tails) - 0.5) / len(ratios))
    ordinary = np.exp(np.minimum(tails - places, 0))
    if (ordinary == 1).all():
        return np.full(len(ratios), certainty)
    order = np.argsort(tails, kind="stable")
    known = degrees.sum() if math.isinf(certainty) else certainty
    outlier = _of_outliers(ratios[order[0]], degrees[order[0]], known, float(tails[order[0]]))
    found = ordinary * known + (1 - ordinary) * outlier
    found[ordinary == 1] = certainty
    ordered = found[order]
    means = np.cumsum(np.minimum(ordered, MANY)) / np.arange(1, len(ordered) + 1)
    least = int(np.argmin(means))
    ordered[: least + 1] = means[least]
    found[order] = np.maximum.accumulate(ordered)
    return found


def _of_outliers(ratio: float, degrees: float, certainty: float, tail: float) -> float:
    """Return the prior's degrees of freedom with which the largest variance would be a median one."""
    if not math.isfinite(tail):
        return 0.0
    first = math.log(0.5) / tail * certainty
    again = float(_log_tail(np.array([ratio]), np.array([degrees]), first)[0])
    return math.log(0.5) / again * first if -math.inf < again < 0 else 0.0


def _as_of(ratios: np.ndarray, degrees: np.ndarray, common: float, certainty: float) -> np.ndarray:
    """Return ratios as those with `common` degrees of freedom that are as far out."""
    found = ratios.copy()
    for place in np.flatnonzero(degrees != common):
        below = 1 - math.exp(float(_log_tail(ratios[place], degrees[place], certainty)))
        found[place] = float(_quantile(np.clip(below, 1e-12, 1 - 1e-12), common, certainty))
    return found


def _quantile(shares: np.ndarray, degrees: float, certainty: float) -> np.ndarray:
    if math.isinf(certainty):
        return np.asarray(stats.chi2.ppf(shares, degrees) / degrees)
    return np.asarray(stats.f.ppf(shares, degrees, certainty))


def _log_tail(ratios: np.ndarray, degrees: np.ndarray, certainty: float) -> np.ndarray:
    if math.isinf(certainty):
        return np.asarray(stats.chi2.logsf(ratios * degrees, degrees))
    return np.asarray(stats.f.logsf(ratios, degrees, certainty))


def _odds(share: float) -> float:
    return share / (1 - share)


def _capped(degrees: float) -> float:
    return math.inf if degrees > MANY else degrees


def _inverse_trigamma(value: float) -> float:
    """Return where the trigamma function has this value, by Newton's method (Smyth 2004, appendix)."""
    if value > 1e7:
        return 1 / math.sqrt(value)
    found = 0.5 + 1 / value
    for _ in range(50):
        of_found = float(special.polygamma(1, found))
        step = of_found * (1 - of_found / value) / float(special.polygamma(2, found))
        found += step
        if -step / found < 1e-10:
            break
    return found
