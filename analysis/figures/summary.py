"""All published studies in one figure: what each level does in each of them."""

import math
import textwrap
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from supernet_bench.analysis.effects.intervals import Estimate
from supernet_bench.analysis.figures.style import BLACK, CHARACTER, put_title
from supernet_bench.analysis.figures.svg import ABOVE, UNSEEN, say
from supernet_bench.analysis.findings import LevelFinding, StudyFindings
from supernet_bench.analysis.numbers import CORRECTED, ONE_SEED, UNCORRECTED, number, with_interval
from supernet_bench.analysis.verdicts import Evidence, Verdict

NAME = "summary"
"""Of its files."""

LARGEST = 0.3
"""Where the colours end; larger effects are written as they are."""

PALE = 0.3
"""Of its colour, what a cell keeps that is not decided."""

ROW, COLUMN = 0.165, 0.8
"""Height and width of a cell, in inches."""

LABEL, HEADER = 48, 11
"""Characters in the name of a row, and in a line of that of a column."""

FEWEST = 2
"""Studies that a level has to be in to have a row, where there are as many."""

COLORS = matplotlib.colormaps["RdBu"].with_extremes(bad="#ffffff")
"""From red, lower, over white to blue, higher, which stay apart for colour-blind readers."""

UNDECIDED = "#6e6e6e"
"""Of the letters of what is not decided."""

MARKS = {
    Evidence.CORRECTED: f" {CORRECTED}",
    Evidence.UNCORRECTED: f" {UNCORRECTED}",
    Evidence.ONE_SEED: f" {ONE_SEED}",
}


@dataclass(frozen=True)
class SummaryCell:
    """An effect in a study: its value, NaN where there is none, whether zero is excluded, its text, all in full."""

    value: float
    decided: bool
    text: str
    said: str


NOT_THERE = SummaryCell(math.nan, False, "", "")


@dataclass(frozen=True)
class SummaryRow:
    """A level, or a factor as a heading without cells."""

    label: str
    cells: tuple[SummaryCell, ...] = ()


@dataclass(frozen=True)
class Summary:
    """Levels in rows, studies in columns, one block of these for each metric.

    Attributes
    ----------
    title : tuple of str
    blocks : tuple of str
        Names of the metrics.
    columns : tuple of str
        Names of the studies, of each block.
    rows : tuple of SummaryRow
        With the cells of the first block, then those of the next.
    """

    title: tuple[str, ...]
    blocks: tuple[str, ...]
    columns: tuple[str, ...]
    rows: tuple[SummaryRow, ...]


def summary(studies: Mapping[str, StudyFindings]) -> Summary:
    """Return the effects of all levels that several studies have, of all if there is but one study with any.

    Parameters
    ----------
    studies : dict of str to StudyFindings
        By the names of their folders.
    """
    found = {name: {(level.factor, level.level): level for level in study.levels} for name, study in studies.items()}
    everywhere: dict[tuple[str, str], list[LevelFinding]] = {}
    for levels in found.values():
        for place, level in levels.items():
            everywhere.setdefault(place, []).append(level)
    shared = {place: levels for place, levels in everywhere.items() if len(levels) >= FEWEST}
    shown = shared or everywhere
    columns = tuple(name for name, levels in found.items() if levels.keys() & shown.keys())
    has_half = any(level.better_half for levels in shown.values() for level in levels)
    blocks = ("tau", "tau of the better half")[: 1 + has_half]
    rows: list[SummaryRow] = []
    for factor in dict.fromkeys(factor for factor, _ in shown):
        places = sorted((place for place in shown if place[0] == factor), key=lambda place: -_mean(shown[place]))
        alone = f"{factor}: " if len(places) == 1 else ""  # One level needs no line for its factor.
        rows += [] if alone else [SummaryRow(factor)]
        for place in places:
            levels_of = [found[name].get(place) for name in columns]
            rows.append(_row(alone + shown[place][-1].label, levels_of, len(blocks)))
    several = f", levels that {FEWEST} or more of them have" if shared else ""
    title = (
        f"differences to the baseline of each published study{several}",
        f"blue: higher, red: lower; {CORRECTED} excludes zero also corrected, {UNCORRECTED} only before; "
        "pale and grey: not decided; ~0: no effect larger than 0.05; empty: not in the study",
    )
    return Summary(title, blocks, columns, tuple(rows))


def _mean(levels: Iterable[LevelFinding]) -> float:
    values = [level.difference.value for level in levels if not math.isnan(level.difference.value)]
    return float(np.mean(values)) if values else -math.inf


def _row(label: str, levels: list[LevelFinding | None], blocks: int) -> SummaryRow:
    cells = [_cell(level, level.difference, level.evidence) if level else NOT_THERE for level in levels]
    if blocks > 1:
        cells += [
            _cell(level, level.better_half, level.better_half_evidence) if level and level.better_half else NOT_THERE
            for level in levels
        ]
    return SummaryRow(textwrap.shorten(label, LABEL, placeholder=" ..."), tuple(cells))


def _cell(level: LevelFinding, difference: Estimate, evidence: Evidence) -> SummaryCell:
    if math.isnan(difference.value):
        return SummaryCell(math.nan, False, "no run", f"{level.factor} {level.label}: no run")
    decided = evidence in (Evidence.CORRECTED, Evidence.UNCORRECTED)
    none = difference is level.difference and level.verdict is Verdict.NOTHING
    # Rounded first, so that a small negative value is no negative zero.
    text = "~0" if none else f"{number(round(difference.value, 2), '+', decimals=2)}{MARKS.get(evidence, '')}"
    said = f"{level.factor} {level.label}: {with_interval(difference, '+')}"
    return SummaryCell(difference.value, decided, text, said)


def draw_summary(data: Summary) -> Figure:
    """Draw a heat map for each metric, side by side."""
    widest = max(len(row.label) for row in data.rows)
    width = CHARACTER * widest * 0.85 + COLUMN * len(data.columns) * len(data.blocks) + 0.9
    figure = Figure(figsize=(width, ROW * len(data.rows) + 0.9), layout="constrained")
    panels = figure.subplots(1, len(data.blocks), squeeze=False, sharey=True)[0]
    for block, (axes, name) in enumerate(zip(panels, data.blocks, strict=True)):
        first = block * len(data.columns)
        _draw_block(axes, data, slice(first, first + len(data.columns)))
        axes.set_title(f"difference in {name}")
    labels = [row.label for row in data.rows]
    panels[0].set_yticks(np.arange(len(labels)) + 0.5, labels, fontsize=7.5)
    for label, row in zip(panels[0].get_yticklabels(), data.rows, strict=True):
        label.set_fontweight("normal" if row.cells else "bold")
    colors = panels[-1].collections[0]
    figure.colorbar(colors, ax=list(panels), fraction=0.03, pad=0.02, shrink=0.4, extend="both")
    put_title(figure, *data.title)
    return figure


def _draw_block(axes: Axes, data: Summary, columns: slice) -> None:
    import seaborn  # Whoever only trains needs no pictures.

    blank = (NOT_THERE,) * len(data.columns)
    cells = [row.cells[columns] if row.cells else blank for row in data.rows]
    effects = np.clip([[cell.value for cell in row] for row in cells], -LARGEST, LARGEST)
    values = np.where([[cell.decided for cell in row] for row in cells], effects, PALE * effects)
    seaborn.heatmap(
        values, vmin=-LARGEST, vmax=LARGEST, cmap=COLORS, cbar=False, linewidths=1.2, linecolor="white", ax=axes
    )
    for y, row in enumerate(cells):
        for x, cell in enumerate(row):
            strong = cell.decided and abs(cell.value) > 0.6 * LARGEST
            color = "white" if strong else BLACK if cell.decided else UNDECIDED
            axes.text(x + 0.5, y + 0.5, cell.text, ha="center", va="center", fontsize=7, color=color)
            if cell.said:
                place = Rectangle((x, y), 1, 1, color=UNSEEN, linewidth=0, zorder=ABOVE)
                say(axes.add_patch(place), f"{data.columns[x]}, {cell.said}")
    names = [textwrap.fill(name, HEADER) for name in data.columns]
    axes.set_xticks(np.arange(len(names)) + 0.5, names, fontsize=7.5, rotation=0)
    axes.xaxis.tick_top()
    axes.set_xlabel("")
    axes.grid(visible=False)
    axes.tick_params(length=0, axis="both")
    for side in axes.spines.values():
        side.set_visible(False)
