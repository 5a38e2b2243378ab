"""Levels of factors in rows: tau, and the difference to the baseline."""

import math
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from supernet_bench.analysis.effects.effects import Effect, Effects
from supernet_bench.analysis.effects.intervals import Difference, Estimate
from supernet_bench.analysis.figures.cost import cost_of
from supernet_bench.analysis.figures.references import WORDS, ReferenceLine, main_references, reference_lines
from supernet_bench.analysis.figures.style import BASELINE_COLOR, BLUE, GREY, SKY, level_name
from supernet_bench.analysis.numbers import in_full, lost_note, marks, number, runs_note, seeds_note
from supernet_bench.analysis.verdicts import NEGLIGIBLE, Evidence, evidence
from supernet_bench.core.output import count

BETTER_HALF = "tau_better_half"
"""The metric that stands beside tau wherever a study has it."""


@dataclass(frozen=True)
class Metric:
    """A metric whose differences to the baseline are drawn.

    Attributes
    ----------
    name : str
    label : str
        What stands below its panel.
    scale : float
        By what it is multiplied.
    negligible : float
        Effects up to this are called none; 0 where that is not said.
    lower_is_better : bool
    """

    name: str
    label: str
    scale: float = 1.0
    negligible: float = 0.0
    lower_is_better: bool = False


MOST = 4
"""Panels beside each other that a page has room for."""

TAU = (
    Metric("tau", "difference in tau", negligible=NEGLIGIBLE),
    Metric(BETTER_HALF, "difference in tau\nof the better half", negligible=NEGLIGIBLE),
)
SIZE = (
    Metric("tau", "tau", negligible=NEGLIGIBLE),
    Metric("partial_tau", "tau given parameters", negligible=NEGLIGIBLE),
    Metric("tau_parameters", "tau with parameters"),
)
TOP = (
    Metric("regret_at_10", "regret at 10 (%),\nlower is better", 100, lower_is_better=True),
    Metric("precision_at_5_percent", "precision at 5 % (%),\nhigher is better", 100),
    Metric("ndcg_at_10_percent", "NDCG of the top 10 %,\nhigher is better"),
    Metric("best_percentile_at_10", "percentile of the best of 10,\nhigher is better"),
    Metric("surpassing_random_10", "P > R, 10 draws,\nhigher is better"),
)
TAUS = {"tau": "Kendall's tau with the truth", BETTER_HALF: "tau of the better half"}
"""Metrics of which every level is drawn, with what stands below their panels."""


@dataclass(frozen=True)
class Mark:
    """A mean with its interval in a row.

    Attributes
    ----------
    value, low, high : float
        NaN where there is none.
    color : str
    one_seed : bool
        Whether the interval covers architectures alone: it is open then.
    lost : str
        Why there is no value.
    said : str
        All of it in full.
    seeds : tuple of float
        The values of single seeds, where they are drawn.
    """

    value: float
    low: float
    high: float
    color: str
    one_seed: bool
    lost: str
    said: str
    seeds: tuple[float, ...] = ()


@dataclass(frozen=True)
class Row:
    """A level with a mark for each panel, or a heading without any; the note stands to its right."""

    label: str
    note: str = ""
    marks: tuple[Mark, ...] = ()


@dataclass(frozen=True)
class Panel:
    """A column of marks.

    Attributes
    ----------
    label : str
        Of its axis.
    references : tuple of ReferenceLine
    limits : (low, high), each a float, optional
        Of its axis; otherwise what the marks need.
    zero : bool
        Whether zero is marked.
    negligible : float
        Half the width of the band around zero in which an effect is called none; 0 is no band.
    """

    label: str
    references: tuple[ReferenceLine, ...] = ()
    limits: tuple[float, float] | None = None
    zero: bool = False
    negligible: float = 0.0


@dataclass(frozen=True)
class Forest:
    """Rows of means with intervals, in one panel or in several.

    Attributes
    ----------
    title : tuple of str
        Its lines.
    panels : tuple of Panel
        From left to right.
    rows : tuple of Row
        From top to bottom.
    same_axis : bool
        Whether panels are to be compared, so that each is as wide as all need.
    """

    title: tuple[str, ...]
    panels: tuple[Panel, ...]
    rows: tuple[Row, ...]
    same_axis: bool = False


def tau_forest(effects: Effects, factor: str) -> Forest:
    """Return tau of every level of a factor: each seed, mean and interval, and what ranks without training."""
    levels = _sorted(effects.of_factor(factor), lambda effect: effect.tau.value)
    metrics = [name for name in TAUS if any(name in effect.estimates for effect in levels)]
    usual = _usual(runs_note(effect) for effect in levels if not effect.counts.lost)
    rows = tuple(_tau_row(effects, effect, metrics, usual) for effect in levels)
    lines = {name: reference_lines(main_references(effects), name) for name in metrics}
    panels = tuple(Panel(TAUS[name], lines[name], tau_range(effects, name)) for name in metrics)
    n = count(len(effects.truth), "architecture")
    facts = ", ".join(filter(None, ("mean and 95 % interval, dots are seeds", n, usual and f"{usual} each")))
    return Forest((factor, facts + _open_note(rows)), panels, rows)


def tau_range(effects: Effects, metric: str = "tau") -> tuple[float, float]:
    """Return the range of a metric that all levels and drawn references of a study fit in."""
    rows = [*effects.levels, *main_references(effects)]
    found = [row.estimates[metric] for row in rows if metric in row.estimates]
    ends = [end for tau in found for end in (tau.value, tau.low, tau.high)]
    seeds = effects.runs.get(metric, ())
    known = [end for end in (*ends, *seeds) if not math.isnan(end)]
    if not known:
        return -1.0, 1.0
    margin = 0.04 * (max(known) - min(known)) + 0.01
    return min(known) - margin, max(known) + margin


def difference_forest(effects: Effects, metrics: Sequence[Metric] = TAU, same_axis: bool = False) -> Forest:
    """Return every difference to the baseline with its interval, by factor and size, in a panel per metric."""
    compared = [effect for effect in effects.levels if effect.difference]
    known = [each for each in metrics if all(each.name in effect.differences for effect in compared)]
    shown = known[:MOST] if compared else metrics[:1]
    sign = -1 if shown[0].lower_is_better else 1
    usual = _usual(seeds_note(effect) for effect in compared if not effect.counts.lost)
    rows: list[Row] = []
    for factor in effects.factors:
        of_factor = [effect for effect in effects.of_factor(factor) if effect.difference]
        levels = _sorted(of_factor, lambda effect: sign * effect.differences[shown[0].name].value)
        # One level needs no line for its factor.
        alone = f"{factor}: " if len(levels) == 1 else ""
        rows += [] if alone else [Row(factor)]
        rows += [_difference_row(effects, effect, shown, usual, alone) for effect in levels]
    n = count(len(effects.truth), "architecture")
    facts = ", ".join(
        filter(None, ("Differences to the baseline, mean and 95 % interval", n, usual and f"{usual} each"))
    )
    bands = f"; shaded: no effect larger than {NEGLIGIBLE}" if any(each.negligible for each in shown) else ""
    colors = "dark blue: excludes zero, also corrected; light blue: only uncorrected; grey: includes zero"
    panels = tuple(Panel(each.label, zero=True, negligible=each.scale * each.negligible) for each in shown)
    return Forest((facts, colors + bands + _open_note(rows)), panels, tuple(rows), same_axis)


def difference_color(difference: Difference) -> str:
    """Return the colour of a difference by what its interval decides."""
    return {Evidence.CORRECTED: BLUE, Evidence.UNCORRECTED: SKY}.get(evidence(difference), GREY)


def _sorted(levels: Iterable[Effect], value: Callable[[Effect], float]) -> list[Effect]:
    """Return levels by a value, the largest first and those without any last."""
    return sorted(levels, key=lambda effect: math.inf if math.isnan(value(effect)) else -value(effect))


def _usual(notes: Iterable[str]) -> str:
    """Return the note of most rows, which is said once; nothing if there is none of several."""
    ((note, rows),) = Counter(notes).most_common(1) or [("", 0)]
    return note if rows > 1 else ""


def _open_note(rows: Sequence[Row]) -> str:
    """Return what an open mark means, where there is one."""
    is_open = any(mark.one_seed for row in rows for mark in row.marks)
    return "; open: one seed, not decidable" if is_open else ""


def _note(effects: Effects, effect: Effect, counted: str, usual: str, mark: str = "") -> str:
    """Return what stands beside a row: how sure it is, what it rests on if that is unusual, and another cost."""
    parts = (mark.strip(), counted if counted != usual else "", cost_of(effects, effect).note)
    return "  ".join(filter(None, parts))


def _tau_row(effects: Effects, effect: Effect, metrics: Sequence[str], usual: str) -> Row:
    marks_of = tuple(_tau_mark(effects, effect, name) for name in metrics)
    return Row(level_name(effect), _note(effects, effect, runs_note(effect), usual), marks_of)


def _tau_mark(effects: Effects, effect: Effect, metric: str) -> Mark:
    runs, estimate = effects.runs_of(effect), effect.estimates[metric]
    taus = tuple(runs[metric]) if metric in runs else ()
    color = BASELINE_COLOR if effect.level.baseline else BLUE
    seeds = "".join(f"; seed {seed}: {number(tau)}" for seed, tau in zip(runs["seed"], taus, strict=False))
    return _mark(effect, estimate, color, f"{WORDS[metric]} {in_full(estimate)}{seeds}", taus)


def _difference_row(effects: Effects, effect: Effect, metrics: Sequence[Metric], usual: str, alone: str) -> Row:
    # Of several panels, what stands beside the row is of the first.
    mark = marks(effect.difference) if effect.difference and metrics[0].name == "tau" else ""
    drawn = tuple(_difference_mark(effect, metric) for metric in metrics)
    return Row(alone + level_name(effect), _note(effects, effect, seeds_note(effect), usual, mark), drawn)


def _difference_mark(effect: Effect, metric: Metric) -> Mark:
    difference = effect.differences[metric.name]
    said = f"{' '.join(metric.label.split())}: {in_full(difference, '+', metric.scale)}"
    return _mark(effect, difference, difference_color(difference), said, scale=metric.scale)


def _mark(
    effect: Effect, estimate: Estimate, color: str, said: str, seeds: tuple[float, ...] = (), scale: float = 1.0
) -> Mark:
    lost = ""
    if math.isnan(estimate.value):
        lost = lost_note(effect.counts) or ("nothing to compare" if effect.counts.finished else "no run")
    value, low, high = scale * estimate.value, scale * estimate.low, scale * estimate.high
    said = f"{effect.level.factor} {level_name(effect)}, {lost or said}"
    return Mark(value, low, high, color, estimate.one_seed, lost, said, seeds)
