"""tau in parts of the architectures is what it is of these alone."""

import numpy as np
import pytest
from scipy import stats

from supernet_bench.analysis.effects.effects import Effects
from supernet_bench.analysis.figures.quantiles import FEWEST, FIFTHS, TOPS, draw_quantiles, quantiles
from supernet_bench.analysis.figures.style import BASELINE_COLOR, style
from supernet_bench.analysis.results import Results
from tests.analysis.figures.reading import draw, said_by

# matplotlib only warns where a layout does not fit.
pytestmark = pytest.mark.filterwarnings("error")


def test_parts_cover_all_architectures_once() -> None:
    bounds = list(FIFTHS.values())
    assert [high for _, high in bounds[:-1]] == [low for low, _ in bounds[1:]]
    assert (bounds[0][0], bounds[-1][1]) == (0, 1)
    assert TOPS["50 %"] == (0.5, 1.0)


def test_tau_of_a_part_is_that_of_its_architectures(usual: tuple[Results, Effects]) -> None:
    results, effects = usual
    found = quantiles(results, effects)
    assert [each.label.partition(":")[0] for each in found.above] == ["baseline", "best", "worst", "parameter count"]
    truth = effects.truth
    baseline = found.above[0].taus.set_index(["part", "seed"])["tau"]
    half = truth.index[truth >= truth.median()]
    for run in effects.runs_of(effects.baseline).itertuples():
        scores = results.scores[(results.scores["run_id"] == run.run_id) & results.scores["late"]]
        for part, chosen in (("all", truth.index), ("50 %", half)):
            taus = [
                stats.kendalltau(of_epoch.set_index("architecture").loc[chosen, "score"], truth[chosen]).statistic
                for _, of_epoch in scores.groupby("epoch")
            ]
            assert baseline[part, run.seed] == pytest.approx(np.mean(taus))
        assert baseline["all", run.seed] == pytest.approx(run.tau)


def test_parts_of_few_architectures_are_left_out(usual: tuple[Results, Effects]) -> None:
    """Of 30, a fifth has 6."""
    found = quantiles(*usual)
    assert FEWEST > 30 / 5
    assert found.within == ()
    assert list(found.above[0].taus["part"].unique()) == ["all", "80 %", "60 %", "50 %", "40 %"]


def test_what_is_drawn_are_the_means(usual: tuple[Results, Effects]) -> None:
    found = quantiles(*usual)
    with style():
        figure = draw_quantiles(found)
        draw(figure)
    (right,) = figure.axes  # The other panel would be empty, and so would the legend that is taken from it.
    assert len(figure.legends[0].get_texts()) == len(found.above)
    means = found.above[0].taus.groupby("part", sort=False)["tau"].mean()
    drawn = [line for line in right.lines if line.get_color() == BASELINE_COLOR and len(line.get_xdata()) == len(means)]
    assert np.asarray(drawn[0].get_ydata()) == pytest.approx(means.to_numpy())
    assert len(said_by(right)) == len(means)
