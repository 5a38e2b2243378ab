"""Grids of two factors: where their cells are, and which of them an interaction is made of."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from supernet_bench.records.manifest import Level

Place = tuple[str, str]
"""Level of the first factor, level of the second."""


@dataclass(frozen=True)
class Grid:
    """Levels that combine two factors.

    Attributes
    ----------
    factor : str
        Name of the grid, as it appears in tables.
    axes : tuple of two str
        The two factors.
    cells : dict of (str, str) to Level
        By the levels of the two factors, in the order of the study.
    """

    factor: str
    axes: Place
    cells: Mapping[Place, Level]

    @property
    def rows(self) -> list[str]:
        """Levels of the first factor."""
        return list(dict.fromkeys(row for row, _ in self.cells))

    @property
    def columns(self) -> list[str]:
        """Levels of the second factor."""
        return list(dict.fromkeys(column for _, column in self.cells))

    @property
    def labels(self) -> dict[str, dict[str, str]]:
        """What people call the levels of each factor, by their names, where they call them otherwise."""
        found: dict[str, dict[str, str]] = {axis: {} for axis in self.axes}
        for level in self.cells.values():
            for (axis, name), (_, label) in zip(level.cell, level.labels, strict=False):
                found[axis][name] = label
        return found

    @property
    def reference(self) -> Place:
        """The cell that is the baseline, or the first one if none is."""
        return next((place for place, level in self.cells.items() if level.baseline), next(iter(self.cells)))

    def corners(self, place: Place) -> tuple[Level, Level, Level] | None:
        """Return the reference and the cells that change one factor each, of a cell that changes both.

        None for the cells of the row and the column of the reference, which have no interaction.
        """
        (row, column), (first_row, first_column) = place, self.reference
        if row == first_row or column == first_column:
            return None
        corners = [self.cells.get(corner) for corner in (self.reference, (row, first_column), (first_row, column))]
        reference, first, second = corners
        return (reference, first, second) if reference and first and second else None


def find_grids(levels: Sequence[Level]) -> list[Grid]:
    """Return the grids of two factors among the levels; those of more are not drawn as such."""
    grids: dict[str, dict[Place, Level]] = {}
    axes: dict[str, Place] = {}
    for level in levels:
        if len(level.cell) == 2:
            (first, row), (second, column) = level.cell
            grids.setdefault(level.factor, {})[row, column] = level
            axes[level.factor] = first, second
    return [Grid(factor, axes[factor], cells) for factor, cells in grids.items()]
