"""tau over training."""

import math
import textwrap

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from supernet_bench.analysis.effects.effects import Effect, Effects
from supernet_bench.analysis.figures.style import (
    BASELINE_COLOR,
    BLACK,
    BLUE,
    GREEN,
    LINE,
    PINK,
    SKY,
    level_label,
    put_title,
)

LIGHT = "#c4c4c4"
LOOKS = ((BLUE, "-"), (GREEN, "-."), (PINK, "--"), (SKY, "-"), (BLACK, ":"), (GREEN, "-"), (PINK, "-."))
"""Of the levels of a factor, in their order."""

WIDTH = 5.4
LABEL = 58
"""Width of a panel in inches and of its legend in characters."""


def training_figure(effects: Effects) -> Figure:
    """Draw tau at every checkpoint: each seed, and the mean over seeds of each level, one panel per factor."""
    factors = effects.factors or ["baseline"]
    columns = min(2, len(factors))
    rows = math.ceil(len(factors) / columns)
    figure = Figure(figsize=(WIDTH * columns, 1), layout="constrained")
    grid = figure.subplots(rows, columns, sharey=True, squeeze=False)
    lines = [_training_panel(axes, effects, factor) for axes, factor in zip(grid.flat, factors, strict=False)]
    for axes in grid.flat[len(factors) :]:
        axes.set_visible(False)
    highest = [max(lines[row * columns : (row + 1) * columns]) for row in range(rows)]
    figure.set_figheight(2.9 * rows + LINE * sum(highest))
    put_title(figure, "thick: mean over seeds; thin: each seed; shaded: late checkpoints, whose mean tau is reported")
    return figure


def _training_panel(axes: Axes, effects: Effects, factor: str) -> int:
    """Draw the levels of a factor and return the lines of the legend.

    Of too many to tell apart, only the best and the worst are named, and only the named ones show their seeds.
    """
    curves = [(row, _curves(effects, row)) for row in effects.of_factor(factor) or [effects.baseline]]
    drawn = [(effect, curve) for effect, curve in curves if len(curve)]
    final = {effect.level.name: curve.mean(axis=1).iloc[-1] for effect, curve in drawn if not effect.level.baseline}
    extremes = (max(final, key=lambda name: final[name]), min(final, key=lambda name: final[name])) if final else ()
    named = [name for name in final if len(final) <= len(LOOKS) or name in extremes]
    for effect, curve in drawn:
        _draw(axes, curve, *_look(effect, named))
    if len(named) < len(final):
        axes.plot([], [], color=LIGHT, label=f"{len(final) - len(named)} other levels")
    for effect in (effect for effect, curve in curves if not len(curve)):
        axes.plot([], [], " ", label=f"{level_label(effect, LABEL)}: no run")
    _shade_late(axes, effects)
    axes.set_title(_panel_title(factor))
    axes.set_xlabel("epoch")
    axes.set_ylabel("Kendall's tau")
    axes.tick_params(labelleft=True)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, steps=[1, 2, 5, 10]))
    return _legend(axes) + axes.get_title(loc="left").count("\n")


def _draw(axes: Axes, curve: pd.DataFrame, color: str, line: str, label: str | None) -> None:
    """Draw the mean over seeds and, of a named level, the seeds; markers show where the checkpoints are."""
    mean = curve.mean(axis=1)
    above = 4 if color == BASELINE_COLOR else 3 if label else 2
    axes.plot(mean.index, mean, line, color=color, label=label, marker="o", markersize=3.5, linewidth=1.7, zorder=above)
    if label and curve.shape[1] > 1:
        axes.plot(curve.index, curve, color=color, linewidth=0.6, alpha=0.35, zorder=1)


def _look(effect: Effect, named: list[str]) -> tuple[str, str, str | None]:
    """Return colour, line and label of a level."""
    if effect.level.baseline:
        return BASELINE_COLOR, "-", level_label(effect, LABEL)
    if effect.level.name in named:
        return *LOOKS[named.index(effect.level.name)], level_label(effect, LABEL)
    return LIGHT, "-", None


def _panel_title(factor: str) -> str:
    """Return the name of a factor as the title of a panel, wrapped."""
    return "\n".join(textwrap.wrap(factor, LABEL))


def _legend(axes: Axes) -> int:
    """Put the legend below the panel and return its lines."""
    labels = axes.get_legend_handles_labels()[1]
    if not labels:
        return 0
    short = max(len(line) for label in labels for line in label.split("\n")) <= LABEL // 2 - 4
    columns = 2 if short and len(labels) > 1 else 1
    # 4.2 font sizes below the axes leave room for the ticks and the name of the axis.
    axes.legend(loc="upper left", bbox_to_anchor=(0, 0), borderaxespad=4.2, handlelength=2.4, ncols=columns)
    return math.ceil(sum(label.count("\n") + 1 for label in labels) / columns)


def _shade_late(axes: Axes, effects: Effects) -> None:
    """Shade the epochs of the late checkpoints of trained runs."""
    checkpoints = effects.checkpoints[effects.checkpoints["run_id"].isin(effects.runs_of(effects.baseline)["run_id"])]
    late = checkpoints.loc[checkpoints["late"].astype(bool), "epoch"]
    if len(late):
        margin = max(0.5, 0.01 * late.max())
        axes.axvspan(late.min() - margin, late.max() + margin, color=BLACK, alpha=0.07, linewidth=0, zorder=0)


def _curves(effects: Effects, effect: Effect) -> pd.DataFrame:
    """Return tau by epoch (rows) and run (columns) of the finished runs of a level."""
    chosen = effects.checkpoints[effects.checkpoints["run_id"].isin(effects.runs_of(effect)["run_id"])]
    return chosen.groupby(["epoch", "run_id"])["tau"].mean().unstack().dropna(how="all")
