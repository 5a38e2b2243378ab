"""Names beside points, placed where they cover neither each other nor other points."""

import math
import textwrap
from collections.abc import Iterator, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.transforms import Bbox

from supernet_bench.analysis.figures.style import BLACK, GREY

SIZE = 7
"""Of the letters, in points."""

DISTANCES = (6, 12, 20, 30, 42, 56, 75, 100, 130, 160)
"""From a point to its name, in points."""

DIRECTIONS = 16

FAR = 0.15
"""How much a name further away by a point is worse, in covered points."""

NEVER = 1e6
"""What covering another name, or leaving the panel, costs."""

WIDTH = 24
"""Characters in a line."""

UPRIGHT = 0.3
"""Cosine up to which a name stands above or below its point, not beside it."""

Place = tuple[float, float]


def put_names(axes: Axes, names: Sequence[str], points: Sequence[Place], others: Sequence[Place] = ()) -> None:
    """Name points, each at the best free place beside it, in their order.

    Call it when all else is drawn and the title is set: where things are must not change any more.

    Parameters
    ----------
    axes : Axes
    names : sequence of str
    points : sequence of (x, y)
        Where the names belong, in data coordinates.
    others : sequence of (x, y)
        Points that should not be covered.
    """
    if not names:
        return
    figure = axes.get_figure(root=True)
    assert figure
    figure.draw_without_rendering()
    scale = figure.dpi / 72
    at = axes.transData.transform(np.asarray(points, dtype=float))
    seen = axes.transData.transform(np.asarray([*points, *others], dtype=float))
    taken: list[Bbox] = []
    lines: list[tuple[np.ndarray, np.ndarray]] = []
    for name, point, place in zip((textwrap.fill(name, WIDTH) for name in names), points, at, strict=True):
        text = axes.annotate(name, point, (0, 0), textcoords="offset points", fontsize=SIZE, zorder=5)
        text.set_in_layout(False)
        size = text.get_window_extent()
        offset = min(
            _offsets(), key=lambda each: _badness(axes, place, _box(place, each, size, scale), each, taken, lines, seen)
        )
        box = _box(place, offset, size, scale)
        text.set(position=offset, ha=_side(offset), va="center", color=BLACK)
        text.set_bbox({"facecolor": "white", "edgecolor": "none", "alpha": 0.75, "pad": 0.5})
        if math.hypot(*offset) > DISTANCES[0]:
            _lead(axes, point, offset)
        taken.append(box)
        lines.append((place, _end(place, offset, scale)))


def _offsets() -> Iterator[Place]:
    for distance in DISTANCES:
        for number in range(DIRECTIONS):
            angle = 2 * math.pi * number / DIRECTIONS
            yield distance * math.cos(angle), distance * math.sin(angle)


def _side(offset: Place) -> str:
    """Return which side of a name its point is on."""
    if abs(offset[0]) <= UPRIGHT * math.hypot(*offset):
        return "center"
    return "left" if offset[0] > 0 else "right"


def _end(place: np.ndarray, offset: Place, scale: float) -> np.ndarray:
    return np.asarray(place + scale * np.asarray(offset))


def _box(place: np.ndarray, offset: Place, size: Bbox, scale: float) -> Bbox:
    """Return where a name would be, in pixels."""
    x, y = _end(place, offset, scale)
    left = x - {"left": 0.0, "center": 0.5, "right": 1.0}[_side(offset)] * size.width
    return Bbox.from_bounds(left - 1, y - size.height / 2 - 1, size.width + 2, size.height + 2)


def _badness(
    axes: Axes,
    place: np.ndarray,
    box: Bbox,
    offset: Place,
    taken: Sequence[Bbox],
    lines: Sequence[tuple[np.ndarray, np.ndarray]],
    seen: np.ndarray,
) -> float:
    """Return how bad a place is: other names and the edge count most, then points, lines and the distance."""
    inside = axes.bbox.x0 <= box.x0 and box.x1 <= axes.bbox.x1 and axes.bbox.y0 <= box.y0 and box.y1 <= axes.bbox.y1
    covered = sum(box.overlaps(other) for other in taken) + (not inside)
    points = ((seen > np.asarray(box.min) - 2) & (seen < np.asarray(box.max) + 2)).all(axis=1).sum()
    end = np.array([np.clip(place[0], box.x0, box.x1), np.clip(place[1], box.y0, box.y1)])
    crossed = sum(_cross(place, end, *line) for line in lines) + sum(_through(line, box) for line in lines)
    return NEVER * covered + 3 * float(points) + 4 * crossed + FAR * math.hypot(*offset)


def _cross(a: np.ndarray, b: np.ndarray, c: np.ndarray, d: np.ndarray) -> bool:
    """Whether the stretches a-b and c-d cross."""

    def side(p: np.ndarray, q: np.ndarray, r: np.ndarray) -> float:
        return float((q[0] - p[0]) * (r[1] - p[1]) - (q[1] - p[1]) * (r[0] - p[0]))

    return side(a, b, c) * side(a, b, d) < 0 and side(c, d, a) * side(c, d, b) < 0


def _through(line: tuple[np.ndarray, np.ndarray], box: Bbox) -> bool:
    steps = np.linspace(line[0], line[1], 12)
    return bool(((steps > box.min) & (steps < box.max)).all(axis=1).any())


def _lead(axes: Axes, point: Place, offset: Place) -> None:
    """Draw a thin line from a point to its name."""
    style = {"arrowstyle": "-", "color": GREY, "linewidth": 0.6, "shrinkA": 0, "shrinkB": 2}
    line = axes.annotate("", point, offset, textcoords="offset points", arrowprops=style, zorder=4)
    line.set_in_layout(False)
