"""Figures of a report. Each is a matplotlib Figure that no global state knows of."""

from collections.abc import Iterator

from matplotlib.figure import Figure

from supernet_bench.analysis.effects.effects import Effects
from supernet_bench.analysis.figures.effects import SIZE_PANELS, TOP_PANELS, effect_figure, forest_figure
from supernet_bench.analysis.figures.grid import grid_figure
from supernet_bench.analysis.figures.scatter import scatter_figure
from supernet_bench.analysis.figures.style import file_names
from supernet_bench.analysis.figures.training import training_figure
from supernet_bench.analysis.results import Results

EFFECTS_FOREST = "effects_forest"
SIZE_FOREST = "size_forest"
TOP_FOREST = "top_metrics_forest"

OPEN = " An open diamond is one seed: its interval covers architectures alone and decides nothing."
EFFECT = (
    "Diamonds are means over seeds with 95 % intervals, dots are single seeds, orange is the baseline; lines with "
    "bands are what ranks without training, with their intervals. The axis is the same for all factors."
)
COLORS = (
    " Dark blue: the interval excludes zero also after the correction for all comparisons of the study (Holm); light "
    "blue: only before it; grey: it includes zero, or there is one seed only."
)
FOREST = (
    "Difference in tau to the baseline, paired by seed, with 95 % intervals over seeds and architectures, * and (*) "
    f"as in the tables.{COLORS}"
)
SIZE = (
    "What of the effect is a preference for size. Left: the difference in tau. Middle: in tau given the parameter "
    "count, which a change of the preference for size alone changes little (up to about 0.05 in a simulation). "
    f"Right: in tau of the score with the parameter count, the preference itself.{COLORS} Each metric is corrected by "
    "itself."
)
TOP = (
    "The architectures predicted best, differences to the baseline, paired by seed, with 95 % intervals over seeds "
    f"alone. A row without a bar has no spread to make an interval of.{COLORS} Each metric is corrected by itself."
)
GRID = (
    "Above: difference in tau of every cell to the baseline. Below: the interaction, by how much the two factors "
    "together change tau more than the sum of what each does alone, against the cells of the reference. Paired by "
    "seed, with 95 % intervals over seeds and architectures; * excludes zero also corrected (Holm), (*) only before."
)
SCATTER = (
    "Left: the accuracies, with axes from the 2 % to the 98 % quantile. Right: the same as ranks, the order that tau "
    "compares; a perfect supernet would lie on the diagonal."
)
TRAINING = (
    "tau at every checkpoint. Checkpoints of one run differ by noise, so what is reported is the mean over the late "
    "ones, never the best."
)


def effect_names(effects: Effects) -> dict[str, str]:
    """Return the name of the plot of every factor."""
    return {factor: f"effect_{name}" for factor, name in file_names(effects.factors).items()}


def grid_names(effects: Effects) -> dict[str, str]:
    """Return the name of the heat map of every grid of two factors, by the name of the grid."""
    grids = {grid.factor for grid in effects.grids}
    return {factor: f"grid_{name}" for factor, name in file_names(effects.factors).items() if factor in grids}


def all_figures(results: Results, effects: Effects) -> Iterator[tuple[str, Figure, str]]:
    """Yield name, figure and caption of every plot of a report, one at a time; use it inside `style`."""
    shown = [estimate for effect in effects.levels for estimate in (effect.tau, effect.difference) if estimate]
    has_open = any(estimate.one_seed for estimate in shown)
    for factor, name in effect_names(effects).items():
        yield name, effect_figure(effects, factor), EFFECT + OPEN * has_open
    for grid in effects.grids:
        yield grid_names(effects)[grid.factor], grid_figure(effects, grid), GRID
    yield EFFECTS_FOREST, forest_figure(effects), FOREST + OPEN * has_open
    yield SIZE_FOREST, forest_figure(effects, SIZE_PANELS), SIZE + OPEN * has_open
    yield TOP_FOREST, forest_figure(effects, TOP_PANELS), TOP
    yield "predicted_against_truth", scatter_figure(results, effects), SCATTER
    yield "tau_over_training", training_figure(effects), TRAINING
