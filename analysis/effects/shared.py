"""What all runs of a study share, so that more seeds do not take it away: the architectures and images of the scores.

How a run responds to them by itself shows in the spread between seeds. What runs have in common shows in how their
resamples move together, and only there: in the covariances between runs. Adding the whole variance of the resamples
instead would count each run's own part twice.

References
----------
Owen, "The Pigeonhole Bootstrap", Annals of Applied Statistics 1, 2007: crossed samples, each resampled by itself; what
they do together is counted with either, which is mildly conservative.
Kott, "The Delete-a-Group Jackknife", Journal of Official Statistics 17, 2001: the variance from leaving out one of B
groups at a time, known with B - 1 degrees of freedom.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from supernet_bench.analysis.effects.moderation import Variance


@dataclass(frozen=True)
class LevelValues:
    """One metric of the runs of a level.

    Attributes
    ----------
    seeds : tuple of int
        Of the runs; runs of equal seeds of two levels respond alike to what they share.
    values : ndarray, [seeds]
    replicates : ndarray, [seeds, resamples], optional
        The same from resamples of the architectures, which are the same resamples for all runs; none for metrics whose
        bootstrap over architectures is not valid.
    jackknife : ndarray, [seeds, blocks], optional
        The same with the images of one block left out, the same block for all runs; none where records do not hold it.
    variance : Variance, optional
        That over seeds, if it is known from more than the values.
    """

    seeds: tuple[int, ...]
    values: np.ndarray
    replicates: np.ndarray | None = None
    jackknife: np.ndarray | None = None
    variance: Variance | None = None

    @property
    def over_seeds(self) -> Variance:
        """The variance over seeds; there must be two of them."""
        return self.variance or Variance(float(np.var(self.values, ddof=1)), len(self.values) - 1)


Signed = Sequence[tuple[int, LevelValues]]
"""Levels that are added (1) and subtracted (-1)."""


@dataclass(frozen=True)
class Resampled:
    """The variance of a contrast of levels by what is resampled.

    Attributes
    ----------
    shared : float
        That which more seeds would leave; 0 where it comes out negative.
    whole : float
        That of these very runs.
    draws : int
        Resamples or blocks that it is from, at least 2.
    """

    shared: float
    whole: float
    draws: int


def by_architectures(levels: Signed) -> Resampled | None:
    """Return what resamples of the architectures show; None where there are none."""
    rows = _defined([level.replicates for _, level in levels])
    return _resampled(levels, rows, 1 / (rows[0].shape[1] - 1)) if rows else None


def by_images(levels: Signed) -> Resampled | None:
    """Return what leaving out blocks of images shows; None where some run does not hold it.

    Levels with other numbers of blocks were scored on other images: what these add is independent.
    """
    numbers = [level.jackknife.shape[1] for _, level in levels if level.jackknife is not None]
    if len(numbers) < len(levels):
        return None
    alike = [[one for one, own in zip(levels, numbers, strict=True) if own == number] for number in set(numbers)]
    found = [known for part in alike if (known := _by_same_images(part))]
    if len(found) < len(alike):
        return None
    return Resampled(
        shared=sum(one.shared for one in found),
        whole=sum(one.whole for one in found),
        draws=min(one.draws for one in found),
    )


def _by_same_images(levels: Signed) -> Resampled | None:
    rows = _defined([level.jackknife for _, level in levels])
    return _resampled(levels, rows, (rows[0].shape[1] - 1) / rows[0].shape[1]) if rows else None


def _defined(rows: Sequence[np.ndarray | None]) -> list[np.ndarray] | None:
    """Return the draws in which all runs have a value, centred; None if there are fewer than two."""
    known = [each for each in rows if each is not None]
    if len(known) < len(rows):
        return None
    finite = np.all([np.isfinite(each).all(axis=0) for each in known], axis=0)
    if np.count_nonzero(finite) < 2:
        return None
    return [each[:, finite] - each[:, finite].mean(axis=1, keepdims=True) for each in known]


def _resampled(levels: Signed, rows: Sequence[np.ndarray], scale: float) -> Resampled:
    sums = [each.sum(axis=0) for each in rows]
    mean = np.sum([sign * each.mean(axis=0) for (sign, _), each in zip(levels, rows, strict=True)], axis=0)
    shared = 0.0
    for one, (sign, level) in enumerate(levels):
        for other, (other_sign, other_level) in enumerate(levels[: one + 1]):
            equal = _equal_seeds(rows[one], level.seeds, rows[other], other_level.seeds)
            pairs = len(rows[one]) * len(rows[other]) - len(equal)
            if pairs:
                both = float(sums[one] @ sums[other] - np.sum(equal)) / pairs
                shared += sign * other_sign * both * (1 if one == other else 2)
    return Resampled(max(0.0, scale * shared), scale * float(mean @ mean), len(mean))


def _equal_seeds(rows: np.ndarray, seeds: Sequence[int], others: np.ndarray, other_seeds: Sequence[int]) -> list[float]:
    """Return the products of the runs of equal seeds."""
    places = {seed: place for place, seed in enumerate(other_seeds)}
    return [float(row @ others[places[seed]]) for row, seed in zip(rows, seeds, strict=True) if seed in places]
