"""At its neutral level a heuristic is a no-op, bit for bit; every heuristic declares what users need."""

from collections.abc import Iterator

import pytest

from supernet_bench.benchmark.plugins.registry import heuristic_types
from supernet_bench.benchmark.plugins.rivals import NEEDED
from supernet_bench.heuristics.base import is_neutral, neutral_settings
from supernet_bench.testing import heuristics as checks
from supernet_bench.testing.heuristics import PLAIN, outcome, with_plain
from supernet_bench.testing.pooling import NoPaddedPooling
from tests.heuristics.levels import SPACES, acting, each

TYPES = heuristic_types()
WITH_NEUTRAL = [kind for kind in TYPES.values() if neutral_settings(kind) is not None]
FACTORS = sorted({kind.factor for kind in TYPES.values()})


@pytest.fixture(autouse=True)
def _watched() -> Iterator[None]:
    """All that runs here pools in a way that is right on GPUs too."""
    with NoPaddedPooling():
        yield


@pytest.mark.parametrize("kind", each(WITH_NEUTRAL))
def test_neutral_level_is_a_no_op(toy_spec, kind) -> None:
    """The heuristic itself runs here; only the canonical form of a spec would leave it out."""
    checks.check_neutral(kind, toy_spec())


def test_the_baseline_is_training_without_heuristics(toy_spec) -> None:
    spec = toy_spec()
    assert outcome(spec, spec.by_factor().values()) == outcome(spec, with_plain())


@pytest.mark.parametrize("kind", each(TYPES.values()))
def test_some_level_is_not_a_no_op(toy_spec, kind) -> None:
    """Otherwise the comparison above could not fail."""
    spec = toy_spec(space=SPACES.get(kind.name, "toy"))
    assert checks.acts(acting(kind), spec) is (kind.name != "uniform")


@pytest.mark.parametrize("kind", each(TYPES.values()))
def test_paths_are_sampled_as_without_it(toy_spec, kind) -> None:
    checks.check_streams(acting(kind), toy_spec(space=SPACES.get(kind.name, "toy")))


def test_records_name_the_heuristics_that_training_needs_at_every_level() -> None:
    assert sorted(PLAIN) == sorted(NEEDED)


def test_a_neutral_heuristic_does_not_change_the_run(toy_spec) -> None:
    for kind in WITH_NEUTRAL:
        assert toy_spec({kind.name: dict(neutral_settings(kind) or {})}).run_id == toy_spec().run_id


@pytest.mark.parametrize("kind", TYPES.values(), ids=lambda kind: kind.name)
def test_declares_what_users_need(kind) -> None:
    checks.check_declarations(kind)


@pytest.mark.parametrize("factor", FACTORS)
def test_each_factor_has_one_default_which_is_neutral(factor: str) -> None:
    defaults = [kind for kind in TYPES.values() if kind.factor == factor and kind.default]
    assert len(defaults) == 1
    assert is_neutral(defaults[0]())


@pytest.mark.parametrize("kind", TYPES.values(), ids=lambda kind: kind.name)
def test_every_other_level_is_a_run_of_its_own(kind) -> None:
    """In a space, and with images, that are large enough for the levels of a sweep."""
    checks.check_levels(kind)
