"""Estimates with 95 % intervals over seeds, architectures and images, and what such intervals decide."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy import special

from supernet_bench.analysis.effects.shared import LevelValues, Resampled, Signed, by_architectures, by_images

CONFIDENCE = 0.95
ALPHA = 1 - CONFIDENCE

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
class Part:
    """One of the independent parts of how far a mean may be off.

    Attributes
    ----------
    deviation : float
        Standard deviation of the mean by this part alone.
    degrees : float
        Degrees of freedom that it is known with; infinite where many resamples show it.
    """

    deviation: float
    degrees: float = math.inf

    def half_width(self, alpha: float) -> float:
        """Return half the width of the interval of confidence ``1 - alpha`` that this part would give alone."""
        return -float(special.stdtrit(self.degrees, alpha / 2)) * self.deviation


NO_PART = Part(0.0)


@dataclass(frozen=True)
class Spread:
    """How far a mean could move: what the width of its interval comes from at any confidence.

    Half widths are added in quadrature, which keeps the level when any part is nearly zero and, other than a sum of
    variances with Satterthwaite's degrees of freedom, also far out, where corrections for many comparisons look.

    Attributes
    ----------
    seeds : tuple of Part
        What the choice of seeds adds: one of all pairs, or else one of each level.
    architectures, images : Part
        What those add that all seeds share; they do not shrink with the number of seeds.
    least : tuple of Part
        What architectures and images alone do to these very runs: few seeds may agree by luck, and the interval is
        never narrower than these.

    References
    ----------
    Howe, "Approximate Confidence Limits on the Mean of X + Y Where X and Y Are Two Tabled Independent Random
    Variables", Journal of the American Statistical Association 69, 1974.
    """

    seeds: tuple[Part, ...]
    architectures: Part = NO_PART
    images: Part = NO_PART
    least: tuple[Part, ...] = ()

    @property
    def shared(self) -> float:
        """Standard deviation of the mean that all seeds share."""
        return math.hypot(self.architectures.deviation, self.images.deviation)

    @property
    def standard_error(self) -> float:
        """Standard deviation of the mean by all parts."""
        return math.hypot(self.shared, *(part.deviation for part in self.seeds))

    def half_width(self, alpha: float = ALPHA) -> float:
        """Return half the width of the interval of confidence ``1 - alpha``."""
        parts = (*self.seeds, self.architectures, self.images)
        together = math.hypot(*(part.half_width(alpha) for part in parts))
        return max((together, *(part.half_width(alpha) for part in self.least)))

    def p_value(self, mean: float) -> float:
        """Return the smallest alpha at which the interval around `mean` excludes zero, at least `SMALLEST_P`."""
        if abs(mean) <= SAME:
            return 1.0
        low, high = math.log(SMALLEST_P), 0.0
        for _ in range(60):
            middle = (low + high) / 2
            low, high = (low, middle) if abs(mean) > self.half_width(math.exp(middle)) else (middle, high)
        return math.exp(high)


@dataclass(frozen=True)
class Difference(Estimate):
    """A difference of levels, and what its interval decides.

    `seeds` are those of the level with the fewest, or the pairs where it is paired.

    Attributes
    ----------
    spread : Spread, optional
        What its width comes from; none where there is no interval, or none that covers the choice of seed.
    against : int
        Seeds of what is subtracted.
    paired : bool
        Whether runs of equal seeds are subtracted from each other.
    deviation : float
        Standard deviation over seeds of what is averaged: of the differences of pairs, or else of the first level, as
        its interval takes it; NaN where it is not known.
    p_value : float
        Smallest alpha at which the interval of confidence ``1 - alpha`` excludes zero; NaN where no interval
        covers the choice of seed.
    adjusted : float
        The same after the correction for all comparisons of the study (`holm`); NaN before it.
    runs : frozenset of str
        The runs that are compared. A grid repeats comparisons of single factors: they have equal runs.
    """

    spread: Spread | None = None
    against: int = 0
    paired: bool = False
    deviation: float = math.nan
    p_value: float = math.nan
    adjusted: float = math.nan
    runs: frozenset[str] = frozenset()

    @property
    def shared(self) -> float:
        """Standard deviation of the mean that all seeds share; NaN where there is no interval."""
        return self.spread.shared if self.spread else math.nan

    @property
    def excludes_zero_corrected(self) -> bool:
        """Whether zero is still excluded when all comparisons of the study are corrected for their number."""
        return self.adjusted < ALPHA


def nothing(architectures: int) -> Estimate:
    """Return the estimate that rests on no run."""
    return Estimate(math.nan, math.nan, math.nan, 0, architectures)


def over_architectures(
    value: float, replicates: np.ndarray, architectures: int, seeds: int = 0, images: Part = NO_PART
) -> Estimate:
    """Return a percentile bootstrap interval over architectures, widened by what the choice of images adds.

    Parameters
    ----------
    value : float
        The estimate from the architectures themselves.
    replicates : ndarray, [resamples]
        The same from each resample; NaN where a resample was constant.
    architectures, seeds : int
        What the value rests on.
    images : Part
        What the images add.
    """
    finite = replicates[np.isfinite(replicates)]
    low, high = np.quantile(finite, [(1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2]) if len(finite) else (math.nan,) * 2
    if not has_interval(value, float(high - low) / 2, architectures):
        return Estimate(value, math.nan, math.nan, seeds, architectures)
    if images.deviation > 0:
        half = images.half_width(ALPHA)
        low, high = value - math.hypot(value - low, half), value + math.hypot(high - value, half)
    return Estimate(value, float(low), float(high), seeds, architectures)


def over_seeds(
    values: np.ndarray, architectures: int, lowest: float = 0.0, jackknife: np.ndarray | None = None
) -> Estimate:
    """Return the mean with an interval over seeds and images, for exactly these architectures.

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
    jackknife : ndarray, [seeds, blocks], optional
        The same with one block of images left out.
    """
    if not len(values):
        return nothing(architectures)
    level = _alone(values, None, jackknife)
    return _around(level, architectures, (lowest, 1.0), by_images(level))[0]


def over_both(
    values: np.ndarray,
    replicates: np.ndarray,
    architectures: int,
    bound: float = 1.0,
    jackknife: np.ndarray | None = None,
) -> Estimate:
    """Return the mean over seeds with an interval for all samples: seeds, architectures and, where known, images.

    The variance of the mean has several parts. One shrinks with the number of seeds: how supernets differ, including
    each one's own response to the architectures and images drawn. It shows in the spread between seeds, so the t
    interval covers it. The others do not shrink: all seeds are scored on the same architectures and images. The seeds
    cannot show them, but they are what their replicates have in common (`shared`). The half widths are added in
    quadrature. Two or three seeds may agree by chance, so the interval is never narrower than the one over
    architectures, or over images, with these very seeds.

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
    jackknife : ndarray, [seeds, blocks], optional
        The same with one block of images left out; column b of every row is the same block.

    Returns
    -------
    Estimate
        With one seed the interval covers architectures and images only (`Estimate.one_seed`).
    """
    if not len(values):
        return nothing(architectures)
    level = _alone(values, replicates, jackknife)
    return _around(level, architectures, (-bound, bound), by_images(level))[0]


def difference_over_both(
    values: np.ndarray,
    replicates: np.ndarray,
    architectures: int,
    bound: float = 2.0,
    images: Resampled | None = None,
) -> Difference:
    """Return the mean paired difference with the interval of `over_both`, whose parameters these are.

    What images add comes from the runs themselves (`shared.by_images`).
    """
    if not len(values):
        return _undecided(nothing(architectures), paired=True)
    return _decided(_alone(values, replicates, None), architectures, (-bound, bound), paired=True, images=images)


def difference_over_seeds(values: np.ndarray, architectures: int, images: Resampled | None = None) -> Difference:
    """Return the mean paired difference with the interval of `over_seeds`; images as in `difference_over_both`."""
    if not len(values):
        return _undecided(nothing(architectures), paired=True)
    return _decided(_alone(values, None, None), architectures, (-1.0, 1.0), paired=True, images=images)


def difference_between(levels: Signed, architectures: int, bound: float) -> Difference:
    """Return the sum of the means of some levels minus that of others, each over all its own seeds.

    Each level adds its own variance over seeds, moderated where it comes so; a level whose seeds are all equal, so
    that nothing shows its spread, leaves the difference without an interval. That runs of equal seeds may resemble each
    other is not used: it makes the interval of a difference too wide.

    Parameters
    ----------
    levels : sequence of (sign, LevelValues)
        First those that are added, then as many that are subtracted.
    architectures : int
        How many architectures were scored.
    bound : float
        Largest magnitude that the difference can have; the interval is cut there.
    """
    if not all(len(level.values) for _, level in levels):
        return _undecided(nothing(architectures))
    return _decided(levels, architectures, (-bound, bound), images=by_images(levels))


def spread_of(levels: Signed, images: Resampled | None = None) -> Spread | None:
    """Return the spread of a contrast of levels; None where some level has one seed, or resamples say nothing.

    A percentile bootstrap over three seeds would be far too narrow: it has only ten distinct resamples, its
    spread is that of dividing by S instead of S - 1, and its 95 % are those of a normal, 1.96, where two
    degrees of freedom ask for 4.30.
    """
    if min(len(level.values) for _, level in levels) < 2:
        return None
    architectures = by_architectures(levels)
    if architectures is None and levels[0][1].replicates is not None:
        return None
    variances = [(level.over_seeds, len(level.values)) for _, level in levels]
    own, least = _image_parts(images)
    return Spread(
        seeds=tuple(Part(math.sqrt(variance.value / seeds), variance.degrees) for variance, seeds in variances),
        architectures=Part(math.sqrt(architectures.shared)) if architectures else NO_PART,
        images=own,
        least=(Part(math.sqrt(architectures.whole)) if architectures else NO_PART, least),
    )


def _image_parts(images: Resampled | None) -> tuple[Part, Part]:
    """Return what images add that all runs share, and what they do to these very runs."""
    if images is None:
        return NO_PART, NO_PART
    return Part(math.sqrt(images.shared), images.draws - 1), Part(math.sqrt(images.whole), images.draws - 1)


def _alone(values: np.ndarray, replicates: np.ndarray | None, jackknife: np.ndarray | None) -> Signed:
    """Return the contrast that is the mean of one level."""
    return [(1, LevelValues(tuple(range(len(values))), values, replicates, jackknife))]


def _around(
    levels: Signed, architectures: int, ends: tuple[float, float], images: Resampled | None
) -> tuple[Estimate, Spread | None]:
    """Return a contrast of levels, none without seeds, with its interval, cut at both ends, and where that is from."""
    mean = float(sum(sign * np.mean(level.values) for sign, level in levels))
    seeds = min(len(level.values) for _, level in levels)
    if seeds == 1:
        return _without_seeds(levels, mean, architectures, images), None
    spread = None if _some_agree(levels) else spread_of(levels, images)
    half = spread.half_width() if spread else math.nan
    if not has_interval(mean, half, architectures):
        return Estimate(mean, math.nan, math.nan, seeds, architectures), None
    return Estimate(mean, max(mean - half, ends[0]), min(mean + half, ends[1]), seeds, architectures), spread


def _without_seeds(levels: Signed, mean: float, architectures: int, images: Resampled | None) -> Estimate:
    """Return a contrast of which a level has one seed, with an interval over architectures and images alone."""
    rows = [sign * np.mean(level.replicates, axis=0) for sign, level in levels if level.replicates is not None]
    if not rows:
        return Estimate(mean, math.nan, math.nan, 1, architectures)
    return over_architectures(mean, np.sum(rows, axis=0), architectures, 1, _image_parts(images)[1])


def _some_agree(levels: Signed) -> bool:
    """Whether the seeds of some level, but not of all, are equal, so that nothing shows what its seeds add."""
    agree = [level.over_seeds.value <= SAME**2 for _, level in levels]
    return any(agree) and not all(agree)


def _decided(
    levels: Signed,
    architectures: int,
    ends: tuple[float, float],
    paired: bool = False,
    images: Resampled | None = None,
) -> Difference:
    """Return what a contrast of levels decides, which is nothing where it has no interval."""
    estimate, spread = _around(levels, architectures, ends, images)
    found = _undecided(estimate, paired, sum(len(level.values) for sign, level in levels if sign < 0))
    first = levels[0][1]
    if len(first.values) > 1:
        found = replace(found, deviation=math.sqrt(first.over_seeds.value))
    return replace(found, spread=spread, p_value=spread.p_value(estimate.value)) if spread else found


def _undecided(estimate: Estimate, paired: bool = False, against: int = 0) -> Difference:
    return Difference(**vars(estimate), paired=paired, against=estimate.seeds if paired else against)


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
