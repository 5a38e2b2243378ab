"""Points are where score and truth are."""

import json
from pathlib import Path

import numpy as np
import pytest
from scipy import stats

from supernet_bench.analysis.effects.effects import Effects
from supernet_bench.analysis.effects.estimate import compute_effects
from supernet_bench.analysis.figures.scatter import MANY, Pair, Points, Scatter, draw_scatter, scatter
from supernet_bench.analysis.figures.style import BASELINE_COLOR, style
from supernet_bench.analysis.ranking.metrics import kendall_tau
from supernet_bench.analysis.results import Results, load_results
from tests.analysis.figures.reading import color_of, data, draw, said_by
from tests.analysis.figures.scenarios import SCENARIOS
from tests.analysis.synthetic import write_record, write_store

# matplotlib only warns where a layout does not fit.
pytestmark = pytest.mark.filterwarnings("error")


def mean_of_seeds(results: Results, effects: Effects) -> np.ndarray:
    """Return the mean score of the baseline over its late checkpoints and seeds, computed in another way."""
    runs = effects.runs_of(effects.baseline)["run_id"]
    late = results.scores[results.scores["run_id"].isin(runs) & results.scores["late"]]
    by_seed = [part.groupby("architecture")["score"].mean() for _, part in late.groupby("run_id")]
    return np.mean([one[effects.truth.index].to_numpy() for one in by_seed], axis=0)


def test_truth_is_to_the_right_and_the_mean_score_upward(usual: tuple[Results, Effects]) -> None:
    results, effects = usual
    with style():
        values, ranks = draw_scatter(scatter(results, effects)).axes[::3]
    score, truth = mean_of_seeds(results, effects), effects.truth.to_numpy()
    assert np.array_equal(values.lines[0].get_xdata(), truth)
    assert values.lines[0].get_ydata() == pytest.approx(score)
    assert np.array_equal(ranks.lines[0].get_xdata(), stats.rankdata(truth))
    assert np.array_equal(ranks.lines[0].get_ydata(), stats.rankdata(np.round(score, 9)))
    said = [f"published {x:.5f}, scored {y:.5f}" for x, y in zip(truth, score, strict=True)]
    assert [text.split(": ")[1] for text in said_by(ranks)] == said
    assert said_by(values) == []
    assert color_of(values.lines[0]) == BASELINE_COLOR


def test_both_taus_are_told_apart(usual: tuple[Results, Effects]) -> None:
    """A mean over seeds ranks better than the seeds: it must not pass for the tau of the study."""
    results, effects = usual
    baseline, best, worst = scatter(results, effects).pairs
    assert baseline.single == effects.baseline.tau.value
    assert baseline.together == pytest.approx(kendall_tau(mean_of_seeds(results, effects), effects.truth.to_numpy()))
    assert baseline.together != baseline.single
    assert f"tau {baseline.together:.3f} of 3 seeds together,\n{baseline.single:.3f} of single seeds" in baseline.title
    others = [effect.tau.value for effect in effects.levels[1:] if not effect.level.baseline]
    assert (best.single, worst.single) == (max(others), min(others))
    assert best.title.startswith("best: fairnas accounting=compute")


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
    values, ranks = figure.axes[::3]
    drawn = np.array(data(values.lines[0])[1])
    assert drawn[0] == -np.inf
    assert (drawn < 0).all()
    assert np.isfinite(values.get_ylim()).all()
    assert values.get_ylabel() == "minus cross-entropy"
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
        points = Points("", "", *np.random.default_rng(0).random((2, MANY + many)))
        ranks = Points("", "", points.x, points.y)
        pair = Pair("", BASELINE_COLOR, 0.0, 0.0, points, ranks, tuple(map(str, range(MANY + many))))
        said = [len(said_by(axes)) for axes in draw_scatter(Scatter(("",), (pair,))).axes]
        assert said == [0, 0 if many else MANY]
