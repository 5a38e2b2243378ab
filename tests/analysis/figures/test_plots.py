"""Figures show the estimates, keep their text inside their edges, and leave matplotlib as it was."""

import json
import math
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import matplotlib
import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import to_hex
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Rectangle
from matplotlib.text import Text
from scipy import stats

from supernet_bench.analysis.effects.effects import Effects
from supernet_bench.analysis.effects.estimate import compute_effects
from supernet_bench.analysis.figures.draw import all_figures
from supernet_bench.analysis.figures.effects import (
    SEEDS_ABOVE,
    SIZE_PANELS,
    TOP_PANELS,
    Panel,
    effect_figure,
    forest_figure,
)
from supernet_bench.analysis.figures.grid import grid_figure
from supernet_bench.analysis.figures.scatter import scatter_figure
from supernet_bench.analysis.figures.style import BASELINE_COLOR, BLUE, GREY, SKY, file_names, style
from supernet_bench.analysis.figures.training import training_figure
from supernet_bench.analysis.results import Results, load_results
from supernet_bench.records.layout import record_path
from tests.analysis.synthetic import Scenario, grid_of_two, run_id, write_record, write_store

# matplotlib only warns where a layout does not fit.
pytestmark = pytest.mark.filterwarnings("error")

GRID = {
    f"fairnas accounting=compute {i}, recalibrated images={j}": 0.5 + 0.2 * i + 0.3 * j
    for i in range(5)
    for j in range(5)
}
FIVE = {
    f"fairnas accounting={kind}, statistics=recalibrated affine=false, rate=0.025, rate=0.4, reset=momentum": noise
    for kind, noise in {"step": 1.0, "compute": 0.5, "epoch": 3.0}.items()
}
TWO, CELLS = grid_of_two(
    {(a, b): 0.5 + i for a in ("uniform", "fairnas accounting=compute") for i, b in enumerate("uvw")}
)
SCENARIOS = {
    "usual": Scenario(architectures=30),
    "one seed": Scenario(architectures=30, seeds=(0,)),
    "one checkpoint": Scenario(architectures=30, epochs=(5,)),
    "grid of 25": Scenario(architectures=30, epochs=(5, 10), factors={"sampling x batch_norm": GRID}),
    "grid of two factors": Scenario(
        architectures=30, seeds=(0, 1), epochs=(5,), factors={"sampling x learning_rate": TWO}, cells=CELLS
    ),
    "grid of five factors": Scenario(
        architectures=30,
        epochs=(5, 10),
        factors={"sampling x batch_norm x learning_rate x path_dropout x independence": FIVE},
    ),
    "80 levels": Scenario(
        architectures=20,
        seeds=(0, 1),
        epochs=(5,),
        factors={f"factor_{i}": {f"level {j} of {i}": 1.0 + j for j in range(21)} for i in range(4)},
    ),
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


@pytest.fixture(scope="module")
def usual(tmp_path_factory: pytest.TempPathFactory) -> tuple[Results, Effects]:
    return study(tmp_path_factory.mktemp("usual"), SCENARIOS["usual"])


def draw(figure: Figure) -> FigureCanvasAgg:
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    return canvas


def visible_texts(figure: Figure) -> list[Text]:
    """Return all texts that are drawn, those of figure legends and titles too; ticks beyond an axis are not."""
    beyond = set()
    for axes in figure.axes:
        for axis in (axes.xaxis, axes.yaxis):
            low, high = sorted(axis.get_view_interval())
            ticks = (*axis.get_major_ticks(), *axis.get_minor_ticks())
            beyond |= {id(t) for tick in ticks if not low <= tick.get_loc() <= high for t in (tick.label1, tick.label2)}
    texts = (text for text in figure.findobj(Text) if text.get_visible() and text.get_text() and id(text) not in beyond)
    return [text for text in texts if text.axes is None or text.axes.get_visible()]


def test_no_text_leaves_the_figure(drawn: tuple[Results, Effects]) -> None:
    with style():
        for name, figure, _ in all_figures(*drawn):
            renderer = draw(figure).get_renderer()
            texts = visible_texts(figure)
            assert any(text.axes is None for text in texts), "the title is among them"
            for text in texts:
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


def test_legends_of_training_cover_no_panel(drawn: tuple[Results, Effects]) -> None:
    with style():
        figure = training_figure(drawn[1])
        renderer = draw(figure).get_renderer()
        panels = [axes for axes in figure.axes if axes.get_visible()]
        for axes in panels:
            legend = axes.get_legend()
            assert legend is not None
            box = legend.get_window_extent(renderer)
            assert not any(box.overlaps(panel.get_window_extent(renderer)) for panel in panels)
            assert box.y1 <= axes.xaxis.label.get_window_extent(renderer).y0 + 1
            assert axes.get_window_extent(renderer).height > 1.3 * figure.dpi


def lines_of(axes: Axes, marker: str) -> list[Line2D]:
    return [line for line in axes.lines if line.get_marker() == marker and data(line)[0]]


def data(line: Line2D) -> tuple[list[float], list[float]]:
    """Return where a line is, x and y."""
    x, y = (np.asarray(values, dtype=float).tolist() for values in line.get_data())
    return x, y


def color_of(line: Line2D) -> str:
    return to_hex(line.get_color()).upper()


def bands_of(axes: Axes) -> list[tuple[float, float]]:
    return [
        (patch.get_x(), patch.get_x() + patch.get_width()) for patch in axes.patches if isinstance(patch, Rectangle)
    ]


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


def test_effects_are_drawn_where_they_are(usual: tuple[Results, Effects]) -> None:
    effects = usual[1]
    axes = effect_figure(effects, "sampling").axes[0]
    rows = effects.of_factor("sampling")
    seeds = {row_at(axes, data(line)[1][0] + SEEDS_ABOVE): sorted(data(line)[0]) for line in lines_of(axes, "o")}
    for place, effect in enumerate(rows):
        color = BASELINE_COLOR if effect.level.baseline else BLUE
        assert diamonds(axes)[place] == (effect.tau.value, color)
        assert bars(axes)[place] == [effect.tau.low, effect.tau.high]
        assert seeds[place] == sorted(effects.runs_of(effect)["tau"])
        assert axes.get_yticklabels()[place].get_text().startswith(effect.level.name[:20])
    assert len(diamonds(axes)) == len(rows) == 3


def test_references_are_drawn_with_their_intervals(usual: tuple[Results, Effects]) -> None:
    effects = usual[1]
    axes = effect_figure(effects, "sampling").axes[0]
    chosen = [effect.tau for effect in effects.references if effect.level.name in ("untrained", "parameter count")]
    assert np.array(sorted(bands_of(axes))) == pytest.approx(np.array(sorted((tau.low, tau.high) for tau in chosen)))


def test_all_effect_plots_have_one_axis_that_holds_every_point(usual: tuple[Results, Effects]) -> None:
    effects = usual[1]
    limits = [effect_figure(effects, factor).axes[0].get_xlim() for factor in effects.factors]
    assert len(limits) == 2
    assert limits[0] == limits[1]
    assert limits[0][0] < effects.runs["tau"].min() < effects.runs["tau"].max() < limits[0][1]


@pytest.mark.parametrize("seeds", [range(5), range(1)])
def test_the_forest_draws_differences_and_colours_what_excludes_zero(tmp_path: Path, seeds: range) -> None:
    noise = {"sampling": {"uniform": 1.0, "better": 0.1, "worse": 12.0}, "batch_norm": {"batch": 1.0, "same": 1.0}}
    effects = study(tmp_path, Scenario(seeds=seeds, factors=noise))[1]
    axes = forest_figure(effects).axes[0]
    labels = [label.get_text().replace("\n", " ") for label in axes.get_yticklabels()]
    shown = [effect for effect in effects.levels if effect.difference]
    assert len(diamonds(axes)) == len(shown) == 3
    for effect in shown:
        difference, place = effect.difference, labels.index(effect.level.name)
        assert difference is not None
        outside = difference.seeds > 1 and (difference.low > 0 or difference.high < 0)
        excluding = BLUE if difference.adjusted < 0.05 else SKY
        assert diamonds(axes)[place] == (difference.value, excluding if outside else GREY.upper())
        assert bars(axes)[place] == [difference.low, difference.high]
    colours = {color for _, color in diamonds(axes).values()}
    assert colours == ({BLUE, GREY.upper()} if len(seeds) > 1 else {GREY.upper()})


def test_a_claim_that_only_holds_uncorrected_is_light(usual: tuple[Results, Effects]) -> None:
    effects = usual[1]
    shown = [effect for effect in effects.levels if effect.differences]
    weak = replace(shown[0].differences["tau"], low=0.1, high=0.3, value=0.2, p_value=0.02, adjusted=0.06)
    levels = [
        replace(effect, differences={**effect.differences, "tau": weak}) if effect is shown[0] else effect
        for effect in effects.levels
    ]
    axes = forest_figure(replace(effects, levels=tuple(levels))).axes[0]
    labels = [label.get_text().replace("\n", " ") for label in axes.get_yticklabels()]
    assert diamonds(axes)[labels.index(shown[0].level.name)] == (0.2, SKY)
    assert "3 pairs (*)" in [text.get_text() for text in axes.texts]


@pytest.mark.parametrize("panels", [SIZE_PANELS, TOP_PANELS])
def test_every_panel_shows_its_metric(usual: tuple[Results, Effects], panels: tuple[Panel, ...]) -> None:
    effects = usual[1]
    shown = [effect for effect in effects.levels if effect.differences]
    columns = forest_figure(effects, panels).axes
    assert len(columns) == len(panels)
    for panel, axes in zip(panels, columns, strict=True):
        expected = [panel.scale * effect.differences[panel.metric].value for effect in shown]
        assert [value for value, _ in diamonds(axes).values()] == pytest.approx(expected)
    if panels is SIZE_PANELS:
        assert len({axes.get_xlim() for axes in columns}) == 1


def test_a_level_whose_runs_failed_keeps_its_row(tmp_path: Path) -> None:
    store = write_store(tmp_path / "store", SCENARIOS["usual"])
    for seed in range(3):
        path = record_path(store, run_id("batch_norm", "tracked", seed))
        error = {"type": "Diverged", "message": "loss is NaN", "traceback": ""}
        write_record(store, json.loads(path.read_text()) | {"status": "failed", "error": error, "checkpoints": []})
    effects = compute_effects(load_results(store, "default"), 100, seed=0)
    for figure in (forest_figure(effects), forest_figure(effects, TOP_PANELS), effect_figure(effects, "batch_norm")):
        axes = figure.axes[-1]
        labels = [label.get_text() for label in figure.axes[0].get_yticklabels()]
        row = labels.index("tracked")
        said = [text for text in axes.texts if text.get_text() == "3 failed"]
        assert [row_at(axes, text.get_position()[1]) for text in said] == [row]
        assert row not in diamonds(axes)


def test_a_row_is_as_high_as_its_own_text(tmp_path: Path) -> None:
    few = {"sampling": {"uniform": 1.0, "a": 1.0, " ".join(["long"] * 30): 1.0}}
    effects = study(tmp_path, Scenario(architectures=30, seeds=(0, 1), epochs=(5,), factors=few))[1]
    gaps = np.diff(forest_figure(effects).axes[0].get_yticks())
    assert gaps[1] > 1.4 * gaps[0]


def grid_study(folder: Path) -> tuple[Path, Effects]:
    store = write_store(folder / "store", SCENARIOS["grid of two factors"])
    for seed in (0, 1):
        name = run_id("sampling x learning_rate", "sampling uniform, learning_rate w", seed)
        error = {"type": "Diverged", "message": "loss is NaN", "traceback": ""}
        content = json.loads(record_path(store, name).read_text())
        write_record(store, content | {"status": "failed", "error": error, "checkpoints": []})
    return store, compute_effects(load_results(store, "default"), 100, seed=0)


def test_heat_maps_colour_and_write_every_cell(tmp_path: Path) -> None:
    effects = grid_study(tmp_path)[1]
    (grid,) = effects.grids
    above, below = grid_figure(effects, grid).axes[:2]
    texts = {text.get_position(): text.get_text() for text in above.texts}
    colors = above.collections[0].get_array()
    interactions = below.collections[0].get_array()
    assert colors is not None
    assert interactions is not None
    assert (
        above.collections[0].get_clim()[0] == -above.collections[0].get_clim()[1] == below.collections[0].get_clim()[0]
    )
    for (row, column), level in grid.cells.items():
        y, x = grid.rows.index(row), grid.columns.index(column)
        effect, text = effects.of_level(level), texts[x + 0.5, y + 0.5]
        if level.baseline:
            assert (text, colors[y, x]) == ("baseline", 0)
        elif effect.counts.failed:
            assert text == "2 failed"
            assert np.ma.getmaskarray(colors)[y, x]
        else:
            assert effect.difference is not None
            assert colors[y, x] == effect.difference.value
            assert f"[{effect.difference.low:+.3f}, {effect.difference.high:+.3f}]" in text
        known = effect.interaction is not None and effect.interaction.seeds > 0
        assert np.ma.getmaskarray(interactions)[y, x] == (not known and not level.baseline)
    fairnas = effects.of_level(grid.cells["fairnas accounting=compute", "v"]).interaction
    assert fairnas is not None
    assert interactions[1, 1] == fairnas.value
    assert [text.get_text() for text in below.texts].count("no seed of all four") == 1


def test_truth_is_to_the_right_and_the_score_upward(usual: tuple[Results, Effects]) -> None:
    results, effects = usual
    with style():
        values, ranks = scatter_figure(results, effects).axes
    run = effects.runs_of(effects.baseline).iloc[0]["run_id"]
    score = results.scores[(results.scores["run_id"] == run) & (results.scores["epoch"] == 40)]["accuracy"].to_numpy()
    truth = effects.truth.to_numpy()
    assert np.array_equal(values.lines[0].get_xdata(), truth)
    assert np.array_equal(values.lines[0].get_ydata(), score)
    assert np.array_equal(ranks.lines[0].get_xdata(), stats.rankdata(truth))
    assert np.array_equal(ranks.lines[0].get_ydata(), stats.rankdata(score))
    assert "digits" in values.get_ylabel()
    (x_low, x_high), (y_low, y_high) = values.get_xlim(), values.get_ylim()
    inside = (truth >= x_low) & (truth <= x_high) & (score >= y_low) & (score <= y_high)
    assert f"{(~inside).sum()} of 30 outside" in values.get_title(loc="left")
    assert color_of(values.lines[0]) == BASELINE_COLOR


def test_the_score_may_be_minus_the_cross_entropy(tmp_path: Path) -> None:
    store = write_store(tmp_path / "store", SCENARIOS["usual"])
    for path in (store / "runs").iterdir():
        content = json.loads(path.read_text())
        content["heuristics"]["scoring"] = {"name": "scoring", "score": "cross_entropy"}
        content["checkpoints"][-1]["cross_entropy"][0] = None
        write_record(store, content)
    results = load_results(store, "default")
    effects = compute_effects(results, 100, seed=0)
    with style():
        figure = scatter_figure(results, effects)
        draw(figure)
    values, ranks = figure.axes
    drawn = np.array(data(values.lines[0])[1])
    assert drawn[0] == -np.inf
    assert (drawn < 0).all()
    assert np.isfinite(values.get_ylim()).all()
    assert values.get_ylabel().startswith("minus cross-entropy")
    assert "minus cross-entropy" in ranks.get_ylabel()
    assert data(ranks.lines[0])[1][0] == 1


def test_an_outlier_does_not_squeeze_the_others(usual: tuple[Results, Effects]) -> None:
    results, effects = usual
    truth = effects.truth.copy()
    truth.iloc[0] = 0.1
    broken = Effects(effects.levels, (), effects.runs, effects.checkpoints, truth, ())
    values = scatter_figure(results, broken).axes[0]
    assert values.get_xlim()[0] > 0.4


def test_training_shows_every_seed_and_their_mean(usual: tuple[Results, Effects]) -> None:
    effects = usual[1]
    axes = training_figure(effects).axes[0]
    means = {str(line.get_label()).split(" ")[0]: line for line in lines_of(axes, "o")}
    thin = [line for line in axes.lines if line.get_linewidth() < 1]
    assert len(thin) == 3 * 3
    for effect in effects.of_factor("sampling"):
        runs = list(effects.runs_of(effect)["run_id"])
        taus = effects.checkpoints[effects.checkpoints["run_id"].isin(runs)]
        line = means[effect.level.name.split(" ")[0]]
        assert data(line)[0] == [10, 20, 30, 40]
        assert data(line)[1] == pytest.approx(taus.groupby("epoch")["tau"].mean().tolist())
        assert (color_of(line) == BASELINE_COLOR) == effect.level.baseline
        drawn = {tuple(np.round(data(seed)[1], 9)) for seed in thin}
        assert {tuple(np.round(part["tau"].to_numpy(), 9)) for _, part in taus.groupby("run_id")} <= drawn
    ((start, end),) = bands_of(axes)
    assert 20 < start <= 30
    assert end >= 40


def test_one_checkpoint_is_a_marker(tmp_path: Path) -> None:
    axes = training_figure(study(tmp_path, SCENARIOS["one checkpoint"])[1]).axes[0]
    assert [data(line)[0] for line in lines_of(axes, "o")] == [[5]] * 3


def test_many_levels_name_the_best_and_the_worst(tmp_path: Path) -> None:
    effects = study(tmp_path, SCENARIOS["grid of 25"])[1]
    legend = training_figure(effects).axes[0].get_legend()
    assert legend is not None
    labels = [text.get_text().replace("\n", " ") for text in legend.get_texts()]
    last = effects.checkpoints[effects.checkpoints["epoch"] == 10].set_index("run_id")["tau"]
    others = [effect for effect in effects.levels[1:] if not effect.level.baseline]
    final = {effect.level.name: last[effects.runs_of(effect)["run_id"]].mean() for effect in others}
    extremes = {max(final, key=lambda name: final[name]), min(final, key=lambda name: final[name])}
    assert extremes | {"22 other levels"} <= set(labels)
    assert len(labels) == 4


def test_colours_follow_the_order_of_levels_not_their_results(tmp_path: Path) -> None:
    def colours(noise: tuple[float, float]) -> list[str]:
        factors = {"sampling": {"uniform": 1.0, "first": noise[0], "second": noise[1]}}
        scenario = Scenario(architectures=30, epochs=(5, 10), factors=factors)
        axes = training_figure(study(tmp_path / str(noise[0]), scenario)[1]).axes[0]
        return [color_of(line) for line in lines_of(axes, "o")]

    assert colours((0.2, 5.0)) == colours((5.0, 0.2))


def test_settings_of_matplotlib_come_back() -> None:
    before = dict(matplotlib.rcParams)
    with style():
        assert dict(matplotlib.rcParams) != before
    assert dict(matplotlib.rcParams) == before


def test_texts_have_different_names_of_files() -> None:
    names = file_names(["sampling x batch_norm", "../a/b c", "a b c", "A-B-C", "..."])
    assert list(names.values()) == ["sampling_x_batch_norm", "a_b_c", "a_b_c_2", "A_B_C_3", "factor"]


def test_a_study_without_any_tau_has_figures(tmp_path: Path) -> None:
    store = write_store(tmp_path / "store", SCENARIOS["usual"])
    for path in (store / "runs").iterdir():
        path.unlink()
    results = load_results(store, "default")
    effects = compute_effects(results, 100, seed=0)
    assert math.isnan(effects.baseline.tau.value)
    with style():
        assert all(draw(figure) for _, figure, _ in all_figures(results, effects))
