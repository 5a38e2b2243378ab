"""Numbers, intervals and counts as text, the same in every table, sentence and figure."""

import math

from supernet_bench.analysis.effects.agreement import Correlation
from supernet_bench.analysis.effects.effects import Counts, Effect
from supernet_bench.analysis.effects.intervals import Difference, Estimate
from supernet_bench.analysis.verdicts import Evidence, evidence
from supernet_bench.core.output import count
from supernet_bench.records.manifest import Level

NONE = "—"
CORRECTED = "*"
UNCORRECTED = "(*)"
ONE_SEED = "†"
USES_TRUTH = "‡"
NOT_DECIDABLE = "one seed: not decidable"
DECIMALS = 9
"""To which values are rounded before they are printed: machines differ beyond, which would print ties differently."""


def number(value: float, sign: str = "", scale: float = 1.0, decimals: int = 3) -> str:
    """Return `scale` times the value, or a dash for NaN."""
    # Adding 0 turns -0 into 0, which is what rounding leaves of a tiny negative value.
    return NONE if math.isnan(value) else f"{round(scale * value, DECIMALS) + 0.0:{sign}.{decimals}f}"


def interval(estimate: Estimate, sign: str = "", scale: float = 1.0, decimals: int = 3) -> str:
    """Return the interval, or a dash where there is none."""
    if math.isnan(estimate.value) or math.isnan(estimate.low):
        return NONE
    return f"[{', '.join(number(end, sign, scale, decimals) for end in (estimate.low, estimate.high))}]"


def with_interval(estimate: Estimate, sign: str = "", scale: float = 1.0, decimals: int = 3) -> str:
    """Return the value and, where there is one, its interval."""
    value, ends = number(estimate.value, sign, scale, decimals), interval(estimate, sign, scale, decimals)
    return value if ends == NONE else f"{value} {ends}"


def correlation(found: Correlation) -> str:
    """Return a correlation and, where there is one, its interval."""
    value, low, high = (number(end, decimals=2) for end in (found.value, found.low, found.high))
    return value if math.isnan(found.low) else f"{value} [{low}, {high}]"


def in_full(estimate: Estimate, sign: str = "", scale: float = 1.0, decimals: int = 3) -> str:
    """Return an estimate with more digits than a table has, what it rests on, and how sure a difference is."""
    parts = [with_interval(estimate, sign, scale, decimals + 2)]
    parts += [_seeds(estimate)] if estimate.seeds else []
    parts += [count(estimate.architectures, "architecture")]
    if isinstance(estimate, Difference) and not math.isnan(estimate.adjusted):
        parts += [f"p {estimate.p_value:.2g}", f"corrected (Holm) {estimate.adjusted:.2g}"]
    return ", ".join(parts)


def _seeds(estimate: Estimate) -> str:
    """Return how many seeds an estimate rests on; of a difference, those of both sides."""
    if not isinstance(estimate, Difference):
        return count(estimate.seeds, "seed")
    if estimate.paired:
        return count(estimate.seeds, "pair")
    return f"{count(estimate.seeds, 'seed')} against {estimate.against}"


def marks(estimate: Estimate) -> str:
    """Return what has to stand beside an interval: that seeds are not covered, or that a comparison excludes zero."""
    if estimate.one_seed and not math.isnan(estimate.low):
        return f" {ONE_SEED}"
    if not isinstance(estimate, Difference) or math.isnan(estimate.adjusted):
        return ""
    return {Evidence.CORRECTED: f" {CORRECTED}", Evidence.UNCORRECTED: f" {UNCORRECTED}"}.get(evidence(estimate), "")


def marked(level: Level) -> str:
    """Return the name of a level, marked if it uses published accuracies."""
    return f"{level.label} {USES_TRUTH}" if level.uses_truth else level.label


def runs_note(effect: Effect) -> str:
    """Return how many runs tau rests on, and what became of the others."""
    counts = effect.counts
    if not counts.lost:
        return count(counts.finished, "run")
    return f"{counts.finished - counts.undefined} of {count(counts.planned, 'run')} ({lost_note(counts)})"


def seeds_note(effect: Effect) -> str:
    """Return over how many seeds the difference to the baseline is taken, and why not over all."""
    difference = effect.difference
    seeds = difference.seeds if difference else 0
    planned, lost = effect.counts.planned, sum(effect.counts.lost.values())
    unit = "pair" if difference and difference.paired else "seed"
    if seeds == planned:
        return count(seeds, unit)
    reasons = [lost_note(effect.counts)] * bool(lost) + ["baseline incomplete"] * (seeds < planned - lost)
    return f"{seeds} of {count(planned, unit)} ({', '.join(reasons)})"


def lost_note(counts: Counts) -> str:
    """Return what became of the runs without tau, such as ``2 failed``."""
    return ", ".join(f"{runs} {state}" for state, runs in counts.lost.items())
