"""What levels cost beside the baseline."""

import math

import pytest

from supernet_bench.analysis.effects.effects import Effects
from supernet_bench.analysis.figures.cost import Cost, cost_of
from supernet_bench.analysis.results import Results


@pytest.mark.parametrize(
    ("cost", "note"),
    [
        (Cost(1.0, (1.0, 1.1)), ""),
        (Cost(1.05, ()), ""),
        (Cost(math.nan, ()), ""),
        (Cost(1.06, ()), "1.1 x passes"),
        (Cost(0.25, (3.0, 3.0)), "0.25 x passes"),
        (Cost(1.0, (1.6, 1.8, 1.7)), "1.7 x time"),
        (Cost(1.0, (0.4, 0.5)), "0.45 x time"),
        # One seed that took no other time, or only one seed, and it may be the machine.
        (Cost(1.0, (3.0, 3.0, 1.2)), ""),
        (Cost(1.0, (0.5, 2.0)), ""),
        (Cost(1.0, (3.0,)), ""),
    ],
)
def test_another_cost_is_noted_and_noise_is_not(cost: Cost, note: str) -> None:
    assert cost.note == note


def test_costs_are_relative_to_the_baseline_with_the_same_seed(usual: tuple[Results, Effects]) -> None:
    effects = usual[1]
    level = next(effect for effect in effects.levels if effect.level.name == "tracked")
    runs = effects.runs.copy()
    baseline = runs["factor"] == "baseline"
    runs.loc[baseline, "seconds_training"] = [10.0, 20.0, 0.0]
    runs.loc[runs["level"] == "tracked", "seconds_training"] = [30.0, 30.0, 30.0]
    changed = Effects(effects.levels, (), runs, effects.checkpoints, effects.truth, ())
    assert cost_of(changed, level).seconds == (3.0, 1.5)
    assert cost_of(changed, level).time == 2.25
