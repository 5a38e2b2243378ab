"""Effects of the same levels in two studies, one against the other."""

import math
from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from supernet_bench.analysis.effects.effects import Effect
from supernet_bench.analysis.figures.style import BLACK, BLUE, GREEN, GREY, ORANGE, put_title
from supernet_bench.analysis.numbers import count

LABELLED = 3
"""Levels that are named in the plot of each: the best and the worst of the first study, and those off the diagonal."""

LOOKS = {
    (True, True): (BLUE, "zero excluded in both"),
    (True, False): (GREEN, "zero excluded in the first"),
    (False, True): (ORANGE, "zero excluded in the second"),
    (False, False): (GREY, "zero excluded in neither"),
}
"""Colour and label by where the interval excludes zero."""

Both = tuple[Effect, Effect]


def agreement_figure(levels: Sequence[Both], names: tuple[str, str], found: str) -> Figure:
    """Draw the differences to the baseline in the second study against those in the first, with both intervals.

    Parameters
    ----------
    levels : sequence of (Effect, Effect)
        The same level in both studies.
    names : tuple of str
        Names of the studies.
    found : str
        How they agree, for the title.
    """
    figure = Figure(figsize=(7.0, 6.0), layout="constrained")
    axes = figure.add_subplot()
    points = np.array([_point(both) for both in levels], dtype=np.float64).reshape(-1, 2)
    for look, (color, label) in LOOKS.items():
        chosen = [both for both in levels if _shown(both) == look]
        for number, both in enumerate(chosen):
            _cross(axes, both, color, f"{label} ({len(chosen)})" if not number else None)
    axes.axhline(0, color=BLACK, linewidth=0.8, zorder=1)
    axes.axvline(0, color=BLACK, linewidth=0.8, zorder=1)
    axes.axline((0, 0), slope=1, color=BLACK, linewidth=0.8, linestyle="--", zorder=1)
    _labels(axes, levels, points)
    axes.set_xlabel(f"difference in tau to the baseline, {names[0]}")
    axes.set_ylabel(f"difference in tau to the baseline, {names[1]}")
    if len(levels):
        figure.legend(loc="outside lower center", ncols=2)
    put_title(
        figure,
        f"{names[1]} against {names[0]}: {found}",
        f"{count(len(levels), 'level')} with 95 % intervals; dashed: the same effect in both",
    )
    return figure


def _point(both: Both) -> tuple[float, float]:
    one, other = (effect.difference for effect in both)
    return (one.value, other.value) if one and other else (math.nan, math.nan)


def _shown(both: Both) -> tuple[bool, bool]:
    one, other = (bool(effect.difference and effect.difference.excludes_zero) for effect in both)
    return one, other


def _cross(axes: Axes, both: Both, color: str, label: str | None) -> None:
    one, other = (effect.difference for effect in both)
    if not one or not other:
        return
    x, y = one.value, other.value
    axes.plot([one.low, one.high], [y, y], color=color, linewidth=0.8, alpha=0.35, zorder=2)
    axes.plot([x, x], [other.low, other.high], color=color, linewidth=0.8, alpha=0.35, zorder=2)
    axes.plot(x, y, "o", color=color, markersize=4.5, label=label, zorder=3)


def _labels(axes: Axes, levels: Sequence[Both], points: np.ndarray) -> None:
    """Name the extreme levels, beside their point on the side that has room."""
    if not len(levels):
        return
    order, off = (
        np.argsort(points[:, 0], kind="stable"),
        np.argsort(-np.abs(points[:, 0] - points[:, 1]), kind="stable"),
    )
    chosen = {*order[:LABELLED], *order[-LABELLED:], *off[:LABELLED]}
    middle, width, step = np.mean(axes.get_xlim()), 0.02 * np.ptp(axes.get_xlim()), 0.035 * np.ptp(axes.get_ylim())
    height = -math.inf
    for index in sorted(chosen, key=lambda index: points[index, 1]):
        x, y = points[index]
        height = max(y, height + step)  # From below, so that no two names are on one line.
        level, side = levels[index][0].level, -1 if x > middle else 1
        axes.annotate(
            f"{level.factor} {level.name}",
            (x, y),
            (x + side * width, height),
            ha="right" if side < 0 else "left",
            va="center",
            fontsize=7,
            zorder=2.5,
            bbox={"facecolor": "white", "edgecolor": "none", "alpha": 0.7, "pad": 0.5},
            arrowprops={"arrowstyle": "-", "color": GREY, "linewidth": 0.5},
        )
