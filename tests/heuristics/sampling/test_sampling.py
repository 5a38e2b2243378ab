"""Behaviour of the samplers: which architectures are trained how often."""

from collections import Counter
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from scipy import stats

from supernet_bench.core.errors import InputError
from supernet_bench.core.streams import StepStreams, stream
from supernet_bench.heuristics.base import Heuristic
from supernet_bench.heuristics.sampling.fairnas import FairNas
from supernet_bench.heuristics.sampling.proportional import Proportional
from supernet_bench.heuristics.sampling.uniform import Uniform
from supernet_bench.spaces.nasbench201.space import NasBench201
from supernet_bench.spaces.toy import Toy
from tests.heuristics.steps import begun, step

SPACE = Toy()


def counts(heuristic: Heuristic, steps: int) -> np.ndarray:
    drawn = Counter(SPACE.index(a) for index in range(steps) for a in heuristic.sample([], step(index)))
    return np.array([drawn[index] for index in range(SPACE.size)])


def test_uniform_draws_every_architecture_equally_often() -> None:
    found = counts(begun(Uniform()), 60 * SPACE.size)
    assert stats.chisquare(found).pvalue > 1e-3


def test_uniform_trains_one_architecture_per_step() -> None:
    assert all(len(begun(Uniform()).sample([], step(index))) == 1 for index in range(20))


@pytest.mark.parametrize("gamma", [1.0, -1.0, 3.0])
@pytest.mark.parametrize("cost", ["parameters", "macs"])
def test_proportional_frequencies_follow_the_cost(gamma: float, cost: str) -> None:
    weights = getattr(SPACE.costs(1, 10, 8), cost).astype(float) ** gamma
    steps = 60 * SPACE.size
    found = counts(begun(Proportional(gamma=gamma, cost=cost)), steps)
    assert stats.chisquare(found, steps * weights / weights.sum()).pvalue > 1e-3


def test_proportional_with_gamma_zero_draws_what_uniform_draws() -> None:
    uniform, proportional = begun(Uniform()), begun(Proportional(gamma=0.0))
    assert [uniform.sample([], step(i)) for i in range(50)] == [proportional.sample([], step(i)) for i in range(50)]


def test_proportional_stays_in_its_pool() -> None:
    found = counts(begun(Proportional(pool=5, gamma=0.0)), 400)
    assert np.count_nonzero(found) == 5
    assert stats.chisquare(found[found > 0]).pvalue > 1e-3


@pytest.mark.parametrize("point", [0.0, 1 - 2**-53])
def test_proportional_stays_in_the_space_at_the_ends_of_the_unit_interval(monkeypatch, point: float) -> None:
    heuristic = begun(Proportional(gamma=1.0), NasBench201(width=2, cells=1))
    monkeypatch.setattr(torch, "rand", lambda *shape, **options: torch.tensor(point, dtype=torch.float64))
    expected = 0 if point == 0 else NasBench201().size - 1
    assert NasBench201().index(heuristic.sample([], step(0))[0]) == expected


def test_a_pool_larger_than_the_space_is_refused(toy_spec) -> None:
    with pytest.raises(InputError, match=r"pool is 28; allowed: 0 to the size of space toy, 27"):
        Proportional(pool=28).check(toy_spec())


@pytest.mark.parametrize("accounting", ["step", "compute"])
def test_fairnas_trains_each_choice_of_each_decision_once_per_step(accounting: str) -> None:
    heuristic = begun(FairNas(accounting=accounting))
    for index in range(50):
        paths = heuristic.sample([], step(index))
        assert len(paths) == SPACE.choices[0]
        for decision, choices in enumerate(SPACE.choices):
            assert sorted(path[decision] for path in paths) == list(range(choices))


def test_fairnas_draws_new_permutations_every_step() -> None:
    space = NasBench201(width=2, cells=1)
    heuristic = begun(FairNas(), space)
    steps = [tuple(heuristic.sample([], step(index))) for index in range(200)]
    assert len(set(steps)) == 200


def test_fairnas_permutations_of_decisions_are_independent() -> None:
    heuristic = begun(FairNas())
    pairs = Counter(path[:2] for index in range(3000) for path in heuristic.sample([], step(index))[:1])
    k = SPACE.choices[0]
    assert stats.chisquare([pairs[i, j] for i in range(k) for j in range(k)]).pvalue > 1e-3


def test_fairnas_compute_accounting_makes_fewer_steps() -> None:
    k = SPACE.choices[0]
    assert FairNas(accounting="step").steps_per_epoch(60, SPACE) == 60
    assert FairNas(accounting="compute").steps_per_epoch(60, SPACE) == 60 // k
    assert FairNas(accounting="compute").steps_per_epoch(1, SPACE) == 1


def test_fairnas_refuses_a_space_with_unequal_choices() -> None:
    class Uneven:
        name = "uneven"
        choices = (3, 2)

    with pytest.raises(InputError, match=r"fairnas.*uneven.*\(3, 2\)"):
        FairNas().check(SimpleNamespace(space=Uneven()))  # type: ignore[arg-type]


@pytest.mark.parametrize("heuristic", [Uniform(), Proportional(), FairNas()], ids=lambda h: h.name)
def test_seeds_differ_and_repeat(heuristic: Heuristic) -> None:
    begun(heuristic)
    draws = {seed: [heuristic.sample([], step(i, seed)) for i in range(20)] for seed in (0, 1)}
    assert draws[0] != draws[1]
    assert draws[0] == [heuristic.sample([], step(i, 0)) for i in range(20)]


def test_step_streams_continue_within_a_step() -> None:
    streams = StepStreams(0, 3)
    first, second = torch.rand(2, generator=streams("a")), torch.rand(2, generator=streams("a"))
    assert not torch.equal(first, second)
    assert torch.equal(torch.cat([first, second]), torch.rand(4, generator=stream(0, "a", 3)))
