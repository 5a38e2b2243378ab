"""The simulations that the rules of intervals and marks rest on, in small."""

from dataclasses import replace

import numpy as np
import pytest

from supernet_bench.analysis.effects.intervals import Part, Spread
from tools import simulate_intervals, simulate_marks

STUDY = simulate_marks.DESIGNS["35 levels x 5 + 32"]


@pytest.mark.parametrize("variant", ["as measured", "three levels diverge", "heavy tails"])
def test_the_form_that_marks_seldom_marks_falsely_and_shows_more_than_pairs(variant: str) -> None:
    """Of 100 studies at a rate of 0.05, more than 11 have a false mark with a chance of 0.4 %."""
    design = simulate_marks.VARIANTS[variant](STUDY)
    null = simulate_marks.simulate(design, 100, seed=2)
    real = simulate_marks.simulate(replace(design, effects=simulate_marks.EFFECT), 25, seed=3)
    assert null["chosen"].false <= 0.11
    assert real["chosen"].power > 2 * real["paired"].power
    assert np.isnan(null["chosen"].power)


def test_heavy_tails_leave_the_variance_as_it_is() -> None:
    heavy = simulate_marks.VARIANTS["heavy tails"](replace(STUDY, levels=4000, certainty=np.inf))
    levels, _ = simulate_marks._values(heavy, np.zeros(4000), np.random.default_rng(0))
    assert np.var(levels) == pytest.approx(1, rel=0.05)
    assert np.mean((levels / np.std(levels)) ** 4) > 4  # 3 of a normal distribution.


def test_the_rule_without_moderation_is_seen_to_fail() -> None:
    assert simulate_marks.simulate(STUDY, 100, seed=2)["Welch"].false > 0.08


def test_the_p_values_of_the_simulation_are_those_of_the_suite() -> None:
    differences, own, degrees = np.array([0.1, -0.3, 0.01]), np.array([0.01, 0.02, 0.03]), np.array([4, 9, 5e9, 31.0])
    found = simulate_marks._quadrature(differences, own, 0.005, degrees)
    for place, p_value in enumerate(found):
        parts = Part(own[place] ** 0.5, degrees[place]), Part(0.005**0.5, 31.0)
        assert p_value == pytest.approx(Spread(parts).p_value(differences[place]), rel=1e-4)


SMALL = simulate_intervals.Design(baseline_seeds=6, architectures=60, images=25, favour=0.2, own=0.03)


def test_intervals_cover_seeds_architectures_and_images() -> None:
    """Of 60 studies at 0.95, fewer than 52 cover with a chance of 1 %."""
    found = simulate_intervals.simulate(SMALL, 60)
    assert min(found.level, found.difference) >= 52 / 60
    assert found.images > 0.02
    assert found.without < found.level


@pytest.mark.full
def test_intervals_cover_at_the_size_of_a_study() -> None:
    found = simulate_intervals.simulate(simulate_intervals.DESIGNS["5 seeds + 32, 20 blocks of 25"], 60, seed=1)
    assert min(found.level, found.difference) >= 52 / 60
