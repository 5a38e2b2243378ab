"""What the intervals of a study say, in sentences that claim no more than they do."""

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from supernet_bench.analysis.effects.effects import Effect, Effects
from supernet_bench.analysis.effects.intervals import (
    ALPHA,
    CONFIDENCE,
    EFFECTS_TO_DETECT,
    Difference,
    Spread,
    seeds_needed,
    typical_deviation,
)
from supernet_bench.analysis.numbers import NOT_DECIDABLE, count, marked, marks, number, pairs_note, with_interval

ENOUGH_PAIRS = 100
"""Pairs of architectures of equal size from which on the reading of size looks at them."""


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
        (
            f"{NOT_DECIDABLE.capitalize()}, the interval covers architectures alone",
            lambda d: d.one_seed and not math.isnan(d.low),
        ),
        ("Too little for an interval", lambda d: d.seeds > 0 and math.isnan(d.low)),
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
    tau it hardly gains in tau given the parameter count, and not at all among architectures of equal size. Partial
    tau alone is no proof: it does change a little with a pure preference for size.
    """
    levels = [effect for effect in effects.of_factor(factor) if effect.difference and effect.difference.excludes_zero]
    enough = effects.equal_size_pairs >= ENOUGH_PAIRS
    within = [effect for effect in levels if enough and _moves_alike(effect, "tau_equal_size")]
    beyond = [effect for effect in levels if effect not in within and _perhaps_beyond_size(effect, enough)]
    rest = [effect for effect in levels if effect not in within and effect not in beyond]
    size = [effect for effect in rest if effect.differences["tau_parameters"].excludes_zero]
    findings = [
        Finding(
            "More than a preference for size, tau among architectures of equal size moves the same way and excludes "
            "zero",
            tuple(_size(effect, enough) for effect in within),
        ),
        Finding(
            "Perhaps more than a preference for size, tau given parameters moves the same way and excludes zero",
            tuple(_size(effect, enough) for effect in beyond),
        ),
        Finding(
            "Not shown beyond a preference for size, tau with parameters excludes zero and what is left beside it does "
            "not show the direction of tau",
            tuple(_size(effect, enough) for effect in size),
        ),
        Finding(
            "Not decided whether it is a preference for size",
            tuple(_size(effect, enough) for effect in rest if effect not in size),
        ),
    ]
    return [finding for finding in findings if finding.levels]


def _perhaps_beyond_size(effect: Effect, enough: bool) -> bool:
    """Whether tau given parameters excludes zero on the side of tau and, with enough pairs, equal sizes agree."""
    tau, equal = (effect.differences[name].value for name in ("tau", "tau_equal_size"))
    return _moves_alike(effect, "partial_tau") and (not enough or equal * tau > 0)


def _moves_alike(effect: Effect, metric: str) -> bool:
    """Whether the difference in a metric excludes zero on the side of that in tau."""
    tau, difference = effect.differences["tau"], effect.differences[metric]
    return difference.excludes_zero and difference.value * tau.value > 0


def _size(effect: Effect, enough: bool) -> str:
    shown = {
        "given parameters": "partial_tau",
        **({"among equal sizes": "tau_equal_size"} if enough else {}),
        "with parameters": "tau_parameters",
    }
    found = {text: effect.differences[name] for text, name in shown.items()}
    texts = (f"{text} {with_interval(difference, '+')}{marks(difference)}" for text, difference in found.items())
    return f"{marked(effect.level)}: {', '.join(texts)}"


def _only_uncorrected(difference: Difference) -> bool:
    return difference.excludes_zero and not difference.excludes_zero_corrected


def _includes_zero(difference: Difference) -> bool:
    return difference.seeds > 1 and difference.low <= 0 <= difference.high


def _level(effect: Effect) -> str:
    difference = effect.difference
    value = f" {with_interval(difference, '+')}{marks(difference)}" if difference and difference.seeds else ""
    return f"{marked(effect.level)}{value}, {pairs_note(effect)}"


def summary(effects: Effects) -> list[str]:
    """Return how the baseline stands beside the references, and what chance alone would show."""
    baseline = effects.baseline.tau
    lines = []
    if baseline.seeds:
        n = count(baseline.architectures, "architecture")
        lines.append(f"Baseline: tau {with_interval(baseline)}, {count(baseline.seeds, 'seed')}, {n}.")
    lines += [_beside(effect) for effect in effects.references if not math.isnan(effect.tau.value)]
    if effects.comparisons:
        lines += [chance_line(effects), seeds_line(effects)]
    return lines


def chance_line(effects: Effects) -> str:
    """Return how many comparisons exclude zero, and how many would by chance; there are comparisons."""
    differences = effects.comparisons
    excluding = sum(difference.excludes_zero for difference in differences)
    surviving = sum(difference.excludes_zero_corrected for difference in differences)
    intervals = count(len(differences), "interval") + (
        " of a difference" if len(differences) == 1 else " of differences"
    )
    return (
        f"{excluding} of {intervals} to the baseline "
        f"{'excludes' if excluding == 1 else 'exclude'} zero. If no level had an effect, at most about "
        f"{(1 - CONFIDENCE) * len(differences):.1f} of them would by chance. Corrected for their number (Holm), "
        f"which keeps the chance of any false one at {100 * ALPHA:.0f} %, {surviving} "
        f"{'excludes' if surviving == 1 else 'exclude'} zero. All levels share the runs of one baseline, so false "
        "ones come together."
    )


def seeds_line(effects: Effects) -> str:
    """Return how small an effect these seeds can mark and how many seeds others need; there are comparisons."""
    typical, seeds = _typical(effects), [difference.seeds for difference in effects.comparisons]
    many = len(seeds)
    rests = f"{min(seeds)} to {max(seeds)}" if min(seeds) < max(seeds) else f"{max(seeds)}"
    percent = f"{100 * ALPHA:.0f} %"
    lines = [
        f"Seeds needed: differences in tau spread over seeds with a standard deviation of {number(typical.deviation)} "
        f"(median of {count(many, 'comparison')}, each over {rests} seeds), and the choice of architectures, which "
        f"more seeds do not reduce, adds one of {number(typical.shared)} (median).",
        _smallest_marked(typical, many),
        power_line(effects),
    ]
    if many > 1:
        strictest = _seeds_for(typical, ALPHA / many, effects)
        lines.append(f"At {percent} / {many}, where Holm's correction starts: {strictest}.")
    return " ".join(lines)


def power_line(effects: Effects) -> str:
    """Return how many seeds show effects of some sizes, each by itself; there are comparisons."""
    found = _seeds_for(_typical(effects), ALPHA, effects)
    return f"To show an effect with power 80 % by an interval at {100 * ALPHA:.0f} %: {found}."


def _typical(effects: Effects) -> Spread:
    """Return the spread of a difference as it is in the middle of all comparisons."""
    differences = effects.comparisons
    seeds = [difference.seeds for difference in differences]
    return Spread(
        seeds=int(np.median(seeds)),
        deviation=typical_deviation([difference.deviation for difference in differences], seeds),
        shared=float(np.median([difference.shared for difference in differences])),
    )


def _smallest_marked(typical: Spread, many: int) -> str:
    """Return the smallest difference that an interval of typical width tells from zero."""
    alone = f"With {typical.seeds} seeds and this spread a difference excludes zero from {number(typical.half_width())}"
    if many == 1:
        return f"{alone}."
    first = number(typical.half_width(ALPHA / many))
    return (
        f"{alone} if it stands alone, and corrected for {count(many, 'comparison')} the first one does from {first}: "
        f"so with {typical.seeds} seeds the correction cannot mark effects below {first}, except where seeds agree "
        "more closely than is typical."
    )


def _seeds_for(typical: Spread, alpha: float, effects: Effects) -> str:
    """Return how many seeds show effects of some sizes."""
    found = {effect: seeds_needed(typical.deviation, effect, alpha, typical.shared) for effect in EFFECTS_TO_DETECT}
    unreachable = f"not reachable with {count(len(effects.truth), 'architecture')}"
    texts = (f"{count(seeds, 'seed') if seeds else unreachable} for {effect:.2f}" for effect, seeds in found.items())
    return ", ".join(texts)


def _beside(effect: Effect) -> str:
    """Return a reference beside the baseline."""
    n = count(effect.tau.architectures, "architecture")
    line = f"{effect.level.name}: tau {with_interval(effect.tau)}, {n}"
    margin = effect.baseline_minus_this
    if margin is None or not margin.seeds:
        return f"{line}."
    return f"{line}; baseline minus this {with_interval(margin, '+')}{f' ({NOT_DECIDABLE})' * margin.one_seed}."
