"""How small an effect the seeds of a study can mark, and how many seeds others need."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from scipy import special, stats

from supernet_bench.analysis.effects.chance import observed
from supernet_bench.analysis.effects.effects import Effects
from supernet_bench.analysis.effects.intervals import ALPHA, SAME, Part, Spread

EFFECTS_TO_DETECT = (0.05, 0.1)
"""Differences in tau for which the seeds needed are told."""

MOST_SEEDS = 10_000
"""More seeds than these are not counted: an effect that they do not show is called not reachable."""

QUANTILES = 500
"""Of the standard deviation over seeds, over which the power is averaged."""

STRIDES = (1, 191, 89, 313)
"""Orders in which the quantiles of several parts meet; none has a divisor in common with their number."""


@dataclass(frozen=True)
class Side:
    """How the runs of one side of a comparison spread over their seeds.

    Attributes
    ----------
    seeds : int
        At least 2.
    deviation : float
        Standard deviation of a run.
    degrees : float
        Degrees of freedom that it is known with.
    """

    seeds: int
    deviation: float
    degrees: float

    def part(self, times: float = 1.0) -> Part:
        """Return what this side adds to a mean over so many times the seeds."""
        seeds = self.seeds * times
        return Part(self.deviation / math.sqrt(seeds), max(0.5, self.degrees + seeds - self.seeds))


@dataclass(frozen=True)
class Power:
    """What a comparison of typical spread can show.

    Attributes
    ----------
    sides : tuple of Side
        The level and the baseline; of studies whose comparisons are paired, the pairs.
    shared : float
        Standard deviation that the choice of architectures and images adds.
    seeds : tuple of int
        Of each comparison.
    """

    sides: tuple[Side, ...]
    shared: float
    seeds: tuple[int, ...]

    @property
    def typical(self) -> Spread:
        """The spread of a difference in the middle of all comparisons."""
        return Spread(tuple(side.part() for side in self.sides), Part(self.shared))

    @property
    def smallest(self) -> float:
        """The smallest difference that an interval of typical width tells from zero, if it stands alone."""
        return self.typical.half_width()

    @property
    def smallest_corrected(self) -> float:
        """The same where Holm's correction for all comparisons starts."""
        return self.typical.half_width(ALPHA / len(self.seeds))

    @property
    def needed(self) -> Mapping[float, int | None]:
        """How many seeds of the level show effects of some sizes, each by itself; None where no number does."""
        return self._needed(ALPHA)

    @property
    def needed_corrected(self) -> Mapping[float, int | None]:
        """The same where Holm's correction starts."""
        return self._needed(ALPHA / len(self.seeds))

    def _needed(self, alpha: float) -> Mapping[float, int | None]:
        return {size: seeds_needed(self.sides, size, alpha, self.shared) for size in EFFECTS_TO_DETECT}


def power_of(effects: Effects) -> Power | None:
    """Return what the comparisons of a study can show; None where it has none.

    Levels that are one training with the baseline are paired with it and spread less; they are left out unless there
    are no others.
    """
    family = effects.comparisons
    differences = [difference for difference in family if not difference.paired] or family
    spreads = [difference.spread for difference in differences if difference.spread]
    if not spreads:
        return None
    counts = [[difference.seeds for difference in differences], [difference.against for difference in differences]]
    sides = [
        _typical_side([spread.seeds[place] for spread in spreads], counts[place])
        for place in range(min(len(spread.seeds) for spread in spreads))
    ]
    shared = float(np.median([spread.shared for spread in spreads]))
    return Power(tuple(sides), shared, tuple(difference.seeds for difference in family))


def _typical_side(parts: Sequence[Part], seeds: Sequence[int]) -> Side:
    deviations = [part.deviation * math.sqrt(number) for part, number in zip(parts, seeds, strict=True)]
    degrees = [part.degrees for part in parts]
    return Side(int(np.median(seeds)), typical_deviation(deviations, degrees), float(np.median(degrees)))


def seeds_needed(
    sides: Sequence[Side], effect: float, alpha: float = ALPHA, shared: float = 0.0, power: float = 0.8
) -> int | None:
    """Return how many seeds of the first side a difference needs to exclude zero at `alpha` with this power.

    The other side has seeds in the same proportion.

    Parameters
    ----------
    sides : sequence of Side
        What is compared.
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
        parts = [side.part(seeds / sides[0].seeds) for side in sides]
        return detection_power(parts, effect, alpha, shared) >= power

    if not enough(MOST_SEEDS):
        return None
    least, most = 1, MOST_SEEDS
    while most - least > 1:
        middle = (least + most) // 2
        least, most = (least, middle) if enough(middle) else (middle, most)
    return most


def detection_power(parts: Sequence[Part], effect: float, alpha: float = ALPHA, shared: float = 0.0) -> float:
    """Return the chance that the interval around a difference excludes zero.

    The difference is normal around the effect with the variance of all parts. It is compared with the half width of
    the interval, in which the observed standard deviations stand for the true ones: that is averaged over their
    distributions, chi with the degrees of freedom of the part, at evenly spaced quantiles. With one part and nothing
    shared this is the t test. The chance to detect the effect with the wrong sign is left out.
    """
    spread = math.hypot(*(part.deviation for part in parts), shared)
    if spread <= SAME * effect:
        return 1.0
    squares = np.full(QUANTILES, Part(shared).half_width(alpha) ** 2)
    for part, stride in zip(parts, STRIDES, strict=False):
        shares = (np.arange(QUANTILES) * stride % QUANTILES + 0.5) / QUANTILES
        squares += part.half_width(alpha) ** 2 * observed(part, shares)
    return float(np.mean(special.ndtr((effect - np.sqrt(squares)) / spread)))


def typical_deviation(deviations: Sequence[float], degrees: Sequence[float]) -> float:
    """Return the median standard deviation, each first corrected for being of few seeds; NaN for none.

    The standard deviation of few values is usually too small: of three, its median is 0.83 of the true one. Each
    is divided by that, the square root of the median of chi squared over its degrees of freedom. The median,
    unlike the mean, is not moved by a few levels that diverge.
    """
    if not len(deviations):
        return math.nan
    known = np.minimum(np.asarray(degrees, dtype=np.float64), 1e6)
    return float(np.median(np.asarray(deviations) / np.sqrt(stats.chi2.median(known) / known)))
