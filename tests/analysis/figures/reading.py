"""What is in a figure, read back from the artists of matplotlib."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import to_hex
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Rectangle

from supernet_bench.analysis.figures.svg import says


def draw(figure: Figure) -> FigureCanvasAgg:
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    return canvas


def lines_of(axes: Axes, marker: str) -> list[Line2D]:
    return [line for line in axes.lines if line.get_marker() == marker and data(line)[0] and not says(line)]


def data(line: Line2D) -> tuple[list[float], list[float]]:
    """Return where a line is, x and y."""
    x, y = (np.asarray(values, dtype=float).tolist() for values in line.get_data())
    return x, y


def color_of(line: Line2D) -> str:
    return to_hex(line.get_color()).upper()


def bands_of(axes: Axes) -> list[tuple[float, float]]:
    bands = (patch for patch in axes.patches if isinstance(patch, Rectangle) and not says(patch))
    return [(band.get_x(), band.get_x() + band.get_width()) for band in bands]


def row_at(axes: Axes, place: float) -> int:
    """Return the number of the row that is nearest."""
    return int(np.argmin(np.abs(axes.get_yticks() - place)))


def diamonds(axes: Axes) -> dict[int, tuple[float, str]]:
    """Return place and colour of each diamond by its row."""
    return {row_at(axes, data(line)[1][0]): (data(line)[0][0], color_of(line)) for line in lines_of(axes, "D")}


def bars(axes: Axes) -> dict[int, list[float]]:
    return {
        row_at(axes, data(line)[1][0]): data(line)[0]
        for line in axes.lines
        if line.get_solid_capstyle() == "butt" and len(data(line)[0]) == 2
    }


def said_by(axes: Axes) -> list[str]:
    """Return all that a browser shows where somebody points into a panel."""
    return [text for artist in axes.get_children() for text in says(artist)]
