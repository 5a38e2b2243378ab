"""What levels cost beside the baseline: path passes, and seconds of training where they are known."""

import math
import statistics
from dataclasses import dataclass

from supernet_bench.analysis.effects.effects import Effect, Effects
from supernet_bench.analysis.numbers import number

SAME_PASSES, SAME_SECONDS = 1.05, 1.25
"""Ratios up to these, and down to their inverse, are the same cost."""


@dataclass(frozen=True)
class Cost:
    """How many times what the baseline takes.

    Attributes
    ----------
    passes : float
        Path passes, the mean over seeds; NaN where it is not known.
    seconds : tuple of float
        Seconds of training, of each seed that both have.
    """

    passes: float
    seconds: tuple[float, ...] = ()

    @property
    def time(self) -> float:
        """The median over seeds of the seconds; NaN where none are known."""
        return statistics.median(self.seconds) if self.seconds else math.nan

    @property
    def other_time(self) -> bool:
        """Whether every seed took another time, on the same side: machines are not equally fast all day."""
        sides = {_side(ratio, SAME_SECONDS) for ratio in self.seconds}
        return len(self.seconds) > 1 and sides in ({1}, {-1})

    @property
    def note(self) -> str:
        """What has to stand beside a level at another cost; nothing for one at the same."""
        if _side(self.passes, SAME_PASSES):
            return f"{_times(self.passes)} passes"
        return f"{_times(self.time)} time" if self.other_time else ""


def cost_of(effects: Effects, effect: Effect) -> Cost:
    """Return what a level costs."""
    return Cost(effect.path_passes, _seconds(effects, effect))


def _seconds(effects: Effects, effect: Effect) -> tuple[float, ...]:
    """Return how many times the seconds of training of the baseline a level takes, for each seed of both."""
    if "seconds_training" not in effects.runs:
        return ()
    of_level, of_baseline = (
        effects.runs_of(row).set_index("seed")["seconds_training"].astype(float) for row in (effect, effects.baseline)
    )
    ratios = (of_level / of_baseline[of_baseline > 0]).dropna()
    return tuple(float(ratio) for ratio in ratios)


def _side(ratio: float, same: float) -> int:
    """Return whether a ratio is above what is the same, 1, or below, -1, or neither or not known, 0."""
    return int(ratio > same) - int(0 < ratio < 1 / same)


def _times(ratio: float) -> str:
    return f"{number(ratio, decimals=1 if ratio >= 1 else 2)} x"
