"""Whether two studies order the same levels alike by their effects, and how much noise would allow.

A level's effect is the mean over seeds of its difference in tau to the baseline. Levels of one factor resemble each
other, so factors are what is resampled, never single levels. Runs of equal seeds share what chance does in them, in
two studies too, so the studies are compared by seeds that only one of them uses. That noise lowers a correlation, and
how the agreement of halves tells by how much, is from Spearman (1904, 1910) and Brown (1910).
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import stats

from supernet_bench.analysis.effects.intervals import CONFIDENCE, has_interval
from supernet_bench.analysis.ranking.metrics import kendall_tau, spearman_rho
from supernet_bench.analysis.ranking.resampling import RESAMPLES

FEWEST = 4
"""Common levels, below which nothing is computed."""

SPLITS = 20
"""Random halvings of the seeds that a self-agreement averages."""

COMMON = 0.5
"""Share of the levels that must have a pair of runs of a seed for it to be used."""

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
        What both have, with a pair of runs for each of the seeds.
    left_out : int
        Levels that lack a pair of runs.
    seeds : tuple of tuple of int
        Those of the first and of the second study; none is in both.
    rho, tau : Correlation
        Spearman's and Kendall's, of the effects.
    selves : tuple of Correlation
        Of each study, the correlation that its effects would have with those of as many fresh seeds.
    ceiling : Correlation
        The rho to expect if the true effects had the same order in both studies; 0 if noise is all there is.
    """

    levels: int
    factors: int
    left_out: int
    seeds: tuple[tuple[int, ...], tuple[int, ...]]
    rho: Correlation = UNKNOWN
    tau: Correlation = UNKNOWN
    selves: tuple[Correlation, Correlation] = (UNKNOWN, UNKNOWN)
    ceiling: Correlation = UNKNOWN

    @property
    def computed(self) -> bool:
        """Whether there were enough levels."""
        return not math.isnan(self.rho.value)


@dataclass(frozen=True)
class Directions:
    """How many effects shown in the first study have the same direction in the second.

    Attributes
    ----------
    shown, same : int
        Those shown in the first, and how many of them have the same direction in the second.
    expected : float
        How many would have, if the directions were independent.
    confirmed, contradicted : int
        Those shown in the second too, by the same rule, with the same direction or the opposite one.
    """

    shown: int
    same: int
    expected: float
    confirmed: int
    contradicted: int

    @property
    def low(self) -> float:
        """The lower end of the interval of the share (Clopper and Pearson); some must be shown."""
        return float(stats.binomtest(self.same, self.shown).proportion_ci(CONFIDENCE).low)

    @property
    def high(self) -> float:
        """The upper end."""
        return float(stats.binomtest(self.same, self.shown).proportion_ci(CONFIDENCE).high)


def disjoint(first: Sequence[int], second: Sequence[int]) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Return seeds of two studies of which none is in both.

    Each keeps those that the other lacks; each of the others goes to the study that has fewer so far, or else to the
    second.
    """
    own = sorted(set(first) - set(second)), sorted(set(second) - set(first))
    for seed in sorted(set(first) & set(second)):
        own[len(own[0]) >= len(own[1])].append(seed)
    return tuple(sorted(own[0])), tuple(sorted(own[1]))


def agree(
    first: np.ndarray,
    second: np.ndarray,
    factors: np.ndarray,
    seeds: tuple[Sequence[int], Sequence[int]],
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> Agreement:
    """Compare the effects of the same levels in two studies, by seeds that are not in both.

    The intervals are for the correlation of effects measured with these numbers of seeds, which noise lowers. A
    resample draws seeds of each study, for all its levels together, and factors with all their levels. The interval
    is of Fisher's transform, with the standard deviation over resamples and the t quantile of as many degrees of
    freedom as there are factors but one: a percentile interval would be shifted, since resampled seeds are noisier
    than seeds. The intervals of `selves` and of the ceiling are from the same factors, and do not cover the seeds.

    Parameters
    ----------
    first, second : ndarray, [levels, seeds]
        Differences to the baseline; NaN where there is no such pair of runs.
    factors : ndarray of int, [levels]
        Which factor each level belongs to.
    seeds : tuple of sequence of int
        The seeds of both.
    resamples : int
        Of the bootstrap.
    seed : int
        Of the resamples.
    """
    first, second, used = _apart(first, second, seeds)
    whole = np.isfinite(first).all(axis=1) & np.isfinite(second).all(axis=1)
    first, second, factors = first[whole], second[whole], factors[whole]
    blocks = [np.flatnonzero(factors == factor) for factor in np.unique(factors)]
    counts = len(factors), len(blocks), int((~whole).sum()), used
    if len(factors) < FEWEST or not min(map(len, used)):
        return Agreement(*counts)
    x, y = _means(first), _means(second)
    if np.ptp(x) == 0 or np.ptp(y) == 0:
        return Agreement(*counts)
    if min(map(len, used)) < 2:
        return Agreement(*counts, _without_interval(spearman_rho(x, y)), _without_interval(kendall_tau(x, y)))
    rng = np.random.default_rng(seed)
    halves = [_halves(each, rng) for each in (first, second)]
    rhos, taus, selves = [], [], []
    for number in range(resamples):
        rows = _drawn(blocks, rng)
        x_drawn, y_drawn = _drawn_means(first, rng)[rows], _drawn_means(second, rng)[rows]
        rhos.append(spearman_rho(x_drawn, y_drawn))
        taus.append(kendall_tau(x_drawn, y_drawn))
        # Each is a mean over all splits, of which a fifth as many are enough for a standard deviation.
        if number % 5 == 0:
            selves.append([_between(*half, rows) for half in halves])
    every = np.arange(len(factors))
    own = [_between(*half, every) for half in halves]
    times = [len(part) / (len(part) // 2) for part in used]
    found = [_interval(value, drawn, len(blocks)) for value, drawn in zip(own, zip(*selves, strict=True), strict=True)]
    ceilings = [_ceiling(drawn, times) for drawn in selves]
    return Agreement(
        *counts,
        rho=_interval(spearman_rho(x, y), rhos, len(blocks)),
        tau=_interval(kendall_tau(x, y), taus, len(blocks)),
        selves=(_reliability(found[0], times[0]), _reliability(found[1], times[1])),
        ceiling=_not_negative(_interval(_ceiling(own, times), ceilings, len(blocks))),
    )


def _apart(
    first: np.ndarray, second: np.ndarray, seeds: tuple[Sequence[int], Sequence[int]]
) -> tuple[np.ndarray, np.ndarray, tuple[tuple[int, ...], tuple[int, ...]]]:
    """Return the columns of disjoint seeds, and these; seeds that few levels have a pair of runs of are not used."""
    both = (first, second)
    known = [
        [
            seed
            for seed, column in zip(numbers, differences.T, strict=True)
            if np.isfinite(column).sum() >= COMMON * len(column)
        ]
        for numbers, differences in zip(seeds, both, strict=True)
    ]
    used = disjoint(known[0], known[1])
    one, other = (
        differences[:, [list(numbers).index(seed) for seed in part]]
        for differences, numbers, part in zip(both, seeds, used, strict=True)
    )
    return one, other, used


def _halves(differences: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Return the means over either half of the seeds, [splits, levels], halved at random `SPLITS` times."""
    seeds = differences.shape[1]
    half = seeds // 2
    orders = [rng.permutation(seeds) for _ in range(SPLITS)]
    one = np.array([_means(differences[:, order[:half]]) for order in orders])
    return one, np.array([_means(differences[:, order[half : 2 * half]]) for order in orders])


def _between(one: np.ndarray, other: np.ndarray, rows: np.ndarray) -> float:
    """Return the mean Spearman's rho between halves, of some levels; `spearman_rho` of many at once."""
    x, y = (stats.rankdata(half[:, rows], axis=1) - (len(rows) + 1) / 2 for half in (one, other))
    spread = np.sqrt((x * x).sum(axis=1) * (y * y).sum(axis=1))
    return float(np.mean((x * y).sum(axis=1) / np.where(spread > 0, spread, np.nan)))


def _ceiling(halves: Sequence[float], times: Sequence[float]) -> float:
    """Return the geometric mean of both reliabilities; 0 where halves do not agree."""
    reliabilities = [_lengthened(max(0.0, value), factor) for value, factor in zip(halves, times, strict=True)]
    return math.sqrt(math.prod(reliabilities)) if np.isfinite(halves).all() else math.nan


def _reliability(halves: Correlation, times: float) -> Correlation:
    return Correlation(*(_lengthened(end, times) for end in (halves.value, halves.low, halves.high)))


def _not_negative(ceiling: Correlation) -> Correlation:
    return Correlation(ceiling.value, float(np.maximum(ceiling.low, 0)), ceiling.high)


def _means(differences: np.ndarray) -> np.ndarray:
    return np.asarray(np.round(np.mean(differences, axis=1), DIGITS))


def _drawn(blocks: list[np.ndarray], rng: np.random.Generator) -> np.ndarray:
    """Return the levels of as many factors, drawn with replacement."""
    return np.concatenate([blocks[block] for block in rng.integers(len(blocks), size=len(blocks))])


def _drawn_means(differences: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Return means over seeds drawn with replacement."""
    return _means(differences[:, rng.integers(differences.shape[1], size=differences.shape[1])])


def _interval(value: float, replicates: Sequence[float], factors: int) -> Correlation:
    finite = np.array(replicates)[np.isfinite(replicates)]
    if len(finite) < 2 or factors < 2:
        return _without_interval(value)
    deviation = np.std(np.arctanh(np.clip(finite, -LARGEST, LARGEST)), ddof=1)
    half = float(stats.t.ppf((1 + CONFIDENCE) / 2, factors - 1) * deviation)
    if not has_interval(value, half):
        return _without_interval(value)
    middle = np.arctanh(np.clip(value, -LARGEST, LARGEST))
    return Correlation(value, min(value, float(np.tanh(middle - half))), max(value, float(np.tanh(middle + half))))


def _without_interval(value: float) -> Correlation:
    return Correlation(value, math.nan, math.nan)


def _lengthened(correlation: float, times: float) -> float:
    """Return the reliability of a series so many times as long (Spearman 1910, Brown 1910)."""
    return times * correlation / (1 + (times - 1) * correlation) if correlation > 0 else correlation
