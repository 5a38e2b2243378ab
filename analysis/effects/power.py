"""How small an effect the seeds of a study can mark, and how many seeds others need."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from supernet_bench.analysis.effects.effects import Effects
from supernet_bench.analysis.effects.intervals import (
    ALPHA,
    EFFECTS_TO_DETECT,
    Spread,
    seeds_needed,
    typical_deviation,
)


@dataclass(frozen=True)
class Power:
    """What a comparison of typical spread can show.

    Attributes
    ----------
    typical : Spread
        Of a difference, as it is in the middle of all comparisons.
    seeds : tuple of int
        Of each comparison.
    """

    typical: Spread
    seeds: tuple[int, ...]

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
        """How many seeds show effects of some sizes, each by itself; None where no number does."""
        return self._needed(ALPHA)

    @property
    def needed_corrected(self) -> Mapping[float, int | None]:
        """The same where Holm's correction starts."""
        return self._needed(ALPHA / len(self.seeds))

    def _needed(self, alpha: float) -> Mapping[float, int | None]:
        typical = self.typical
        return {size: seeds_needed(typical.deviation, size, alpha, typical.shared) for size in EFFECTS_TO_DETECT}


def power_of(effects: Effects) -> Power | None:
    """Return what the comparisons of a study can show; None where it has none."""
    differences = effects.comparisons
    if not differences:
        return None
    seeds = tuple(difference.seeds for difference in differences)
    typical = Spread(
        seeds=int(np.median(seeds)),
        deviation=typical_deviation([difference.deviation for difference in differences], seeds),
        shared=float(np.median([difference.shared for difference in differences])),
    )
    return Power(typical, seeds)
