"""How far single seeds lie from the mean of their level: what one run more, or less, would have said."""

import textwrap
from dataclasses import dataclass

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from supernet_bench.analysis.effects.effects import Effects
from supernet_bench.analysis.figures.style import BASELINE_COLOR, BLACK, BLUE, LINE, put_title
from supernet_bench.analysis.figures.svg import ABOVE, UNSEEN, say
from supernet_bench.analysis.numbers import number
from supernet_bench.core.output import count

LABEL = 22
"""Characters in a line of the name of a factor."""

FEWEST = 3
"""Seeds of a level, below which their spread is not drawn."""


@dataclass(frozen=True)
class Spread:
    """Distances of the tau of single runs from the mean of their level.

    Attributes
    ----------
    title : tuple of str
    distances : DataFrame
        A row per run: `factor`, `level`, `seed`, `distance`; the baseline first, then factors in their order.
    """

    title: tuple[str, ...]
    distances: pd.DataFrame


def spread(effects: Effects) -> Spread:
    """Return how far the runs of each level lie from their mean, unless the level has too few."""
    rows = [effects.baseline, *(row for row in effects.levels[1:] if not row.level.baseline)]
    parts = []
    for row in rows:
        runs = effects.runs_of(row).dropna(subset=["tau"])
        if len(runs) >= FEWEST:
            parts.append(runs[["factor", "level", "seed"]].assign(distance=runs["tau"] - runs["tau"].mean()))
    found = pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=["factor", "level", "distance"])
    deviations = found.groupby(["factor", "level"])["distance"].std() if len(found) else pd.Series(dtype=float)
    title = (
        f"tau of single runs beside the mean of their level, {count(len(effects.truth), 'architecture')}",
        f"median standard deviation over seeds: {number(float(deviations.median()))}, "
        + count(len(deviations), "level"),
    )
    return Spread(title, found)


def draw_spread(data: Spread) -> Figure:
    """Draw every run as a dot, and the standard deviation of each factor as a bar."""
    import seaborn  # Whoever only trains needs no pictures.

    frame = data.distances
    factors = list(dict.fromkeys(frame["factor"]))
    lines = sum(max(1.5, textwrap.fill(factor, LABEL).count("\n") + 1.0) for factor in factors)
    figure = Figure(figsize=(4.8, 1.0 + LINE * max(lines, 3)), layout="constrained")
    axes = figure.add_subplot()
    if factors:
        state = np.random.get_state()  # noqa: NPY002
        np.random.seed(0)  # noqa: NPY002 (seaborn draws from it how dots are spread)
        colors = {factor: BASELINE_COLOR if factor == "baseline" else BLUE for factor in factors}
        seaborn.pointplot(
            frame, x="distance", y="factor", errorbar="sd", color=BLACK, linestyle="none", marker="|", ax=axes,
            markersize=9, linewidth=1.2, zorder=3,
        )  # fmt: skip
        seaborn.stripplot(
            frame, x="distance", y="factor", hue="factor", palette=colors, size=2.6, alpha=0.65, jitter=0.22,
            legend=False, ax=axes,
        )  # fmt: skip
        np.random.set_state(state)  # noqa: NPY002
    for place, factor in enumerate(factors):
        of_factor = frame[frame["factor"] == factor]
        levels = count(of_factor["level"].nunique(), "level")
        deviation = number(float(of_factor["distance"].std()))
        said = f"{factor}, {levels}, {count(len(of_factor), 'run')}: standard deviation {deviation}"
        say(axes.axhspan(place - 0.5, place + 0.5, color=UNSEEN, linewidth=0, zorder=ABOVE), said)
    axes.set_yticks(range(len(factors)), [textwrap.fill(factor, LABEL) for factor in factors])
    axes.axvline(0, color=BLACK, linewidth=0.8)
    axes.grid(axis="y", visible=False)
    axes.set_xlabel("tau of a run minus the mean of its level")
    axes.set_ylabel("")
    put_title(figure, *data.title)
    return figure
