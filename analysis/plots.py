"""Figures of a report. Each function returns a matplotlib Figure that no global state knows of."""

import math
import re
import textwrap
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import matplotlib
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from analysis.effects import UNTRAINED, Effect, Effects
from analysis.metrics import kendall_tau
from analysis.results import Results
from analysis.statistics import Estimate

BLUE, ORANGE, GREEN, PINK, GREY, BLACK = "#0072B2", "#D55E00", "#009E73", "#CC79A7", "#8a8a8a", "#222222"
"""Okabe and Ito's colours, which stay apart for colour-blind readers."""

LIGHT = "#c4c4c4"
LINES = ((BLUE, "-"), (ORANGE, "--"), (GREEN, "-."), (PINK, ":"), ("#56B4E9", "-"), ("#E69F00", "--"))
LINE = 0.16
"""Height of a line of text, in inches."""


@contextmanager
def style() -> Iterator[None]:
    """Set fonts, grid and reproducible SVG for figures made and saved inside; older settings come back."""
    settings: dict[Any, Any] = {
        "font.family": "DejaVu Sans",
        "font.size": 9,
        "axes.titlesize": 10,
        "axes.titlelocation": "left",
        "axes.spines.top": False,
        "axes.spines.right": False,
        "axes.grid": True,
        "axes.axisbelow": True,
        "grid.color": "#e6e6e6",
        "legend.frameon": False,
        "legend.fontsize": 8,
        "svg.fonttype": "none",
        "svg.hashsalt": "supernet-bench",
        "savefig.dpi": 150,
    }
    with matplotlib.rc_context(settings):
        yield


def file_name(text: str) -> str:
    """Return text as a part of a file name."""
    return re.sub(r"\W+", "_", text).strip("_")


def effect_figure(effects: Effects, factor: str) -> Figure:
    """Draw tau of every level of a factor: each seed, mean and interval, and what untrained ranking gives."""
    rows = effects.of_factor(factor)
    figure, axes = _rows_figure([_level_label(effect) for effect in rows])
    for place, effect in enumerate(rows):
        color = ORANGE if effect.level.baseline else BLUE
        _interval(axes, place, effect.tau, color)
        taus = _runs_of(effects, effect)["tau"]
        axes.plot(taus, np.full(len(taus), place - 0.24), "o", markersize=3.5, color=color, alpha=0.6, mew=0)
        _note(axes, place, _runs_note(effect))
    _reference_lines(axes, effects)
    axes.set_xlabel("Kendall's tau with the truth")
    reading = f"mean and 95 % interval, dots are seeds, {len(effects.truth)} architectures"
    axes.set_title(f"{factor}\n{reading}{_open_note(effect.tau for effect in rows)}", pad=8)
    return figure


def forest_figure(effects: Effects) -> Figure:
    """Draw every paired difference to the baseline with its interval, grouped by factor."""
    rows: list[str | Effect] = []
    for factor in effects.factors:
        rows += [factor, *(effect for effect in effects.of_factor(factor) if effect.difference)]
    figure, axes = _rows_figure([row if isinstance(row, str) else _level_label(row) for row in rows])
    for place, row in enumerate(rows):
        if isinstance(row, Effect) and row.difference:
            _interval(axes, place, row.difference, BLUE if row.difference.excludes_zero else GREY)
            _note(axes, place, _pairs_note(row.difference))
    axes.axvline(0, color=BLACK, linewidth=0.9, zorder=1)
    for row, label in zip(rows, axes.get_yticklabels(), strict=True):
        label.set_fontweight("bold" if isinstance(row, str) else "normal")
    axes.set_xlabel("difference in Kendall's tau to the baseline, paired by seed")
    shown = (effect.difference for effect in effects.levels if effect.difference)
    reading = f"mean and 95 % interval, {len(effects.truth)} architectures; blue: zero lies outside"
    axes.set_title(reading + _open_note(shown), pad=8)
    return figure


def _rows_figure(labels: list[str]) -> tuple[Figure, Axes]:
    """Return a figure with one row of equal height per label, the first on top."""
    rows = max(2, len(labels))
    lines = 1 + max((label.count("\n") for label in labels), default=0)
    figure = Figure(figsize=(7.0, LINE * (lines + 0.75) * rows + 1.4), layout="constrained")
    axes = figure.add_subplot()
    axes.set_ylim(rows - 0.4, -0.6)
    axes.set_yticks(range(len(labels)), labels)
    axes.tick_params(axis="y", length=0)
    axes.grid(axis="y", visible=False)
    return figure, axes


def _interval(axes: Axes, place: float, estimate: Estimate, color: str) -> None:
    """Draw a mean and its interval; open where the interval covers architectures alone."""
    if math.isnan(estimate.value):
        return
    axes.plot([estimate.low, estimate.high], [place, place], color=color, linewidth=1.8, solid_capstyle="butt")
    face = "white" if estimate.one_seed else color
    axes.plot(estimate.value, place, "D", markersize=5.5, color=color, markerfacecolor=face, zorder=3)


def _note(axes: Axes, place: float, text: str) -> None:
    """Write what a row rests on to its right."""
    axes.text(1.015, place, text, transform=axes.get_yaxis_transform(), va="center", fontsize=8)


def _open_note(estimates: Iterable[Estimate]) -> str:
    return (
        "\nopen: one seed, the interval covers architectures alone"
        if any(estimate.one_seed for estimate in estimates)
        else ""
    )


def _level_label(effect: Effect) -> str:
    truth = " (uses truth)" if effect.level.uses_truth else ""
    return textwrap.fill(effect.level.name + truth + (" (baseline)" if effect.level.baseline else ""), 36)


def _runs_note(effect: Effect) -> str:
    counts = effect.counts
    used = counts.finished - counts.undefined
    return f"{used} of {counts.planned} runs" if used < counts.planned else _count(used, "run")


def _pairs_note(difference: Estimate) -> str:
    return _count(difference.seeds, "pair") if difference.seeds else "no pair"


def _count(number: int, name: str) -> str:
    return f"{number} {name}" + "s" * (number != 1)


def _runs_of(effects: Effects, effect: Effect) -> pd.DataFrame:
    """Return the finished runs of a level."""
    runs, level = effects.runs, effect.level
    return runs[(runs["factor"] == level.factor) & (runs["level"] == level.name) & (runs["status"] == "finished")]


def _reference_lines(axes: Axes, effects: Effects) -> None:
    """Mark what the parameter count and the untrained supernet reach, and name them above the plot."""
    names = {"parameter count": ("-.", GREEN), UNTRAINED.name: (":", BLACK)}
    for effect in effects.references:
        if effect.level.name in names and not math.isnan(effect.tau.value):
            line, color = names[effect.level.name]
            label = f"{effect.level.name} ({effect.tau.value:.2f})"
            axes.axvline(effect.tau.value, linestyle=line, color=color, linewidth=1.3, label=label, zorder=1)
    if axes.get_legend_handles_labels()[0]:
        axes.figure.legend(loc="outside lower center", ncols=2)


def scatter_figure(results: Results, effects: Effects) -> Figure:
    """Draw score against truth at the last checkpoint of one run of the baseline."""
    figure = Figure(figsize=(4.6, 4.2), layout="constrained")
    axes = figure.add_subplot()
    finished = _runs_of(effects, effects.baseline)
    if finished.empty or len(effects.truth) < 2:
        axes.set_title("the baseline has no finished run", pad=8)
        return figure
    run = finished.iloc[0]
    scores = results.scores[results.scores["run_id"] == run["run_id"]]
    last = scores[scores["epoch"] == scores["epoch"].max()].set_index("architecture")["accuracy"]
    score = last[effects.truth.index]
    tau = kendall_tau(score.to_numpy(), effects.truth.to_numpy())
    axes.plot(effects.truth, score, "o", markersize=4, color=BLUE, alpha=0.55, mew=0)
    axes.set_xlabel(f"truth: {results.target}")
    axes.set_ylabel("accuracy with the supernet's weights")
    epoch = int(scores["epoch"].max())
    axes.set_title(f"baseline, seed {run['seed']}, epoch {epoch}: tau = {tau:.3f}, n = {len(score)}", pad=8)
    return figure


def training_figure(effects: Effects) -> Figure:
    """Draw tau at every checkpoint, the mean over seeds of each level, one panel per factor."""
    factors = effects.factors or ["baseline"]
    columns = min(2, len(factors))
    rows = math.ceil(len(factors) / columns)
    figure = Figure(figsize=(5.4 * columns, 2.5 * rows + 0.3), layout="constrained")
    grid = figure.subplots(rows, columns, sharey=True, squeeze=False)
    for axes, factor in zip(grid.flat, factors, strict=False):
        _training_panel(axes, effects, factor)
    for axes in grid.flat[len(factors) :]:
        axes.set_visible(False)
    figure.supxlabel("epoch", fontsize=9)
    figure.supylabel("Kendall's tau, mean over seeds", fontsize=9)
    return figure


def _training_panel(axes: Axes, effects: Effects, factor: str) -> None:
    """Draw the levels of a factor; of too many to tell apart, only the best and the worst are named."""
    curves = [(row, _mean_curve(effects, row)) for row in effects.of_factor(factor) or [effects.baseline]]
    drawn = [(effect, curve) for effect, curve in curves if len(curve)]
    others = [(effect.level.name, curve.iloc[-1]) for effect, curve in drawn if not effect.level.baseline]
    ranked = [name for name, _ in sorted(others, key=lambda other: -other[1])]
    named = ranked if len(ranked) <= len(LINES) else [ranked[0], ranked[-1]]
    for effect, curve in drawn:
        color, line, label = _look(effect, named)
        axes.plot(curve.index, curve, line, color=color, label=label, zorder=3 if label else 2)
    if len(named) < len(ranked):
        axes.plot([], [], color=LIGHT, label=f"{len(ranked) - len(named)} other levels")
    for effect in (effect for effect, curve in curves if not len(curve)):
        axes.plot([], [], " ", label=f"{_level_label(effect)}: no run")
    axes.set_title(factor)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, steps=[1, 2, 5, 10]))
    axes.legend(loc="upper left", bbox_to_anchor=(1.0, 1.02), handlelength=2.2)


def _look(effect: Effect, named: list[str]) -> tuple[str, str, str | None]:
    """Return colour, line and label of a level."""
    if effect.level.baseline:
        return BLACK, "-", _level_label(effect)
    if effect.level.name in named:
        return *LINES[named.index(effect.level.name)], _level_label(effect)
    return LIGHT, "-", None


def _mean_curve(effects: Effects, effect: Effect) -> pd.Series:
    """Return tau by epoch, the mean over the finished runs of a level."""
    chosen = effects.checkpoints[effects.checkpoints["run_id"].isin(_runs_of(effects, effect)["run_id"])]
    return chosen.groupby("epoch")["tau"].mean().dropna()


def all_figures(results: Results, effects: Effects) -> Iterator[tuple[str, Figure]]:
    """Yield the name and the figure of every plot of a report, one at a time; use it inside `style`."""
    for factor in effects.factors:
        yield f"effect_{file_name(factor)}", effect_figure(effects, factor)
    yield "effects_forest", forest_figure(effects)
    yield "predicted_against_truth", scatter_figure(results, effects)
    yield "tau_over_training", training_figure(effects)
