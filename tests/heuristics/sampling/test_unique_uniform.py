"""Sampling that is uniform over isomorphism classes."""

from collections import Counter

import numpy as np
import pytest
from scipy import stats

from supernet_bench.core.errors import InputError
from supernet_bench.heuristics.sampling.unique_uniform import UniqueUniform
from supernet_bench.spaces.base import Space
from supernet_bench.spaces.nasbench201.space import NasBench201
from supernet_bench.spaces.toy import Toy
from tests.heuristics.steps import begun, step


def draws(space: Space, count: int) -> np.ndarray:
    """Return the indices of the architectures of many steps."""
    heuristic = begun(UniqueUniform(), space)
    paths = [heuristic.sample([], step(index)) for index in range(count)]
    assert all(len(path) == 1 for path in paths)
    return np.array([space.index(path[0]) for path in paths])


@pytest.mark.parametrize(("space", "classes"), [(Toy(), 15), (NasBench201(), 6466)], ids=["toy", "nasbench201"])
def test_every_class_is_equally_likely(space: Space, classes: int) -> None:
    found = Counter(space.isomorphism()[draws(space, 10 * classes)].tolist())
    expected = np.unique(space.isomorphism())
    assert len(expected) == classes
    assert set(found) <= set(expected.tolist())
    assert stats.chisquare([found[number] for number in expected.tolist()]).pvalue > 1e-3


def test_members_of_a_class_are_equally_likely() -> None:
    space = Toy()
    found, classes = Counter(draws(space, 3000).tolist()), space.isomorphism()
    sizes = []
    for number in np.unique(classes):
        members = np.flatnonzero(classes == number).tolist()
        sizes.append(len(members))
        if len(members) > 1:
            assert stats.chisquare([found[index] for index in members]).pvalue > 1e-4
    assert max(sizes) == 3


def test_it_is_not_uniform_over_architectures() -> None:
    found = Counter(draws(Toy(), 3000).tolist())
    assert stats.chisquare([found[index] for index in range(27)]).pvalue < 1e-6


def test_a_space_without_twins_is_refused(toy_spec) -> None:
    toy_spec({"unique_uniform": {}})
    with pytest.raises(InputError, match=r"unique_uniform is used in space nasbench_macro.*; allowed: uniform"):
        toy_spec({"unique_uniform": {}}, space="nasbench_macro")
