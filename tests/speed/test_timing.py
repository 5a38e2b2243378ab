"""Ratios and spreads of made-up times."""

import numpy as np
import pytest
import torch

from speed.timing import TimingSpread, alternate, ratio

CPU = torch.device("cpu")


def test_spread_of_known_times() -> None:
    assert TimingSpread.of(np.array([1.0, 2.0, 3.0, 4.0, 10.0])) == TimingSpread(3.0, (2.0, 4.0), 4.0, 5)


def test_ratios_of_known_times() -> None:
    found = ratio(np.array([2.0, 4.0, 30.0]), np.array([1.0, 2.0, 3.0]), paired=True)
    assert found.of_medians == 2.0
    assert found.of_means == 6.0


def test_paired_times_leave_out_what_architectures_differ_in() -> None:
    """Steps of different architectures differ a hundredfold; that one contender takes twice as long is still sure."""
    fast = np.random.default_rng(1).uniform(0.1, 10.0, 50)
    paired, unpaired = (ratio(2 * fast, fast, paired=pairs) for pairs in (True, False))
    assert paired.interval == pytest.approx((2.0, 2.0))
    assert unpaired.interval[0] < 1.8 < 2.2 < unpaired.interval[1]


def test_interval_covers_the_true_ratio() -> None:
    random = np.random.default_rng(2)
    covered = 0
    for _ in range(200):
        low, high = ratio(random.gamma(4.0, 3.0, 40), random.gamma(4.0, 1.0, 40), paired=False).interval
        covered += low <= 3.0 <= high
    assert 180 <= covered <= 199


def test_unequal_numbers_of_times_are_not_paired() -> None:
    assert ratio(np.full(3, 4.0), np.ones(1), paired=False).of_means == 4.0
    with pytest.raises(ValueError, match="3 and 1 times are not paired"):
        ratio(np.ones(3), np.ones(1), paired=True)


def test_contenders_take_turns_on_the_same_architectures() -> None:
    calls: list[tuple[str, int]] = []
    contenders = {name: lambda on, name=name: calls.append((name, on[0])) for name in "abc"}
    times = alternate(contenders, [(turn,) for turn in range(5)], 2, CPU)
    assert [turn for _, turn in calls] == [turn for turn in range(5) for _ in range(3)]
    assert ["".join(name for name, turn in calls if turn == t) for t in range(4)] == ["abc", "bca", "cab", "abc"]
    assert {name: len(values) for name, values in times.items()} == {"a": 3, "b": 3, "c": 3}
    assert all((values > 0).all() for values in times.values())
