"""Estimates with 95 % intervals over architectures and seeds."""

import math
from dataclasses import dataclass

import numpy as np
from scipy import stats

CONFIDENCE = 0.95
NORMAL = float(stats.norm.ppf((1 + CONFIDENCE) / 2))


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
    if not len(finite):
        return Estimate(value, math.nan, math.nan, seeds, architectures)
    low, high = np.quantile(finite, [(1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2])
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
    mean, half = float(np.mean(values)), seed_half_width(values)
    return Estimate(mean, max(mean - half, lowest), min(mean + half, 1.0), len(values), architectures)


def seed_half_width(values: np.ndarray) -> float:
    """Return half the width of the t interval of the mean over seeds; NaN for one seed.

    A percentile bootstrap over three seeds would be far too narrow: it has only ten distinct resamples, its
    spread is that of dividing by S instead of S - 1, and its 95 % are those of a normal, 1.96, where two
    degrees of freedom ask for 4.30.
    """
    if len(values) < 2:
        return math.nan
    quantile = stats.t.ppf((1 + CONFIDENCE) / 2, len(values) - 1)
    return float(quantile * np.std(values, ddof=1) / math.sqrt(len(values)))


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
    mean = float(np.mean(values))
    defined = replicates[:, np.isfinite(replicates).all(axis=0)]
    if defined.shape[1] < 2:
        return Estimate(mean, math.nan, math.nan, len(values), architectures)
    both = math.hypot(seed_half_width(values), NORMAL * math.sqrt(_shared_variance(defined)))
    half = max(both, NORMAL * float(np.std(defined.mean(axis=0), ddof=1)))
    return Estimate(mean, max(mean - half, -bound), min(mean + half, bound), len(values), architectures)


def _shared_variance(replicates: np.ndarray) -> float:
    """Return the mean covariance of the rows of [seeds, resamples], 0 where it comes out negative."""
    covariance = np.cov(replicates)
    seeds = len(covariance)
    return max(0.0, float(covariance.sum() - np.trace(covariance)) / (seeds * (seeds - 1)))
