"""The frontier holds what nothing dominates, and is drawn through it."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from supernet_bench.analysis.effects.effects import Effects
from supernet_bench.analysis.figures.frontier import cost_plot, draw_cost_plot, frontier
from supernet_bench.analysis.figures.style import BASELINE_COLOR, BLUE, GREY, style
from supernet_bench.analysis.results import Results
from tests.analysis.figures.reading import draw, said_by

# matplotlib only warns where a layout does not fit.
pytestmark = pytest.mark.filterwarnings("error")

POINTS = st.lists(st.tuples(st.integers(1, 5), st.integers(-3, 3)), min_size=1, max_size=12)


@given(POINTS)
def test_the_frontier_is_what_no_point_dominates(points: list[tuple[int, int]]) -> None:
    def dominated(one: tuple[int, int]) -> bool:
        return any(other != one and other[0] <= one[0] and other[1] >= one[1] for other in points)

    assert frontier(points) == {place for place, point in enumerate(points) if not dominated(point)}


def costly(effects: Effects) -> Effects:
    """Return a study in which the better level trains four times the paths."""
    passes = {"fairnas accounting=compute": 4.0, "pool size=50": 0.5}
    levels = tuple(replace(row, path_passes=passes.get(row.level.name, 1.0)) for row in effects.levels)
    return replace(effects, levels=levels)


def test_levels_are_where_their_cost_and_tau_are(usual: tuple[Results, Effects]) -> None:
    effects = costly(usual[1])
    (panel,) = cost_plot(effects).panels
    spots = {spot.name: spot for spot in panel.spots}
    for row in effects.levels:
        if not row.level.baseline:
            spot = spots[row.level.name]
            assert (spot.cost, spot.value, spot.low, spot.high) == (
                row.path_passes, row.tau.value, row.tau.low, row.tau.high,
            )  # fmt: skip
    assert spots["fairnas accounting=compute"].frontier
    assert spots["baseline"].color == BASELINE_COLOR
    assert {spot.color for spot in panel.spots} <= {BASELINE_COLOR, BLUE, GREY}
    with style():
        figure = draw_cost_plot(cost_plot(effects))
        draw(figure)
    assert figure.axes[0].get_xscale() == "log"
    assert len(said_by(figure.axes[0])) == len(panel.spots) + 2, "and the two references"


def test_a_study_at_one_cost_has_no_such_figure(usual: tuple[Results, Effects]) -> None:
    assert cost_plot(usual[1]).panels == ()


@pytest.mark.parametrize(("slow", "panels"), [((40.0, 40.0, 40.0), 2), ((1.0, 400.0, 40.0), 1)])
def test_time_is_a_cost_where_seeds_agree(usual: tuple[Results, Effects], slow: tuple[float, ...], panels: int) -> None:
    effects = costly(usual[1])
    runs = effects.runs.copy()
    for level in ("fairnas accounting=compute", "pool size=50", "tracked"):
        runs.loc[runs["level"] == level, "seconds_training"] = slow
    assert len(cost_plot(replace(effects, runs=runs)).panels) == panels
