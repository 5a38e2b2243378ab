"""Score against truth of one supernet, as accuracies and as ranks."""

from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from scipy import stats

from supernet_bench.analysis.effects.effects import Effects
from supernet_bench.analysis.figures.style import BASELINE_COLOR, put_title
from supernet_bench.analysis.figures.svg import ABOVE, UNSEEN, say
from supernet_bench.analysis.numbers import number
from supernet_bench.analysis.ranking.metrics import kendall_tau
from supernet_bench.analysis.results import Results, ranks_by
from supernet_bench.core.output import count

SHOWN = (0.02, 0.98)
"""Quantiles that the axes of accuracies span; a few broken networks would squeeze all others into a corner."""

MANY = 1000
"""Points from which on they are small, an image in files of vectors, and no longer to be pointed at one by one."""


@dataclass(frozen=True)
class Points:
    """A panel.

    Attributes
    ----------
    title, x_label, y_label : str
    x, y : ndarray, [n]
    limits : ((low, high), (low, high)), each a float, optional
        Of both axes; otherwise what the points need.
    """

    title: str
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
class Scatter:
    """Panels of the same architectures, and what is said of each of these; no panel if there is nothing to show."""

    title: str
    panels: tuple[Points, ...] = ()
    said: tuple[str, ...] = ()


def scatter(results: Results, effects: Effects) -> Scatter:
    """Return score and truth at the last checkpoint of the first run of the baseline."""
    finished = effects.runs_of(effects.baseline)
    if finished.empty or len(effects.truth) < 2:
        return Scatter("no finished run of the baseline, or no truth to show it against")
    run = finished.iloc[0]
    scores = results.scores[results.scores["run_id"] == run["run_id"]]
    epoch = scores["epoch"].max()
    last = scores[scores["epoch"] == epoch].set_index("architecture")["score"]
    truth, score = effects.truth.to_numpy(), last[effects.truth.index].to_numpy()
    n = count(len(truth), "architecture")
    title = f"baseline, seed {run['seed']}, epoch {epoch}: tau {number(kendall_tau(score, truth))}, {n}"
    said = (
        f"architecture {architecture}: published {number(x, decimals=5)}, scored {number(y, decimals=5)}"
        for architecture, x, y in zip(effects.truth.index, truth, score, strict=True)
    )
    return Scatter(title, (_values(results, truth, score), _ranks(results, truth, score)), tuple(said))


def _values(results: Results, truth: np.ndarray, score: np.ndarray) -> Points:
    y_label = _of_scores(results)
    limits = _limits(truth), _limits(score)
    points = Points("", f"published accuracy, {results.target}", y_label, truth, score, limits)
    title = f"values, {(~points.inside).sum()} of {len(truth)} outside"
    return Points(title, points.x_label, points.y_label, truth, score, limits)


def _ranks(results: Results, truth: np.ndarray, score: np.ndarray) -> Points:
    return Points(
        "ranks, which are all that tau sees",
        f"rank of the published accuracy, {len(truth)} = best",
        f"rank of the {_of_scores(results)}",
        stats.rankdata(truth),
        stats.rankdata(score),
    )


def _of_scores(results: Results) -> str:
    """Return what the scores are."""
    kind = {"accuracy": "accuracy", "cross_entropy": "minus cross-entropy"}.get(ranks_by(results.example))
    return f"{kind} on {results.manifest.images}\nwith the supernet's weights" if kind else "imported score"


def _limits(values: np.ndarray) -> tuple[float, float]:
    """Return the quantiles that are shown, and a margin."""
    finite = values[np.isfinite(values)]
    low, high = np.quantile(finite, SHOWN) if len(finite) else (0.0, 1.0)
    margin = 0.03 * (high - low) or 0.01
    return low - margin, high + margin


def draw_scatter(data: Scatter) -> Figure:
    """Draw score against truth."""
    if not data.panels:
        note = Figure(figsize=(6.0, 0.2))
        put_title(note, data.title)
        return note
    figure = Figure(figsize=(8.0, 3.8), layout="constrained")
    for axes, points in zip(figure.subplots(1, len(data.panels)), data.panels, strict=True):
        _draw_points(axes, points, data.said)
    put_title(figure, data.title)
    return figure


def _draw_points(axes: Axes, points: Points, said: tuple[str, ...]) -> None:
    many = len(points.x) > MANY
    size = 1.5 if many else 4.0
    axes.plot(points.x, points.y, "o", markersize=size, color=BASELINE_COLOR, alpha=0.5, mew=0, rasterized=many)
    if points.limits:
        axes.set_xlim(points.limits[0])
        axes.set_ylim(points.limits[1])
    axes.set_xlabel(points.x_label)
    axes.set_ylabel(points.y_label)
    axes.set_title(points.title)
    inside = points.inside
    if not many and inside.any():
        line = axes.plot(points.x[inside], points.y[inside], "o", color=UNSEEN, markersize=6, mew=0, zorder=ABOVE)
        say(line[0], *(text for text, is_inside in zip(said, inside, strict=True) if is_inside))
