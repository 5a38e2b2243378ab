"""One figure of all published studies."""

import math
from dataclasses import replace

import pytest

from supernet_bench.analysis.conclude import find_in_study
from supernet_bench.analysis.effects.effects import Effects
from supernet_bench.analysis.effects.intervals import Estimate
from supernet_bench.analysis.figures.style import style
from supernet_bench.analysis.figures.summary import NOT_THERE, PALE, draw_summary, summary
from supernet_bench.analysis.findings import LevelFinding, StudyFindings
from supernet_bench.analysis.results import Results
from supernet_bench.analysis.verdicts import Evidence, Verdict
from tests.analysis.figures.reading import draw, said_by

# matplotlib only warns where a layout does not fit.
pytestmark = pytest.mark.filterwarnings("error")


@pytest.fixture
def found(usual: tuple[Results, Effects]) -> StudyFindings:
    return find_in_study(*usual)


def renamed(level: LevelFinding, **changes: object) -> LevelFinding:
    return replace(level, **changes)  # type: ignore[arg-type]


def test_levels_that_several_studies_have_are_in_rows(found: StudyFindings) -> None:
    other = replace(found, levels=tuple(level for level in found.levels if level.level != "tracked"))
    data = summary({"one": found, "two": other})
    assert data.columns == ("one", "two")
    assert [row.label for row in data.rows if row.cells] == ["fairnas accounting=compute", "pool size=50"]
    for row, level in zip((row for row in data.rows if row.cells), found.levels, strict=False):
        assert level.better_half is not None
        assert [cell.value for cell in row.cells] == [level.difference.value] * 2 + [level.better_half.value] * 2
    alone = summary({"one": found})
    assert "batch_norm: tracked" in [row.label for row in alone.rows], "of one study, all are"


def test_what_is_not_decided_looks_so(found: StudyFindings) -> None:
    first, *others = found.levels
    estimate = Estimate(-0.2, -0.5, 0.1, 3, 30)
    first = renamed(first, difference=estimate, verdict=Verdict.NOISY)
    second = renamed(others[0], difference=replace(estimate, high=-0.1), verdict=Verdict.HURTS)
    third = renamed(others[1], difference=Estimate(0.0, -0.01, 0.01, 3, 30), verdict=Verdict.NOTHING)
    data = summary({"one": replace(found, levels=(first, second, third))})
    cells = {row.label.removeprefix("batch_norm: "): row.cells[0] for row in data.rows if row.cells}
    assert (cells[first.label].text, cells[first.label].decided) == ("-0.20", False)
    assert (cells[second.label].text, cells[second.label].decided) == ("-0.20 *", True)
    assert cells[third.label].text == "~0"
    with style():
        figure = draw_summary(data)
        draw(figure)
    axes = figure.axes[0]
    colors = dict(zip([row.label for row in data.rows], axes.collections[0].get_array()[:, 0], strict=True))
    assert colors[first.label] == pytest.approx(-0.2 * PALE)
    assert colors[second.label] == pytest.approx(-0.2)
    assert len(said_by(axes)) == 3
    assert all(text.startswith("one, ") for text in said_by(axes))


def test_the_better_half_has_a_block_of_its_own(found: StudyFindings) -> None:
    half = Estimate(0.1, 0.05, 0.15, 3, 30)
    levels = tuple(
        renamed(level, better_half=half, better_half_evidence=Evidence.UNCORRECTED) for level in found.levels
    )
    without = tuple(renamed(level, better_half=None) for level in found.levels)
    data = summary({"one": replace(found, levels=levels), "two": replace(found, levels=without)})
    assert len(data.blocks) == 2
    row = next(row for row in data.rows if row.cells)
    assert row.cells[2].text == "+0.10 (*)"
    assert row.cells[3] is NOT_THERE
    assert math.isnan(NOT_THERE.value)
