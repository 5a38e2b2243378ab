"""How many marks chance gives, against studies that are simulated from runs."""

import numpy as np
import pytest

from supernet_bench.analysis.effects.chance import chance_of
from supernet_bench.analysis.effects.intervals import Difference, Part, Spread, difference_between
from supernet_bench.analysis.effects.shared import LevelValues


def study(rng: np.random.Generator, levels: int, seeds: int, baseline_seeds: int) -> list[Difference]:
    """Return the differences of levels without effect to one baseline."""

    def level(number: int) -> LevelValues:
        values = 0.05 * rng.normal(size=number)
        return LevelValues(tuple(range(number)), values)

    baseline = level(baseline_seeds)
    return [difference_between([(1, level(seeds)), (-1, baseline)], 50, 2.0) for _ in range(levels)]


@pytest.mark.parametrize(("seeds", "baseline_seeds"), [(5, 5), (5, 32)])
def test_the_count_is_that_of_studies_without_effect(seeds: int, baseline_seeds: int) -> None:
    rng = np.random.default_rng(0)
    studies = [study(rng, 30, seeds, baseline_seeds) for _ in range(100)]
    counts = [sum(one.excludes_zero for one in differences) for differences in studies]
    said = [chance_of(differences) for differences in studies[:10]]
    assert np.mean([one.mean for one in said]) == pytest.approx(np.mean(counts), abs=0.6)
    assert np.mean([one.most for one in said]) == pytest.approx(np.quantile(counts, 0.95), abs=2.5)


def test_a_shared_baseline_brings_false_ones_together() -> None:
    """As many on average as without, but far more in some studies."""
    own, baseline = Part(0.02, 200.0), Part(0.02, 200.0)
    together = [Difference(0, 0, 0, 5, 50, spread=Spread((own, baseline)))] * 40
    apart = [Difference(0, 0, 0, 5, 50, spread=Spread((Part(0.03, 200.0),)))] * 40
    one, other = chance_of(together), chance_of(apart)
    assert one.mean == pytest.approx(2, abs=0.3)
    assert other.mean == pytest.approx(2, abs=0.3)
    assert (other.most, one.most > other.most + 1) == (4, True) or other.most == 5
    assert one.most > other.most + 1


def test_no_comparison_has_no_chance_and_equal_ones_the_same() -> None:
    assert (chance_of([]).mean, chance_of([]).most) == (0, 0)
    differences = study(np.random.default_rng(1), 10, 5, 8)
    assert chance_of(differences) == chance_of(differences)
