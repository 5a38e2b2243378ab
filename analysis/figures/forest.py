"""Levels of factors in rows: tau, and the difference to the baseline."""

import math
import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from supernet_bench.analysis.effects.effects import UNTRAINED, Effect, Effects
from supernet_bench.analysis.effects.intervals import Difference, Estimate
from supernet_bench.analysis.figures.style import (
    BASELINE_COLOR,
    BLACK,
    BLUE,
    CHARACTER,
    GREEN,
    GREY,
    LINE,
    SKY,
    level_name,
    put_title,
)
from supernet_bench.analysis.figures.svg import ABOVE, UNSEEN, say
from supernet_bench.analysis.numbers import in_full, lost_note, marks, number, runs_note, seeds_note
from supernet_bench.analysis.verdicts import Evidence, evidence
from supernet_bench.core.output import count

LOOKS = {"parameter count": ("-.", GREEN), UNTRAINED.name: (":", BLACK)}
"""References that are drawn, with their lines and colours."""

LABEL_WIDTH = 44
NOTE_WIDTH = 26
"""Characters in a line to the left and to the right of a row."""

GAP = 0.45
"""Between rows, in lines."""

TALL = 40
"""Lines above which the axis is labelled at the top, too."""

SEEDS_ABOVE = 0.45
"""How far above the mean its seeds are, in lines."""


@dataclass(frozen=True)
class Metric:
    """A metric whose differences to the baseline are drawn: what stands below it, and by what it is multiplied."""

    name: str
    label: str
    scale: float = 1.0


TAU = (Metric("tau", "difference in Kendall's tau to the baseline"),)
SIZE = (
    Metric("tau", "tau"),
    Metric("partial_tau", "tau given parameters"),
    Metric("tau_parameters", "tau with parameters"),
)
TOP = (
    Metric("regret_at_10", "regret at 10 (%),\nlower is better", 100),
    Metric("precision_at_5_percent", "precision at 5 % (%),\nhigher is better", 100),
    Metric("surpassing_random_10", "P > R, 10 draws,\nhigher is better"),
)


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
    """A level with a mark for each panel, or a heading without any."""

    label: str
    note: str = ""
    marks: tuple[Mark, ...] = ()


@dataclass(frozen=True)
class ReferenceLine:
    """A line across all rows with its interval as a band."""

    label: str
    value: float
    low: float
    high: float
    color: str
    line: str
    said: str


@dataclass(frozen=True)
class Forest:
    """Rows of means with intervals, in one panel or in several.

    Attributes
    ----------
    title : tuple of str
        Its lines.
    axes : tuple of str
        Label of the axis of each panel.
    rows : tuple of Row
        From top to bottom.
    references : tuple of ReferenceLine
        Drawn in all panels.
    limits : (low, high), each a float, optional
        Of the axis of all panels; otherwise what their marks need.
    zero : bool
        Whether zero is marked.
    same_axis : bool
        Whether panels are to be compared, so that each is as wide as all need.
    """

    title: tuple[str, ...]
    axes: tuple[str, ...]
    rows: tuple[Row, ...]
    references: tuple[ReferenceLine, ...] = ()
    limits: tuple[float, float] | None = None
    zero: bool = False
    same_axis: bool = False


def tau_forest(effects: Effects, factor: str) -> Forest:
    """Return tau of every level of a factor: each seed, mean and interval, and what untrained ranking gives."""
    levels = effects.of_factor(factor)
    rows = tuple(Row(level_name(effect), runs_note(effect), (_tau_mark(effects, effect),)) for effect in levels)
    references = tuple(_reference(effect) for effect in _drawn_references(effects))
    n = count(len(effects.truth), "architecture")
    title = (factor, f"mean and 95 % interval, dots are seeds, {n}{_open_note(rows)}")
    return Forest(title, ("Kendall's tau with the truth",), rows, references, tau_range(effects))


def tau_range(effects: Effects) -> tuple[float, float]:
    """Return the range of tau that all levels and drawn references of a study fit in."""
    rows = [*effects.levels, *_drawn_references(effects)]
    ends = [end for row in rows for end in (row.tau.value, row.tau.low, row.tau.high)]
    known = [end for end in (*ends, *effects.runs["tau"]) if not math.isnan(end)]
    if not known:
        return -1.0, 1.0
    margin = 0.04 * (max(known) - min(known)) + 0.01
    return min(known) - margin, max(known) + margin


def difference_forest(effects: Effects, metrics: Sequence[Metric] = TAU, same_axis: bool = False) -> Forest:
    """Return every paired difference to the baseline with its interval, grouped by factor, in a panel per metric."""
    rows: list[Row] = []
    for factor in effects.factors:
        compared = (effect for effect in effects.of_factor(factor) if effect.difference)
        rows += [Row(factor), *(_difference_row(effect, metrics) for effect in compared)]
    n = count(len(effects.truth), "architecture")
    title = (
        f"Differences to the baseline, mean and 95 % interval, {n}",
        "dark blue: excludes zero, also corrected (Holm); light blue: only uncorrected; grey: includes zero"
        + _open_note(rows),
    )
    labels = tuple(metric.label for metric in metrics)
    return Forest(title, labels, tuple(rows), zero=True, same_axis=same_axis)


def difference_color(difference: Difference) -> str:
    """Return the colour of a difference by what its interval decides."""
    return {Evidence.CORRECTED: BLUE, Evidence.UNCORRECTED: SKY}.get(evidence(difference), GREY)


def _open_note(rows: Sequence[Row]) -> str:
    """Return what an open mark means, where there is one."""
    is_open = any(mark.one_seed for row in rows for mark in row.marks)
    return "; open: one seed, not decidable" if is_open else ""


def _tau_mark(effects: Effects, effect: Effect) -> Mark:
    runs = effects.runs_of(effect)
    color = BASELINE_COLOR if effect.level.baseline else BLUE
    seeds = "".join(f"; seed {seed}: {number(tau)}" for seed, tau in zip(runs["seed"], runs["tau"], strict=True))
    return _mark(effect, effect.tau, color, f"tau {in_full(effect.tau)}{seeds}", tuple(runs["tau"]))


def _difference_row(effect: Effect, metrics: Sequence[Metric]) -> Row:
    # In one panel there is the place to mark what the colour says, too.
    mark = marks(effect.difference) if effect.difference and len(metrics) == 1 else ""
    drawn = tuple(_difference_mark(effect, metric) for metric in metrics)
    return Row(level_name(effect), seeds_note(effect) + mark, drawn)


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


def _drawn_references(effects: Effects) -> list[Effect]:
    named = (effect for effect in effects.references if effect.level.name in LOOKS)
    return [effect for effect in named if not math.isnan(effect.tau.value)]


def _reference(effect: Effect) -> ReferenceLine:
    line, color = LOOKS[effect.level.name]
    label = f"{effect.level.name} ({effect.tau.value:.2f})"
    said = f"{effect.level.name}, tau {in_full(effect.tau)}"
    return ReferenceLine(label, effect.tau.value, effect.tau.low, effect.tau.high, color, line, said)


def draw_forest(forest: Forest) -> Figure:
    """Draw rows of means with intervals."""
    figure, columns, places, edges = _rows_figure(forest.rows, len(forest.axes))
    for panel, (axes, label) in enumerate(zip(columns, forest.axes, strict=True)):
        for place, edge, row in zip(places, edges, forest.rows, strict=True):
            if row.marks:
                _draw_mark(axes, place, edge, row.marks[panel])
        axes.set_xlabel(label)
        _draw_references(axes, forest.references)
        if forest.limits:
            axes.set_xlim(forest.limits)
        if forest.zero:
            axes.axvline(0, color=BLACK, linewidth=0.9, zorder=1)
    if forest.references:
        figure.legend(*columns[0].get_legend_handles_labels(), loc="outside lower center", ncols=2)
    if forest.same_axis:
        limits = [limit for axes in columns for limit in axes.get_xlim()]
        for axes in columns:
            axes.set_xlim(min(limits), max(limits))
    put_title(figure, *forest.title)
    return figure


def _rows_figure(
    rows: Sequence[Row], panels: int
) -> tuple[Figure, tuple[Axes, ...], list[float], list[tuple[float, float]]]:
    """Return a figure with one row per label, the first on top, a note to the right of each, and where they are.

    A row is as high as its text; its middle and its edges count lines from the top.
    """
    labels = [textwrap.fill(row.label, LABEL_WIDTH) for row in rows]
    notes = [textwrap.fill(row.note, NOTE_WIDTH) for row in rows]
    heights = [1 + max(label.count("\n"), note.count("\n")) + GAP for label, note in zip(labels, notes, strict=True)]
    ends = list(accumulate(heights))
    places = [end - height / 2 for end, height in zip(ends, heights, strict=True)]
    # Fewer lines than these leave no room for ticks.
    total = max(2 * (1 + GAP), ends[-1] if ends else 0.0)
    width = 1.6 + 2.6 * panels + CHARACTER * (_longest(labels) + _longest(notes))
    figure = Figure(figsize=(width, LINE * total + 1.1), layout="constrained")
    columns = tuple(figure.subplots(1, panels, sharey=True, squeeze=False)[0])
    columns[0].set_ylim(total, 0)
    columns[0].set_yticks(places, labels)
    for row, label in zip(rows, columns[0].get_yticklabels(), strict=True):
        label.set_fontweight("normal" if row.marks else "bold")
    for axes in columns:
        axes.tick_params(axis="y", length=0)
        axes.tick_params(axis="x", labeltop=total > TALL)
        axes.grid(axis="y", visible=False)
    for place, note in zip(places, notes, strict=True):
        last = columns[-1]
        last.text(1.015, place, note, transform=last.get_yaxis_transform(), va="center", fontsize=8)
    return figure, columns, places, list(zip([0.0, *ends], ends, strict=False))


def _longest(texts: list[str]) -> int:
    return max((len(line) for text in texts for line in text.split("\n")), default=0)


def _draw_mark(axes: Axes, place: float, edge: tuple[float, float], mark: Mark) -> None:
    """Draw a mean and its interval, open where the interval covers architectures alone, or why there is none."""
    if math.isnan(mark.value):
        across = axes.get_yaxis_transform()
        text = axes.text(0.5, place, mark.lost, transform=across, ha="center", va="center", fontsize=8, style="italic")
        text.set_bbox({"facecolor": "white", "edgecolor": "none", "pad": 1.0})
    else:
        face = "white" if mark.one_seed else mark.color
        ends = [mark.low, mark.high]
        axes.plot(ends, [place, place], color=mark.color, linewidth=1.8, solid_capstyle="butt")
        axes.plot(mark.value, place, "D", markersize=5.5, color=mark.color, markerfacecolor=face, zorder=3)
    if mark.seeds:
        above = np.full(len(mark.seeds), place - SEEDS_ABOVE)
        axes.plot(mark.seeds, above, "o", markersize=3.5, color=mark.color, alpha=0.6, mew=0)
    say(axes.axhspan(*edge, color=UNSEEN, linewidth=0, zorder=ABOVE), mark.said)


def _draw_references(axes: Axes, references: Sequence[ReferenceLine]) -> None:
    for reference in references:
        color, value = reference.color, reference.value
        axes.axvline(value, linestyle=reference.line, color=color, linewidth=1.3, label=reference.label, zorder=1)
        say(axes.axvline(value, color=UNSEEN, linewidth=6, zorder=ABOVE + 1), reference.said)
        if not math.isnan(reference.low):
            axes.axvspan(reference.low, reference.high, color=color, alpha=0.1, linewidth=0, zorder=0)
