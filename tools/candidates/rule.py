"""The rule by which images become those of the default study, fixed before any candidate was measured.

A candidate replaces the present images if the effects of its levels agree better with those of the target, a study on
CIFAR-10, than the effects on the present images do. The agreement is Spearman's rank correlation over the levels that
train anew, of means over seeds, averaged over all ways to give the candidate and the present images some seeds and the
target the others: runs of equal seeds share what chance does in them. Candidate and present images have the same seeds,
so noise lowers both correlations alike. The mean of the baseline is in all effects of a study and so in no correlation.
"""

import itertools
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from scipy import stats

METRICS = ("tau", "tau_better_half")
"""What effects are of: a gain shown in one of them is enough, if there is no loss in the other."""

RESAMPLES = 2000
"""Of the levels."""

CONFIDENCE = 0.95

FEWEST = 4
"""Levels below which nothing is decided."""

DIGITS = 9
"""Decimals of a mean: equal effects stay tied, whatever order their seeds were added in."""

Split = tuple[tuple[int, ...], tuple[int, ...]]
"""Seeds of the candidate and of the present images, and seeds of the target; none is in both."""


@dataclass(frozen=True)
class Gain:
    """By how much a candidate agrees better with the target than the present images do, in one metric.

    Attributes
    ----------
    candidate, present : float
        Mean Spearman's rho with the target over all splits of the seeds.
    low, high : float
        95 % interval of the difference, over resamples of the levels; NaN where there is none.
    by_factor : tuple of float
        The same over resamples of whole factors, whose levels resemble each other; told beside it, and decides nothing.
    levels, factors, splits : int
        What it rests on.
    left_out : int
        Levels with a run that has no such value, because it failed or its scores are constant.
    """

    candidate: float
    present: float
    low: float
    high: float
    by_factor: tuple[float, float]
    levels: int
    factors: int
    splits: int
    left_out: int

    @property
    def value(self) -> float:
        """The difference."""
        return self.candidate - self.present


@dataclass(frozen=True)
class Decision:
    """Whether a candidate replaces the present images, and each thing that was asked.

    Attributes
    ----------
    gains : dict of str to Gain
        By metric.
    learns : bool
        Whether its baseline is shown to rank better than the untrained supernet.
    """

    gains: Mapping[str, Gain]
    learns: bool

    @property
    def shown(self) -> tuple[str, ...]:
        """Metrics in which the interval of the gain is above 0."""
        return tuple(metric for metric, gain in self.gains.items() if gain.low > 0)

    @property
    def lower(self) -> tuple[str, ...]:
        """Metrics in which the candidate agrees less; an agreement that is not known counts as less."""
        return tuple(metric for metric, gain in self.gains.items() if not gain.value >= 0)

    @property
    def replaces(self) -> bool:
        """Whether it does."""
        return bool(self.shown) and not self.lower and self.learns

    @property
    def mean_gain(self) -> float:
        """Over the metrics; of several candidates that replace the present images the one with the largest does."""
        return float(np.mean([gain.value for gain in self.gains.values()]))


def splits(first: Sequence[int], second: Sequence[int]) -> Iterator[Split]:
    """Yield all ways to give two studies seeds of their own, as equal in number as can be.

    Seeds that one of them lacks go to the other; those of both are divided.

    Parameters
    ----------
    first, second : sequence of int
        The seeds that each has.
    """
    shared = sorted(set(first) & set(second))
    own = sorted(set(first) - set(second)), sorted(set(second) - set(first))
    apart = {taken: abs(len(own[0]) + 2 * taken - len(own[1]) - len(shared)) for taken in range(len(shared) + 1)}
    for taken in (taken for taken, distance in apart.items() if distance == min(apart.values())):
        for chosen in itertools.combinations(shared, taken):
            rest = [seed for seed in shared if seed not in chosen]
            parts = tuple(sorted([*own[0], *chosen])), tuple(sorted([*own[1], *rest]))
            if all(parts):
                yield parts


def gain(
    candidate: np.ndarray,
    present: np.ndarray,
    target: np.ndarray,
    factors: Sequence[str],
    seeds: tuple[Sequence[int], Sequence[int]],
    seed: int = 0,
) -> Gain:
    """Return by how much a candidate agrees better with the target than the present images do.

    Parameters
    ----------
    candidate, present : ndarray, [levels, seeds of the first]
        A metric of each run of the levels that train anew; a level with NaN anywhere is left out.
    target : ndarray, [levels, seeds of the second]
        The same of the target.
    factors : sequence of str, [levels]
        Which factor each level belongs to.
    seeds : tuple of sequence of int
        The seeds of candidate and present images, and those of the target.
    seed : int
        Of the resamples.
    """
    whole = np.isfinite(np.hstack([candidate, present, target])).all(axis=1)
    studies = [values[whole] for values in (candidate, present, target)]
    named = np.asarray(factors)[whole]
    blocks = [np.flatnonzero(named == factor) for factor in np.unique(named)]
    ways = list(splits(*seeds))
    counts = len(named), len(blocks), len(ways), int((~whole).sum())
    if len(named) < FEWEST or not ways:
        return Gain(math.nan, math.nan, math.nan, math.nan, (math.nan, math.nan), *counts)
    places = [{seed: place for place, seed in enumerate(part)} for part in (seeds[0], seeds[0], seeds[1])]
    means = np.array(
        [
            [np.round(values[:, [place[seed] for seed in way[which]]].mean(axis=1), DIGITS) for way in ways]
            for values, place, which in zip(studies, places, (0, 0, 1), strict=True)
        ]
    )
    rng = np.random.default_rng(seed)
    of_levels = [_rhos(means[:, :, rng.integers(len(named), size=len(named))]) for _ in range(RESAMPLES)]
    of_factors = [
        _rhos(means[:, :, np.concatenate([blocks[block] for block in rng.integers(len(blocks), size=len(blocks))])])
        for _ in range(RESAMPLES)
    ]
    return Gain(*_rhos(means), *_interval(of_levels), _interval(of_factors), *counts)


def _rhos(means: np.ndarray) -> tuple[float, float]:
    """Return the mean over splits of Spearman's rho of candidate and of present images with the target.

    Parameters
    ----------
    means : ndarray, [3, splits, levels]
        Of candidate, present images and target.

    Returns
    -------
    candidate, present : float
        NaN where all levels of a study are equal in a split.
    """
    ranks = stats.rankdata(means, axis=-1) - (means.shape[-1] + 1) / 2
    squares = (ranks * ranks).sum(axis=-1)
    spread = np.sqrt(squares[:2] * squares[2])
    candidate, present = ((ranks[:2] * ranks[2]).sum(axis=-1) / np.where(spread > 0, spread, np.nan)).mean(axis=-1)
    return float(candidate), float(present)


def _interval(replicates: Sequence[tuple[float, float]]) -> tuple[float, float]:
    """Return the percentile interval of the difference; NaN where resamples show no spread."""
    differences = np.array([candidate - present for candidate, present in replicates])
    finite = differences[np.isfinite(differences)]
    if len(finite) < 2 or np.ptp(finite) == 0:
        return math.nan, math.nan
    low, high = np.quantile(finite, [(1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2])
    return float(low), float(high)
