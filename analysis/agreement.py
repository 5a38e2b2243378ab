"""Whether two studies order the same levels alike by their effects, and how much noise would allow.

A level's effect is the mean over seeds of its difference in tau to the baseline. Levels of one factor resemble each
other, so factors are what is resampled and permuted, never single levels. That noise lowers a correlation, and how the
agreement of halves tells by how much, is from Spearman (1904, 1910) and Brown (1910).
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from scipy import stats

from analysis.statistics import CONFIDENCE

FEWEST = 4
"""Common levels, below which nothing is computed."""

SPLITS = 20
"""Random halvings of the seeds that a self-agreement averages."""

DIGITS = 9
"""Decimals of a mean difference: equal effects stay tied, whatever order their seeds were added in."""

LARGEST = 0.999
"""Correlations beyond are taken as this before Fisher's transform, which would be infinite at 1."""


@dataclass(frozen=True)
class Correlation:
    """A correlation with a 95 % interval; NaN where there is none."""

    value: float
    low: float
    high: float

    @property
    def excludes_zero(self) -> bool:
        """Whether the interval shows a direction."""
        return self.low > 0 or self.high < 0


UNKNOWN = Correlation(math.nan, math.nan, math.nan)


@dataclass(frozen=True)
class Agreement:
    """How two studies agree on the levels that both have.

    Attributes
    ----------
    levels, factors : int
        What both have.
    seeds : tuple of int
        Of the first and of the second study.
    rho, tau : Correlation
        Spearman's and Kendall's, of the effects.
    p_value : float
        Share of permutations of the factors with a rho at least as far from zero; NaN where it is not computed.
    selves : tuple of Correlation
        Of each study, the correlation that its effects would have with those of as many fresh seeds.
    """

    levels: int
    factors: int
    seeds: tuple[int, int]
    rho: Correlation = UNKNOWN
    tau: Correlation = UNKNOWN
    p_value: float = math.nan
    selves: tuple[Correlation, Correlation] = (UNKNOWN, UNKNOWN)

    @property
    def computed(self) -> bool:
        """Whether there were enough levels."""
        return not math.isnan(self.rho.value)

    @property
    def ceiling(self) -> float:
        """The rho to expect if the true effects had the same order in both studies; 0 if noise is all there is."""
        return math.sqrt(max(0.0, self.selves[0].value) * max(0.0, self.selves[1].value))

    @property
    def shown(self) -> bool:
        """Whether the interval and the permutations both show that the orders are related."""
        return self.rho.excludes_zero and self.p_value < 1 - CONFIDENCE


def agree(
    first: np.ndarray, second: np.ndarray, factors: np.ndarray, resamples: int = 2000, seed: int = 0
) -> Agreement:
    """Compare the effects of the same levels in two studies.

    The intervals are for the correlation of effects measured with these numbers of seeds, which noise lowers. A
    resample draws seeds of each study, for all its levels together, and factors with all their levels. The interval
    is of Fisher's transform, with the standard deviation over resamples and the t quantile of as many degrees of
    freedom as there are factors but one: a percentile interval would be shifted, since resampled seeds are noisier
    than seeds.

    Parameters
    ----------
    first, second : ndarray, [levels, seeds]
        Differences to the baseline; NaN where there is no such pair of runs. Every level has one in both.
    factors : ndarray of int, [levels]
        Which factor each level belongs to.
    resamples : int
        Of the bootstrap, and permutations.
    seed : int
        Of the resamples.
    """
    first, second = _known_seeds(first), _known_seeds(second)
    blocks = [np.flatnonzero(factors == factor) for factor in np.unique(factors)]
    counts = len(factors), len(blocks), (first.shape[1], second.shape[1])
    x, y = _means(first), _means(second)
    if len(factors) < FEWEST or np.ptp(x) == 0 or np.ptp(y) == 0:
        return Agreement(*counts)
    rng = np.random.default_rng(seed)
    draws = [_resample(first, second, blocks, rng) for _ in range(resamples)]
    orders = np.array([*_permutations(blocks, resamples, rng)])
    rho, permuted = spearman(x, y), _spearman_of_rows(x[np.concatenate(blocks)][None], y[orders])
    extreme = np.abs(permuted) >= abs(rho) - 10.0**-DIGITS
    enough = min(counts[2]) > 1
    return Agreement(
        *counts,
        rho=_interval(rho, [spearman(*draw) for draw in draws] if enough else [], len(blocks)),
        tau=_interval(kendall(x, y), [kendall(*draw) for draw in draws] if enough else [], len(blocks)),
        p_value=float((1 + extreme.sum()) / (1 + resamples)),
        selves=(self_agreement(first, factors, resamples, seed), self_agreement(second, factors, resamples, seed)),
    )


def self_agreement(differences: np.ndarray, factors: np.ndarray, resamples: int = 2000, seed: int = 0) -> Correlation:
    """Return Spearman's rho that effects would have with those of as many fresh seeds.

    The seeds are halved at random, `SPLITS` times; the mean rho between halves is that of half as many seeds, and the
    formula of Spearman and Brown makes it that of all. A rho that is not positive is left as it is.

    Parameters
    ----------
    differences : ndarray, [levels, seeds]
        NaN where there is no pair of runs; levels with any are left out.
    factors : ndarray of int, [levels]
        What is resampled for the interval, which does not cover the choice of seeds.
    resamples, seed : int
        Of that.
    """
    differences = _known_seeds(differences)
    whole = np.isfinite(differences).all(axis=1)
    differences, factors, seeds = differences[whole], factors[whole], differences.shape[1]
    half = seeds // 2
    if not half or len(factors) < FEWEST:
        return UNKNOWN
    rng = np.random.default_rng(seed)
    orders = [rng.permutation(seeds) for _ in range(SPLITS)]
    one = np.array([_means(differences[:, order[:half]]) for order in orders])
    other = np.array([_means(differences[:, order[half : 2 * half]]) for order in orders])
    blocks = [np.flatnonzero(factors == factor) for factor in np.unique(factors)]

    def between(rows: np.ndarray) -> float:
        return float(np.mean(_spearman_of_rows(one[:, rows], other[:, rows])))

    # Each replicate is a mean over all splits, of which a fifth as many are enough for a standard deviation.
    replicates = [between(_drawn(blocks, rng)) for _ in range(max(100, resamples // 5))]
    found = _interval(between(np.arange(len(factors))), replicates, len(blocks))
    return Correlation(*(_lengthened(end, seeds / half) for end in (found.value, found.low, found.high)))


def spearman(x: np.ndarray, y: np.ndarray) -> float:
    """Return Spearman's rho; NaN if either is constant."""
    return float(_spearman_of_rows(x[None], y[None])[0])


def _spearman_of_rows(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Return Spearman's rho of each row of [rows, n] with the same of the other."""
    x, y = (stats.rankdata(values, axis=1) - (values.shape[1] + 1) / 2 for values in (x, y))
    spread = np.sqrt((x * x).sum(axis=1) * (y * y).sum(axis=1))
    return np.asarray((x * y).sum(axis=1) / np.where(spread > 0, spread, np.nan))


def kendall(x: np.ndarray, y: np.ndarray) -> float:
    """Return Kendall's tau-b; NaN if either is constant."""
    x, y = np.sign(x[:, None] - x), np.sign(y[:, None] - y)
    spread = math.sqrt(float(np.sum(x * x)) * float(np.sum(y * y)))
    return float(np.sum(x * y)) / spread if spread else math.nan


def _known_seeds(differences: np.ndarray) -> np.ndarray:
    """Leave out seeds of which no level has a pair."""
    return differences[:, np.isfinite(differences).any(axis=0)]


def _means(differences: np.ndarray) -> np.ndarray:
    return np.asarray(np.round(np.nanmean(differences, axis=1), DIGITS))


def _resample(
    first: np.ndarray, second: np.ndarray, blocks: list[np.ndarray], rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    rows = _drawn(blocks, rng)
    return _drawn_means(first, rng)[rows], _drawn_means(second, rng)[rows]


def _drawn(blocks: list[np.ndarray], rng: np.random.Generator) -> np.ndarray:
    """Return the levels of as many factors, drawn with replacement."""
    return np.concatenate([blocks[block] for block in rng.integers(len(blocks), size=len(blocks))])


def _drawn_means(differences: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Return means over seeds drawn with replacement; of a level without any of these seeds, that over all."""
    drawn = differences[:, rng.integers(differences.shape[1], size=differences.shape[1])]
    lost = ~np.isfinite(drawn).any(axis=1)
    drawn[lost] = _means(differences)[lost, None]
    return _means(drawn)


def _permutations(blocks: list[np.ndarray], count: int, rng: np.random.Generator) -> Iterator[np.ndarray]:
    """Yield the levels with the factors, and the levels within each, in random order: like stays beside like."""
    for _ in range(count):
        yield np.concatenate([rng.permutation(blocks[block]) for block in rng.permutation(len(blocks))])


def _interval(value: float, replicates: list[float], factors: int) -> Correlation:
    finite = np.array(replicates)[np.isfinite(replicates)]
    if len(finite) < 2 or factors < 2:
        return Correlation(value, math.nan, math.nan)
    deviation = np.std(np.arctanh(np.clip(finite, -LARGEST, LARGEST)), ddof=1)
    half = stats.t.ppf((1 + CONFIDENCE) / 2, factors - 1) * deviation
    middle = np.arctanh(np.clip(value, -LARGEST, LARGEST))
    return Correlation(value, min(value, float(np.tanh(middle - half))), max(value, float(np.tanh(middle + half))))


def _lengthened(correlation: float, times: float) -> float:
    """Return the reliability of a series so many times as long (Spearman 1910, Brown 1910)."""
    return times * correlation / (1 + (times - 1) * correlation) if correlation > 0 else correlation
