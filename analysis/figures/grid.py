"""A grid of two factors as heat maps: the difference to the baseline, and the interaction."""

import math
import textwrap
from collections.abc import Mapping
from dataclasses import dataclass

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from supernet_bench.analysis.effects.effects import Effect, Effects
from supernet_bench.analysis.effects.grids import Grid, Place
from supernet_bench.analysis.effects.intervals import Difference
from supernet_bench.analysis.figures.style import BLACK, CHARACTER, LINE, put_title
from supernet_bench.analysis.figures.svg import ABOVE, UNSEEN, say
from supernet_bench.analysis.numbers import in_full, interval, lost_note, marks, number, seeds_note
from supernet_bench.core.output import count

UNKNOWN = "#d9d9d9"
HATCH = "#bdbdbd"

DARK = 0.6
"""Of the largest value, from where on white letters can be read better."""

PALE = 0.35
"""Of its colour, what a cell keeps whose interval includes zero."""

COLORS = matplotlib.colormaps["RdBu"].with_extremes(bad=UNKNOWN)
"""From red, lower, over white to blue, higher, which stay apart for colour-blind readers."""

CELL = (1.75, 4.4 * LINE)
"""Width and height of a cell, in inches."""

COLUMN_LABEL, ROW_LABEL, CELL_TEXT = 22, 26, 22
"""Characters in a line."""


@dataclass(frozen=True)
class HeatCell:
    """A cell.

    Attributes
    ----------
    value : float
        Of its colour; NaN where it has none.
    text, said : str
        What is written into it, and that in full.
    decided : bool
        Whether its interval excludes zero, or it is what others are compared with.
    """

    value: float
    text: str
    said: str
    decided: bool = True


@dataclass(frozen=True)
class HeatMap:
    """Cells by row and column."""

    title: str
    cells: Mapping[Place, HeatCell]


@dataclass(frozen=True)
class HeatMaps:
    """Heat maps whose colours mean the same, one above the other.

    Attributes
    ----------
    title : tuple of str
        Its lines.
    axes : (str, str)
        Names of the factors, of the rows and of the columns.
    rows, columns : tuple of str
        Their levels.
    maps : tuple of HeatMap
        From top to bottom.
    labels : (tuple of str, tuple of str)
        What people call rows and columns.
    """

    title: tuple[str, ...]
    axes: tuple[str, str]
    rows: tuple[str, ...]
    columns: tuple[str, ...]
    maps: tuple[HeatMap, ...]
    labels: tuple[tuple[str, ...], ...]

    @property
    def largest(self) -> float:
        """The largest distance from zero, where the colours end."""
        values = (abs(cell.value) for each in self.maps for cell in each.cells.values())
        return max((value for value in values if math.isfinite(value)), default=0.0) or 1.0


def heat_maps(effects: Effects, grid: Grid) -> HeatMaps:
    """Return the difference in tau of every cell to the baseline and, below, what both factors do beyond their sum."""
    found = {place: effects.of_level(level) for place, level in grid.cells.items()}
    maps = [HeatMap("difference in tau to the baseline", {place: _difference(row) for place, row in found.items()})]
    if any(effect.interaction for effect in found.values()):
        names = (grid.labels[axis].get(name, name) for axis, name in zip(grid.axes, grid.reference, strict=True))
        title = f"interaction, beyond the sum of both; reference: {', '.join(names)}"
        maps.append(HeatMap(title, {place: _interaction(grid, place, effect) for place, effect in found.items()}))
    n = count(len(effects.truth), "architecture")
    title = f"means and 95 % intervals, {n}; blue: higher tau, red: lower, pale and hatched: not decided, grey: unknown"
    labels = tuple(
        tuple(grid.labels[axis].get(name, name) for name in names)
        for axis, names in zip(grid.axes, (grid.rows, grid.columns), strict=True)
    )
    return HeatMaps((grid.factor, title), grid.axes, tuple(grid.rows), tuple(grid.columns), tuple(maps), labels)


def _difference(effect: Effect) -> HeatCell:
    difference = effect.difference
    if not difference:
        return _cell(effect, None, "baseline")
    note = seeds_note(effect) if difference.seeds else lost_note(effect.counts) or "no pair"
    return _cell(effect, difference, note)


def _interaction(grid: Grid, place: Place, effect: Effect) -> HeatCell:
    interaction = effect.interaction
    if interaction and interaction.seeds:
        return _cell(effect, interaction, count(interaction.seeds, "seed"))
    if interaction or grid.corners(place):
        return _cell(effect, interaction, "no seed of all four")
    return _cell(effect, None, "reference" if place == grid.reference else "")


def _cell(effect: Effect, difference: Difference | None, note: str) -> HeatCell:
    """Return a cell with the value and its interval, or with the note alone where there is none."""
    value = 0.0 if effect.level.baseline else difference.value if difference else math.nan
    name = effect.level.label
    if not difference or not difference.seeds:
        return HeatCell(value, note, f"{name}: {note or 'changes one factor only'}")
    text = f"{number(difference.value, '+')}{marks(difference)}\n{interval(difference, '+')}\n{note}"
    return HeatCell(value, text, f"{name}: {in_full(difference, '+')}", decided=difference.excludes_zero)


def draw_heat_maps(data: HeatMaps) -> Figure:
    """Draw one heat map above the other."""
    rows = [textwrap.fill(row, ROW_LABEL) for row in data.labels[0]]
    columns = [textwrap.fill(column, COLUMN_LABEL) for column in data.labels[1]]
    below = 1 + max(label.count("\n") for label in columns)
    width = CELL[0] * len(columns) + CHARACTER * max(len(line) for row in rows for line in row.split("\n")) + 1.6
    height = CELL[1] * len(rows) + LINE * (below + 4)
    figure = Figure(figsize=(width, height * len(data.maps)), layout="constrained")
    for axes, heat_map in zip(figure.subplots(len(data.maps), 1, squeeze=False)[:, 0], data.maps, strict=True):
        _draw_cells(axes, data, heat_map)
        axes.set_xticks(np.arange(len(columns)) + 0.5, columns)
        axes.set_yticks(np.arange(len(rows)) + 0.5, rows)
        axes.set_xlabel(data.axes[1])
        axes.set_ylabel(data.axes[0])
        characters = int(CELL[0] * len(columns) / CHARACTER)
        axes.set_title(textwrap.fill(heat_map.title, max(characters, 20)))
    put_title(figure, *data.title)
    return figure


def _draw_cells(axes: Axes, data: HeatMaps, heat_map: HeatMap) -> None:
    """Colour the cells from minus the largest value to the largest and write into each what it is.

    What is not decided is pale and hatched, however large it is: only an interval without zero has its full colour.
    """
    import seaborn  # Whoever only trains needs no pictures.

    shape = len(data.rows), len(data.columns)
    values, texts = np.full(shape, math.nan), np.full(shape, "", dtype=object)
    for place, cell in heat_map.cells.items():
        y, x = data.rows.index(place[0]), data.columns.index(place[1])
        values[y, x] = cell.value if cell.decided else PALE * cell.value
        texts[y, x] = "\n".join(textwrap.fill(line, CELL_TEXT) for line in cell.text.split("\n"))
        if not cell.decided and math.isfinite(cell.value) and cell.value:
            axes.add_patch(Rectangle((x, y), 1, 1, fill=False, hatch="////", edgecolor=HATCH, linewidth=0, zorder=2))
        say(axes.add_patch(Rectangle((x, y), 1, 1, color=UNSEEN, linewidth=0, zorder=ABOVE)), cell.said)
    seaborn.heatmap(
        values,
        vmin=-data.largest,
        vmax=data.largest,
        cmap=COLORS,
        annot=texts,
        fmt="",
        annot_kws={"fontsize": 8, "clip_on": True, "zorder": 3},
        linewidths=1.5,
        linecolor="white",
        cbar_kws={"fraction": 0.05, "pad": 0.02},
        ax=axes,
    )
    for text, value in zip(axes.texts, values[~np.isnan(values)], strict=True):
        text.set_color("white" if abs(value) > DARK * data.largest else BLACK)
    for y, x in np.argwhere(np.isnan(values)):  # seaborn writes nothing where there is no colour.
        axes.text(x + 0.5, y + 0.5, texts[y, x], ha="center", va="center", fontsize=8, color=BLACK, clip_on=True)
    axes.set_facecolor(UNKNOWN)
    axes.grid(visible=False)
    axes.tick_params(length=0, labelrotation=0)
