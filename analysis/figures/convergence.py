"""tau against the epochs of whole runs, each with its own schedule: whether levels change the end, or the speed."""

import math
import textwrap
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import NullLocator

from supernet_bench.analysis.effects.effects import Effect, Effects
from supernet_bench.analysis.effects.intervals import Estimate
from supernet_bench.analysis.figures.forest import TAUS
from supernet_bench.analysis.figures.references import (
    ReferenceLine,
    all_references,
    ceiling_of,
    draw_references,
    reference_lines,
)
from supernet_bench.analysis.figures.style import BASELINE_COLOR, BLACK, BLUE, GREEN, PINK, SKY, put_title
from supernet_bench.analysis.figures.svg import ABOVE, UNSEEN, say
from supernet_bench.analysis.numbers import in_full, number
from supernet_bench.core.output import count

FACTOR = "epochs"
"""Whose levels are different lengths of a run."""

FEWEST = 3
"""Lengths from which on there is a curve to speak of."""

LOOKS = ((BLUE, "s"), (GREEN, "^"), (PINK, "v"), (SKY, "D"), (BLACK, "P"), (BLUE, "X"), (GREEN, "<"), (PINK, ">"))
"""Colours and marks of candidates, in their order."""

LEGEND = 40
"""Characters in a line of it."""

APART = 0.035
"""How far apart points of one length are, as a part of it."""


@dataclass(frozen=True)
class Stop:
    """The end of runs of one length: epochs, tau by metric, and the same in full."""

    epochs: float
    estimates: dict[str, Estimate]


@dataclass(frozen=True)
class Line:
    """What a candidate reaches in runs of several lengths, by length."""

    label: str
    color: str
    marker: str
    stops: tuple[Stop, ...]


@dataclass(frozen=True)
class Convergence:
    """Curves of candidates, and what they are to reach.

    Attributes
    ----------
    title : tuple of str
    lines : tuple of Line
        The baseline first; none where the study has too few lengths of runs.
    references : dict of str to tuple of ReferenceLine
        By metric.
    """

    title: tuple[str, ...]
    lines: tuple[Line, ...]
    references: dict[str, tuple[ReferenceLine, ...]]

    @property
    def metrics(self) -> list[str]:
        """Those that there is a panel for."""
        stops = [stop for line in self.lines for stop in line.stops]
        return [name for name in TAUS if any(name in stop.estimates for stop in stops)]


def convergence(effects: Effects) -> Convergence:
    """Return what the baseline and every candidate reach in runs of different lengths.

    Candidates are the other levels of grids with `FACTOR`; the baseline is a level of each, and has a curve of its own
    where the factor is varied alone.
    """
    found: dict[str, dict[float, Effect]] = {"baseline": {}}
    for label, effect in _ends(effects):
        length = _length(effects, effect)
        if not math.isnan(length) and not math.isnan(effect.tau.value):
            found.setdefault(label, {}).setdefault(length, effect)
    looks = iter(LOOKS * len(found))
    lines = tuple(
        _line(label, by_length, (BASELINE_COLOR, "o") if label == "baseline" else next(looks))
        for label, by_length in found.items()
        if len(by_length) >= FEWEST
    )
    rows = all_references(effects)
    n = count(len(effects.truth), "architecture")
    title = (
        f"runs of different lengths, each with its own schedule, means with 95 % intervals, {n}",
        *_ceiling(effects),
    )
    return Convergence(title, lines, {name: reference_lines(rows, name) for name in TAUS})


def _ceiling(effects: Effects) -> list[str]:
    ceiling = ceiling_of(effects)
    return [f"two published runs rank alike by tau {number(ceiling.value, decimals=2)}, far above"] if ceiling else []


def _ends(effects: Effects) -> Iterator[tuple[str, Effect]]:
    """Yield the levels of different lengths, by what they are of."""
    for effect in effects.of_factor(FACTOR):
        yield "baseline", effect
    for grid in effects.grids:
        if FACTOR not in grid.axes:
            continue
        other = 1 - grid.axes.index(FACTOR)
        for place, level in grid.cells.items():
            is_baseline = place[other] == grid.reference[other]
            name = dict(level.labels).get(grid.axes[other], f"{grid.axes[other]} {place[other]}")
            yield "baseline" if is_baseline else name, effects.of_level(level)


def _length(effects: Effects, effect: Effect) -> float:
    """Return the last epoch that runs of a level were scored after."""
    runs = effects.runs_of(effect)["run_id"]
    return float(effects.checkpoints.loc[effects.checkpoints["run_id"].isin(runs), "epoch"].max())


def _line(label: str, by_length: dict[float, Effect], look: tuple[str, str]) -> Line:
    stops = (
        Stop(epochs, {name: effect.estimates[name] for name in TAUS if name in effect.estimates})
        for epochs, effect in sorted(by_length.items())
    )
    return Line(label, *look, tuple(stops))


def draw_convergence(data: Convergence) -> Figure:
    """Draw tau by the length of runs in a panel per metric."""
    metrics = data.metrics
    width = 4.6 if len(metrics) == 1 else 3.6 * len(metrics)
    entries = len(data.lines) + len(data.references["tau"])
    figure = Figure(figsize=(width, 3.2 + 0.16 * entries / 2), layout="constrained")
    columns = figure.subplots(1, len(metrics), squeeze=False)[0]
    for axes, metric in zip(columns, metrics, strict=True):
        _draw_panel(axes, data, metric)
    handles, labels = columns[0].get_legend_handles_labels()
    figure.legend(handles, [textwrap.fill(label, LEGEND) for label in labels], loc="outside lower center", ncols=2)
    put_title(figure, *data.title)
    return figure


def _draw_panel(axes: Axes, data: Convergence, metric: str) -> None:
    lengths = sorted({stop.epochs for line in data.lines for stop in line.stops})
    for place, line in enumerate(data.lines):
        shift = 1 + APART * (place - (len(data.lines) - 1) / 2)
        _draw_line(axes, line, metric, shift)
    draw_references(axes, data.references[metric], across=True)
    axes.set_xscale("log", base=2)
    axes.set_xticks(lengths, [f"{length:g}" for length in lengths])
    axes.xaxis.set_minor_locator(NullLocator())
    axes.set_xlabel("epochs of the whole run")
    axes.set_ylabel(TAUS[metric])


def _draw_line(axes: Axes, line: Line, metric: str, shift: float) -> None:
    stops = [stop for stop in line.stops if metric in stop.estimates]
    x = [shift * stop.epochs for stop in stops]
    estimates = [stop.estimates[metric] for stop in stops]
    y = [estimate.value for estimate in estimates]
    for place, estimate in zip(x, estimates, strict=True):
        axes.plot([place] * 2, [estimate.low, estimate.high], color=line.color, linewidth=1.2, zorder=2)
    axes.plot(
        x, y, "-", marker=line.marker, color=line.color, label=line.label, markersize=4.5, linewidth=1.5, zorder=3
    )
    (unseen,) = axes.plot(x, y, "o", color=UNSEEN, markersize=8, mew=0, zorder=ABOVE)
    say(unseen, *_said(line, stops, estimates, metric))


def _said(line: Line, stops: Sequence[Stop], estimates: Sequence[Estimate], metric: str) -> Iterator[str]:
    for stop, estimate in zip(stops, estimates, strict=True):
        yield f"{line.label}, {stop.epochs:g} epochs: {TAUS[metric]} {in_full(estimate)}"
