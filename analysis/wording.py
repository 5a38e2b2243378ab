"""What the intervals of a study say, in sentences that claim no more than they do."""

import math
from collections.abc import Callable
from dataclasses import dataclass

from analysis.effects import Effect, Effects
from analysis.formatting import NOT_DECIDABLE, count, pairs_note, with_interval
from analysis.statistics import CONFIDENCE, Estimate


@dataclass(frozen=True)
class Finding:
    """A sentence and the levels that it is true of."""

    claim: str
    levels: tuple[str, ...]


def reading(effects: Effects, factor: str) -> list[Finding]:
    """Return what a study shows about a factor.

    A level is only ever said to differ from the baseline if its interval covers the choice of seeds and excludes
    zero; of one seed nothing is said but the number.
    """
    levels = [effect for effect in effects.of_factor(factor) if not effect.level.baseline]
    rules: list[tuple[str, Callable[[Estimate], bool]]] = [
        ("The interval excludes zero, higher tau than the baseline", lambda d: d.excludes_zero and d.low > 0),
        ("The interval excludes zero, lower tau than the baseline", lambda d: d.excludes_zero and d.high < 0),
        ("The interval includes zero, so the direction is not decided", _includes_zero),
        (f"{NOT_DECIDABLE.capitalize()}, the interval covers architectures alone", lambda d: d.one_seed),
        ("Too little for an interval", lambda d: d.seeds > 1 and math.isnan(d.low)),
        ("No run to compare with the baseline", lambda d: d.seeds == 0),
    ]
    found = [
        Finding(claim, tuple(_level(effect) for effect in levels if effect.difference and rule(effect.difference)))
        for claim, rule in rules
    ]
    return [finding for finding in found if finding.levels]


def _includes_zero(difference: Estimate) -> bool:
    return difference.seeds > 1 and difference.low <= 0 <= difference.high


def _level(effect: Effect) -> str:
    difference = effect.difference
    value = f" {with_interval(difference, '+')}" if difference and difference.seeds else ""
    return f"{effect.level.name}{value}, {pairs_note(effect)}"


def summary(effects: Effects) -> list[str]:
    """Return how the baseline stands beside the references, and what chance alone would show."""
    baseline = effects.baseline.tau
    lines = []
    if baseline.seeds:
        n = count(baseline.architectures, "architecture")
        lines.append(f"Baseline: tau {with_interval(baseline)}, {count(baseline.seeds, 'seed')}, {n}.")
    lines += [_beside(effect) for effect in effects.references if not math.isnan(effect.tau.value)]
    differences = _distinct_differences(effects)
    if differences:
        excluding = sum(difference.excludes_zero for difference in differences)
        intervals = count(len(differences), "interval") + (
            " of a difference" if len(differences) == 1 else " of differences"
        )
        lines.append(
            f"{excluding} of {intervals} to the baseline "
            f"{'excludes' if excluding == 1 else 'exclude'} zero. If no level had an effect, at most about "
            f"{(1 - CONFIDENCE) * len(differences):.1f} of them would by chance."
        )
    return lines


def _beside(effect: Effect) -> str:
    """Return a reference beside the baseline."""
    n = count(effect.tau.architectures, "architecture")
    line = f"{effect.level.name}: tau {with_interval(effect.tau)}, {n}"
    margin = effect.baseline_minus_this
    if margin is None or not margin.seeds:
        return f"{line}."
    return f"{line}; baseline minus this {with_interval(margin, '+')}{f' ({NOT_DECIDABLE})' * margin.one_seed}."


def _distinct_differences(effects: Effects) -> list[Estimate]:
    """Return the differences that can exclude zero, once each; a grid repeats the runs of single factors."""
    distinct = {
        frozenset(effects.runs_of(effect)["run_id"]): effect.difference
        for effect in effects.levels
        if effect.difference and effect.difference.seeds >= 2
    }
    return list(distinct.values())
