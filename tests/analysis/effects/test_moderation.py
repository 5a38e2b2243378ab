"""Variances over few seeds, drawn towards those of all levels, on variances whose distribution is known."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import special, stats

from supernet_bench.analysis.effects.moderation import (
    FEWEST_LEVELS,
    Variance,
    _held_moments,
    _inverse_trigamma,
    _moments_prior,
    _robust_prior,
    moderate,
)


def drawn(levels: int, degrees: float, centre: float, certainty: float, seed: int = 0) -> np.ndarray:
    """Return observed variances whose true ones are of the prior."""
    rng = np.random.default_rng(seed)
    true = np.full(levels, centre)
    if math.isfinite(certainty):
        true = centre * certainty / rng.chisquare(certainty, levels)
    return true * rng.chisquare(degrees, levels) / degrees


@pytest.mark.parametrize("certainty", [4.0, 12.0])
@pytest.mark.parametrize("degrees", [4.0, 7.0])
def test_the_prior_of_many_levels_is_found(degrees: float, certainty: float) -> None:
    variances, known = drawn(8000, degrees, 2.0, certainty), np.full(8000, degrees)
    centre, found = _moments_prior(variances, known)
    assert (centre, found) == pytest.approx((2.0, certainty), rel=0.12)
    centre, robust = _robust_prior(variances, known)
    assert (centre, robust.max()) == pytest.approx((2.0, certainty), rel=0.15)


def test_equal_true_variances_are_pooled() -> None:
    variances = drawn(8000, 4.0, 2.0, math.inf)
    found = moderate(list(variances), [4.0] * 8000, only_wider=False)
    assert np.median([one.value for one in found]) == pytest.approx(2.0, rel=0.05)
    assert np.median([one.degrees for one in found]) > 500


def test_a_few_that_diverge_neither_widen_the_others_nor_are_hidden_by_them() -> None:
    variances, known = drawn(40, 4.0, 1.0, math.inf, seed=1), np.full(40, 4.0)
    wild = variances.copy()
    wild[:2] = 400.0
    plain = _moments_prior(wild, known)[1]
    centre, robust = _robust_prior(wild, known)
    assert plain < 6 < 20 < robust[2:].min()
    assert centre == pytest.approx(1.0, rel=0.4)
    assert robust[:2].max() < 1
    found = moderate(list(wild), [4.0] * 40)
    assert all(one.value == pytest.approx(400, rel=0.3) and one.degrees < 5 for one in found[:2])
    assert np.median([one.value for one in found[2:]]) < 2


def test_held_moments_are_those_of_a_sample() -> None:
    logs = np.log(stats.f.rvs(4, 12, size=400_000, random_state=0))
    low, high = np.quantile(logs, [0.05, 0.9])
    held = np.clip(logs, low, high)
    assert _held_moments(4, 12) == pytest.approx((held.mean(), held.var()), abs=0.005)


@given(st.floats(1e-6, 1e6))
def test_the_inverse_of_trigamma(value: float) -> None:
    assert float(special.polygamma(1, _inverse_trigamma(value))) == pytest.approx(value, rel=1e-6)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.floats(1e-4, 1e2), min_size=FEWEST_LEVELS, max_size=40), st.integers(2, 9), st.floats(0.1, 10))
def test_moderation_only_widens_keeps_units_and_knows_no_more_than_all(
    variances: list[float], degrees: int, unit: float
) -> None:
    known = [float(degrees)] * len(variances)
    found = moderate(variances, known)
    for one, own in zip(found, variances, strict=True):
        assert one.value >= own
        assert degrees <= one.degrees <= degrees * len(variances) + 1e-9
    scaled = moderate([unit * own for own in variances], known)
    assert [one.value for one in scaled] == pytest.approx([unit * one.value for one in found], rel=1e-3)


def test_a_lucky_level_is_no_longer_certain() -> None:
    variances = [0.03, *drawn(40, 4.0, 1.0, math.inf)]
    lucky, *_ = moderate(variances, [4.0] * 41)
    assert lucky.value > 0.4
    assert lucky.degrees > 8


def test_what_shows_nothing_stays_as_it_is() -> None:
    few = [1.0, 4.0, 9.0]
    assert moderate(few, [4.0] * 3) == [Variance(value, 4.0) for value in few]
    mostly_equal = [0.0] * 15 + [1.0] * 12
    assert moderate(mostly_equal, [4.0] * 27) == [Variance(value, 4.0) for value in mostly_equal]
    some_equal = moderate([0.0] * 3 + list(drawn(20, 4.0, 1.0, 8.0)), [4.0] * 23)
    assert some_equal[:3] == [Variance(0.0, 4.0)] * 3
    assert moderate([], []) == []


def test_a_baseline_with_more_seeds_takes_part_by_how_far_out_it_is() -> None:
    variances, degrees = [*drawn(30, 4.0, 1.0, 10.0), 1.0], [4.0] * 30 + [31.0]
    found = moderate(variances, degrees, only_wider=False)[-1]
    assert found.value == pytest.approx(1.0, rel=0.3)
    assert found.degrees > 31
