"""Curves show every seed and their mean; what cannot be told apart is not named."""

from pathlib import Path

import numpy as np
import pytest

from supernet_bench.analysis.effects.effects import Effects
from supernet_bench.analysis.figures.style import BASELINE_COLOR, style
from supernet_bench.analysis.figures.training import draw_training_curves, training_curves
from supernet_bench.analysis.results import Results
from tests.analysis.figures.reading import bands_of, color_of, data, draw, lines_of, said_by
from tests.analysis.figures.scenarios import SCENARIOS, study
from tests.analysis.synthetic import Scenario

# matplotlib only warns where a layout does not fit.
pytestmark = pytest.mark.filterwarnings("error")


def test_legends_of_training_cover_no_panel(drawn: tuple[Results, Effects]) -> None:
    with style():
        figure = draw_training_curves(training_curves(drawn[1]))
        renderer = draw(figure).get_renderer()
        panels = [axes for axes in figure.axes if axes.get_visible()]
        for axes in panels:
            legend = axes.get_legend()
            assert legend is not None
            box = legend.get_window_extent(renderer)
            assert not any(box.overlaps(panel.get_window_extent(renderer)) for panel in panels)
            assert box.y1 <= axes.xaxis.label.get_window_extent(renderer).y0 + 1
            assert axes.get_window_extent(renderer).height > 1.3 * figure.dpi


def test_training_shows_every_seed_and_their_mean(usual: tuple[Results, Effects]) -> None:
    effects = usual[1]
    axes = draw_training_curves(training_curves(effects)).axes[0]
    means = {str(line.get_label()).split(" ")[0]: line for line in lines_of(axes, "o")}
    said = said_by(axes)
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
        for epoch, tau in taus.groupby("epoch")["tau"].mean().items():
            (text,) = [text for text in said if text.startswith(effect.level.name) and f"epoch {epoch}:" in text]
            assert f"tau {tau:.3f}, 3 seeds" in text
    ((start, end),) = bands_of(axes)
    assert 20 < start <= 30
    assert end >= 40


def test_one_checkpoint_is_a_marker(tmp_path: Path) -> None:
    axes = draw_training_curves(training_curves(study(tmp_path, SCENARIOS["one checkpoint"])[1])).axes[0]
    assert [data(line)[0] for line in lines_of(axes, "o")] == [[5]] * 3


def test_many_levels_name_the_best_and_the_worst(tmp_path: Path) -> None:
    effects = study(tmp_path, SCENARIOS["grid of 25"])[1]
    legend = draw_training_curves(training_curves(effects)).axes[0].get_legend()
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
        axes = draw_training_curves(training_curves(study(tmp_path / str(noise[0]), scenario)[1])).axes[0]
        return [color_of(line) for line in lines_of(axes, "o")]

    assert colours((0.2, 5.0)) == colours((5.0, 0.2))
