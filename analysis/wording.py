"""What the intervals of a study say, in sentences that claim no more than they do."""

import math

from analysis.effects import Effect, Effects
from analysis.statistics import Estimate


def reading(effects: Effects, factor: str) -> list[str]:
    """Return what a study shows about a factor, one Markdown list item per line of the list.

    A level is only ever said to differ from the baseline if its interval excludes zero; one whose interval
    includes zero is said to be undecided, with how far it may lie on either side.
    """
    levels = [effect for effect in effects.of_factor(factor) if not effect.level.baseline]
    known = [(effect, effect.difference) for effect in levels if effect.difference and effect.difference.seeds]
    outside = [_sentence(effect, estimate) for effect, estimate in known if estimate.excludes_zero]
    inside = [_sentence(effect, estimate) for effect, estimate in known if not estimate.excludes_zero]
    compared = [effect for effect, _ in known]
    absent = [effect.level.name for effect in levels if effect not in compared]
    lines = []
    if known:
        lines.append(f"The interval of the difference excludes zero: {'; '.join(outside) or 'no level'}.")
        lines.append(f"It includes zero, so the direction is not decided: {'; '.join(inside) or 'no level'}.")
    if absent:
        lines.append(f"No run to compare with the baseline: {', '.join(absent)}.")
    return lines


def _sentence(effect: Effect, difference: Estimate) -> str:
    direction = " (higher tau)" if difference.low > 0 else " (lower tau)" if difference.high < 0 else ""
    seeds = "1 seed, architectures alone" if difference.one_seed else f"{difference.seeds} seeds"
    return (
        f"{effect.level.name}{direction} {difference.value:+.3f} "
        f"[{difference.low:+.3f}, {difference.high:+.3f}], {seeds}, {difference.architectures} architectures"
    )


def summary(effects: Effects) -> list[str]:
    """Return how the baseline stands beside the references, and what chance alone would show."""
    baseline = effects.baseline.tau
    lines = []
    if baseline.seeds:
        lines.append(f"Baseline: tau {_with_interval(baseline)}, {baseline.seeds} seeds.")
    lines += [
        f"{effect.level.name}: tau {_with_interval(effect.tau)}."
        for effect in effects.references
        if not math.isnan(effect.tau.value)
    ]
    differences = [effect.difference for effect in effects.levels if effect.difference and effect.difference.seeds]
    if differences:
        excluding = sum(difference.excludes_zero for difference in differences)
        lines.append(
            f"{excluding} of {len(differences)} intervals of differences exclude zero. "
            f"If no level had an effect, about {0.05 * len(differences):.1f} of them would by chance."
        )
    return lines


def _with_interval(estimate: Estimate) -> str:
    interval = f"[{estimate.low:.3f}, {estimate.high:.3f}]"
    return f"{estimate.value:.3f} {interval}, {estimate.architectures} architectures"
