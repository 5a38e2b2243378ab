"""A leaderboard as a picture: every row with its interval, the best on top."""

import math
from collections.abc import Mapping

from matplotlib.figure import Figure

from supernet_bench.analysis.effects.intervals import Estimate
from supernet_bench.analysis.effects.leaderboard import CEILING, Board, Entry
from supernet_bench.analysis.figures.forest import Forest, Mark, Panel, Row
from supernet_bench.analysis.figures.rows import draw_forest
from supernet_bench.analysis.figures.style import BLACK, BLUE, GREEN, GREY, ORANGE, PINK
from supernet_bench.analysis.numbers import in_full
from supernet_bench.analysis.ranking.scores import Kind

COLORS: Mapping[str, str] = {
    Kind.SUPERNET: BLUE,
    Kind.IMPORTED: GREEN,
    Kind.PROXY: PINK,
    Kind.UNTRAINED: ORANGE,
    Kind.COST: GREY,
    Kind.SHORT_TRAINING: BLACK,
    CEILING: BLACK,
}
NAMES = {BLUE: "blue", GREEN: "green", PINK: "pink", ORANGE: "orange", GREY: "grey", BLACK: "black"}


def leaderboard_forest(board: Board, metrics: Mapping[str, tuple[str, float]]) -> Forest:
    """Return the rows of a board with a panel for each metric.

    Parameters
    ----------
    board : Board
    metrics : mapping of str to (str, float)
        Of each metric the label of its axis, and by what it is multiplied there.
    """
    rows = tuple(
        Row(
            entry.name,
            ", ".join(entry.studies),
            tuple(_mark(entry, name, scale) for name, (_, scale) in metrics.items()),
        )
        for entry in board.entries
    )
    present = dict.fromkeys(entry.kind for entry in board.entries)
    colors = "; ".join(f"{NAMES[COLORS[kind]]}: {kind}" for kind in COLORS if kind in present)
    title = (f"{board.space}, truth {board.target} of {board.table}", f"mean and 95 % interval; {colors}")
    return Forest(title, tuple(Panel(label) for label, _ in metrics.values()), rows)


def _mark(entry: Entry, metric: str, scale: float) -> Mark:
    nothing = Estimate(math.nan, math.nan, math.nan, 0, 0)
    estimate = entry.estimates.get(metric, nothing)
    value, low, high = (scale * end for end in (estimate.value, estimate.low, estimate.high))
    said = f"{entry.name}, {in_full(estimate, scale=scale)}"
    return Mark(value, low, high, COLORS[entry.kind], estimate.one_seed, "—", said)


def draw_leaderboard(board: Board, metrics: Mapping[str, tuple[str, float]]) -> Figure:
    """Draw a board; see `leaderboard_forest`."""
    return draw_forest(leaderboard_forest(board, metrics))
