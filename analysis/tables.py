"""The tables of a report, before they are rendered: which rows, which columns, which footer."""

import math
from dataclasses import asdict, dataclass

import pandas as pd

from analysis.effects import Effect, Effects
from analysis.measures import RANK_METRICS, TOP_METRICS
from analysis.results import Results
from analysis.statistics import Estimate

NONE = "—"
ONE_SEED = "†"
USES_TRUTH = "‡"


@dataclass(frozen=True)
class Table:
    """A titled table of text.

    Attributes
    ----------
    title : str
        What it shows.
    header : tuple of str
        Names of the columns.
    rows : tuple of tuples of str
        The cells.
    text_columns : int
        How many columns, from the left, are text; the others are numbers.
    """

    title: str
    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    text_columns: int


def effects_table(effects: Effects) -> Table:
    """Return tau of every level and its paired difference to the baseline."""
    header = ("factor", "level", "runs", "tau", "95 %", "pairs", "difference", "95 %")
    rows = (
        (*_name(effect), _runs(effect), *_cells(effect.tau), _pairs(effect), *_cells(effect.difference, "+"))
        for effect in effects.levels
    )
    return Table("Kendall's tau with the truth, and the difference to the baseline", header, tuple(rows), 2)


def references_table(effects: Effects) -> Table:
    """Return tau of what ranks the same architectures without a trained supernet."""
    header = ("reference", "architectures", "runs", "tau", "95 %")
    rows = (
        (effect.level.name, str(effect.tau.architectures), _runs(effect), *_cells(effect.tau))
        for effect in effects.references
    )
    return Table("The same architectures ranked without a trained supernet", header, tuple(rows), 1)


def metrics_table(effects: Effects) -> Table:
    """Return the other metrics of every level, without intervals; those are in the CSV file."""
    names = {
        "sparse_tau": "sparse tau",
        "spearman": "Spearman",
        "partial_tau": "tau given parameters",
        "tau_cross_entropy": "tau of cross-entropy",
        "regret_at_10": "regret at 10",
        "precision_at_5_percent": "precision at 5 %",
        "surpassing_random_10": "P > random 10",
        "final_performance_10": "mean truth of top 10",
    }
    rows = (
        (*_name(effect), *(_number(effect.estimates[metric].value) for metric in names)) for effect in effects.levels
    )
    return Table("Other metrics, means over seeds", ("factor", "level", *names.values()), tuple(rows), 2)


def _name(effect: Effect) -> tuple[str, str]:
    level = effect.level
    mark = f" {USES_TRUTH}" if level.uses_truth else ""
    is_level_of_factor = level.baseline and level.factor != "baseline"
    return level.factor, level.name + mark + (" (baseline)" if is_level_of_factor else "")


def _runs(effect: Effect) -> str:
    """Return how many runs the row rests on and what became of the others."""
    counts = effect.counts
    if not counts.planned:
        return NONE
    lost = {name: value for name, value in asdict(counts).items() if name not in ("planned", "finished") and value}
    if not lost:
        return str(counts.finished)
    used = counts.finished - counts.undefined
    return f"{used} of {counts.planned}: " + ", ".join(f"{value} {name}" for name, value in lost.items())


def _pairs(effect: Effect) -> str:
    """Return over how many seeds the difference is taken."""
    return NONE if effect.difference is None else str(effect.difference.seeds)


def _cells(estimate: Estimate | None, sign: str = "") -> tuple[str, str]:
    """Return value and interval; an interval over architectures alone is marked."""
    if estimate is None or math.isnan(estimate.value):
        return NONE, NONE
    if math.isnan(estimate.low):
        return _number(estimate.value, sign), NONE
    interval = f"[{_number(estimate.low, sign)}, {_number(estimate.high, sign)}]"
    return _number(estimate.value, sign), interval + (f" {ONE_SEED}" if estimate.one_seed else "")


def _number(value: float, sign: str = "") -> str:
    return NONE if math.isnan(value) else f"{value:{sign}.3f}"


def footer(results: Results, effects: Effects) -> list[str]:
    """Return the lines without which the numbers mean nothing."""
    manifest, attributes = results.manifest, results.reference.attrs
    seeds = ", ".join(map(str, manifest.seeds))
    n = len(effects.truth)
    lines = [
        f"Study {manifest.study} ({manifest.title}): space {manifest.space}, images {manifest.images}.",
        f"Truth: {attributes.get('table', 'unnamed table')}, column {results.target}; "
        f"{attributes.get('left_out', 'unknown number of')} published runs left out of the table.",
        f"{n} architectures scored; {len(manifest.seeds)} seeds ({seeds}).",
        "tau is Kendall's tau-b of accuracy with the truth, the mean over late checkpoints, then over seeds.",
        "95 % intervals cover seeds (t) and architectures (bootstrap); references: architectures alone. "
        "Differences are paired by seed and by architecture. Intervals are not adjusted for their number.",
    ]
    estimates = [estimate for effect in effects.levels for estimate in (effect.tau, effect.difference) if estimate]
    if any(estimate.one_seed for estimate in estimates):
        lines.append(f"{ONE_SEED} One seed: the interval covers architectures alone and says nothing about seeds.")
    if any(effect.level.uses_truth for effect in effects.levels):
        lines.append(f"{USES_TRUTH} This level looks at published accuracies while it trains.")
    if any(effect.level.name == "noise ceiling" for effect in effects.references):
        lines.append("Noise ceiling: mean tau between two single published runs of the same architectures.")
    return lines


def full_frame(effects: Effects) -> pd.DataFrame:
    """Return every estimate of every row: value, interval and number of seeds per metric.

    The intervals of `TOP_METRICS` cover seeds alone, the others architectures and seeds.
    """
    return pd.DataFrame([_full_row(effect) for effect in (*effects.levels, *effects.references)])


def _full_row(effect: Effect) -> dict[str, object]:
    level = effect.level
    row: dict[str, object] = {
        "factor": level.factor,
        "level": level.name,
        "baseline": level.baseline,
        "uses_truth": level.uses_truth,
        **asdict(effect.counts),
        "architectures": effect.tau.architectures,
    }
    row |= _columns("tau", effect.tau) | _columns("difference", effect.difference)
    for metric in (*RANK_METRICS[1:], *TOP_METRICS):
        row |= _columns(metric, effect.estimates.get(metric))
    return row


def _columns(name: str, estimate: Estimate | None) -> dict[str, float | int | None]:
    if estimate is None:
        return {name: None, f"{name}_low": None, f"{name}_high": None, f"{name}_seeds": None}
    return {
        name: estimate.value,
        f"{name}_low": estimate.low,
        f"{name}_high": estimate.high,
        f"{name}_seeds": estimate.seeds,
    }
