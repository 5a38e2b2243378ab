"""Rows show the estimates, what is sure about them, and why there is none."""

import json
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from matplotlib.colors import to_hex
from matplotlib.figure import Figure

from supernet_bench.analysis.effects.effects import Effect, Effects
from supernet_bench.analysis.effects.estimate import compute_effects
from supernet_bench.analysis.figures import plots_of
from supernet_bench.analysis.figures.forest import (
    BETTER_HALF,
    MOST,
    SIZE,
    TAU,
    TAUS,
    TOP,
    Metric,
    difference_forest,
    tau_forest,
)
from supernet_bench.analysis.figures.references import main_references
from supernet_bench.analysis.figures.rows import BAND, SEEDS_ABOVE, draw_forest
from supernet_bench.analysis.figures.style import BASELINE_COLOR, BLUE, GREY, SKY, style
from supernet_bench.analysis.numbers import in_full
from supernet_bench.analysis.results import Results, load_results
from supernet_bench.analysis.verdicts import NEGLIGIBLE
from supernet_bench.records.layout import record_path
from tests.analysis.figures.reading import bands_of, bars, data, diamonds, draw, lines_of, row_at, said_by
from tests.analysis.figures.scenarios import SCENARIOS, study
from tests.analysis.synthetic import Scenario, run_id, write_record, write_store

# matplotlib only warns where a layout does not fit.
pytestmark = pytest.mark.filterwarnings("error")


def known(effects: Effects, metrics: tuple[Metric, ...]) -> list[Metric]:
    return [metric for metric in metrics if metric.name in effects.of_factor("sampling")[1].differences][:MOST]


def by_effect(effects: Effects, metric: Metric) -> list[Effect]:
    """Return the levels that are compared, by factor, the best first."""
    sign = -1 if metric.name.startswith("regret") else 1
    return [
        effect
        for factor in effects.factors
        for effect in sorted(
            (effect for effect in effects.of_factor(factor) if effect.difference),
            key=lambda effect: -sign * effect.differences[metric.name].value,
        )
    ]


def tau_figure(effects: Effects, factor: str) -> Figure:
    return draw_forest(tau_forest(effects, factor))


def difference_figure(effects: Effects, metrics: tuple[Metric, ...] = TAU) -> Figure:
    return draw_forest(difference_forest(effects, metrics, same_axis=metrics is SIZE))


def test_the_data_are_the_estimates(usual: tuple[Results, Effects]) -> None:
    effects = usual[1]
    rows = tau_forest(effects, "sampling").rows
    levels = sorted(effects.of_factor("sampling"), key=lambda effect: -effect.tau.value)
    for row, effect in zip(rows, levels, strict=True):
        mark = row.marks[0]
        assert (mark.value, mark.low, mark.high) == (effect.tau.value, effect.tau.low, effect.tau.high)
        assert mark.seeds == tuple(effects.runs_of(effect)["tau"])
    rows, metrics = difference_forest(effects, TOP).rows, known(effects, TOP)
    assert [row.label for row in rows if not row.marks] == ["sampling"], "a single level needs no heading"
    shown = by_effect(effects, metrics[0])
    for row, effect in zip((row for row in rows if row.marks), shown, strict=True):
        assert row.label.endswith(effect.level.label)
        for mark, metric in zip(row.marks, metrics, strict=True):
            assert mark.value == metric.scale * effect.differences[metric.name].value
    assert rows[-1].label == "batch_norm: tracked"


def test_every_row_says_its_value_in_full(usual: tuple[Results, Effects]) -> None:
    effects = usual[1]
    axes = tau_figure(effects, "sampling").axes[0]
    said = said_by(axes)
    for effect in effects.of_factor("sampling"):
        (text,) = [text for text in said if text.startswith(f"sampling {effect.level.name}")]
        assert in_full(effect.tau) in text
        assert all(f"seed {seed}: {tau:.3f}" in text for seed, tau in enumerate(effects.runs_of(effect)["tau"]))
    for reference in ("untrained", "parameter count"):
        assert sum(text.startswith(f"{reference}, tau ") for text in said) == 1
    for metric, panel in zip(known(effects, TOP), difference_figure(effects, TOP).axes, strict=True):
        said = said_by(panel)
        shown = [effect.differences[metric.name] for effect in effects.levels if effect.difference]
        assert len(said) == len(shown)
        assert all(any(in_full(found, "+", metric.scale) in text for text in said) for found in shown)


def test_labels_of_levels_do_not_overlap(drawn: tuple[Results, Effects]) -> None:
    _, effects = drawn
    with style():
        for figure in (*(tau_figure(effects, factor) for factor in effects.factors), difference_figure(effects)):
            renderer = draw(figure).get_renderer()
            boxes = [label.get_window_extent(renderer) for label in figure.axes[0].get_yticklabels()]
            assert all(above.y0 >= below.y1 for above, below in pairwise(boxes))


def test_effects_are_drawn_where_they_are(usual: tuple[Results, Effects]) -> None:
    effects = usual[1]
    axes = tau_figure(effects, "sampling").axes[0]
    rows = sorted(effects.of_factor("sampling"), key=lambda effect: -effect.tau.value)
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
    axes = tau_figure(effects, "sampling").axes[0]
    chosen = [effect.tau for effect in effects.references if effect.level.name in ("untrained", "parameter count")]
    assert np.array(sorted(bands_of(axes))) == pytest.approx(np.array(sorted((tau.low, tau.high) for tau in chosen)))


def test_all_effect_plots_have_one_axis_that_holds_every_point(usual: tuple[Results, Effects]) -> None:
    effects = usual[1]
    limits = [tau_figure(effects, factor).axes[0].get_xlim() for factor in effects.factors]
    assert len(limits) == 2
    assert limits[0] == limits[1]
    assert limits[0][0] < effects.runs["tau"].min() < effects.runs["tau"].max() < limits[0][1]


@pytest.mark.parametrize("seeds", [range(5), range(1)])
def test_the_forest_draws_differences_and_colours_what_excludes_zero(tmp_path: Path, seeds: range) -> None:
    noise = {"sampling": {"uniform": 1.0, "better": 0.1, "worse": 12.0}, "batch_norm": {"batch": 1.0, "same": 1.0}}
    effects = study(tmp_path, Scenario(seeds=seeds, factors=noise))[1]
    axes = difference_figure(effects).axes[0]
    labels = [label.get_text().replace("\n", " ").removeprefix("batch_norm: ") for label in axes.get_yticklabels()]
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
    axes, last = difference_figure(replace(effects, levels=tuple(levels))).axes
    labels = [label.get_text().replace("\n", " ") for label in axes.get_yticklabels()]
    assert diamonds(axes)[labels.index(shown[0].level.name)] == (0.2, SKY)
    assert "(*)" in [text.get_text() for text in last.texts]


@pytest.mark.parametrize("metrics", [SIZE, TOP])
def test_every_panel_shows_its_metric(usual: tuple[Results, Effects], metrics: tuple[Metric, ...]) -> None:
    effects = usual[1]
    found = known(effects, metrics)
    shown = by_effect(effects, found[0])
    columns = difference_figure(effects, metrics).axes
    assert len(columns) == len(found)
    for metric, axes in zip(found, columns, strict=True):
        expected = [metric.scale * effect.differences[metric.name].value for effect in shown]
        assert [value for value, _ in diamonds(axes).values()] == pytest.approx(expected)
    if metrics is SIZE:
        assert len({axes.get_xlim() for axes in columns}) == 1


def test_a_level_whose_runs_failed_keeps_its_row(tmp_path: Path) -> None:
    store = write_store(tmp_path / "store", SCENARIOS["usual"])
    for seed in range(3):
        path = record_path(store, run_id("batch_norm", "tracked", seed))
        error = {"type": "Diverged", "message": "loss is NaN", "traceback": ""}
        write_record(store, json.loads(path.read_text()) | {"status": "failed", "error": error, "checkpoints": []})
    effects = compute_effects(load_results(store, "default"), 100, seed=0)
    for figure in (difference_figure(effects), difference_figure(effects, TOP), tau_figure(effects, "batch_norm")):
        axes = figure.axes[-1]
        labels = [label.get_text() for label in figure.axes[0].get_yticklabels()]
        (row,) = [place for place, label in enumerate(labels) if label.endswith("tracked")]
        said = [text for text in axes.texts if text.get_text() == "3 failed"]
        assert [row_at(axes, text.get_position()[1]) for text in said] == [row]
        assert row not in diamonds(axes)
        assert "batch_norm tracked, 3 failed" in said_by(axes)


def test_a_row_is_as_high_as_its_own_text(tmp_path: Path) -> None:
    few = {"sampling": {"uniform": 1.0, "a": 1.0, " ".join(["long"] * 30): 1.0}}
    effects = study(tmp_path, Scenario(architectures=30, seeds=(0, 1), epochs=(5,), factors=few))[1]
    gaps = np.diff(difference_figure(effects).axes[0].get_yticks())
    assert gaps[1] > 1.4 * gaps[0]


def with_better_half(effects: Effects) -> Effects:
    """Return effects in which other metrics stand for that of the better half."""
    levels = tuple(
        replace(
            effect,
            estimates={**effect.estimates, BETTER_HALF: effect.estimates["spearman"]},
            differences={**effect.differences, BETTER_HALF: effect.differences["partial_tau"]}
            if effect.differences
            else {},
        )
        for effect in effects.levels
    )
    return replace(effects, levels=levels, runs=effects.runs.assign(**{BETTER_HALF: effects.runs["spearman"]}))


def test_the_better_half_stands_beside_tau(usual: tuple[Results, Effects]) -> None:
    effects = with_better_half(usual[1])
    for figure in (tau_figure(effects, "sampling"), difference_figure(effects)):
        left, right = figure.axes
        assert len(diamonds(left)) == len(diamonds(right)) > 0
        assert "better half" in right.get_xlabel()
    forest = tau_forest(effects, "sampling")
    levels = sorted(effects.of_factor("sampling"), key=lambda effect: -effect.tau.value)
    for row, effect in zip(forest.rows, levels, strict=True):
        assert row.marks[1].value == effect.estimates[BETTER_HALF].value
        assert row.marks[1].seeds == tuple(effects.runs_of(effect)[BETTER_HALF])
    assert list(TAUS)[1] == BETTER_HALF


def test_a_band_shows_what_is_called_no_effect(usual: tuple[Results, Effects]) -> None:
    (axes,) = difference_figure(usual[1], TAU[:1]).axes
    (band,) = [patch for patch in axes.patches if to_hex(patch.get_facecolor()) == BAND]
    assert (band.get_x(), band.get_x() + band.get_width()) == (-NEGLIGIBLE, NEGLIGIBLE)
    # Nothing is said of what is negligible in a metric of winners.
    for axes in difference_figure(usual[1], TOP).axes:
        assert not [patch for patch in axes.patches if to_hex(patch.get_facecolor()) == BAND]


def test_drawn_references_are_those_that_pages_speak_of(usual: tuple[Results, Effects]) -> None:
    """Of the costs only the one that ranks best is drawn, whichever that is."""
    effects = usual[1]
    for better, worse in (("parameter count", "MACs"), ("MACs", "parameter count")):
        taus = {better: 0.6, worse: 0.2}
        rows = tuple(
            replace(row, estimates={"tau": replace(row.tau, value=taus[row.level.name])})
            if row.level.name in taus
            else row
            for row in effects.references
        )
        changed = replace(effects, references=rows)
        assert changed.strongest_cost is not None
        assert changed.strongest_cost.level.name == better
        names = [row.level.name for row in main_references(changed)]
        assert names == ["untrained", better]
        drawn = tau_figure(changed, "sampling").axes[0].get_legend_handles_labels()[1]
        assert [text.partition(" (")[0] for text in drawn] == names
        captions = {plot.caption for plot in plots_of(usual[0], changed) if plot.name.startswith("effect_")}
        assert all(f"untrained and {better};" in caption for caption in captions)


def test_a_row_says_what_another_cost_is(usual: tuple[Results, Effects]) -> None:
    effects = usual[1]
    costly = tuple(
        replace(effect, path_passes=4.0) if effect.level.name == "pool size=50" else effect for effect in effects.levels
    )
    for forest in (
        tau_forest(replace(effects, levels=costly), "sampling"),
        difference_forest(replace(effects, levels=costly)),
    ):
        notes = {row.label: row.note for row in forest.rows}
        assert "4.0 x passes" in notes["pool size=50"]
        assert "passes" not in notes["fairnas accounting=compute"]
