"""What a run is."""

from dataclasses import replace
from itertools import pairwise

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from supernet_bench.benchmark.plugins.registry import heuristic_types
from supernet_bench.benchmark.plugins.rivals import NEEDED
from supernet_bench.benchmark.study.spec import SPEC_VERSION, RunSpec
from supernet_bench.benchmark.training.trainer import Trainer
from supernet_bench.core.errors import InputError
from supernet_bench.heuristics.base import neutral_settings
from supernet_bench.heuristics.setup import Scoring

TABLES = {"space": {"name": "toy"}, "images": {"name": "digits"}, "scoring": {"architectures": 8}}


def with_tables(**tables) -> RunSpec:
    return RunSpec.from_tables({**TABLES, **tables})


def test_canonical_form_is_read_back() -> None:
    spec = with_tables(heuristics={"fairnas": {}, "learning_rate": {"rate": 0.2}}, seed=4)
    again = RunSpec.from_tables(spec.canonical())
    assert again == spec
    assert again.run_id == spec.run_id


def test_id_does_not_depend_on_how_it_was_written() -> None:
    explicit = with_tables(heuristics={"uniform": {}, "path_dropout": {"rate": 0}}, training={"momentum": 0.9})
    assert explicit.run_id == with_tables().run_id


def test_id_is_stable_across_processes_and_versions() -> None:
    """A change here makes every stored run be done again: raise SPEC_VERSION if that is meant."""
    assert with_tables().run_id == "d823c8d030815896"


def test_neutral_settings_are_those_of_this_schema() -> None:
    """They are left out of the canonical form: with others, a stored run would be taken for a different one."""
    assert SPEC_VERSION == 2
    neutral = {name: neutral_settings(kind) for name, kind in heuristic_types().items() if kind.default}
    assert {name: neutral[name] for name in NEUTRAL} == NEUTRAL


NEUTRAL = {
    **{name: {"scale": 1.0} for name in ("batch_size", "depth", "epochs", "resolution", "width")},
    "batch_norm": {"statistics": "batch", "affine": True, "wsbn": False},
    "independence": {"reset": "none"},
    "learning_rate": {"rate": 0.05, "minimum": 0.0, "schedule": "cosine"},
    "path_dropout": {"rate": 0.0},
    "scoring": {"score": "accuracy", "images": 0, "fresh": False, "checkpoints": 0},
    "train_portion": {"portion": 1.0},
    "uniform": {},
}


@pytest.mark.parametrize(
    "tables",
    [
        {"seed": 1},
        {"training": {"epochs": 7}},
        {"scoring": {"architectures": 9}},
        {"space": {"name": "toy", "width": 8}},
        {"images": {"name": "digits", "crop": 0}},
        {"heuristics": {"fairnas": {}}},
    ],
    ids=str,
)
def test_everything_that_changes_a_result_changes_the_id(tables) -> None:
    assert with_tables(**tables).run_id != with_tables().run_id


def test_default_heuristics_fill_every_factor() -> None:
    active = with_tables(heuristics={"fairnas": {}}).by_factor()
    assert active["sampling"].name == "fairnas"
    assert set(active) >= {"sampling", "batch_norm", "learning_rate", "path_dropout", "independence"}


@pytest.mark.parametrize(
    ("tables", "message"),
    [
        ({"space": {}}, r"space\.name is missing; allowed: nasbench201, nasbench_macro, toy"),
        ({"space": {"name": "toys"}}, r"unknown space 'toys'; did you mean 'toy'"),
        ({"space": {"name": "toy", "width": 0}}, r"space\.width is 0; allowed: a whole number from 1 to 10000"),
        ({"images": {"name": "cifar"}}, r"unknown images 'cifar'; did you mean 'cifar10'"),
        ({"heuristics": {"fairness": {}}}, r"unknown heuristic 'fairness'; did you mean 'fairnas'"),
        ({"heuristics": {"fairnas": {"mode": 1}}}, r"unknown setting of heuristics\.fairnas 'mode'"),
        ({"heuristics": {"learning_rate": {"rate": -1}}}, r"learning_rate\.rate is -1\.0; allowed: a number"),
        ({"heuristics": {"fairnas": {}, "uniform": {}}}, r"'fairnas' and 'uniform' both set factor 'sampling'"),
        ({"heuristics": 3}, r"heuristics is 3; allowed: a table"),
        ({"training": {"epochs": -1}}, r"training\.epochs is -1; allowed"),
        ({"training": {"nesterov": True, "momentum": 0.0}}, r"training\.nesterov is True"),
        ({"scoring": {"architectures": 28}}, r"scoring\.architectures is 28; allowed: 0 to the size of space toy, 27"),
        ({"scoring": {"images": 1}}, r"scoring\.images is 1; allowed: 0 for all, or at least 2"),
        ({"heuristics": {"learning_rate": {"minimum": 0.1}}}, r"minimum is 0\.1; allowed: 0\.0 to the rate, 0\.05"),
        ({"heuristics": {"learning_rate": {"rate": 10**400}}}, r"rate is 10.*; allowed: a number"),
        ({"seed": -1}, r"seed is -1; allowed: a whole number from 0 to"),
        ({"schema": 99}, r"schema of a run is 99; allowed: 2"),
        ({"trainig": {}}, r"unknown table of a run 'trainig'; did you mean 'training'"),
    ],
)  # fmt: skip
def test_bad_input_is_one_line(tables, message: str) -> None:
    with pytest.raises(InputError, match=message) as caught:
        with_tables(**tables)
    assert "\n" not in str(caught.value)


def test_a_conflict_names_both(monkeypatch: pytest.MonkeyPatch) -> None:
    from supernet_bench.heuristics.path_dropout import PathDropout

    monkeypatch.setattr(PathDropout, "conflicts", ("fairnas",))
    with_tables(heuristics={"proportional": {}, "path_dropout": {"rate": 0.1}})
    with_tables(heuristics={"fairnas": {}})
    with pytest.raises(InputError, match="'path_dropout' and 'fairnas' are in conflict"):
        with_tables(heuristics={"fairnas": {}, "path_dropout": {"rate": 0.1}})


@given(st.integers(1, 60), st.integers(1, 8), st.integers(1, 5), st.integers(0, 6))
def test_checkpoints_are_late_and_evenly_spaced(epochs: int, checkpoints: int, spacing: int, trace: int) -> None:
    scoring = Scoring(checkpoints=checkpoints, spacing=spacing, trace=trace)
    late, early = scoring.late_epochs(epochs), scoring.trace_epochs(epochs)
    assert late[-1] == epochs
    assert late == sorted(set(late))
    assert all(later - earlier == spacing for earlier, later in pairwise(late))
    assert len(late) == min(checkpoints, -(-epochs // spacing))
    assert all(0 < epoch < late[0] for epoch in early)
    assert len(early) <= trace


def test_the_untrained_supernet_is_scored_once() -> None:
    assert Scoring(checkpoints=3, trace=2).late_epochs(0) == [0]
    assert Scoring(checkpoints=3, trace=2).trace_epochs(0) == []


def test_equal_specs_are_equal_keys() -> None:
    spec = with_tables()
    assert len({spec, with_tables(), replace(spec, seed=1)}) == 2


def test_a_heuristic_at_its_neutral_level_has_no_part_unless_training_needs_it(toy_spec, monkeypatch) -> None:
    """A mistake in a new heuristic, or a change of it, then concerns the runs that use it alone."""
    dropout = heuristic_types()["path_dropout"]

    def fail(*arguments: object) -> None:
        raise ValueError("boom")

    monkeypatch.setattr(dropout, "begin", fail)
    data = toy_spec().load_images(None)
    Trainer(toy_spec(), data, torch.device("cpu"))
    with pytest.raises(ValueError, match="boom"):
        Trainer(toy_spec({"path_dropout": {"rate": 0.3}}), data, torch.device("cpu"))
    assert {heuristic.name for heuristic in toy_spec().active_heuristics()} == set(NEEDED.values())
