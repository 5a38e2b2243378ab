"""tau against what a level costs, and the levels that no cheaper one is better than."""

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import NullLocator

from supernet_bench.analysis.effects.effects import Effect, Effects
from supernet_bench.analysis.figures.cost import cost_of
from supernet_bench.analysis.figures.labels import put_names
from supernet_bench.analysis.figures.references import ReferenceLine, draw_references, main_references, reference_lines
from supernet_bench.analysis.figures.style import BASELINE_COLOR, BLACK, BLUE, GREY, level_name, put_title
from supernet_bench.analysis.figures.svg import ABOVE, UNSEEN, say
from supernet_bench.analysis.numbers import in_full, number
from supernet_bench.core.output import count

PASSES, TIME = "path passes x baseline", "seconds of training x baseline"

TICKS = tuple(2.0**power for power in range(-6, 8))
"""Of the costs, of those that are there."""

MARGIN = 1.5
"""How much further than the costs the axis goes, so that there is room for names."""

STEADY = 1.25
"""Up to which factor the seconds of the seeds of a level may differ, as a standard deviation, to be a cost."""


@dataclass(frozen=True)
class Spot:
    """A level: what it costs, its tau with the interval, and whether it is on the frontier."""

    name: str
    cost: float
    value: float
    low: float
    high: float
    baseline: bool
    frontier: bool
    said: str

    @property
    def color(self) -> str:
        """The baseline's own, blue on the frontier, otherwise grey."""
        return BASELINE_COLOR if self.baseline else BLUE if self.frontier else GREY


@dataclass(frozen=True)
class CostPanel:
    """The levels of a study by one kind of cost."""

    label: str
    spots: tuple[Spot, ...]


@dataclass(frozen=True)
class CostPlot:
    """Panels of different costs, and references across them.

    Attributes
    ----------
    title : tuple of str
    panels : tuple of CostPanel
        None where no level has another cost than the baseline.
    references : tuple of ReferenceLine
    """

    title: tuple[str, ...]
    panels: tuple[CostPanel, ...]
    references: tuple[ReferenceLine, ...]


def cost_plot(effects: Effects) -> CostPlot:
    """Return tau of every level by what it costs."""
    rows = [effects.baseline, *(effect for effect in effects.levels[1:] if not effect.level.baseline)]
    costs = {id(effect): cost_of(effects, effect) for effect in rows}
    panels = [_panel(PASSES, [(effect, costs[id(effect)].passes) for effect in rows])]
    if _are_steady([cost.seconds for cost in costs.values() if len(cost.seconds) > 1]):
        panels.append(_panel(TIME, [(effect, costs[id(effect)].time) for effect in rows]))
    n = count(len(effects.truth), "architecture")
    title = (
        f"tau against cost, means with 95 % intervals, {n}",
        "line and blue: no cheaper level has a higher mean; orange: the baseline",
    )
    shown = tuple(panel for panel in panels if len({spot.cost for spot in panel.spots}) > 1)
    return CostPlot(title, shown, reference_lines(main_references(effects)))


def _are_steady(seconds: Sequence[Sequence[float]]) -> bool:
    """Whether half of the levels or more take as long with every seed: on a shared machine they may not."""
    spreads = [statistics.stdev(map(math.log, ratios)) for ratios in seconds]
    return bool(spreads) and statistics.median(spreads) <= math.log(STEADY)


def _panel(label: str, rows: Sequence[tuple[Effect, float]]) -> CostPanel:
    known = [(effect, cost) for effect, cost in rows if cost > 0 and not math.isnan(effect.tau.value)]
    best = frontier([(cost, effect.tau.value) for effect, cost in known])
    return CostPanel(
        label, tuple(_spot(label, effect, cost, place in best) for place, (effect, cost) in enumerate(known))
    )


def _spot(label: str, effect: Effect, cost: float, is_best: bool) -> Spot:
    tau, name = effect.tau, "baseline" if effect.level.baseline else level_name(effect)
    said = f"{effect.level.factor} {level_name(effect)}, {number(cost, decimals=2)} {label}: tau {in_full(tau)}"
    return Spot(name, cost, tau.value, tau.low, tau.high, effect.level.baseline, is_best, said)


def frontier(points: Sequence[tuple[float, float]]) -> set[int]:
    """Return which points no other one dominates: at most its cost and at least its value, and not the same in both.

    Parameters
    ----------
    points : sequence of (float, float)
        Cost, lower is better, and value, higher is better.
    """
    found: set[int] = set()
    highest = -math.inf
    for place in sorted(range(len(points)), key=lambda place: (points[place][0], -points[place][1])):
        cost, value = points[place]
        if value > highest or any(points[other] == (cost, value) for other in found):
            found.add(place)
            highest = max(highest, value)
    return found


def draw_cost_plot(data: CostPlot) -> Figure:
    """Draw tau against cost in a panel for each kind of it."""
    panels = len(data.panels)
    figure = Figure(figsize=(4.0 if panels == 1 else 3.6 * max(panels, 1), 3.9), layout="constrained")
    columns = figure.subplots(1, panels, sharey=True, squeeze=False)[0]
    for axes, panel in zip(columns, data.panels, strict=True):
        _draw_panel(axes, panel)
        draw_references(axes, data.references, across=True)
    columns[0].set_ylabel("Kendall's tau with the truth")
    figure.legend(*columns[0].get_legend_handles_labels(), loc="outside lower center", ncols=3)
    put_title(figure, *data.title)
    for axes, panel in zip(columns, data.panels, strict=True):
        named = [spot for spot in panel.spots if spot.frontier or spot.baseline]
        everywhere = [(spot.cost, spot.value) for spot in panel.spots]
        put_names(axes, [spot.name for spot in named], [(spot.cost, spot.value) for spot in named], everywhere)
    return figure


def _draw_panel(axes: Axes, panel: CostPanel) -> None:
    for spot in panel.spots:
        above = 4 if spot.baseline else 3 if spot.frontier else 2
        bold = spot.frontier or spot.baseline
        axes.plot(
            [spot.cost] * 2,
            [spot.low, spot.high],
            color=spot.color,
            linewidth=1.2,
            alpha=1 if bold else 0.35,
            zorder=above,
        )
        axes.plot(spot.cost, spot.value, "o", color=spot.color, markersize=5 if bold else 3.5, zorder=above)
        (unseen,) = axes.plot(spot.cost, spot.value, "o", color=UNSEEN, markersize=8, mew=0, zorder=ABOVE)
        say(unseen, spot.said)
    best = sorted((spot.cost, spot.value) for spot in panel.spots if spot.frontier)
    axes.step(*zip(*best, strict=True), where="post", color=BLACK, linewidth=0.9, zorder=1.5)
    axes.set_xscale("log")
    costs = [spot.cost for spot in panel.spots]
    low, high = min(costs) / MARGIN, max(costs) * MARGIN
    axes.set_xlim(low, high)
    ticks = [tick for tick in TICKS if low <= tick <= high]
    axes.set_xticks(ticks, [f"{tick:g}" for tick in ticks])
    axes.xaxis.set_minor_locator(NullLocator())
    axes.set_xlabel(panel.label)
