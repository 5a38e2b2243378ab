"""Fits of made-up times, and the files of a real measurement."""

import json
from pathlib import Path

import numpy as np
import pytest

from speed.growth import Fit, Growth, fit, in_words, measure_growth
from speed.growth_plot import write_figure, write_json

SIZES = np.array([1.0, 2.0, 4.0, 8.0, 1.0, 2.0, 4.0, 8.0])
NOISE = np.array([1.01, 0.99, 1.02, 0.98, 0.99, 1.01, 0.98, 1.02])


def test_a_line_is_found() -> None:
    found = fit(Growth("steps", SIZES, 0.5 + 3.0 * SIZES))
    assert (found.slope, found.intercept, found.r_squared) == pytest.approx((3.0, 0.5, 1.0))
    assert 0.8 < found.exponent < 1.0  # The fixed part.


@pytest.mark.parametrize("power", [0.5, 1.0, 2.0])
def test_an_exponent_is_found_within_its_interval(power: float) -> None:
    found = fit(Growth("steps", SIZES, 3.0 * SIZES**power * NOISE))
    low, high = found.interval
    assert low < power < high
    assert high - low < 0.1
    assert low < found.exponent < high


def test_files_and_words(tmp_path: Path) -> None:
    growth = Growth("training steps", SIZES, 3.0 * SIZES * NOISE)
    found = [(growth, fit(growth))] * 4
    write_figure(found, tmp_path)
    write_json(found, tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["growth.json", "growth.png", "growth.svg"]
    assert (tmp_path / "growth.svg").read_text().count(">training steps<") == 4
    written = json.loads((tmp_path / "growth.json").read_text())
    assert written[0]["seconds"] == growth.seconds.tolist()
    assert written[0]["exponent"] == found[0][1].exponent


def test_the_sentence_says_what_was_fitted() -> None:
    growth = Growth("seeds", SIZES, SIZES)
    sentence = in_words(growth, Fit(0.25, 0.5, 0.999, 0.97, (0.95, 0.99)))
    assert sentence == (
        "seeds: 250 ms each and 500 ms fixed, R^2 0.9990; time grows with size to the power 0.97 "
        "(95% interval 0.95 to 0.99)"
    )


@pytest.mark.full
def test_all_four_are_measured_at_every_size() -> None:
    found = measure_growth(1, 1)
    sizes = {each.what: sorted(each.sizes.tolist()) for each in found}
    assert sizes == {
        "epochs of 40 training steps": [1, 2],
        "scored architectures": [100, 200],
        "scored images": [250, 500],
        "seeds": [1, 2],
    }
    assert all((each.seconds > 0).all() for each in found)
