"""Score against truth of one supernet, as accuracies and as ranks."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from scipy import stats

from supernet_bench.analysis.effects.effects import Effects
from supernet_bench.analysis.figures.style import BASELINE_COLOR, put_title
from supernet_bench.analysis.numbers import count, number
from supernet_bench.analysis.ranking.metrics import kendall_tau
from supernet_bench.analysis.results import Results, ranks_by

SHOWN = (0.02, 0.98)
"""Quantiles that the axes of accuracies span; a few broken networks would squeeze all others into a corner."""


def scatter_figure(results: Results, effects: Effects) -> Figure:
    """Draw score against truth at the last checkpoint of the first run of the baseline."""
    finished = effects.runs_of(effects.baseline)
    if finished.empty or len(effects.truth) < 2:
        note = Figure(figsize=(6.0, 0.2))
        put_title(note, "no finished run of the baseline, or no truth to show it against")
        return note
    figure = Figure(figsize=(8.0, 3.8), layout="constrained")
    values, ranks = figure.subplots(1, 2)
    run = finished.iloc[0]
    scores = results.scores[results.scores["run_id"] == run["run_id"]]
    last = scores[scores["epoch"] == scores["epoch"].max()].set_index("architecture")["score"]
    truth, score = effects.truth.to_numpy(), last[effects.truth.index].to_numpy()
    _points(values, truth, score)
    outside = _limit(values, truth, score)
    values.set_xlabel(f"published accuracy, {results.target}")
    kind = "accuracy" if ranks_by(results.example) == "accuracy" else "minus cross-entropy"
    values.set_ylabel(f"{kind} on {results.manifest.images}\nwith the supernet's weights")
    values.set_title(f"values, {outside} of {len(truth)} outside")
    _points(ranks, stats.rankdata(truth), stats.rankdata(score))
    ranks.set_xlabel(f"rank of the published accuracy, {len(truth)} = best")
    ranks.set_ylabel(f"rank of the {kind} on {results.manifest.images}\nwith the supernet's weights")
    ranks.set_title("ranks, which are all that tau sees")
    tau, n = number(kendall_tau(score, truth)), count(len(truth), "architecture")
    put_title(figure, f"baseline, seed {run['seed']}, epoch {scores['epoch'].max()}: tau {tau}, {n}")
    return figure


def _points(axes: Axes, x: np.ndarray, y: np.ndarray) -> None:
    size = 4.0 if len(x) <= 1000 else 1.5
    axes.plot(x, y, "o", markersize=size, color=BASELINE_COLOR, alpha=0.5, mew=0, rasterized=len(x) > 1000)


def _limit(axes: Axes, x: np.ndarray, y: np.ndarray) -> int:
    """Limit the axes to the quantiles that are shown and return how many points are outside."""
    outside = np.zeros(len(x), dtype=bool)
    for values, limit in ((x, axes.set_xlim), (y, axes.set_ylim)):
        finite = values[np.isfinite(values)]
        low, high = np.quantile(finite, SHOWN) if len(finite) else (0.0, 1.0)
        margin = 0.03 * (high - low) or 0.01
        limit(low - margin, high + margin)
        outside |= (values < low - margin) | (values > high + margin)
    return int(outside.sum())
