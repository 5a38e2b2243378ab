"""Points are where score and truth are."""

import json
from pathlib import Path

import numpy as np
import pytest
from scipy import stats

from supernet_bench.analysis.effects.effects import Effects
from supernet_bench.analysis.effects.estimate import compute_effects
from supernet_bench.analysis.figures.scatter import MANY, Points, Scatter, draw_scatter, scatter
from supernet_bench.analysis.figures.style import BASELINE_COLOR, style
from supernet_bench.analysis.results import Results, load_results
from tests.analysis.figures.reading import color_of, data, draw, said_by
from tests.analysis.figures.scenarios import SCENARIOS
from tests.analysis.synthetic import write_record, write_store

# matplotlib only warns where a layout does not fit.
pytestmark = pytest.mark.filterwarnings("error")


def test_truth_is_to_the_right_and_the_score_upward(usual: tuple[Results, Effects]) -> None:
    results, effects = usual
    with style():
        values, ranks = draw_scatter(scatter(results, effects)).axes
    run = effects.runs_of(effects.baseline).iloc[0]["run_id"]
    score = results.scores[(results.scores["run_id"] == run) & (results.scores["epoch"] == 40)]["accuracy"].to_numpy()
    truth = effects.truth.to_numpy()
    assert np.array_equal(values.lines[0].get_xdata(), truth)
    assert np.array_equal(values.lines[0].get_ydata(), score)
    assert np.array_equal(ranks.lines[0].get_xdata(), stats.rankdata(truth))
    assert np.array_equal(ranks.lines[0].get_ydata(), stats.rankdata(score))
    assert "digits" in values.get_ylabel()
    said = [f"published {x:.5f}, scored {y:.5f}" for x, y in zip(truth, score, strict=True)]
    assert [text.split(": ")[1] for text in said_by(ranks)] == said
    assert set(said_by(values)) < set(said_by(ranks))
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
        figure = draw_scatter(scatter(results, effects))
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
    values = draw_scatter(scatter(results, broken)).axes[0]
    assert values.get_xlim()[0] > 0.4


def test_of_many_points_none_is_pointed_at() -> None:
    for many in (False, True):
        points = Points("", "", "", *np.random.default_rng(0).random((2, MANY + many)))
        data = Scatter("", (points, points), tuple(map(str, range(MANY + many))))
        assert [len(said_by(axes)) for axes in draw_scatter(data).axes] == [0 if many else MANY] * 2
