"""Estimates with 95 % intervals over architectures and seeds, and what such intervals decide."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from scipy import special, stats

CONFIDENCE = 0.95
ALPHA = 1 - CONFIDENCE

EFFECTS_TO_DETECT = (0.05, 0.1)
"""Differences in tau for which the seeds needed are told."""

MOST_SEEDS = 10_000
"""More seeds than these are not counted: an effect that they do not show is called not reachable."""

QUANTILES = 500
"""Of the standard deviation over seeds, over which the power is averaged."""

SMALLEST_P = 1e-15
"""Below this the tails of the distributions are no longer told apart."""

SAME = 1e-12
"""A spread below this is rounding: the values are equal."""

FEWEST = 5
"""Architectures below which there is no interval: resamples of fewer are nearly all the same."""


def has_interval(value: float, half_width: float, architectures: int = FEWEST) -> bool:
    """Return whether it can be said how far an estimate may be off: the rule for every interval.

    Three seeds may well agree exactly, and so may all resamples. An interval of no width would then claim to know what
    was not seen. Around exactly zero it is kept, where no seed finds any of the best, or equal runs differ by nothing:
    published tables hold such intervals.

    Parameters
    ----------
    value : float
        The estimate.
    half_width : float
        Of the interval that its spread gives; NaN where there is no spread to take it from.
    architectures : int
        How many the estimate is from, where it is.
    """
    return architectures >= FEWEST and (half_width > SAME or (half_width >= 0 and abs(value) <= SAME))


@dataclass(frozen=True)
class Estimate:
    """A number that never goes without its interval and what it rests on.

    Attributes
    ----------
    value : float
        NaN where there was nothing to estimate from.
    low, high : float
        95 % interval; NaN where there is none.
    seeds : int
        Independent supernets averaged; 0 for a number that involves none, such as a parameter count.
    architectures : int
        Architectures ranked.
    """

    value: float
    low: float
    high: float
    seeds: int
    architectures: int

    @property
    def one_seed(self) -> bool:
        """Whether the interval covers the choice of architectures but cannot cover the choice of seed."""
        return self.seeds == 1

    @property
    def excludes_zero(self) -> bool:
        """Whether the interval shows a direction: zero lies outside, and the interval covers the choice of seed."""
        return not self.one_seed and (self.low > 0 or self.high < 0)


@dataclass(frozen=True)
class Difference(Estimate):
    """A paired difference, and what its interval decides.

    Attributes
    ----------
    deviation : float
        Standard deviation of the differences over seeds; NaN for fewer than two.
    shared : float
        Standard deviation of the mean that all seeds share (`Spread`); NaN where there is no interval.
    p_value : float
        Smallest alpha at which the interval of confidence ``1 - alpha`` excludes zero; NaN where no interval
        covers the choice of seed.
    adjusted : float
        The same after the correction for all comparisons of the study (`holm`); NaN before it.
    runs : frozenset of str
        The runs that are compared. A grid repeats comparisons of single factors: they have equal runs.
    """

    deviation: float = math.nan
    shared: float = math.nan
    p_value: float = math.nan
    adjusted: float = math.nan
    runs: frozenset[str] = frozenset()

    @property
    def excludes_zero_corrected(self) -> bool:
        """Whether zero is still excluded when all comparisons of the study are corrected for their number."""
        return self.adjusted < ALPHA


@dataclass(frozen=True)
class Spread:
    """How far the mean over seeds could move: what the width of its interval comes from at any confidence.

    Attributes
    ----------
    seeds : int
        At least 2.
    deviation : float
        Standard deviation of the values over seeds.
    shared : float
        Standard deviation of the mean that all seeds share; it does not shrink with their number.
    architectures : float
        Standard deviation of the mean over architectures with these very seeds.
    """

    seeds: int
    deviation: float
    shared: float = 0.0
    architectures: float = 0.0

    def half_width(self, alpha: float = ALPHA) -> float:
        """Return half the width of the interval of confidence ``1 - alpha``."""
        normal = -float(special.ndtri(alpha / 2))
        over_seeds = -float(special.stdtrit(self.seeds - 1, alpha / 2)) * self.deviation / math.sqrt(self.seeds)
        return max(math.hypot(over_seeds, normal * self.shared), normal * self.architectures)

    def p_value(self, mean: float) -> float:
        """Return the smallest alpha at which the interval around `mean` excludes zero, at least `SMALLEST_P`."""
        if abs(mean) <= SAME:
            return 1.0
        low, high = math.log(SMALLEST_P), 0.0
        for _ in range(60):
            middle = (low + high) / 2
            low, high = (low, middle) if abs(mean) > self.half_width(math.exp(middle)) else (middle, high)
        return math.exp(high)


def nothing(architectures: int) -> Estimate:
    """Return the estimate that rests on no run."""
    return Estimate(math.nan, math.nan, math.nan, 0, architectures)


def over_architectures(value: float, replicates: np.ndarray, architectures: int, seeds: int = 0) -> Estimate:
    """Return a percentile bootstrap interval over architectures.

    Parameters
    ----------
    value : float
        The estimate from the architectures themselves.
    replicates : ndarray, [resamples]
        The same from each resample; NaN where a resample was constant.
    architectures, seeds : int
        What the value rests on.
    """
    finite = replicates[np.isfinite(replicates)]
    low, high = np.quantile(finite, [(1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2]) if len(finite) else (math.nan,) * 2
    if not has_interval(value, float(high - low) / 2, architectures):
        return Estimate(value, math.nan, math.nan, seeds, architectures)
    return Estimate(value, float(low), float(high), seeds, architectures)


def over_seeds(values: np.ndarray, architectures: int, lowest: float = 0.0) -> Estimate:
    """Return the mean with a t interval over seeds alone, for exactly these architectures.

    This serves metrics of the best few architectures. Their bootstrap over architectures is not valid: a
    resample cannot hold an architecture better than the best one, and repeats it instead.

    Parameters
    ----------
    values : ndarray, [seeds]
        One value per supernet.
    architectures : int
        How many architectures were scored.
    lowest : float
        Smallest possible value; the interval is cut there and at 1.
    """
    if not len(values):
        return nothing(architectures)
    return _around(values, spread_over_seeds(values), architectures, lowest, 1.0)


def _around(values: np.ndarray, spread: Spread | None, architectures: int, lowest: float, highest: float) -> Estimate:
    """Return the mean with the interval of its spread, cut at both ends."""
    mean, half = float(np.mean(values)), spread.half_width() if spread else math.nan
    if not has_interval(mean, half, architectures):
        return Estimate(mean, math.nan, math.nan, len(values), architectures)
    return Estimate(mean, max(mean - half, lowest), min(mean + half, highest), len(values), architectures)


def spread_over_seeds(values: np.ndarray) -> Spread | None:
    """Return the spread of the mean over seeds alone, whose interval is a t interval; None for one seed.

    A percentile bootstrap over three seeds would be far too narrow: it has only ten distinct resamples, its
    spread is that of dividing by S instead of S - 1, and its 95 % are those of a normal, 1.96, where two
    degrees of freedom ask for 4.30.
    """
    return None if len(values) < 2 else Spread(len(values), float(np.std(values, ddof=1)))


def over_both(values: np.ndarray, replicates: np.ndarray, architectures: int, bound: float = 1.0) -> Estimate:
    """Return the mean over seeds with an interval for both samples, that of seeds and that of architectures.

    The variance of the mean has two parts. One shrinks with the number of seeds: how supernets differ, including
    each one's own response to the architectures drawn. It shows in the spread between seeds, so the t interval
    covers it. The other does not shrink: all seeds are scored on the same architectures. The seeds cannot show
    it, but it is what their bootstrap replicates have in common, so it is estimated by the mean covariance of the
    replicates of different seeds. Adding the whole bootstrap variance instead would count each supernet's own
    part twice. The two half widths are added in quadrature, which keeps the level when either part is nearly
    zero. Two or three seeds may agree by chance, so the interval is never narrower than the one over
    architectures with these very seeds.

    Parameters
    ----------
    values : ndarray, [seeds]
        One value per supernet, or the difference of two supernets of the same seed.
    replicates : ndarray, [seeds, resamples]
        The same from resamples of architectures; column b of every row is the same resample.
    architectures : int
        How many architectures were scored.
    bound : float
        Largest magnitude that the value can have; the interval is cut there.

    Returns
    -------
    Estimate
        With one seed the interval covers the architectures only (`Estimate.one_seed`).
    """
    if not len(values):
        return nothing(architectures)
    if len(values) == 1:
        return over_architectures(float(values[0]), replicates[0], architectures, seeds=1)
    return _around(values, spread_over_both(values, replicates), architectures, -bound, bound)


def spread_over_both(values: np.ndarray, replicates: np.ndarray) -> Spread | None:
    """Return the spread of the mean over seeds and architectures, or None where there are fewer than two of either.

    Parameters are those of `over_both`, which says what the parts are.
    """
    if len(values) < 2:
        return None
    defined = replicates[:, np.isfinite(replicates).all(axis=0)]
    if defined.shape[1] < 2:
        return None
    return Spread(
        seeds=len(values),
        deviation=float(np.std(values, ddof=1)),
        shared=math.sqrt(_shared_variance(defined)),
        architectures=float(np.std(defined.mean(axis=0), ddof=1)),
    )


def difference_over_both(
    values: np.ndarray, replicates: np.ndarray, architectures: int, bound: float = 2.0
) -> Difference:
    """Return the mean paired difference with the interval of `over_both`, whose parameters these are."""
    return _decided(over_both(values, replicates, architectures, bound), values, spread_over_both(values, replicates))


def difference_over_seeds(values: np.ndarray, architectures: int) -> Difference:
    """Return the mean paired difference with the interval of `over_seeds`, whose parameters these are."""
    return _decided(over_seeds(values, architectures, lowest=-1.0), values, spread_over_seeds(values))


def _decided(estimate: Estimate, values: np.ndarray, spread: Spread | None) -> Difference:
    """Return what a difference decides, which is nothing where it has no interval."""
    if math.isnan(estimate.low):
        spread = None
    return Difference(
        **vars(estimate),
        deviation=float(np.std(values, ddof=1)) if len(values) > 1 else math.nan,
        shared=spread.shared if spread else math.nan,
        p_value=spread.p_value(estimate.value) if spread else math.nan,
    )


def holm(p_values: Sequence[float]) -> list[float]:
    """Return p-values adjusted for their number: rejecting those below alpha keeps any false claim below alpha.

    The smallest is multiplied by their number m, the next by m - 1, and so on; none may be smaller than the one
    before it, nor exceed 1. Nothing is assumed of how the comparisons depend on each other, which they do: all
    levels share the baseline.

    Parameters
    ----------
    p_values : sequence of float
        Without NaN.

    References
    ----------
    Holm, "A Simple Sequentially Rejective Multiple Test Procedure", Scandinavian Journal of Statistics 6, 1979.
    """
    values = np.asarray(p_values, dtype=np.float64)
    order = np.argsort(values, kind="stable")
    adjusted = np.empty(len(values))
    adjusted[order] = np.minimum(1, np.maximum.accumulate(values[order] * np.arange(len(values), 0, -1)))
    return [float(value) for value in adjusted]


def distinct(differences: Iterable[Difference | None]) -> list[Difference]:
    """Return the differences that have a p-value, those of the same runs once."""
    decidable = (difference for difference in differences if difference and not math.isnan(difference.p_value))
    return list({difference.runs: difference for difference in decidable}.values())


def adjusted(differences: Iterable[Difference | None]) -> dict[frozenset[str], float]:
    """Return the p-values of a family of comparisons, adjusted for their number, by the runs compared."""
    family = distinct(differences)
    found = holm([difference.p_value for difference in family])
    return {difference.runs: p_value for difference, p_value in zip(family, found, strict=True)}


def seeds_needed(
    deviation: float, effect: float, alpha: float = ALPHA, shared: float = 0.0, power: float = 0.8
) -> int | None:
    """Return how many pairs of seeds a paired difference needs to exclude zero at `alpha` with this power.

    Parameters
    ----------
    deviation : float
        Standard deviation of the paired differences over seeds, finite.
    effect : float
        The true difference to detect, above 0.
    alpha : float
        Of the interval, in (0, 1).
    shared : float
        Standard deviation of what all seeds share, finite; more seeds do not reduce it.
    power : float
        Chance to detect the effect, in (0, 1).

    Returns
    -------
    int or None
        At least 2; None where even `MOST_SEEDS` do not reach the power.
    """

    def enough(seeds: int) -> bool:
        return detection_power(seeds, deviation, effect, alpha, shared) >= power

    if not enough(MOST_SEEDS):
        return None
    least, most = 1, MOST_SEEDS
    while most - least > 1:
        middle = (least + most) // 2
        least, most = (least, middle) if enough(middle) else (middle, most)
    return most


def detection_power(seeds: int, deviation: float, effect: float, alpha: float = ALPHA, shared: float = 0.0) -> float:
    """Return the chance that the interval of `over_both` around a mean paired difference excludes zero.

    The mean is normal around the effect with variance ``deviation**2 / seeds + shared**2``. It is compared with the
    half width of the interval, in which the observed standard deviation stands for the true one: that is averaged
    over its distribution, chi with one degree of freedom less than seeds, at evenly spaced quantiles. Without a
    shared part this is the paired t test. The chance to detect the effect with the wrong sign is left out.
    """
    spread = math.hypot(deviation / math.sqrt(seeds), shared)
    if spread <= SAME * effect:
        return 1.0
    probabilities = (np.arange(QUANTILES) + 0.5) / QUANTILES
    observed = deviation * np.sqrt(2 * special.gammaincinv((seeds - 1) / 2, probabilities) / (seeds - 1))
    over_seeds = -float(special.stdtrit(seeds - 1, alpha / 2)) / math.sqrt(seeds) * observed
    half = np.hypot(over_seeds, float(special.ndtri(alpha / 2)) * shared)
    return float(np.mean(special.ndtr((effect - half) / spread)))


def typical_deviation(deviations: Sequence[float], seeds: Sequence[int]) -> float:
    """Return the median standard deviation, each first corrected for being of few seeds; NaN for none.

    The standard deviation of few values is usually too small: of three, its median is 0.83 of the true one. Each
    is divided by that, the square root of the median of chi squared over its degrees of freedom. The median,
    unlike the mean, is not moved by a few levels that diverge.
    """
    if not len(deviations):
        return math.nan
    degrees = np.asarray(seeds) - 1
    return float(np.median(np.asarray(deviations) / np.sqrt(stats.chi2.median(degrees) / degrees)))


def _shared_variance(replicates: np.ndarray) -> float:
    """Return the mean covariance of the rows of [seeds, resamples], 0 where it comes out negative."""
    covariance = np.cov(replicates)
    seeds = len(covariance)
    return max(0.0, float(covariance.sum() - np.trace(covariance)) / (seeds * (seeds - 1)))
