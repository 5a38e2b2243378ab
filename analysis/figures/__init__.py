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
from supernet_bench.analysis.figures.forest import SIZE, TOP, difference_forest, draw_forest, tau_forest
from supernet_bench.analysis.figures.grid import draw_heat_maps, heat_maps
from supernet_bench.analysis.figures.scatter import draw_scatter, scatter
from supernet_bench.analysis.figures.style import file_names
from supernet_bench.analysis.figures.training import draw_training_curves, training_curves
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
    """Return every plot of a report."""
    shown = [estimate for effect in effects.levels for estimate in (effect.tau, effect.difference) if estimate]
    opened = ["open"] if any(estimate.one_seed for estimate in shown) else []
    plots = [
        Plot(name, _caption("effect", *opened), partial(draw_forest, tau_forest(effects, factor)))
        for factor, name in effect_names(effects).items()
    ]
    plots += [
        Plot(grid_names(effects)[grid.factor], _caption("grid"), partial(draw_heat_maps, heat_maps(effects, grid)))
        for grid in effects.grids
    ]
    found = Plot("predicted_against_truth", _caption("scatter"), partial(draw_scatter, scatter(results, effects)))
    curves = Plot("tau_over_training", _caption("training"), partial(draw_training_curves, training_curves(effects)))
    # Imported scores may be of one moment, and of one level, which is compared with the references alone.
    others = [found] if results.manifest.imported and effects.checkpoints["epoch"].nunique() < 2 else [found, curves]
    if results.manifest.imported and not effects.factors:
        alone = partial(draw_forest, tau_forest(effects, BASELINE.factor))
        return [Plot(EFFECTS_FOREST, _caption("effect", *opened), alone), *others]
    every, size, top = (
        partial(draw_forest, forest)
        for forest in (
            difference_forest(effects),
            difference_forest(effects, SIZE, same_axis=True),
            difference_forest(effects, TOP),
        )
    )
    return [
        *plots,
        Plot(EFFECTS_FOREST, _caption("differences", "colors", *opened), every),
        Plot("size_forest", _caption("size", "colors", "each", *opened), size),
        Plot("top_metrics_forest", _caption("top", "colors", "each"), top),
        *others,
    ]


def _caption(*parts: str) -> str:
    """Return parts of captions, joined."""
    texts = tomllib.loads(Path(__file__).with_name("captions.toml").read_text(encoding="utf-8"))
    return " ".join(texts[part] for part in parts)
