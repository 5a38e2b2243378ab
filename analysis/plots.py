"""Figures of a report. Each is a matplotlib Figure that no global state knows of."""

from collections.abc import Iterator

from matplotlib.figure import Figure

from analysis.effect_plots import effect_figure, forest_figure
from analysis.effects import Effects
from analysis.plotting import file_names
from analysis.results import Results
from analysis.scatter_plot import scatter_figure
from analysis.training_plot import training_figure

EFFECTS_FOREST = "effects_forest"

OPEN = " An open diamond is one seed: its interval covers architectures alone and decides nothing."
EFFECT = (
    "Diamonds are means over seeds with 95 % intervals, dots are single seeds, orange is the baseline; lines with "
    "bands are what ranks without training, with their intervals. The axis is the same for all factors."
)
FOREST = (
    "Difference in tau to the baseline, paired by seed, with 95 % intervals over seeds and architectures. Blue: the "
    "interval excludes zero; grey: it does not, or there is one seed only."
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


def all_figures(results: Results, effects: Effects) -> Iterator[tuple[str, Figure, str]]:
    """Yield name, figure and caption of every plot of a report, one at a time; use it inside `style`."""
    shown = [estimate for effect in effects.levels for estimate in (effect.tau, effect.difference) if estimate]
    has_open = any(estimate.one_seed for estimate in shown)
    for factor, name in effect_names(effects).items():
        yield name, effect_figure(effects, factor), EFFECT + OPEN * has_open
    yield EFFECTS_FOREST, forest_figure(effects), FOREST + OPEN * has_open
    yield "predicted_against_truth", scatter_figure(results, effects), SCATTER
    yield "tau_over_training", training_figure(effects), TRAINING
