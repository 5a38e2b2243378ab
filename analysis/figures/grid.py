"""A grid of two factors as heat maps: the difference to the baseline, and the interaction."""

import math
import textwrap
from collections.abc import Mapping, Sequence

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from supernet_bench.analysis.effects.effects import Effects
from supernet_bench.analysis.effects.grids import Grid, Place
from supernet_bench.analysis.effects.intervals import Difference
from supernet_bench.analysis.figures.style import BLACK, CHARACTER, LINE, put_title
from supernet_bench.analysis.numbers import count, interval, lost_note, marks, number, pairs_note

UNKNOWN = "#d9d9d9"
COLORS = matplotlib.colormaps["RdBu"].with_extremes(bad=UNKNOWN)
"""From red, lower, over white to blue, higher, which stay apart for colour-blind readers."""

Panel = tuple[str, Mapping[Place, Difference | None], Mapping[Place, str]]
"""Title of a heat map, its values, and what is written into its cells."""

CELL = (1.75, 4.4 * LINE)
"""Width and height of a cell, in inches."""

COLUMN_LABEL, ROW_LABEL, CELL_TEXT = 22, 26, 22
"""Characters in a line."""


def grid_figure(effects: Effects, grid: Grid) -> Figure:
    """Draw the difference in tau of every cell to the baseline and, below, what both factors do beyond their sum."""
    rows = {place: effects.of_level(level) for place, level in grid.cells.items()}
    differences = {place: effect.difference for place, effect in rows.items()}
    texts = {place: "" if effect.difference else "baseline" for place, effect in rows.items()}
    for place, effect in rows.items():
        if effect.difference:
            known = effect.difference.seeds > 0
            why = lost_note(effect.counts) or "no pair"
            texts[place] = _cell(effect.difference, pairs_note(effect)) if known else why
    panels: list[Panel] = [("difference in tau to the baseline", differences, texts)]
    interactions = {place: effect.interaction for place, effect in rows.items()}
    if any(interactions.values()):
        texts = {place: _interaction_text(grid, place, found) for place, found in interactions.items()}
        panels.append(
            (f"interaction, beyond the sum of both; reference: {', '.join(grid.reference)}", interactions, texts)
        )
    return _figure(effects, grid, panels)


def _interaction_text(grid: Grid, place: Place, interaction: Difference | None) -> str:
    if interaction and interaction.seeds:
        return _cell(interaction, count(interaction.seeds, "seed"))
    if interaction or grid.corners(place):
        return "no seed of all four"
    return "reference" if place == grid.reference else ""


def _cell(difference: Difference, note: str) -> str:
    return f"{number(difference.value, '+')}{marks(difference)}\n{interval(difference, '+')}\n{note}"


def _figure(
    effects: Effects,
    grid: Grid,
    panels: Sequence[Panel],
) -> Figure:
    """Return one heat map above the other, whose colours mean the same."""
    rows = [textwrap.fill(row, ROW_LABEL) for row in grid.rows]
    columns = [textwrap.fill(column, COLUMN_LABEL) for column in grid.columns]
    below = 1 + max(label.count("\n") for label in columns)
    width = CELL[0] * len(columns) + CHARACTER * max(len(line) for row in rows for line in row.split("\n")) + 1.6
    height = CELL[1] * len(rows) + LINE * (below + 4)
    figure = Figure(figsize=(width, height * len(panels)), layout="constrained")
    found = [abs(difference.value) for _, values, _ in panels for difference in values.values() if difference]
    largest = max((value for value in found if math.isfinite(value)), default=0.0) or 1.0
    for axes, (title, values, texts) in zip(figure.subplots(len(panels), 1, squeeze=False)[:, 0], panels, strict=True):
        _heat_map(axes, grid, values, texts, largest)
        axes.set_xticks(np.arange(len(columns)) + 0.5, columns)
        axes.set_yticks(np.arange(len(rows)) + 0.5, rows)
        axes.set_xlabel(grid.axes[1])
        axes.set_ylabel(grid.axes[0])
        characters = int(CELL[0] * len(columns) / CHARACTER)
        axes.set_title(textwrap.fill(title, max(characters, 20)))
    n = count(len(effects.truth), "architecture")
    put_title(
        figure, grid.factor, f"means and 95 % intervals, {n}; blue: higher tau, red: lower, grey: unknown or none"
    )
    return figure


def _heat_map(
    axes: Axes, grid: Grid, values: Mapping[Place, Difference | None], texts: Mapping[Place, str], largest: float
) -> None:
    """Colour the cells from `-largest` to `largest` and write into each what it is."""
    colored = np.full((len(grid.rows), len(grid.columns)), math.nan)
    for (row, column), level in grid.cells.items():
        y, x = grid.rows.index(row), grid.columns.index(column)
        difference = values[row, column]
        colored[y, x] = 0.0 if level.baseline else difference.value if difference else math.nan
        dark = abs(colored[y, x]) > 0.6 * largest
        text = "\n".join(textwrap.fill(line, CELL_TEXT) for line in texts[row, column].split("\n"))
        color = "white" if dark else BLACK
        axes.text(x + 0.5, y + 0.5, text, ha="center", va="center", fontsize=8, color=color, clip_on=True)
    masked = np.ma.masked_invalid(colored)
    mesh = axes.pcolormesh(masked, cmap=COLORS, vmin=-largest, vmax=largest, edgecolors="white", linewidth=1.5)
    axes.invert_yaxis()
    axes.grid(visible=False)
    axes.tick_params(length=0)
    axes.figure.colorbar(mesh, ax=axes, fraction=0.05, pad=0.02)
