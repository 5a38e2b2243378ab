"""Training a fixed pool of architectures only."""

from collections import Counter

import numpy as np
import pytest
import torch
from scipy import stats

from supernet_bench.benchmark.training.trainer import Trainer
from supernet_bench.core.errors import InputError
from supernet_bench.heuristics.base import Heuristic
from supernet_bench.heuristics.sampling.pool import Pool
from supernet_bench.heuristics.sampling.proportional import Proportional
from supernet_bench.heuristics.sampling.uniform import Uniform
from supernet_bench.spaces.toy import Toy
from tests.heuristics.steps import begun, step

SPACE = Toy()


def counts(heuristic, steps: int) -> np.ndarray:
    drawn = Counter(SPACE.index(a) for index in range(steps) for a in heuristic.sample([], step(index)))
    assert sum(drawn.values()) == steps
    return np.array([drawn[index] for index in range(SPACE.size)])


@pytest.mark.parametrize("size", [1, 5, 26])
def test_only_the_pool_is_drawn_and_uniformly(size: int) -> None:
    found = counts(begun(Pool(size=size)), 60 * size)
    assert np.count_nonzero(found) == size
    assert size == 1 or stats.chisquare(found[found > 0]).pvalue > 1e-3


def test_a_pool_of_the_whole_space_draws_what_uniform_draws() -> None:
    pool, uniform = begun(Pool(size=SPACE.size)), begun(Uniform())
    assert [pool.sample([], step(i)) for i in range(50)] == [uniform.sample([], step(i)) for i in range(50)]


def test_it_has_the_pool_of_proportional_sampling_with_the_same_seed() -> None:
    pool, proportional = begun(Pool(size=5)), begun(Proportional(gamma=0.0, pool=5))
    np.testing.assert_array_equal(counts(pool, 400) > 0, counts(proportional, 400) > 0)


def test_seeds_have_other_pools_and_a_seed_has_one(toy_spec) -> None:
    def pool(seed: int) -> set[tuple[int, ...]]:
        spec = toy_spec({"pool": {"size": 5}}, seed=seed)
        trainer = Trainer(spec, spec.images.load(), torch.device("cpu"))
        sampled = [trainer.heuristics.fold(Heuristic.sample, [], step(index)) for index in range(100)]
        return {architecture for architectures in sampled for architecture in architectures}

    assert len(pool(0)) == 5
    assert pool(0) == pool(0) != pool(1)


def test_a_pool_larger_than_the_space_is_refused(toy_spec) -> None:
    with pytest.raises(InputError, match=r"heuristics\.pool\.size is 28; allowed: 1 to the size of space toy, 27"):
        toy_spec({"pool": {"size": 28}})
