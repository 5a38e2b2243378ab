"""Figures hold what they should, inside their edges, and leave matplotlib as it was."""

from itertools import pairwise
from pathlib import Path

import matplotlib
import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import to_hex
from matplotlib.figure import Figure
from matplotlib.text import Text

from analysis.effects import Effects
from analysis.estimation import compute_effects
from analysis.plots import ORANGE, all_figures, effect_figure, file_name, forest_figure, style, training_figure
from analysis.results import Results, load_results
from tests.analysis.synthetic import Scenario, write_store

GRID = {
    f"fairnas accounting=compute {i}, recalibrated images={j}": 0.5 + 0.2 * i + 0.3 * j
    for i in range(5)
    for j in range(5)
}
SCENARIOS = {
    "usual": Scenario(architectures=30),
    "one seed": Scenario(architectures=30, seeds=(0,)),
    "grid of 25": Scenario(architectures=30, epochs=(5, 10), factors={"sampling x batch_norm": GRID}),
    "many factors": Scenario(
        architectures=20, seeds=(0, 1), epochs=(5,), factors={f"factor_{i}": {"a": 1.0, "b": 2.0} for i in range(7)}
    ),
}


def study(folder: Path, scenario: Scenario) -> tuple[Results, Effects]:
    results = load_results(write_store(folder / "store", scenario), scenario.study)
    return results, compute_effects(results, 100, seed=0)


@pytest.fixture(params=SCENARIOS)
def drawn(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[Results, Effects]:
    return study(tmp_path, SCENARIOS[request.param])


def draw(figure: Figure) -> FigureCanvasAgg:
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    return canvas


def test_no_text_leaves_the_figure(drawn: tuple[Results, Effects]) -> None:
    with style():
        for name, figure in all_figures(*drawn):
            renderer = draw(figure).get_renderer()
            for text in figure.findobj(Text):
                if text.get_visible() and text.get_text() and text.axes is not None:
                    box = text.get_window_extent(renderer)
                    edges = (-box.x0, -box.y0, box.x1 - figure.bbox.x1, box.y1 - figure.bbox.y1)
                    assert max(edges) <= 1, f"{name}: {text.get_text()!r}"


def test_labels_of_levels_do_not_overlap(drawn: tuple[Results, Effects]) -> None:
    _, effects = drawn
    with style():
        for figure in (*(effect_figure(effects, factor) for factor in effects.factors), forest_figure(effects)):
            renderer = draw(figure).get_renderer()
            boxes = [label.get_window_extent(renderer) for label in figure.axes[0].get_yticklabels()]
            assert all(above.y0 >= below.y1 for above, below in pairwise(boxes))


def test_every_seed_is_a_point_and_the_baseline_stands_out(tmp_path: Path) -> None:
    _, effects = study(tmp_path, SCENARIOS["usual"])
    axes = effect_figure(effects, "sampling").axes[0]
    points = {
        round(x, 6): to_hex(line.get_color()).upper()
        for line in axes.lines
        if line.get_marker() == "o"
        for x in np.asarray(line.get_xdata(), dtype=float)
    }
    runs = effects.runs[effects.runs["factor"] == "sampling"]
    assert set(points) == set(runs["tau"].round(6))
    assert {points[tau] for tau in runs.loc[runs["baseline"], "tau"].round(6)} == {ORANGE}
    assert ORANGE not in {points[tau] for tau in runs.loc[~runs["baseline"], "tau"].round(6)}


def test_many_levels_name_the_best_and_the_worst(tmp_path: Path) -> None:
    _, effects = study(tmp_path, SCENARIOS["grid of 25"])
    legend = training_figure(effects).axes[0].get_legend()
    assert legend is not None
    assert [text.get_text().split("\n")[0] for text in legend.get_texts()][-1] == "22 other levels"
    assert len(legend.get_texts()) == 4


def test_settings_of_matplotlib_come_back() -> None:
    before = dict(matplotlib.rcParams)
    with style():
        assert dict(matplotlib.rcParams) != before
    assert dict(matplotlib.rcParams) == before


def test_factors_have_names_of_files() -> None:
    assert file_name("sampling x batch_norm") == "sampling_x_batch_norm"
    assert file_name("../a/b c") == "a_b_c"
