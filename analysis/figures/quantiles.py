"""tau by the quantile of the truth: which part of the architectures a ranking tells apart."""

import textwrap
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from supernet_bench.analysis.effects.effects import Effect, Effects
from supernet_bench.analysis.effects.intervals import over_seeds
from supernet_bench.analysis.figures.extremes import extremes, late_scores
from supernet_bench.analysis.figures.style import BASELINE_COLOR, BLACK, BLUE, GREEN, LINE, PINK, level_name, put_title
from supernet_bench.analysis.figures.svg import ABOVE, UNSEEN, say
from supernet_bench.analysis.numbers import number
from supernet_bench.analysis.ranking.metrics import kendall_tau
from supernet_bench.analysis.results import Results
from supernet_bench.core.output import count

FIFTHS = {f"{low}-{low + 20} %": (low / 100, (low + 20) / 100) for low in range(0, 100, 20)}
TOPS = {"all": (0.0, 1.0)} | {f"{share} %": (1 - share / 100, 1.0) for share in (80, 60, 50, 40, 20, 10)}
"""Parts of the architectures by their names: from one quantile of the truth to another."""

FEWEST = 10
"""Architectures below which a part has no tau."""

COLORS = {"baseline": BASELINE_COLOR, "best": BLUE, "worst": PINK}
MARKERS = {"baseline": "o", "best": "s", "worst": "^"}
LEGEND = 46
"""Characters in a line of it."""

COST_LOOK = (GREEN, "D")

Part = tuple[float, float]


@dataclass(frozen=True)
class Shares:
    """tau of a ranking in parts of the architectures.

    Attributes
    ----------
    label, color, marker : str
    taus : DataFrame
        By part: `part` (its name), `seed`, `tau`; one row per seed, or one in all of a cost.
    """

    label: str
    color: str
    marker: str
    taus: pd.DataFrame


@dataclass(frozen=True)
class Quantiles:
    """What rankings are worth within fifths of the truth, and above its quantiles.

    Attributes
    ----------
    title : tuple of str
    within, above : tuple of Shares
        The baseline, the best and the worst level, and the cost that ranks best; none where each part has too few
        architectures.
    """

    title: tuple[str, ...]
    within: tuple[Shares, ...]
    above: tuple[Shares, ...]


def quantiles(results: Results, effects: Effects) -> Quantiles:
    """Return tau of the baseline, the best and the worst level and the best cost in parts of the architectures."""
    n = count(len(effects.truth), "architecture")
    title = (f"tau by the quantile of the truth, means over seeds with 95 % intervals over these, {n}",)
    return Quantiles(title, tuple(_shares(results, effects, FIFTHS)), tuple(_shares(results, effects, TOPS)))


def _shares(results: Results, effects: Effects, parts: Mapping[str, Part]) -> Iterator[Shares]:
    truth = effects.truth.to_numpy()
    chosen = {name: mask for name, part in parts.items() if (mask := _inside(truth, part)).sum() >= FEWEST}
    shown = extremes(effects) if chosen else {}
    for name, effect in shown.items():
        scores = late_scores(results, effects, effect)
        label = name if name == "baseline" else f"{name}: {level_name(effect)}"
        yield Shares(label, COLORS[name], MARKERS[name], _taus(scores, truth, chosen))
    cost = effects.strongest_cost
    if cost and shown:
        values = results.reference.loc[effects.truth.index, _column(cost)].to_numpy()
        rows = [(part, 0, kendall_tau(values[mask], truth[mask])) for part, mask in chosen.items()]
        yield Shares(cost.level.name, *COST_LOOK, pd.DataFrame(rows, columns=["part", "seed", "tau"]))


def _column(cost: Effect) -> str:
    return "parameters" if cost.level.name == "parameter count" else cost.level.name.lower()


def _inside(truth: np.ndarray, part: Part) -> np.ndarray:
    """Return which architectures are at or above one quantile and below the other, the last one included, [n]."""
    if len(truth) == 0:
        return np.zeros(0, dtype=bool)
    low, high = np.quantile(truth, part)
    return (truth >= low) & ((truth < high) | (part[1] == 1))


def _taus(scores: pd.DataFrame, truth: np.ndarray, chosen: dict[str, np.ndarray]) -> pd.DataFrame:
    """Return tau of every seed in every part, the mean over its late checkpoints."""
    rows = [
        (part, seed, np.mean([kendall_tau(scores[seed, epoch].to_numpy()[mask], truth[mask]) for epoch in epochs]))
        for seed, epochs in scores.columns.to_frame(index=False).groupby("seed")["epoch"]
        for part, mask in chosen.items()
    ]
    return pd.DataFrame(rows, columns=["part", "seed", "tau"])


def t_interval(values: pd.Series) -> tuple[float, float]:
    """Return the 95 % interval of a mean over seeds; no width where there is none, which is what seaborn can draw."""
    found = over_seeds(np.asarray(values, dtype=float), FEWEST, lowest=-1.0)
    mean = float(np.mean(values))
    return (mean, mean) if np.isnan(found.low) else (found.low, found.high)


def draw_quantiles(data: Quantiles) -> Figure:
    """Draw tau within fifths of the truth, and above its quantiles, in a panel each where there is any."""
    named = ((data.within, "from the worst to the best, by the truth"), (data.above, "the best, by the truth"))
    panels = [(shares, label) for shares, label in named if shares] or [named[1]]
    figure = Figure(figsize=(3.6 * len(panels), 3.5), layout="constrained")
    columns = figure.subplots(1, len(panels), sharey=True, squeeze=False)[0]
    for axes, (shares, label) in zip(columns, panels, strict=True):
        _draw(axes, shares, label)
    columns[0].set_ylabel("Kendall's tau within the part")
    handles, labels = columns[0].get_legend_handles_labels()
    wrapped = [textwrap.fill(label, LEGEND) for label in labels]
    if labels:
        figure.set_figheight(2.7 + LINE * sum(label.count("\n") + 1 for label in wrapped))
        figure.legend(handles, wrapped, loc="outside lower center", ncols=len(panels))
    put_title(figure, *data.title)
    return figure


def _draw(axes: Axes, shares: tuple[Shares, ...], label: str) -> None:
    import seaborn  # Whoever only trains needs no pictures.

    frames = [each.taus.assign(ranking=each.label) for each in shares if len(each.taus)]
    if frames:
        drawn = [each for each in shares if len(each.taus)]
        seaborn.pointplot(
            pd.concat(frames, ignore_index=True),
            x="part",
            y="tau",
            hue="ranking",
            palette={each.label: each.color for each in drawn},
            markers=[each.marker for each in drawn],
            errorbar=t_interval,
            dodge=0.35 * (len(drawn) > 1),
            linewidth=1.2,
            markersize=4,
            legend=True,
            ax=axes,
        )
        legend = axes.get_legend()
        if legend:  # There is one below both panels.
            legend.remove()
        for place, part in enumerate(drawn[0].taus["part"].unique()):
            means = ((each.label, each.taus.loc[each.taus["part"] == part, "tau"].mean()) for each in drawn)
            said = f"{part}: " + "; ".join(f"{label} {number(tau)}" for label, tau in means)
            say(axes.axvspan(place - 0.5, place + 0.5, color=UNSEEN, linewidth=0, zorder=ABOVE), said)
        axes.tick_params(axis="x", labelsize=8)
    axes.axhline(0, color=BLACK, linewidth=0.8, zorder=1)
    axes.set_xlabel(label)
    axes.set_ylabel("")
