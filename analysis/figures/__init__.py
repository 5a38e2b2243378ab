"""Pictures of what was measured: what is drawn, as data, and how.

Each is a matplotlib Figure that no global state knows of.
"""

import tomllib
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from matplotlib.figure import Figure

from supernet_bench.analysis.effects.effects import BASELINE, Effects
from supernet_bench.analysis.figures.convergence import convergence, draw_convergence
from supernet_bench.analysis.figures.forest import SIZE, TOP, difference_forest, tau_forest
from supernet_bench.analysis.figures.frontier import cost_plot, draw_cost_plot
from supernet_bench.analysis.figures.grid import draw_heat_maps, heat_maps
from supernet_bench.analysis.figures.quantiles import draw_quantiles, quantiles
from supernet_bench.analysis.figures.references import main_references
from supernet_bench.analysis.figures.rows import draw_forest
from supernet_bench.analysis.figures.scatter import draw_scatter, scatter
from supernet_bench.analysis.figures.seeds import draw_spread, spread
from supernet_bench.analysis.figures.style import file_names
from supernet_bench.analysis.figures.training import draw_training_curves, has_trace, training_curves
from supernet_bench.analysis.results import Results

EFFECTS_FOREST = "effects_forest"


@dataclass(frozen=True)
class Plot:
    """A figure of a study.

    Attributes
    ----------
    name : str
        Of its file.
    caption : str
    draw : callable
        Draws its data; use it inside `style`.
    """

    name: str
    caption: str
    draw: Callable[[], Figure]


def effect_names(effects: Effects) -> dict[str, str]:
    """Return the name of the plot of every factor."""
    return {factor: f"effect_{name}" for factor, name in file_names(effects.factors).items()}


def grid_names(effects: Effects) -> dict[str, str]:
    """Return the name of the heat map of every grid of two factors, by the name of the grid."""
    grids = {grid.factor for grid in effects.grids}
    return {factor: f"grid_{name}" for factor, name in file_names(effects.factors).items() if factor in grids}


def plots_of(results: Results, effects: Effects) -> list[Plot]:
    """Return every plot of a report; what a study has nothing to show of is left out."""
    shown = [estimate for effect in effects.levels for estimate in (effect.tau, effect.difference) if estimate]
    opened = ["open"] if any(estimate.one_seed for estimate in shown) else []
    beside = _beside(effects)
    plots = [
        Plot(
            name,
            _caption("effect", *beside, *opened, effects=effects),
            partial(draw_forest, tau_forest(effects, factor)),
        )
        for factor, name in effect_names(effects).items()
    ]
    plots += [
        Plot(grid_names(effects)[grid.factor], _caption("grid"), partial(draw_heat_maps, heat_maps(effects, grid)))
        for grid in effects.grids
    ]
    return [*plots, *_forests(effects, opened), *_further(results, effects)]


def _beside(effects: Effects) -> list[str]:
    """Return which caption tells what the lines of references are, where there are any."""
    return ["references"] if main_references(effects) else []


def _forests(effects: Effects, opened: list[str]) -> list[Plot]:
    if not effects.factors:  # One level alone, such as imported scores, is compared with the references.
        alone = partial(draw_forest, tau_forest(effects, BASELINE.factor))
        return [Plot(EFFECTS_FOREST, _caption("effect", *opened), alone)]
    every, size, top = (
        partial(draw_forest, forest)
        for forest in (
            difference_forest(effects),
            difference_forest(effects, SIZE, same_axis=True),
            difference_forest(effects, TOP),
        )
    )
    return [
        Plot(EFFECTS_FOREST, _caption("differences", "colors", "cost", *opened), every),
        Plot("size_forest", _caption("size", "colors", "each", *opened), size),
        Plot("top_metrics_forest", _caption("top", "colors", "each"), top),
    ]


def _further(results: Results, effects: Effects) -> list[Plot]:
    costs, curves, parts = cost_plot(effects), convergence(effects), quantiles(results, effects)
    distances, beside = spread(effects), _beside(effects)
    found = [
        (costs.panels, "tau_against_cost", ("frontier", *beside), partial(draw_cost_plot, costs)),
        (curves.lines, "convergence", ("convergence",), partial(draw_convergence, curves)),
        (parts.above, "tau_by_quantile", ("quantiles",), partial(draw_quantiles, parts)),
        (True, "predicted_against_truth", ("scatter",), partial(draw_scatter, scatter(results, effects))),
        (len(distances.distances), "spread_over_seeds", ("seeds",), partial(draw_spread, distances)),
    ]
    if has_trace(effects):
        curve = training_curves(effects)
        found.append((curve.panels, "tau_over_training", ("training",), partial(draw_training_curves, curve)))
    return [Plot(name, _caption(*parts, effects=effects), draw) for shown, name, parts, draw in found if shown]


def _caption(*parts: str, effects: Effects | None = None) -> str:
    """Return parts of captions, joined, with the names of the references that are drawn."""
    texts = tomllib.loads(Path(__file__).with_name("captions.toml").read_text(encoding="utf-8"))
    names = " and ".join(row.level.name for row in main_references(effects)) if effects else ""
    return " ".join(texts[part] for part in parts).replace("{references}", names)
