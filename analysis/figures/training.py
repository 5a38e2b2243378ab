"""tau over training."""

import math
import textwrap
from dataclasses import dataclass

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
    level_name,
    put_title,
)
from supernet_bench.analysis.figures.svg import ABOVE, UNSEEN, say
from supernet_bench.analysis.numbers import number
from supernet_bench.core.output import count

LIGHT = "#c4c4c4"
LOOKS = ((BLUE, "-"), (GREEN, "-."), (PINK, "--"), (SKY, "-"), (BLACK, ":"), (GREEN, "-"), (PINK, "-."))
"""Of the levels of a factor, in their order."""

WIDTH = 5.4
LABEL = 58
"""Width of a panel in inches and of its legend in characters."""


@dataclass(frozen=True)
class Curve:
    """tau of a level at every checkpoint.

    Attributes
    ----------
    label : str
        Name of the level.
    taus : DataFrame
        By epoch (rows) and run (columns).
    color, line : str
    named : bool
        Whether it is in the legend and shows its seeds.
    """

    label: str
    taus: pd.DataFrame
    color: str
    line: str
    named: bool

    @property
    def mean(self) -> pd.Series:
        """The mean over seeds by epoch."""
        return self.taus.mean(axis=1)


@dataclass(frozen=True)
class Panel:
    """The levels of a factor: their curves, and the names of those without any run."""

    factor: str
    curves: tuple[Curve, ...]
    without: tuple[str, ...]


@dataclass(frozen=True)
class TrainingCurves:
    """A panel per factor, and the first and the last epoch of the late checkpoints."""

    panels: tuple[Panel, ...]
    late: tuple[float, float] | None


def has_trace(effects: Effects) -> bool:
    """Whether supernets were scored before the late checkpoints, so that there are curves to draw."""
    return not effects.checkpoints["late"].astype(bool).all()


def training_curves(effects: Effects) -> TrainingCurves:
    """Return tau at every checkpoint of every level."""
    panels = tuple(_panel(effects, factor) for factor in effects.factors or ["baseline"])
    runs = effects.runs_of(effects.baseline)["run_id"]
    checkpoints = effects.checkpoints[effects.checkpoints["run_id"].isin(runs)]
    late = checkpoints.loc[checkpoints["late"].astype(bool), "epoch"]
    return TrainingCurves(panels, (float(late.min()), float(late.max())) if len(late) else None)


def _panel(effects: Effects, factor: str) -> Panel:
    """Return the curves of a factor; of too many to tell apart, only the best and the worst are named."""
    taus = [(effect, _taus(effects, effect)) for effect in effects.of_factor(factor) or [effects.baseline]]
    final = {
        effect.level.name: found.mean(axis=1).iloc[-1]
        for effect, found in taus
        if len(found) and not effect.level.baseline
    }
    extremes = (max(final, key=lambda name: final[name]), min(final, key=lambda name: final[name])) if final else ()
    named = [name for name in final if len(final) <= len(LOOKS) or name in extremes]
    return Panel(
        factor,
        tuple(_curve(effect, found, named) for effect, found in taus if len(found)),
        tuple(level_name(effect) for effect, found in taus if not len(found)),
    )


def _curve(effect: Effect, taus: pd.DataFrame, named: list[str]) -> Curve:
    if effect.level.baseline:
        return Curve(level_name(effect), taus, BASELINE_COLOR, "-", named=True)
    if effect.level.name in named:
        return Curve(level_name(effect), taus, *LOOKS[named.index(effect.level.name)], named=True)
    return Curve(level_name(effect), taus, LIGHT, "-", named=False)


def _taus(effects: Effects, effect: Effect) -> pd.DataFrame:
    """Return tau by epoch (rows) and run (columns) of the finished runs of a level."""
    chosen = effects.checkpoints[effects.checkpoints["run_id"].isin(effects.runs_of(effect)["run_id"])]
    return chosen.groupby(["epoch", "run_id"])["tau"].mean().unstack().dropna(how="all")


def draw_training_curves(data: TrainingCurves) -> Figure:
    """Draw tau at every checkpoint: each seed, and the mean over seeds of each level, one panel per factor."""
    columns = min(2, len(data.panels))
    rows = math.ceil(len(data.panels) / columns)
    figure = Figure(figsize=(WIDTH * columns, 1), layout="constrained")
    grid = figure.subplots(rows, columns, sharey=True, squeeze=False)
    lines = [_draw_panel(axes, panel, data.late) for axes, panel in zip(grid.flat, data.panels, strict=False)]
    for axes in grid.flat[len(data.panels) :]:
        axes.set_visible(False)
    highest = [max(lines[row * columns : (row + 1) * columns]) for row in range(rows)]
    figure.set_figheight(2.9 * rows + LINE * sum(highest))
    put_title(figure, "thick: mean over seeds; thin: each seed; shaded: late checkpoints, whose mean tau is reported")
    return figure


def _draw_panel(axes: Axes, panel: Panel, late: tuple[float, float] | None) -> int:
    """Draw the levels of a factor and return the lines of the legend."""
    for curve in panel.curves:
        _draw_curve(axes, curve)
    others = sum(not curve.named for curve in panel.curves)
    if others:
        axes.plot([], [], color=LIGHT, label=f"{others} other levels")
    for name in panel.without:
        axes.plot([], [], " ", label=f"{textwrap.fill(name, LABEL)}: no run")
    if late:
        margin = max(0.5, 0.01 * late[1])
        axes.axvspan(late[0] - margin, late[1] + margin, color=BLACK, alpha=0.07, linewidth=0, zorder=0)
    axes.set_title(textwrap.fill(panel.factor, LABEL))
    axes.set_xlabel("epoch")
    axes.set_ylabel("Kendall's tau")
    axes.tick_params(labelleft=True)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, steps=[1, 2, 5, 10]))
    return _legend(axes) + axes.get_title(loc="left").count("\n")


def _draw_curve(axes: Axes, curve: Curve) -> None:
    """Draw the mean over seeds and, of a named level, the seeds; markers show where the checkpoints are."""
    mean, color = curve.mean, curve.color
    label = textwrap.fill(curve.label, LABEL) if curve.named else None
    above = 4 if color == BASELINE_COLOR else 3 if curve.named else 2
    axes.plot(
        mean.index, mean, curve.line, color=color, label=label, marker="o", markersize=3.5, linewidth=1.7, zorder=above
    )
    if curve.named and curve.taus.shape[1] > 1:
        axes.plot(curve.taus.index, curve.taus, color=color, linewidth=0.6, alpha=0.35, zorder=1)
    points = axes.plot(mean.index, mean, "o", color=UNSEEN, markersize=8, mew=0, zorder=ABOVE + above)
    seeds = (count(int(found), "seed") for found in curve.taus.count(axis=1))
    values = zip(mean.index, mean, seeds, strict=True)
    say(points[0], *(f"{curve.label}, epoch {epoch}: tau {number(tau)}, {found}" for epoch, tau, found in values))


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
