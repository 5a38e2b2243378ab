"""Factors in groups, and how much their levels differ: which choices matter, before which level is best."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from supernet_bench.analysis.effects.intervals import Estimate
from supernet_bench.analysis.findings import LevelFinding

GROUPS: Mapping[str, tuple[str, ...]] = {
    "sampling": ("sampling", "warmup"),
    "statistics": ("batch_norm",),
    "optimisation": (
        *("learning_rate", "weight_decay", "batch_size", "gradient_clip", "label_smoothing", "weight_average"),
        *("sharpness", "independence", "path_dropout", "global_dropout", "augmentation", "landmark"),
    ),
    "fidelity": ("epochs", "train_portion", "width", "depth", "resolution", "precision"),
    "mapping": ("op_location", "kernel_sharing"),
    "scoring": ("scoring",),
}
"""Which choice each factor is a part of; factors of others are groups of their own."""

STANDARD_ERRORS = 2.0
"""How many the half of a 95 % interval is, nearly, where the standard error is not known: of five pairs it is 2.8."""


@dataclass(frozen=True)
class Spread:
    """How much the levels of some factors differ from the baseline in one metric.

    Attributes
    ----------
    levels : int
        That have an effect with an interval.
    beyond_noise : float
        Standard deviation of their true effects around none: the root of the mean of the squared effects less their
        squared standard errors, 0 where noise is more than they are; NaN for no level.
    highest, lowest : tuple of (LevelFinding, Estimate), or None
        The levels with the largest and the smallest effect, with it.
    """

    levels: int
    beyond_noise: float
    highest: tuple[LevelFinding, Estimate] | None
    lowest: tuple[LevelFinding, Estimate] | None


def by_group(levels: Iterable[LevelFinding]) -> dict[str, list[LevelFinding]]:
    """Return the levels of each group that has any, in the order of the groups; grids are left out."""
    group_of = {factor: group for group, factors in GROUPS.items() for factor in factors}
    found: dict[str, list[LevelFinding]] = {group: [] for group in GROUPS}
    for level in levels:
        if " x " not in level.factor:
            found.setdefault(group_of.get(level.factor, level.factor), []).append(level)
    return {group: members for group, members in found.items() if members}


def spread_of(levels: Sequence[LevelFinding], better_half: bool = False) -> Spread:
    """Return how much levels differ, in tau or in tau of the better half."""
    known = [(level, effect) for level in levels if (effect := _effect(level, better_half))]
    if not known:
        return Spread(0, math.nan, None, None)
    squares = [effect.value**2 - _standard_error(level, effect, better_half) ** 2 for level, effect in known]
    ranked = sorted(known, key=lambda one: one[1].value)
    return Spread(len(known), math.sqrt(max(0.0, sum(squares) / len(squares))), ranked[-1], ranked[0])


def _standard_error(level: LevelFinding, effect: Estimate, better_half: bool) -> float:
    known = level.better_half_standard_error if better_half else level.standard_error
    return (effect.high - effect.low) / 2 / STANDARD_ERRORS if math.isnan(known) else known


def _effect(level: LevelFinding, better_half: bool) -> Estimate | None:
    effect = level.better_half if better_half else level.difference
    return effect if effect and not math.isnan(effect.low) else None
