"""How rows of means with intervals are drawn."""

import math
import textwrap
from collections.abc import Sequence
from itertools import accumulate

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from supernet_bench.analysis.figures.forest import Forest, Mark, Panel, Row
from supernet_bench.analysis.figures.references import draw_references
from supernet_bench.analysis.figures.style import BLACK, CHARACTER, LINE, put_title
from supernet_bench.analysis.figures.svg import ABOVE, UNSEEN, say

LABEL_WIDTH = 44
NOTE_WIDTH = 26
"""Characters in a line to the left and to the right of a row."""

PANEL = (2.6, 1.9)
"""Width of a panel in inches, alone and beside others."""

GAP = 0.3
"""Between rows, in lines."""

TALL = 40
"""Lines above which the axis is labelled at the top, too."""

SEEDS_ABOVE = 0.4
"""How far above the mean its seeds are, in lines."""

BAND = "#ececec"
"""Of effects that are called none."""


def draw_forest(forest: Forest) -> Figure:
    """Draw rows of means with intervals."""
    figure, columns, places, edges = _rows_figure(forest.rows, len(forest.panels))
    for number, (axes, panel) in enumerate(zip(columns, forest.panels, strict=True)):
        for place, edge, row in zip(places, edges, forest.rows, strict=True):
            if row.marks:
                _draw_mark(axes, place, edge, row.marks[number])
        _draw_panel(axes, panel)
    _legend(figure, columns)
    if forest.same_axis:
        limits = [limit for axes in columns for limit in axes.get_xlim()]
        for axes in columns:
            axes.set_xlim(min(limits), max(limits))
    put_title(figure, *forest.title)
    return figure


def _draw_panel(axes: Axes, panel: Panel) -> None:
    axes.set_xlabel(panel.label)
    draw_references(axes, panel.references)
    if panel.limits:
        axes.set_xlim(panel.limits)
    if panel.zero:
        axes.axvline(0, color=BLACK, linewidth=0.9, zorder=1)
    if panel.negligible:
        axes.axvspan(-panel.negligible, panel.negligible, color=BAND, linewidth=0, zorder=0)


def _legend(figure: Figure, columns: Sequence[Axes]) -> None:
    """Name the lines below each panel, whose values differ from panel to panel."""
    for axes in columns:
        handles, labels = axes.get_legend_handles_labels()
        if labels:
            # 4.2 font sizes below the axes leave room for the ticks and the name of the axis.
            axes.legend(handles, labels, loc="upper left", bbox_to_anchor=(0, 0), borderaxespad=4.4, handlelength=2.4)


def _rows_figure(
    rows: Sequence[Row], panels: int
) -> tuple[Figure, tuple[Axes, ...], list[float], list[tuple[float, float]]]:
    """Return a figure with one row per label, the first on top, a note to the right of each, and where they are.

    A row is as high as its text; its middle and its edges count lines from the top.
    """
    labels = [textwrap.fill(row.label, LABEL_WIDTH) for row in rows]
    notes = [textwrap.fill(row.note, NOTE_WIDTH) for row in rows]
    heights = [1 + max(label.count("\n"), note.count("\n")) + GAP for label, note in zip(labels, notes, strict=True)]
    ends = list(accumulate(heights))
    places = [end - height / 2 for end, height in zip(ends, heights, strict=True)]
    # Fewer lines than these leave no room for ticks.
    total = max(2 * (1 + GAP), ends[-1] if ends else 0.0)
    width = 1.0 + PANEL[panels > 1] * panels + CHARACTER * (_longest(labels) + _longest(notes))
    figure = Figure(figsize=(width, LINE * total + 1.1), layout="constrained")
    columns = tuple(figure.subplots(1, panels, sharey=True, squeeze=False)[0])
    columns[0].set_ylim(total, 0)
    columns[0].set_yticks(places, labels)
    for row, label in zip(rows, columns[0].get_yticklabels(), strict=True):
        label.set_fontweight("normal" if row.marks else "bold")
    for axes in columns:
        axes.tick_params(axis="y", length=0)
        axes.tick_params(axis="x", labeltop=total > TALL)
        axes.grid(axis="y", visible=False)
    for place, note in zip(places, notes, strict=True):
        last = columns[-1]
        last.text(1.015, place, note, transform=last.get_yaxis_transform(), va="center", fontsize=8)
    return figure, columns, places, list(zip([0.0, *ends], ends, strict=False))


def _longest(texts: list[str]) -> int:
    return max((len(line) for text in texts for line in text.split("\n")), default=0)


def _draw_mark(axes: Axes, place: float, edge: tuple[float, float], mark: Mark) -> None:
    """Draw a mean and its interval, open where the interval covers architectures alone, or why there is none."""
    if math.isnan(mark.value):
        across = axes.get_yaxis_transform()
        text = axes.text(0.5, place, mark.lost, transform=across, ha="center", va="center", fontsize=8, style="italic")
        text.set_bbox({"facecolor": "white", "edgecolor": "none", "pad": 1.0})
    else:
        face = "white" if mark.one_seed else mark.color
        ends = [mark.low, mark.high]
        axes.plot(ends, [place, place], color=mark.color, linewidth=1.8, solid_capstyle="butt")
        axes.plot(mark.value, place, "D", markersize=4.5, color=mark.color, markerfacecolor=face, zorder=3)
    if mark.seeds:
        above = np.full(len(mark.seeds), place - SEEDS_ABOVE)
        axes.plot(mark.seeds, above, "o", markersize=3, color=mark.color, alpha=0.6, mew=0)
    say(axes.axhspan(*edge, color=UNSEEN, linewidth=0, zorder=ABOVE), mark.said)
