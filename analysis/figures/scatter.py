"""Score against truth of the baseline, of the best level and of the worst, as values and as ranks."""

import json
import math
import textwrap
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from scipy import stats

from supernet_bench.analysis.effects.effects import Effect, Effects
from supernet_bench.analysis.figures.extremes import extremes, late_scores, mean_score
from supernet_bench.analysis.figures.quantiles import COLORS
from supernet_bench.analysis.figures.style import LINE, level_name, put_title
from supernet_bench.analysis.figures.svg import ABOVE, UNSEEN, say
from supernet_bench.analysis.numbers import number
from supernet_bench.analysis.ranking.metrics import kendall_tau
from supernet_bench.analysis.results import Results
from supernet_bench.core.output import count

SHOWN = (0.02, 0.98)
"""Quantiles that the axes of values span; a few broken networks would squeeze all others into a corner."""

MANY = 1000
"""Points from which on they are small, an image in files of vectors, and no longer to be pointed at one by one."""

LETTERS = 30
"""In a line of a panel's title."""


@dataclass(frozen=True)
class Points:
    """A panel.

    Attributes
    ----------
    x_label, y_label : str
    x, y : ndarray, [n]
    limits : ((low, high), (low, high)), each a float, optional
        Of both axes; otherwise what the points need.
    """

    x_label: str
    y_label: str
    x: np.ndarray
    y: np.ndarray
    limits: tuple[tuple[float, float], tuple[float, float]] | None = None

    @property
    def inside(self) -> np.ndarray:
        """Which points are seen, [n]."""
        if not self.limits:
            return np.isfinite(self.x) & np.isfinite(self.y)
        (left, right), (bottom, top) = self.limits
        return (self.x >= left) & (self.x <= right) & (self.y >= bottom) & (self.y <= top)


@dataclass(frozen=True)
class Pair:
    """The scores of a level: as values above, as ranks below.

    Attributes
    ----------
    title : str
    color : str
    together, single : float
        tau of the mean score over seeds, and the mean tau of single seeds, which is the study's.
    values, ranks : Points
    said : tuple of str
        Of each architecture.
    """

    title: str
    color: str
    together: float
    single: float
    values: Points
    ranks: Points
    said: tuple[str, ...]


@dataclass(frozen=True)
class Scatter:
    """Levels side by side; none if there is nothing to show."""

    title: tuple[str, ...]
    pairs: tuple[Pair, ...] = ()


def scatter(results: Results, effects: Effects) -> Scatter:
    """Return the mean score over late checkpoints and seeds, and the truth, of the baseline and two levels."""
    shown = extremes(effects)
    if "baseline" not in shown or len(effects.truth) < 2:
        return Scatter(("no finished run of the baseline, or no truth to show it against",))
    pairs = tuple(_pair(results, effects, name, effect) for name, effect in shown.items())
    n = count(len(effects.truth), "architecture")
    title = (
        f"predicted against published, {n}: above accuracies, below ranks, which are all that tau sees",
        "scores are means over all seeds, so the first tau is that of these together; single seeds have the study's",
    )
    return Scatter(title, pairs)


def _pair(results: Results, effects: Effects, name: str, effect: Effect) -> Pair:
    truth = effects.truth.to_numpy()
    score = mean_score(late_scores(results, effects, effect))
    seeds = effect.tau.seeds
    together = kendall_tau(score, truth) if np.isfinite(score).any() else math.nan
    label = name if name == "baseline" else f"{name}: {level_name(effect)}"
    taus = f"tau {number(together)} of {count(seeds, 'seed')} together,\n{number(effect.tau.value)} of single seeds"
    kind = _kind(results, effects, effect)
    x_label = f"published accuracy,\n{results.target}"
    values = Points(x_label, kind, truth, score, (_limits(truth), _limits(score)))
    ranks = Points("rank of the published", "rank of the score", stats.rankdata(truth), stats.rankdata(score))
    said = tuple(
        f"architecture {architecture}: published {number(x, decimals=5)}, scored {number(y, decimals=5)}"
        for architecture, x, y in zip(effects.truth.index, truth, score, strict=True)
    )
    return Pair(f"{label}\n{taus}", COLORS[name], together, effect.tau.value, values, ranks, said)


def _kind(results: Results, effects: Effects, effect: Effect) -> str:
    """Return what the scores of a level are."""
    if results.manifest.imported:
        return "imported score"
    settings = effects.runs_of(effect)["heuristics"].dropna()
    scoring = json.loads(settings.iloc[0]).get("scoring", {}) if len(settings) else {}
    return "accuracy" if scoring.get("score", "accuracy") == "accuracy" else "minus cross-entropy"


def _limits(values: np.ndarray) -> tuple[float, float]:
    """Return the quantiles that are shown, and a margin."""
    finite = values[np.isfinite(values)]
    low, high = np.quantile(finite, SHOWN) if len(finite) else (0.0, 1.0)
    margin = 0.03 * (high - low) or 0.01
    return low - margin, high + margin


def draw_scatter(data: Scatter) -> Figure:
    """Draw score against truth, a column for each level."""
    if not data.pairs:
        note = Figure(figsize=(6.0, 0.2))
        put_title(note, *data.title)
        return note
    titles = [list(_wrapped(pair.title)) for pair in data.pairs]
    size = 2.5 * max(len(data.pairs), 2), 4.4 + LINE * max(map(len, titles))
    figure = Figure(figsize=size, layout="constrained")
    columns = figure.subplots(2, len(data.pairs), squeeze=False).T
    for column, pair, lines in zip(columns, data.pairs, titles, strict=True):
        for axes, points in zip(column, (pair.values, pair.ranks), strict=True):
            # Said once: the file of vectors would be half as large again.
            _draw_points(axes, points, pair, pair.said if points is pair.ranks else ())
        column[0].set_title("\n".join(lines), fontsize=8)
    put_title(figure, *data.title)
    return figure


def _wrapped(text: str) -> Iterator[str]:
    for line in text.split("\n"):
        yield from textwrap.wrap(line, LETTERS)


def _draw_points(axes: Axes, points: Points, pair: Pair, said: tuple[str, ...]) -> None:
    many = len(points.x) > MANY
    size = 1.5 if many else 3.0
    axes.plot(points.x, points.y, "o", markersize=size, color=pair.color, alpha=0.55, mew=0, rasterized=many)
    if points.limits:
        axes.set_xlim(points.limits[0])
        axes.set_ylim(points.limits[1])
    axes.set_xlabel(points.x_label)
    axes.set_ylabel(points.y_label)
    inside = points.inside
    if said and not many and inside.any():
        line = axes.plot(points.x[inside], points.y[inside], "o", color=UNSEEN, markersize=6, mew=0, zorder=ABOVE)
        say(line[0], *(text for text, is_inside in zip(said, inside, strict=True) if is_inside))
