"""Whatever heuristics make of a run, it scores the architectures that every run of its study scores."""

import pytest

from supernet_bench.benchmark.plugins.registry import heuristic_types, space_types
from supernet_bench.core.errors import InputError

TYPES = heuristic_types()


@pytest.mark.parametrize("kind", TYPES.values(), ids=lambda kind: kind.name)
def test_all_runs_of_a_study_score_the_same_architectures(toy_spec, kind) -> None:
    """In every space that the heuristic can be used in, which is at least one."""
    for level in kind.levels:
        usable = 0
        for space in space_types():
            try:
                enough = {"space": space, "images": {"train": 1000, "valid": 500}, "training": {"epochs": 12}}
                spec = toy_spec({kind.name: dict(level)}, scoring={"subset": 3}, **enough)
            except InputError:
                continue
            revised, usable = spec.revised(), usable + 1
            assert revised.space.name == space
            assert (revised.scoring.architectures, revised.scoring.subset) == (8, 3)
            assert revised.scored_architectures() == spec.setup.scored_architectures()
        assert usable
