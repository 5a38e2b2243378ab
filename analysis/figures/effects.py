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
    level_label,
    put_title,
)
from supernet_bench.analysis.numbers import count, lost_note, marks, pairs_note, runs_note

REFERENCES = {"parameter count": ("-.", GREEN), UNTRAINED.name: (":", BLACK)}
"""References that are drawn, with their looks."""

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
class Panel:
    """A metric whose differences to the baseline are drawn: what stands below it, and by what it is multiplied."""

    metric: str
    label: str
    scale: float = 1.0


TAU_PANELS = (Panel("tau", "difference in Kendall's tau to the baseline"),)
SIZE_PANELS = (
    Panel("tau", "tau"),
    Panel("partial_tau", "tau given parameters"),
    Panel("tau_parameters", "tau with parameters"),
)
TOP_PANELS = (
    Panel("regret_at_10", "regret at 10 (%),\nlower is better", 100),
    Panel("precision_at_5_percent", "precision at 5 % (%),\nhigher is better", 100),
    Panel("surpassing_random_10", "P > R, 10 draws,\nhigher is better"),
)


def effect_figure(effects: Effects, factor: str) -> Figure:
    """Draw tau of every level of a factor: each seed, mean and interval, and what untrained ranking gives."""
    rows = effects.of_factor(factor)
    labels, notes = [level_label(effect) for effect in rows], [runs_note(effect) for effect in rows]
    figure, (axes,), places = _rows_figure(labels, notes)
    for place, effect in zip(places, rows, strict=True):
        color = BASELINE_COLOR if effect.level.baseline else BLUE
        _interval(axes, place, effect.tau, color)
        _lost(axes, place, effect, effect.tau)
        taus = effects.runs_of(effect)["tau"]
        axes.plot(taus, np.full(len(taus), place - SEEDS_ABOVE), "o", markersize=3.5, color=color, alpha=0.6, mew=0)
    _reference_lines(axes, effects)
    axes.set_xlim(tau_range(effects))
    axes.set_xlabel("Kendall's tau with the truth")
    n = count(len(effects.truth), "architecture")
    open_mark = "; open: one seed, not decidable" * any(effect.tau.one_seed for effect in rows)
    put_title(figure, factor, f"mean and 95 % interval, dots are seeds, {n}{open_mark}")
    return figure


def tau_range(effects: Effects) -> tuple[float, float]:
    """Return the range of tau that all levels and drawn references of a study fit in."""
    rows = [*effects.levels, *_drawn_references(effects)]
    ends = [end for row in rows for end in (row.tau.value, row.tau.low, row.tau.high)]
    known = [end for end in (*ends, *effects.runs["tau"]) if not math.isnan(end)]
    if not known:
        return -1.0, 1.0
    margin = 0.04 * (max(known) - min(known)) + 0.01
    return min(known) - margin, max(known) + margin


def forest_figure(effects: Effects, panels: Sequence[Panel] = TAU_PANELS) -> Figure:
    """Draw every paired difference to the baseline with its interval, grouped by factor, in a panel per metric."""
    rows: list[str | Effect] = []
    for factor in effects.factors:
        rows += [factor, *(effect for effect in effects.of_factor(factor) if effect.difference)]
    labels = [
        textwrap.fill(row, LABEL_WIDTH) if isinstance(row, str) else level_label(row, LABEL_WIDTH) for row in rows
    ]
    notes = ["" if isinstance(row, str) else _forest_note(row, panels) for row in rows]
    figure, columns, places = _rows_figure(labels, notes, len(panels))
    for panel, axes in zip(panels, columns, strict=True):
        for place, row in zip(places, rows, strict=True):
            if isinstance(row, Effect):
                difference = row.differences[panel.metric]
                _interval(axes, place, difference, difference_color(difference), panel.scale)
                _lost(axes, place, row, difference)
        axes.axvline(0, color=BLACK, linewidth=0.9, zorder=1)
        axes.set_xlabel(panel.label)
    if panels is SIZE_PANELS:  # They are to be compared.
        limits = [limit for axes in columns for limit in axes.get_xlim()]
        for axes in columns:
            axes.set_xlim(min(limits), max(limits))
    for row, label in zip(rows, columns[0].get_yticklabels(), strict=True):
        label.set_fontweight("bold" if isinstance(row, str) else "normal")
    n = count(len(effects.truth), "architecture")
    has_open = any(isinstance(row, Effect) and row.difference and row.difference.one_seed for row in rows)
    put_title(
        figure,
        f"Differences to the baseline, mean and 95 % interval, {n}",
        "dark blue: excludes zero, also corrected (Holm); light blue: only uncorrected; grey: includes zero"
        + "; open: one seed, not decidable" * has_open,
    )
    return figure


def difference_color(difference: Difference) -> str:
    """Return the colour of a difference by what its interval decides."""
    if difference.excludes_zero_corrected:
        return BLUE
    return SKY if difference.excludes_zero else GREY


def _forest_note(effect: Effect, panels: Sequence[Panel]) -> str:
    """Return the note beside a row; one panel has the place to mark what its colour says, too."""
    mark = marks(effect.difference) if effect.difference and len(panels) == 1 else ""
    return pairs_note(effect) + mark


def _rows_figure(labels: list[str], notes: list[str], panels: int = 1) -> tuple[Figure, tuple[Axes, ...], list[float]]:
    """Return a figure with one row per label, the first on top, a note to the right of each, and where they are.

    A row is as high as its text; places count lines from the top.
    """
    notes = [textwrap.fill(note, NOTE_WIDTH) for note in notes]
    lines = [1 + max(label.count("\n"), note.count("\n")) for label, note in zip(labels, notes, strict=True)]
    ends = list(accumulate(high + GAP for high in lines))
    places = [end - (high + GAP) / 2 for end, high in zip(ends, lines, strict=True)]
    # Fewer lines than these leave no room for ticks.
    total = max(2 * (1 + GAP), ends[-1] if ends else 0.0)
    width = 1.6 + 2.6 * panels + CHARACTER * (_longest(labels) + _longest(notes))
    figure = Figure(figsize=(width, LINE * total + 1.1), layout="constrained")
    columns = tuple(figure.subplots(1, panels, sharey=True, squeeze=False)[0])
    columns[0].set_ylim(total, 0)
    columns[0].set_yticks(places, labels)
    for axes in columns:
        axes.tick_params(axis="y", length=0)
        axes.tick_params(axis="x", labeltop=total > TALL)
        axes.grid(axis="y", visible=False)
    for place, note in zip(places, notes, strict=True):
        last = columns[-1]
        last.text(1.015, place, note, transform=last.get_yaxis_transform(), va="center", fontsize=8)
    return figure, columns, places


def _longest(texts: list[str]) -> int:
    return max((len(line) for text in texts for line in text.split("\n")), default=0)


def _interval(axes: Axes, place: float, estimate: Estimate, color: str, scale: float = 1.0) -> None:
    """Draw a mean and its interval; open where the interval covers architectures alone."""
    if math.isnan(estimate.value):
        return
    ends = [scale * estimate.low, scale * estimate.high]
    axes.plot(ends, [place, place], color=color, linewidth=1.8, solid_capstyle="butt")
    face = "white" if estimate.one_seed else color
    axes.plot(scale * estimate.value, place, "D", markersize=5.5, color=color, markerfacecolor=face, zorder=3)


def _lost(axes: Axes, place: float, effect: Effect, estimate: Estimate) -> None:
    """Say in a row without a mean why it has none."""
    if math.isnan(estimate.value):
        why = lost_note(effect.counts) or ("nothing to compare" if effect.counts.finished else "no run")
        across = axes.get_yaxis_transform()
        text = axes.text(0.5, place, why, transform=across, ha="center", va="center", fontsize=8, style="italic")
        text.set_bbox({"facecolor": "white", "edgecolor": "none", "pad": 1.0})


def _drawn_references(effects: Effects) -> list[Effect]:
    named = (effect for effect in effects.references if effect.level.name in REFERENCES)
    return [effect for effect in named if not math.isnan(effect.tau.value)]


def _reference_lines(axes: Axes, effects: Effects) -> None:
    """Mark what the parameter count and the untrained supernet reach, with their intervals as bands."""
    for effect in _drawn_references(effects):
        line, color = REFERENCES[effect.level.name]
        label = f"{effect.level.name} ({effect.tau.value:.2f})"
        axes.axvline(effect.tau.value, linestyle=line, color=color, linewidth=1.3, label=label, zorder=1)
        if not math.isnan(effect.tau.low):
            axes.axvspan(effect.tau.low, effect.tau.high, color=color, alpha=0.1, linewidth=0, zorder=0)
    if axes.get_legend_handles_labels()[0]:
        axes.figure.legend(loc="outside lower center", ncols=2)
