"""Effects of the same levels in two studies, one against the other."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from supernet_bench.analysis.effects.effects import Effect
from supernet_bench.analysis.effects.intervals import Difference
from supernet_bench.analysis.figures.labels import put_names
from supernet_bench.analysis.figures.style import BLACK, BLUE, GREEN, GREY, ORANGE, put_title
from supernet_bench.analysis.figures.svg import ABOVE, UNSEEN, say
from supernet_bench.analysis.numbers import with_interval
from supernet_bench.core.output import count

LABELLED = 3
"""Levels that are named in the plot of each: the best and the worst of the first study, and those off the diagonal."""

LOOKS = {
    (True, True): (BLUE, "zero excluded in both"),
    (True, False): (GREEN, "zero excluded in the first"),
    (False, True): (ORANGE, "zero excluded in the second"),
    (False, False): (GREY, "zero excluded in neither"),
}
"""Colour and label by where the interval excludes zero."""


@dataclass(frozen=True)
class Point:
    """The difference of a level to the baseline in the first study and in the second."""

    name: str
    first: Difference
    second: Difference

    @property
    def shown(self) -> tuple[bool, bool]:
        """In which of them zero is excluded."""
        return self.first.excludes_zero, self.second.excludes_zero


@dataclass(frozen=True)
class TwoStudies:
    """The levels of two studies.

    Attributes
    ----------
    title : str
    names : (str, str)
        Of the studies.
    points : tuple of Point
    labelled : tuple of Point
        Those that are named, from below.
    """

    title: str
    names: tuple[str, str]
    points: tuple[Point, ...]
    labelled: tuple[Point, ...]


def two_studies(levels: Sequence[tuple[Effect, Effect]], names: tuple[str, str], found: str) -> TwoStudies:
    """Return the differences to the baseline in both studies.

    Parameters
    ----------
    levels : sequence of (Effect, Effect)
        The same level in both studies.
    names : tuple of str
        Names of the studies.
    found : str
        How they agree, for the title.
    """
    points = tuple(
        Point(_name(one), one.difference, other.difference)
        for one, other in levels
        if one.difference and other.difference
    )
    return TwoStudies(f"{names[1]} against {names[0]}: {found}", names, points, _extremes(points))


def _name(effect: Effect) -> str:
    """Return what a level is called, with its factor where nothing else would say what it is of."""
    return effect.level.label if effect.level.labels else f"{effect.level.factor} {effect.level.name}"


def _extremes(points: Sequence[Point]) -> tuple[Point, ...]:
    first = np.array([point.first.value for point in points])
    second = np.array([point.second.value for point in points])
    order = np.argsort(first, kind="stable")
    off = np.argsort(-np.abs(first - second), kind="stable")
    chosen = {*order[:LABELLED], *order[-LABELLED:], *off[:LABELLED]}
    return tuple(points[index] for index in sorted(chosen, key=lambda index: second[index]))


def draw_two_studies(data: TwoStudies) -> Figure:
    """Draw the differences in the second study against those in the first, with both intervals."""
    figure = Figure(figsize=(7.0, 6.0), layout="constrained")
    axes = figure.add_subplot()
    for look, (color, label) in LOOKS.items():
        chosen = [point for point in data.points if point.shown == look]
        for number, point in enumerate(chosen):
            _cross(axes, point, data.names, color, f"{label} ({len(chosen)})" if not number else None)
    axes.axhline(0, color=BLACK, linewidth=0.8, zorder=1)
    axes.axvline(0, color=BLACK, linewidth=0.8, zorder=1)
    axes.axline((0, 0), slope=1, color=BLACK, linewidth=0.8, linestyle="--", zorder=1)
    axes.set_xlabel(f"difference in tau to the baseline, {data.names[0]}")
    axes.set_ylabel(f"difference in tau to the baseline, {data.names[1]}")
    if data.points:
        figure.legend(loc="outside lower center", ncols=2)
    levels = count(len(data.points), "level")
    put_title(figure, data.title, f"{levels} with 95 % intervals; dashed: the same effect in both")
    everywhere = [(point.first.value, point.second.value) for point in data.points]
    at = [(point.first.value, point.second.value) for point in data.labelled]
    put_names(axes, [point.name for point in data.labelled], at, everywhere)
    return figure


def _cross(axes: Axes, point: Point, names: tuple[str, str], color: str, label: str | None) -> None:
    one, other = point.first, point.second
    x, y = one.value, other.value
    axes.plot([one.low, one.high], [y, y], color=color, linewidth=0.8, alpha=0.35, zorder=2)
    axes.plot([x, x], [other.low, other.high], color=color, linewidth=0.8, alpha=0.35, zorder=2)
    axes.plot(x, y, "o", color=color, markersize=4.5, label=label, zorder=3)
    values = "; ".join(f"{name} {with_interval(each, '+')}" for name, each in zip(names, (one, other), strict=True))
    (unseen,) = axes.plot(x, y, "o", color=UNSEEN, markersize=8, mew=0, zorder=ABOVE)
    say(unseen, f"{point.name}: {values}")
