"""Levels of factors in rows: tau, and the difference to the baseline."""

import math
import textwrap

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from analysis.effects import UNTRAINED, Effect, Effects
from analysis.formatting import count, pairs_note, runs_note
from analysis.plotting import BASELINE_COLOR, BLACK, BLUE, CHARACTER, GREEN, GREY, LINE, level_label, put_title
from analysis.statistics import Estimate

REFERENCES = {"parameter count": ("-.", GREEN), UNTRAINED.name: (":", BLACK)}
"""References that are drawn, with their looks."""

NOTE_WIDTH = 26
"""Characters in a line to the right of a row."""


def effect_figure(effects: Effects, factor: str) -> Figure:
    """Draw tau of every level of a factor: each seed, mean and interval, and what untrained ranking gives."""
    rows = effects.of_factor(factor)
    figure, axes = _rows_figure([level_label(effect) for effect in rows], [runs_note(effect) for effect in rows])
    for place, effect in enumerate(rows):
        color = BASELINE_COLOR if effect.level.baseline else BLUE
        _interval(axes, place, effect.tau, color)
        taus = effects.runs_of(effect)["tau"]
        axes.plot(taus, np.full(len(taus), place - 0.24), "o", markersize=3.5, color=color, alpha=0.6, mew=0)
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


def forest_figure(effects: Effects) -> Figure:
    """Draw every paired difference to the baseline with its interval, grouped by factor."""
    rows: list[str | Effect] = []
    for factor in effects.factors:
        rows += [factor, *(effect for effect in effects.of_factor(factor) if effect.difference)]
    figure, axes = _rows_figure(
        [textwrap.fill(row, 36) if isinstance(row, str) else level_label(row) for row in rows],
        ["" if isinstance(row, str) else pairs_note(row) for row in rows],
    )
    for place, row in enumerate(rows):
        if isinstance(row, Effect) and row.difference:
            _interval(axes, place, row.difference, BLUE if row.difference.excludes_zero else GREY)
    axes.axvline(0, color=BLACK, linewidth=0.9, zorder=1)
    for row, label in zip(rows, axes.get_yticklabels(), strict=True):
        label.set_fontweight("bold" if isinstance(row, str) else "normal")
    axes.set_xlabel("difference in Kendall's tau to the baseline")
    n = count(len(effects.truth), "architecture")
    has_open = any(isinstance(row, Effect) and row.difference and row.difference.one_seed for row in rows)
    marks = "blue: the interval excludes zero" + "; open: one seed, not decidable" * has_open
    put_title(figure, f"Differences to the baseline, mean and 95 % interval, {n}", marks)
    return figure


def _rows_figure(labels: list[str], notes: list[str]) -> tuple[Figure, Axes]:
    """Return a figure with one row of equal height per label, the first on top, and a note to the right of each."""
    rows = max(2, len(labels))
    notes = [textwrap.fill(note, NOTE_WIDTH) for note in notes]
    lines = 1 + max((text.count("\n") for text in (*labels, *notes)), default=0)
    width = 4.2 + CHARACTER * (_longest(labels) + _longest(notes))
    figure = Figure(figsize=(width, LINE * (lines + 0.75) * rows + 1.0), layout="constrained")
    axes = figure.add_subplot()
    axes.set_ylim(rows - 0.4, -0.6)
    axes.set_yticks(range(len(labels)), labels)
    axes.tick_params(axis="y", length=0)
    axes.grid(axis="y", visible=False)
    for place, note in enumerate(notes):
        axes.text(1.015, place, note, transform=axes.get_yaxis_transform(), va="center", fontsize=8)
    return figure, axes


def _longest(texts: list[str]) -> int:
    return max((len(line) for text in texts for line in text.split("\n")), default=0)


def _interval(axes: Axes, place: float, estimate: Estimate, color: str) -> None:
    """Draw a mean and its interval; open where the interval covers architectures alone."""
    if math.isnan(estimate.value):
        return
    axes.plot([estimate.low, estimate.high], [place, place], color=color, linewidth=1.8, solid_capstyle="butt")
    face = "white" if estimate.one_seed else color
    axes.plot(estimate.value, place, "D", markersize=5.5, color=color, markerfacecolor=face, zorder=3)


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
