"""What the intervals of a study say, in sentences that claim no more than they do."""

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy import stats

from analysis.effects import Effect, Effects
from analysis.formatting import NOT_DECIDABLE, count, marks, number, pairs_note, with_interval
from analysis.statistics import ALPHA, CONFIDENCE, EFFECTS_TO_DETECT, Difference, seeds_needed, typical_deviation


@dataclass(frozen=True)
class Finding:
    """A sentence and the levels that it is true of."""

    claim: str
    levels: tuple[str, ...]


def reading(effects: Effects, factor: str) -> list[Finding]:
    """Return what a study shows about a factor.

    A level is only ever said to differ from the baseline if its interval covers the choice of seeds and excludes
    zero, and it is said whether that survives the correction for all comparisons of the study; of one seed nothing
    is said but the number.
    """
    levels = [effect for effect in effects.of_factor(factor) if not effect.level.baseline]
    corrected = f"when corrected for {count(len(effects.comparisons), 'comparison')} (Holm)"
    higher, lower = (f"The interval excludes zero, {word} tau than the baseline" for word in ("higher", "lower"))
    rules: list[tuple[str, Callable[[Difference], bool]]] = [
        (f"{higher}, also {corrected}", lambda d: d.excludes_zero_corrected and d.value > 0),
        (f"{lower}, also {corrected}", lambda d: d.excludes_zero_corrected and d.value < 0),
        (f"{higher}, but not {corrected}", lambda d: _only_uncorrected(d) and d.value > 0),
        (f"{lower}, but not {corrected}", lambda d: _only_uncorrected(d) and d.value < 0),
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


def size_reading(effects: Effects, factor: str) -> list[Finding]:
    """Return whether the levels of a factor that change tau do more than to prefer larger or smaller networks.

    A supernet ranks better by preferring large networks alone, as far as these are better. What it then gains in
    tau it does not gain in tau given the parameter count.
    """
    levels = [effect for effect in effects.of_factor(factor) if effect.difference and effect.difference.excludes_zero]
    beyond = [effect for effect in levels if _same_direction(effect)]
    size = [effect for effect in levels if effect not in beyond and effect.differences["tau_parameters"].excludes_zero]
    findings = [
        Finding(
            "Not only a preference for size, tau given parameters moves the same way and excludes zero",
            tuple(_size(effect) for effect in beyond),
        ),
        Finding(
            "Perhaps only a preference for size, tau with parameters excludes zero and tau given parameters does not "
            "in the direction of tau",
            tuple(_size(effect) for effect in size),
        ),
        Finding(
            "Not decided whether it is a preference for size",
            tuple(_size(effect) for effect in levels if effect not in beyond and effect not in size),
        ),
    ]
    return [finding for finding in findings if finding.levels]


def _same_direction(effect: Effect) -> bool:
    """Whether tau given parameters excludes zero on the side of tau."""
    tau, partial = effect.differences["tau"], effect.differences["partial_tau"]
    return partial.excludes_zero and (partial.value > 0) == (tau.value > 0)


def _size(effect: Effect) -> str:
    partial, size = (effect.differences[name] for name in ("partial_tau", "tau_parameters"))
    return (
        f"{effect.level.name}: given parameters {with_interval(partial, '+')}{marks(partial)}, "
        f"with parameters {with_interval(size, '+')}{marks(size)}"
    )


def _only_uncorrected(difference: Difference) -> bool:
    return difference.excludes_zero and not difference.excludes_zero_corrected


def _includes_zero(difference: Difference) -> bool:
    return difference.seeds > 1 and difference.low <= 0 <= difference.high


def _level(effect: Effect) -> str:
    difference = effect.difference
    value = f" {with_interval(difference, '+')}{marks(difference)}" if difference and difference.seeds else ""
    return f"{effect.level.name}{value}, {pairs_note(effect)}"


def summary(effects: Effects) -> list[str]:
    """Return how the baseline stands beside the references, and what chance alone would show."""
    baseline = effects.baseline.tau
    lines = []
    if baseline.seeds:
        n = count(baseline.architectures, "architecture")
        lines.append(f"Baseline: tau {with_interval(baseline)}, {count(baseline.seeds, 'seed')}, {n}.")
    lines += [_beside(effect) for effect in effects.references if not math.isnan(effect.tau.value)]
    differences = effects.comparisons
    if differences:
        excluding = sum(difference.excludes_zero for difference in differences)
        surviving = sum(difference.excludes_zero_corrected for difference in differences)
        intervals = count(len(differences), "interval") + (
            " of a difference" if len(differences) == 1 else " of differences"
        )
        lines.append(
            f"{excluding} of {intervals} to the baseline "
            f"{'excludes' if excluding == 1 else 'exclude'} zero. If no level had an effect, at most about "
            f"{(1 - CONFIDENCE) * len(differences):.1f} of them would by chance. Corrected for their number (Holm), "
            f"which keeps the chance of any false one at {100 * ALPHA:.0f} %, {surviving} "
            f"{'excludes' if surviving == 1 else 'exclude'} zero."
        )
        lines.append(seeds_line(effects))
    return lines


def seeds_line(effects: Effects) -> str:
    """Return how many seeds effects of some sizes need, from the observed spread; there are comparisons."""
    differences = effects.comparisons
    deviation = typical_deviation([d.deviation for d in differences], [d.seeds for d in differences])
    remaining = float(stats.norm.ppf((1 + CONFIDENCE) / 2) * np.median([d.shared for d in differences]))

    def needed(alpha: float) -> str:
        return " and ".join(
            f"{seeds_needed(deviation, effect, alpha)} for {effect:.2f}" for effect in EFFECTS_TO_DETECT
        )

    many, percent = len(differences), f"{100 * ALPHA:.0f} %"
    strictest = f" At {percent} / {many}, where Holm's correction starts: {needed(ALPHA / many)}." if many > 1 else ""
    return (
        f"Seeds needed: differences in tau spread over seeds with a standard deviation of {number(deviation)} (median "
        f"of {count(many, 'comparison')}), so a two-sided paired t test at {percent} detects an effect with power "
        f"80 % from about so many seeds: {needed(ALPHA)}.{strictest} More seeds never narrow an interval below what "
        f"the choice of architectures adds, here ±{number(remaining)} (median)."
    )


def _beside(effect: Effect) -> str:
    """Return a reference beside the baseline."""
    n = count(effect.tau.architectures, "architecture")
    line = f"{effect.level.name}: tau {with_interval(effect.tau)}, {n}"
    margin = effect.baseline_minus_this
    if margin is None or not margin.seeds:
        return f"{line}."
    return f"{line}; baseline minus this {with_interval(margin, '+')}{f' ({NOT_DECIDABLE})' * margin.one_seed}."
