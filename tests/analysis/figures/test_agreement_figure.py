"""The figure of two studies shows each level at its differences in both."""

from dataclasses import replace

import pytest

from supernet_bench.analysis.effects.effects import Counts, Effect
from supernet_bench.analysis.effects.intervals import Difference
from supernet_bench.analysis.figures.agreement import LOOKS, draw_two_studies, two_studies
from supernet_bench.analysis.figures.style import style
from supernet_bench.records.manifest import Level
from tests.analysis.figures.reading import color_of, data, draw, lines_of, said_by

# matplotlib only warns where a layout does not fit.
pytestmark = pytest.mark.filterwarnings("error")

FIRST = (0.3, 0.2, 0.1, 0.05, 0.0, -0.05, -0.1, -0.2)
SECOND = (0.1, 0.2, 0.1, -0.4, 0.0, -0.05, -0.1, 0.1)


def effect(name: str, value: float) -> Effect:
    difference = Difference(value, value - 0.12, value + 0.12, seeds=3, architectures=50)
    return Effect(Level("factor", name, baseline=False, uses_truth=False), Counts(), {}, {"tau": difference})


LEVELS = [
    (effect(f"level {i}", x), effect(f"level {i}", y)) for i, (x, y) in enumerate(zip(FIRST, SECOND, strict=True))
]
DATA = two_studies(LEVELS, ("cheap", "dear"), "rho 0.5")


def test_the_data_are_the_differences_and_the_names_of_the_extremes() -> None:
    assert [(point.first.value, point.second.value) for point in DATA.points] == list(zip(FIRST, SECOND, strict=True))
    assert {point.name for point in DATA.labelled} == {f"factor level {i}" for i in (0, 1, 2, 3, 5, 6, 7)}
    heights = [point.second.value for point in DATA.labelled]
    assert heights == sorted(heights)
    assert DATA.title == "dear against cheap: rho 0.5"


def test_a_level_without_a_difference_in_either_is_no_point() -> None:
    lost = (LEVELS[0][0], replace(LEVELS[0][1], differences={}))
    assert two_studies([lost, LEVELS[1]], ("cheap", "dear"), "").points == DATA.points[1:2]


def test_points_are_where_they_are_in_the_colour_of_what_excludes_zero() -> None:
    with style():
        figure = draw_two_studies(DATA)
        draw(figure)
    axes = figure.axes[0]
    drawn = {(data(line)[0][0], data(line)[1][0]): color_of(line) for line in lines_of(axes, "o")}
    assert drawn == {(point.first.value, point.second.value): LOOKS[point.shown][0].upper() for point in DATA.points}
    assert {point.shown for point in DATA.points} == set(LOOKS)
    assert "factor level 3: cheap +0.050 [-0.070, +0.170]; dear -0.400 [-0.520, -0.280]" in said_by(axes)


def test_no_level_in_common_gives_an_empty_figure() -> None:
    with style():
        assert draw(draw_two_studies(two_studies([], ("cheap", "dear"), "nothing to compare")))
