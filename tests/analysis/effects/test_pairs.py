"""Two studies side by side: which levels are compared, and what of them agrees."""

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from supernet_bench.analysis.effects.effects import Effect
from supernet_bench.analysis.effects.pairs import Pair
from supernet_bench.analysis.verdicts import same_directions
from tests.analysis.compared import cheap_and_dear, study
from tests.analysis.synthetic import run_id


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Pair:
    return cheap_and_dear(tmp_path_factory.mktemp("pair"))


def test_levels_that_are_the_baseline_of_neither_are_compared_in_the_order_of_the_first(pair: Pair) -> None:
    names = [one.level.name for one, _ in pair.levels]
    assert sorted(names) == ["fair", "pool $x$", "rate=0.2", "rate=0.4"]
    values = [one.difference.value for one, _ in pair.levels if one.difference]
    assert values == sorted(values, reverse=True)
    assert names.index("fair") < names.index("pool $x$")
    assert (pair.agreement.levels, pair.agreement.factors) == (4, 2)
    assert pair.agreement.seeds == ((0, 1, 2), (0, 1, 2, 3))
    assert (pair.agreement.divisions, pair.agreement.fewest) == (3, (2, 2))


def test_differences_are_paired_by_seed(pair: Pair) -> None:
    levels = [one for one, _ in pair.levels]
    found = pair.first.differences(levels)
    assert found.shape == (4, 3)
    expected = [level.difference.value for level in levels if level.difference]
    np.testing.assert_allclose(found.mean(axis=1), expected)


def test_a_run_that_is_missing_leaves_a_hole(tmp_path: Path) -> None:
    one = study(tmp_path, "cheap", without=(run_id("sampling", "fair", 1), run_id("baseline", "baseline", 2)))
    levels = [effect for effect in one.effects.levels if effect.difference]
    holes = np.isnan(one.differences(levels))
    fair = [effect.level.name for effect in levels].index("fair")
    assert holes[:, 2].all()
    assert holes[fair, 1]
    assert holes.sum() == len(levels) + 1


def test_directions_are_counted_among_what_the_first_shows(pair: Pair) -> None:
    found = pair.directions()
    shown = [(a.difference, b.difference) for a, b in pair.levels if a.difference and a.difference.excludes_zero]
    assert found.shown == len(shown) >= 1
    assert found.same == sum(one.value * other.value > 0 for one, other in shown if other)
    assert pair.directions(corrected=True).shown <= found.shown
    assert pair.directions(corrected=True).confirmed == sum(
        one.difference.excludes_zero_corrected
        and other.difference.excludes_zero_corrected
        and one.difference.value * other.difference.value > 0
        for one, other in pair.levels
        if one.difference and other.difference
    )


def test_directions_are_compared_with_what_independent_ones_would_give(pair: Pair) -> None:
    """Of a baseline that is hard to beat, nearly all differences are negative, whatever they are elsewhere."""
    values = [(0.1, -0.1), (0.2, 0.1), (-0.1, -0.2), (-0.2, -0.1), (-0.3, -0.3)]
    one, other = pair.levels[0]
    levels: Any = tuple((_shown(one, x), _shown(other, y)) for x, y in values)
    made = replace(pair, levels=levels)
    assert made.signs == (1, 4)
    found = made.directions()
    assert (found.shown, found.same) == (5, 4)
    assert found.expected == pytest.approx((2 * 1 + 3 * 4) / 5)
    assert not same_directions(found)
    many = replace(made, levels=levels[1:2] * 10 + levels[2:] * 10).directions()
    assert (many.shown, many.same) == (40, 40)
    assert same_directions(many)


def _shown(effect: Effect, value: float) -> SimpleNamespace:
    assert effect.difference
    return SimpleNamespace(difference=replace(effect.difference, value=value, low=value - 0.01, high=value + 0.01))


def test_baselines_differ_in_what_is_set_not_in_what_the_code_of_the_day_knew(pair: Pair) -> None:
    example = pair.first.results.example
    assert example
    grown = replace(example, heuristics={"sampling": {"name": "uniform", "added": 0}})
    fairer = replace(example, spec={**example.spec, "heuristics": {"fairnas": {"accounting": "step"}}})
    for record, different in ((grown, []), (fairer, ["fairnas"])):
        other = replace(pair.second, results=replace(pair.second.results, example=record))
        assert replace(pair, second=other).different_settings == different


def test_the_same_architectures_are_known_as_such(pair: Pair) -> None:
    assert pair.same_architectures
    results = pair.second.results
    other = replace(pair.second, results=replace(results, architectures=results.architectures[::-1]))
    assert not replace(pair, second=other).same_architectures
