"""What estimates show, decided once.

Every table, mark, colour, page and index takes these keys; what they are called stands in `analysis/pages/words.py` and
in the templates. A level is only ever said to differ from the baseline if its interval covers the choice of seeds and
excludes zero; of one seed nothing is said but the number.
"""

import math
from collections.abc import Mapping
from enum import StrEnum

from supernet_bench.analysis.effects.agreement import FEWEST, Agreement, Directions
from supernet_bench.analysis.effects.intervals import Difference

NEGLIGIBLE = 0.05
"""Differences in tau up to this are called none."""

ENOUGH_PAIRS = 100
"""Pairs of architectures of equal size from which on the reading of size looks at them."""

CLOSE = 0.7
"""From where on the lower end of rho counts as a close agreement."""

NOISY = 0.5
"""Below this ceiling, noise alone would hide most of an agreement."""


class Evidence(StrEnum):
    """What the interval of a difference decides, whatever its direction."""

    CORRECTED = "corrected"
    UNCORRECTED = "uncorrected"
    INCLUDES_ZERO = "includes zero"
    ONE_SEED = "one seed"
    NO_INTERVAL = "no interval"
    NOT_COMPARED = "not compared"


class Verdict(StrEnum):
    """What a level does to tau."""

    HELPS = "helps"
    HURTS = "hurts"
    PERHAPS_HELPS = "perhaps helps"
    PERHAPS_HURTS = "perhaps hurts"
    NOTHING = "nothing"
    NOISY = "noisy"
    ONE_SEED = "one seed"
    NO_INTERVAL = "no interval"
    NOT_COMPARED = "not compared"


DIRECTED = frozenset((Verdict.HELPS, Verdict.HURTS, Verdict.PERHAPS_HELPS, Verdict.PERHAPS_HURTS))
"""Verdicts that say a direction, if perhaps."""


class Size(StrEnum):
    """Whether a level that changes tau does more than to change the preference for large networks."""

    BEYOND = "beyond size"
    PERHAPS_BEYOND = "perhaps beyond size"
    NOT_SHOWN_BEYOND = "not shown beyond size"
    UNDECIDED = "undecided"


class Transfer(StrEnum):
    """What the effects in one study tell of those in another."""

    TOO_FEW_LEVELS = "too few levels"
    TOO_FEW_SEEDS = "too few seeds"
    NO_ORDER = "no order"
    NO_INTERVAL = "no interval"
    NOISY = "noisy"
    NOT_SHOWN = "not shown"
    REVERSED = "reversed"
    IN_PART = "in part"
    CARRIES_OVER = "carries over"


def evidence(difference: Difference) -> Evidence:
    """Return what the interval of a difference decides."""
    if difference.seeds == 0:
        return Evidence.NOT_COMPARED
    if math.isnan(difference.low):
        return Evidence.NO_INTERVAL
    if difference.one_seed:
        return Evidence.ONE_SEED
    if not difference.excludes_zero:
        return Evidence.INCLUDES_ZERO
    return Evidence.CORRECTED if difference.excludes_zero_corrected else Evidence.UNCORRECTED


def verdict(difference: Difference) -> Verdict:
    """Return what a level does, from its difference in tau to the baseline."""
    match evidence(difference):
        case Evidence.CORRECTED:
            return Verdict.HELPS if difference.value > 0 else Verdict.HURTS
        case Evidence.UNCORRECTED:
            return Verdict.PERHAPS_HELPS if difference.value > 0 else Verdict.PERHAPS_HURTS
        case Evidence.INCLUDES_ZERO:
            negligible = difference.low >= -NEGLIGIBLE and difference.high <= NEGLIGIBLE
            return Verdict.NOTHING if negligible else Verdict.NOISY
        case undecided:
            return Verdict(undecided.value)


def beyond_size(differences: Mapping[str, Difference], equal_size_pairs: int) -> Size | None:
    """Return whether a level does more to tau than to prefer larger or smaller networks; None if it changes no tau.

    A supernet ranks better by preferring large networks alone, as far as these are better. What it then gains in
    tau it hardly gains in tau given the parameter count, and not at all among architectures of equal size. Partial
    tau alone is no proof: it does change a little with a pure preference for size.

    Parameters
    ----------
    differences : dict of str to Difference
        Of the level, by metric.
    equal_size_pairs : int
        Pairs of architectures with equal parameter counts and different truth.
    """
    tau, equal = differences["tau"], differences["tau_equal_size"]
    enough = equal_size_pairs >= ENOUGH_PAIRS
    if not tau.excludes_zero:
        return None
    if enough and _moves_with(tau, equal):
        return Size.BEYOND
    if _moves_with(tau, differences["partial_tau"]) and (not enough or equal.value * tau.value > 0):
        return Size.PERHAPS_BEYOND
    return Size.NOT_SHOWN_BEYOND if differences["tau_parameters"].excludes_zero else Size.UNDECIDED


def _moves_with(tau: Difference, other: Difference) -> bool:
    """Whether another difference excludes zero on the side of that in tau."""
    return other.excludes_zero and other.value * tau.value > 0


def transfer(found: Agreement) -> Transfer:
    """Return what a user may conclude from the effects in one study about those in another."""
    if found.levels < FEWEST or found.factors < 2:
        return Transfer.TOO_FEW_LEVELS
    if min(found.fewest) < 2:
        return Transfer.TOO_FEW_SEEDS
    if not found.computed:
        return Transfer.NO_ORDER
    if math.isnan(found.rho.low):
        return Transfer.NO_INTERVAL
    if not found.rho.excludes_zero:
        return Transfer.NOISY if found.ceiling.value < NOISY else Transfer.NOT_SHOWN
    if found.rho.value < 0:
        return Transfer.REVERSED
    return Transfer.CARRIES_OVER if found.rho.low >= CLOSE else Transfer.IN_PART


def same_directions(counted: Directions) -> bool:
    """Return whether more effects have the same direction than would if directions were independent, beyond chance."""
    return counted.shown > 0 and counted.low * counted.shown > counted.expected
