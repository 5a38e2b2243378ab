"""Distances of single runs from the mean of their level."""

from pathlib import Path

import numpy as np
import pytest

from supernet_bench.analysis.effects.effects import Effects
from supernet_bench.analysis.figures.seeds import draw_spread, spread
from supernet_bench.analysis.figures.style import style
from supernet_bench.analysis.results import Results
from tests.analysis.figures.reading import draw, said_by
from tests.analysis.figures.scenarios import SCENARIOS, study

# matplotlib only warns where a layout does not fit.
pytestmark = pytest.mark.filterwarnings("error")


def test_distances_are_those_from_the_mean_of_a_level(usual: tuple[Results, Effects]) -> None:
    effects = usual[1]
    found = spread(effects).distances
    assert list(found["factor"].unique()) == ["baseline", *effects.factors]
    assert found.groupby(["factor", "level"])["distance"].mean().to_numpy() == pytest.approx(0)
    taus = effects.runs_of(effects.baseline)["tau"].to_numpy()
    own = found[found["factor"] == "baseline"]["distance"].to_numpy()
    assert own == pytest.approx(taus - taus.mean())
    assert len(found) == 4 * 3, "levels that are the baseline are not counted again"


def test_every_run_is_a_dot_and_drawing_leaves_random_numbers_alone(usual: tuple[Results, Effects]) -> None:
    found = spread(usual[1])
    before = np.random.get_state()[1].tolist()  # noqa: NPY002
    with style():
        figures = [draw_spread(found) for _ in range(2)]
        for figure in figures:
            draw(figure)
    assert np.random.get_state()[1].tolist() == before  # noqa: NPY002
    dots = [np.concatenate([each.get_offsets() for each in figure.axes[0].collections]) for figure in figures]
    assert np.array_equal(*dots)
    assert sorted(dots[0][:, 0]) == pytest.approx(sorted(found.distances["distance"]))
    assert len(said_by(figures[0].axes[0])) == 3


def test_too_few_seeds_have_no_spread(tmp_path: Path) -> None:
    assert spread(study(tmp_path, SCENARIOS["one seed"])[1]).distances.empty
