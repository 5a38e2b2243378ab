"""Whether two studies order the same levels alike by their effects, and how much noise would allow.

A level's effect is the mean over seeds of its difference in tau to the baseline. Levels of one factor resemble each
other, so factors are what is resampled, never single levels. Runs of equal seeds share what chance does in them, in
two studies too, so the studies are compared by seeds that only one of them uses. Seeds of both are divided between
them, and as one division may show what others do not, correlations are means over all divisions. That noise lowers a
correlation, and how the agreement of halves tells by how much, is from Spearman (1904, 1910) and Brown (1910).
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import combinations

import numpy as np
from scipy import stats

from supernet_bench.analysis.effects.intervals import CONFIDENCE, has_interval
from supernet_bench.analysis.ranking.metrics import kendall_tau
from supernet_bench.analysis.ranking.resampling import RESAMPLES

FEWEST = 4
"""Common levels, below which nothing is computed."""

SPLITS = 20
"""Random halvings of the seeds that a self-agreement averages, and divisions of common seeds, where there are more."""

COMMON = 0.5
"""Share of the levels that must have a pair of runs of a seed for it to be used."""

DIGITS = 9
"""Decimals of a mean difference: equal effects stay tied, whatever order their seeds were added in."""

FEW = 100
"""Levels up to which all pairs of all divisions are compared at once."""

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
        Those of the first and of the second study; some may be in both.
    rho, tau : Correlation
        Spearman's and Kendall's, of the effects.
    selves : tuple of Correlation
        Of each study, the correlation that its effects would have with those of as many fresh seeds.
    ceiling : Correlation
        The rho to expect if the true effects had the same order in both studies; 0 if noise is all there is.
    divisions : int
        Ways to use each seed for one study only, over which correlations are averaged.
    """

    levels: int
    factors: int
    left_out: int
    seeds: tuple[tuple[int, ...], tuple[int, ...]]
    rho: Correlation = UNKNOWN
    tau: Correlation = UNKNOWN
    selves: tuple[Correlation, Correlation] = (UNKNOWN, UNKNOWN)
    ceiling: Correlation = UNKNOWN
    divisions: int = 0

    @property
    def computed(self) -> bool:
        """Whether there were enough levels."""
        return not math.isnan(self.rho.value)

    @property
    def fewest(self) -> tuple[int, int]:
        """The fewest seeds of either study in a division."""
        one, other = set(self.seeds[0]), set(self.seeds[1])
        own, common = (len(one - other), len(other - one)), len(one & other)
        given = _given(*own, common)
        return own[0] + min(given), own[1] + common - max(given)


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


def divisions(first: Sequence[int], second: Sequence[int]) -> list[tuple[tuple[int, ...], tuple[int, ...]]]:
    """Return how seeds of two studies can be divided so that none is used of both, as equally as can be.

    Each study keeps the seeds that the other lacks. All ways to give the others to one of them, with numbers that are
    as equal as can be; of more than `SPLITS` ways, so many drawn at random, the same ones each time.
    """
    one, other = set(first), set(second)
    common = sorted(one & other)
    numbers = _given(len(one - other), len(other - one), len(common))
    if sum(math.comb(len(common), number) for number in numbers) <= SPLITS:
        ways = {given for number in numbers for given in combinations(common, number)}
    else:
        rng, ways = np.random.default_rng(0), set()
        while len(ways) < SPLITS:
            number = numbers[len(ways) % len(numbers)]
            ways.add(tuple(sorted(int(seed) for seed in rng.permutation(common)[:number])))
    return [(tuple(sorted((one - other) | set(way))), tuple(sorted(other - set(way)))) for way in sorted(ways)]


def _given(first: int, second: int, common: int) -> list[int]:
    """Return how many of the common seeds the first study may get, beside what each has alone."""
    equal = (common + second - first) / 2
    return sorted({min(max(number, 0), common) for number in (math.floor(equal), math.ceil(equal))})


def agree(
    first: np.ndarray,
    second: np.ndarray,
    factors: np.ndarray,
    seeds: tuple[Sequence[int], Sequence[int]],
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> Agreement:
    """Compare the effects of the same levels in two studies, by seeds that are not in both.

    Correlations are means over `divisions` of the seeds, and for effects measured with as many seeds as each study
    has in one of them, whose noise lowers them. A resample draws seeds of each study, for all its levels and divisions
    together, and factors with all their levels. The interval is of Fisher's transform, with the standard deviation over
    resamples and the t quantile of as many degrees of freedom as there are factors but one: a percentile interval would
    be shifted, since resampled seeds are noisier than seeds. The intervals of `selves` and of the ceiling are from the
    same factors, and do not cover the seeds.

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
    first, second, used = _usable(first, second, seeds)
    whole = np.isfinite(first).all(axis=1) & np.isfinite(second).all(axis=1)
    first, second, factors = first[whole], second[whole], factors[whole]
    blocks = [np.flatnonzero(factors == factor) for factor in np.unique(factors)]
    ways = divisions(*used)
    counts = Agreement(len(factors), len(blocks), int((~whole).sum()), used, divisions=len(ways))
    if len(factors) < FEWEST or not min(counts.fewest):
        return counts
    shares = _shares(ways, used)
    every = np.arange(len(factors))
    rho, tau = _correlations(first, second, shares, every)
    if math.isnan(rho):
        return counts
    if min(counts.fewest) < 2:
        return replace(counts, rho=_without_interval(rho), tau=_without_interval(tau))
    rng = np.random.default_rng(seed)
    halves = [_halves(each, rng) for each in (first, second)]
    found, selves = [], []
    for number in range(resamples):
        rows = _drawn(blocks, rng)
        drawn = [_drawn_shares(share, rng) for share in shares]
        found.append(_correlations(first, second, drawn, rows))
        # Each is a mean over all splits, of which a fifth as many are enough for a standard deviation.
        if number % 5 == 0:
            selves.append([_between(*half, rows) for half in halves])
    own = [_between(*half, every) for half in halves]
    times = [float(np.mean((share > 0).sum(axis=1))) / (share.shape[1] // 2) for share in shares]
    alike = [_interval(value, each, len(blocks)) for value, each in zip(own, zip(*selves, strict=True), strict=True)]
    rhos, taus = zip(*found, strict=True)
    ceilings = [_ceiling(each, times) for each in selves]
    return replace(
        counts,
        rho=_interval(rho, rhos, len(blocks)),
        tau=_interval(tau, taus, len(blocks)),
        selves=(_reliability(alike[0], times[0]), _reliability(alike[1], times[1])),
        ceiling=_not_negative(_interval(_ceiling(own, times), ceilings, len(blocks))),
    )


def _usable(
    first: np.ndarray, second: np.ndarray, seeds: tuple[Sequence[int], Sequence[int]]
) -> tuple[np.ndarray, np.ndarray, tuple[tuple[int, ...], tuple[int, ...]]]:
    """Return the columns of seeds that enough levels have a pair of runs of, and these seeds."""
    kept = [
        np.isfinite(each).sum(axis=0) >= COMMON * len(each) if len(each) else [True] * each.shape[1]
        for each in (first, second)
    ]
    one, other = (
        tuple(number for number, keep in zip(numbers, keeps, strict=True) if keep)
        for numbers, keeps in zip(seeds, kept, strict=True)
    )
    return first[:, np.asarray(kept[0], dtype=bool)], second[:, np.asarray(kept[1], dtype=bool)], (one, other)


def _shares(
    ways: Sequence[tuple[tuple[int, ...], tuple[int, ...]]], seeds: tuple[tuple[int, ...], tuple[int, ...]]
) -> list[np.ndarray]:
    """Return for each study the share that each seed has in the means of each division, [divisions, seeds]."""
    found = []
    for study, numbers in enumerate(seeds):
        member = np.array([[number in way[study] for number in numbers] for way in ways], dtype=np.float64)
        found.append(member / member.sum(axis=1, keepdims=True))
    return found


def _drawn_shares(shares: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Return shares with seeds drawn with replacement; NaN for a division of which none was drawn."""
    number = shares.shape[1]
    drawn = shares * np.bincount(rng.integers(number, size=number), minlength=number)
    total = drawn.sum(axis=1, keepdims=True)
    return np.asarray(drawn / np.where(total > 0, total, math.nan))


def _correlations(
    first: np.ndarray, second: np.ndarray, shares: Sequence[np.ndarray], rows: np.ndarray
) -> tuple[float, float]:
    """Return Spearman's and Kendall's correlation of the means of some levels, each its mean over divisions."""
    x, y = (np.round(share @ each[rows].T, DIGITS) for each, share in zip((first, second), shares, strict=True))
    known = np.isfinite(x).all(axis=1) & np.isfinite(y).all(axis=1)
    x, y = x[known], y[known]
    known = (np.ptp(x, axis=1) > 0) & (np.ptp(y, axis=1) > 0) if x.size else np.zeros(len(x), dtype=bool)
    if not known.any():
        return math.nan, math.nan
    return _between(x[known], y[known], np.arange(len(rows))), _mean_tau(x[known], y[known])


def _mean_tau(x: np.ndarray, y: np.ndarray) -> float:
    """Return the mean of Kendall's tau-b of the rows."""
    if x.shape[1] > FEW:
        return float(np.mean([kendall_tau(one, other) for one, other in zip(x, y, strict=True)]))
    pairs = np.triu_indices(x.shape[1], 1)
    one, other = (np.sign(each[:, pairs[0]] - each[:, pairs[1]]) for each in (x, y))
    untied = np.abs(one).sum(axis=1) * np.abs(other).sum(axis=1)
    return float(np.mean((one * other).sum(axis=1) / np.sqrt(untied)))


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
