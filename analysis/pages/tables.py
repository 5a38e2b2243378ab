"""The tables of a report, before they are rendered: which rows, which columns."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass

import pandas as pd

from supernet_bench.analysis.effects.effects import Effect, Effects
from supernet_bench.analysis.effects.grids import Grid
from supernet_bench.analysis.effects.intervals import Difference, Estimate
from supernet_bench.analysis.effects.together import TOGETHER_METRICS
from supernet_bench.analysis.numbers import (
    DECIMALS,
    NONE,
    in_full,
    interval,
    lost_note,
    marked,
    marks,
    number,
    with_interval,
)
from supernet_bench.analysis.ranking.measures import (
    COMPARED_RANK_METRICS,
    COMPARED_TOP_METRICS,
    RANK_METRICS,
    TOP_METRICS,
)
from supernet_bench.core.output import count

EFFECTS_TITLE = "Kendall's tau with the truth, and the difference to the baseline"
REFERENCES_TITLE = "The same architectures ranked otherwise than by one trained supernet"


class Entry(str):
    """A cell of numbers, with what it rests on in full."""

    note: str

    def __new__(cls, text: str, note: str) -> "Entry":
        """Return the text, with the note beside it."""
        cell = super().__new__(cls, text)
        cell.note = note
        return cell


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
        The cells; a `Entry` where there is more to say than fits.
    text_columns : int
        How many columns, from the left, are text; the others are numbers.
    """

    title: str
    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    text_columns: int


@dataclass(frozen=True)
class Column:
    """A metric as it is shown: its name with the unit, by what its values are multiplied, and its decimals."""

    metric: str
    header: str
    scale: float = 1.0
    decimals: int = 3


BETTER_HALF = Column("tau_better_half", "tau of the better half")

RANK_COLUMNS = (
    BETTER_HALF,
    Column("sparse_tau", "sparse tau"),
    Column("spearman", "Spearman"),
    Column("partial_tau", "tau given parameters"),
    Column("tau_equal_size", "tau among equal sizes"),
    Column("tau_cross_entropy", "tau of cross-entropy"),
    Column("tau_parameters", "tau with parameters"),
)
TOGETHER_COLUMNS = (
    Column("tau", "tau of one seed"),
    Column("tau_ensemble", "mean score of all seeds"),
    Column("tau_rank_sum", "rank sum of one seed"),
    Column("tau_ensemble_rank_sum", "rank sum of all seeds"),
    Column("gain_over_parameters", "gain over parameters of one seed"),
)
SIZE_COLUMNS = (
    Column("tau", "tau"),
    BETTER_HALF,
    Column("partial_tau", "tau given parameters"),
    Column("tau_equal_size", "tau among equal sizes"),
    Column("tau_parameters", "tau with parameters"),
    Column("gain_over_parameters", "gain over parameters"),
)
TOP_COLUMNS = (
    Column("regret_at_10", "regret at 10 (%)", 100, 2),
    Column("best_percentile_at_10", "percentile of the best of 10 (%)", 100, 2),
    Column("ndcg_at_10_percent", "ndcg at 10 %"),
    Column("precision_at_5_percent", "precision at 5 % (%)", 100, 2),
    Column("precision_at_1_percent", "precision at 1 % (%)", 100, 2),
    Column("final_performance_10", "mean truth of top 10 (%)", 100, 2),
    Column("surpassing_random_10", "P > R, 10 draws"),
)


def effects_table(effects: Effects) -> Table:
    """Return tau of every level and its paired difference to the baseline."""
    header = (
        *("factor", "level", "runs", "tau", "95 %", "seeds", "difference", "95 %"),
        *(BETTER_HALF.header, "difference in it", "path passes x baseline"),
    )
    rows = (
        (
            *_name(effect),
            runs_cell(effect),
            *_cells(effect.tau),
            _seeds(effect),
            *_cells(effect.difference, "+"),
            _cell(effect.estimates.get(BETTER_HALF.metric), BETTER_HALF),
            _cell(effect.differences.get(BETTER_HALF.metric), BETTER_HALF, "+"),
            number(effect.path_passes, decimals=2),
        )
        for effect in effects.levels
    )
    return Table(EFFECTS_TITLE, header, tuple(rows), 2)


def references_table(effects: Effects) -> Table:
    """Return tau of what else ranks the same architectures, and the baseline's lead."""
    header = ("reference", "architectures", "runs", "tau", "95 %", "baseline - this", "95 %", BETTER_HALF.header)
    rows = (
        (
            effect.level.name,
            str(effect.tau.architectures),
            runs_cell(effect),
            *_cells(effect.tau),
            *_cells(effect.baseline_minus_this, "+"),
            _cell(effect.estimates.get(BETTER_HALF.metric), BETTER_HALF),
        )
        for effect in effects.references
    )
    return Table(REFERENCES_TITLE, header, tuple(rows), 1)


def rank_metrics_table(effects: Effects) -> Table:
    """Return the other rank correlations of the untrained supernet, of every level and of the references."""
    return _metrics_table("Other rank correlations", effects, RANK_COLUMNS, effects.apart_from_untrained)


def together_table(effects: Effects) -> Table:
    """Return what supernets add to the parameter count, and what all seeds of a level say together."""
    return _metrics_table("What seeds say together, and with the parameter count", effects, TOGETHER_COLUMNS)


def top_metrics_table(effects: Effects) -> Table:
    """Return how good those predicted best are, for the untrained supernet, every level and the references."""
    return _metrics_table("The architectures predicted best", effects, TOP_COLUMNS, effects.apart_from_untrained)


def size_table(effects: Effects) -> Table:
    """Return the differences in tau, in what of it is left given the parameter count, and in the preference for it."""
    return _differences_table("What of the effect is a preference for size", effects, SIZE_COLUMNS)


def top_differences_table(effects: Effects) -> Table:
    """Return the differences in how good the architectures predicted best are."""
    return _differences_table("The architectures predicted best", effects, TOP_COLUMNS)


def _differences_table(title: str, effects: Effects, columns: tuple[Column, ...]) -> Table:
    rows = (
        (
            *_name(effect),
            runs_cell(effect),
            *(_cell(effect.differences[column.metric], column, "+") for column in columns),
        )
        for effect in effects.levels
        if effect.differences
    )
    what = f"{title}: differences to the baseline with 95 % intervals, {count(len(effects.truth), 'architecture')}"
    return Table(what, ("factor", "level", "runs", *(column.header for column in columns)), tuple(rows), 2)


def interaction_table(effects: Effects, grid: Grid) -> Table:
    """Return the difference to the baseline and the interaction of every cell of a grid."""
    rows = []
    for place, level in grid.cells.items():
        effect = effects.of_level(level)
        difference, interaction = _cells(effect.difference, "+"), _cells(effect.interaction, "+")
        mark = " (baseline)" if level.baseline else ""
        rows.append((place[0], place[1] + mark, runs_cell(effect), *difference, *interaction))
    title = f"Interaction of {grid.axes[0]} and {grid.axes[1]} in tau; reference: {', '.join(grid.reference)}"
    return Table(title, (*grid.axes, "runs", "difference", "95 %", "interaction", "95 %"), tuple(rows), 2)


def _metrics_table(title: str, effects: Effects, columns: tuple[Column, ...], others: Sequence[Effect] = ()) -> Table:
    rows = (
        (*_name(effect), runs_cell(effect), *(_cell(effect.estimates.get(one.metric), one) for one in columns))
        for effect in (*effects.untrained, *effects.levels, *others)
    )
    what = f"{title}, means over seeds with 95 % intervals, {count(len(effects.truth), 'architecture')}"
    return Table(what, ("factor", "level", "runs", *(column.header for column in columns)), tuple(rows), 2)


def _name(effect: Effect) -> tuple[str, str]:
    return effect.level.factor, level_name(effect)


def level_name(effect: Effect) -> str:
    """Return the name of a level, with what has to stand beside it."""
    level = effect.level
    is_level_of_factor = level.baseline and level.factor != "baseline"
    return marked(level) + (" (baseline)" if is_level_of_factor else "")


def runs_cell(effect: Effect) -> str:
    """Return how many runs the row rests on and what became of the others."""
    counts = effect.counts
    if not counts.planned:
        return NONE
    if not counts.lost:
        return str(counts.finished)
    return f"{counts.finished - counts.undefined} of {counts.planned}: {lost_note(counts)}"


def _seeds(effect: Effect) -> str:
    """Return how many seeds of the level and of the baseline the difference is from, or how many pairs."""
    difference = effect.difference
    if difference is None:
        return NONE
    return f"{difference.seeds} paired" if difference.paired else f"{difference.seeds}, {difference.against}"


def _cells(estimate: Estimate | None, sign: str = "") -> tuple[str, str]:
    """Return value and interval; an interval over architectures alone is marked."""
    if estimate is None:
        return NONE, NONE
    note = in_full(estimate, sign)
    return Entry(number(estimate.value, sign), note), Entry(interval(estimate, sign) + marks(estimate), note)


def _cell(estimate: Estimate | None, column: Column, sign: str = "") -> str:
    if estimate is None:
        return NONE
    text = with_interval(estimate, sign, column.scale, column.decimals) + marks(estimate)
    return Entry(text, in_full(estimate, sign, column.scale, column.decimals))


def full_frame(effects: Effects) -> pd.DataFrame:
    """Return every estimate of every row: value, interval and number of seeds per metric.

    The intervals of `TOP_METRICS` cover seeds and images, the others architectures too. Differences also have
    their p-value, ``_p``, and the same corrected for all of the study in this metric, ``_holm``, and how many seeds of
    the baseline they are from, ``_against``. Of the difference in tau there are the standard deviations over the seeds
    of the level, or of pairs, as its interval takes it, ``_sd``, and of what all seeds share, ``_sd_shared``. What
    begins with `paired_` are the same differences over the pairs of equal seeds alone, which mark nothing.
    `path_passes_ratio` is how many times the path passes of the baseline a level trains.
    """
    frame = pd.DataFrame([_full_row(effect) for effect in (*effects.levels, *effects.references)])
    frame = frame.astype(
        dict.fromkeys((column for column in frame if str(column).endswith(("_seeds", "_against"))), "Int64")
    )
    numbers = frame.select_dtypes("float").columns
    return frame.assign(**frame[numbers].round(DECIMALS))


def _full_row(effect: Effect) -> dict[str, object]:
    level, difference = effect.level, effect.difference
    row: dict[str, object] = {
        "factor": level.factor,
        "level": level.name,
        "label": level.label,
        "baseline": level.baseline,
        "uses_truth": level.uses_truth,
        **asdict(effect.counts),
        "architectures": effect.tau.architectures,
        "path_passes_ratio": effect.path_passes,
    }
    row |= _columns("tau", effect.tau) | _difference_columns("difference", difference)
    row |= {
        "difference_sd": difference.deviation if difference else None,
        "difference_sd_shared": difference.shared if difference else None,
    }
    row |= _columns("baseline_minus_this", effect.baseline_minus_this)
    for metric in (*RANK_METRICS[1:], *TOGETHER_METRICS, *TOP_METRICS):
        row |= _columns(metric, effect.estimates.get(metric))
    for metric in (*COMPARED_RANK_METRICS[1:], *COMPARED_TOP_METRICS):
        row |= _difference_columns(f"difference_{metric}", effect.differences.get(metric))
    row |= _difference_columns("interaction", effect.interaction)
    for metric in (*COMPARED_RANK_METRICS, *COMPARED_TOP_METRICS):
        paired = effect.paired.get(metric)
        row |= _columns(f"paired_{metric}", paired) | {f"paired_{metric}_p": paired.p_value if paired else None}
    return row


def _difference_columns(name: str, difference: Difference | None) -> dict[str, float | int | None]:
    decided = (difference.p_value, difference.adjusted, difference.against) if difference else (None, None, None)
    return _columns(name, difference) | dict(
        zip((f"{name}_p", f"{name}_holm", f"{name}_against"), decided, strict=True)
    )


def _columns(name: str, estimate: Estimate | None) -> dict[str, float | int | None]:
    if estimate is None:
        return {name: None, f"{name}_low": None, f"{name}_high": None, f"{name}_seeds": None}
    return {
        name: estimate.value,
        f"{name}_low": estimate.low,
        f"{name}_high": estimate.high,
        f"{name}_seeds": estimate.seeds,
    }
