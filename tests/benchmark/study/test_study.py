"""From a study file to runs."""

import re
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any, get_type_hints

import pytest
import torch

from supernet_bench.benchmark.plugins.registry import heuristic_types, image_types, space_types
from supernet_bench.benchmark.study.spec import RunSpec
from supernet_bench.benchmark.study.study import Study, load_study, parse_study, shipped_studies
from supernet_bench.benchmark.training.trainer import Trainer
from supernet_bench.core.errors import InputError
from supernet_bench.core.settings import settings
from supernet_bench.heuristics.base import is_neutral
from supernet_bench.heuristics.setup import Scoring, Training
from tests.benchmark.plugins import mistakes

BASE = {
    "space": {"name": "toy"},
    "images": {"name": "digits"},
    "training": {"epochs": 8},
    "scoring": {"architectures": 8},
    "seeds": 2,
}


LARGER = {"name": "nasbench201", "width": 8, "cells": 1}
"""A space in which every level of a sampler can be used."""


def study(**tables) -> Study:
    return parse_study("mine", {**BASE, **tables})


def settings_in(spec: RunSpec) -> dict[str, dict[str, Any]]:
    """Return the settings of the heuristics in a spec, by name."""
    return spec.canonical()["heuristics"]


def names(study: Study, factor: int = 0) -> list[str]:
    return [level.name for level in study.factors[factor].levels]


def test_a_sweep_varies_one_factor_around_the_baseline() -> None:
    made = study(heuristics={"path_dropout": {"rate": 0.1}}, factors={"learning_rate": [{"rate": 0.2}]})
    level = next(level for level in made.factors[0].levels if level.name == "rate=0.2")
    assert settings_in(level.spec)["learning_rate"]["rate"] == 0.2
    assert settings_in(level.spec)["path_dropout"] == settings_in(made.baseline)["path_dropout"]
    assert level.spec.training == made.baseline.training


@pytest.mark.parametrize(
    "name", ["trap", "trap:Trap", "trap.Trap", "../trap", "supernet_bench.spaces.toy", "os", "__init__", "base"]
)
@pytest.mark.parametrize(
    "tables",
    [
        lambda name: {"space": {"name": name}},
        lambda name: {"images": {"name": name}},
        lambda name: {"heuristics": {name: {}}},
        lambda name: {"factors": {name: True}},
        lambda name: {"factors": {"path_dropout": [{"heuristic": name}]}},
        lambda name: {"grids": [{name: True, "path_dropout": True}]},
    ],
    ids=["space", "images", "heuristic", "factor", "level", "grid"],
)
def test_a_study_names_plug_ins_and_no_modules(tables, name: str, tmp_path, monkeypatch) -> None:
    (tmp_path / "trap.py").write_text(f"open({str(tmp_path / 'imported')!r}, 'w')")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(InputError, match=f"unknown .*{re.escape(name)}"):
        study(**tables(name))
    assert not (tmp_path / "imported").exists()
    assert "trap" not in sys.modules


def test_true_takes_all_declared_levels_of_all_heuristics_of_the_factor() -> None:
    made = study(space=LARGER, factors={"sampling": True})
    assert {"uniform", "fairnas accounting=step", "fairnas accounting=compute", "proportional gamma=1.0"} < set(
        names(made)
    )
    samplers = [kind for kind in heuristic_types().values() if kind.factor == "sampling"]
    assert len(names(made)) == sum(len(kind.levels) for kind in samplers)


def test_the_baseline_is_a_level_of_every_factor() -> None:
    made = study(
        space=LARGER,
        heuristics={"learning_rate": {"rate": 0.07}},
        factors={"sampling": True, "learning_rate": True, "path_dropout": [{"rate": 0.3}]},
    )
    for factor in made.factors:
        assert [level.spec == made.baseline for level in factor.levels].count(True) == 1
    assert names(made, 1)[0] == "rate=0.07 schedule=cosine"
    assert names(made, 2) == ["rate=0.0", "rate=0.3"]


def test_a_heuristic_is_made_once_and_held_by_all_runs_of_its_level() -> None:
    made = study(seeds=3, factors={"path_dropout": [{"rate": 0.3}]})
    held = [each for cell in made.placed_runs() for each in cell.spec.heuristics]
    assert [each.name for each in held] == ["path_dropout"] * 3
    assert len({id(each) for each in held}) == 1


def test_a_level_keeps_other_settings_of_the_same_heuristic() -> None:
    made = study(
        heuristics={"learning_rate": {"rate": 0.05, "minimum": 0.001}},
        factors={"learning_rate": [{"rate": 0.2}]},
    )
    assert settings_in(made.factors[0].levels[-1].spec)["learning_rate"]["minimum"] == 0.001


def test_a_level_replaces_the_baseline_s_heuristic_of_that_factor() -> None:
    made = study(heuristics={"fairnas": {}}, factors={"sampling": [{"heuristic": "proportional"}, {}]})
    assert names(made) == ["fairnas", "proportional", "uniform"]
    assert [set(settings_in(level.spec)) for level in made.factors[0].levels] == [
        {"fairnas"},
        {"proportional"},
        set(),
    ]


def test_a_level_keeps_settings_of_a_baseline_that_is_neutral() -> None:
    """The baseline's spec does not hold them, since there they change nothing."""
    made = study(
        heuristics={"batch_norm": {"images": 32}, "independence": {"iterations": 2}},
        factors={"batch_norm": [{"statistics": "recalibrated"}], "independence": [{"reset": "schedule"}]},
    )
    assert settings_in(made.factors[0].levels[-1].spec)["batch_norm"]["images"] == 32
    assert settings_in(made.factors[1].levels[-1].spec)["independence"]["iterations"] == 2


def test_levels_differ_by_all_settings_even_if_a_plug_in_compares_few(tmp_path: Path) -> None:
    text = (mistakes.IMPORTS + mistakes.HEURISTIC).replace("field(", "field(compare=False, ").replace("NAME", "mine")
    (tmp_path / "mine.py").write_text(text)
    tables = {"heuristics": {"mine": {"rate": 0.5}}, "factors": {"mine": [{"rate": 0.25}, {"rate": 1.0}]}}
    made = parse_study("mine", {**BASE, **tables, "plugins": ["mine.py"]}, tmp_path)
    assert names(made) == ["rate=0.5", "rate=0.25", "rate=1.0"]
    assert [level.baseline for level in made.manifest().levels] == [True, False, False]


def test_a_grid_combines_all_levels() -> None:
    made = study(
        grids=[{"learning_rate": [{"rate": 0.05}, {"rate": 0.2}], "path_dropout": [{"rate": 0.0}, {"rate": 0.2}]}]
    )
    assert made.factors[0].name == "learning_rate x path_dropout"
    assert names(made)[0] == "learning_rate rate=0.05, path_dropout rate=0.0"
    assert names(made)[3] == "learning_rate rate=0.2, path_dropout rate=0.2"
    last = settings_in(made.factors[0].levels[-1].spec)
    assert (last["learning_rate"]["rate"], last["path_dropout"]["rate"]) == (0.2, 0.2)
    levels = made.manifest().levels
    assert levels[1].cell == (("learning_rate", "rate=0.05"), ("path_dropout", "rate=0.2"))
    assert len({level.cell for level in levels}) == 4
    assert not any(level.cell for level in study(factors={"path_dropout": True}).manifest().levels)


def test_equal_runs_are_executed_once() -> None:
    samplers = [{"heuristic": "fairnas"}, {"heuristic": "proportional"}]
    made = study(factors={"sampling": samplers, "path_dropout": True})
    cells = list(made.placed_runs())
    assert len(made.runs()) < len(cells)
    # Baseline and untrained, two other samplers, three other rates; two seeds.
    assert len(made.runs()) == 2 * (2 + 2 + 3)


def test_the_manifest_lists_every_cell_with_its_run() -> None:
    made = study(factors={"path_dropout": True})
    manifest = made.manifest()
    assert len(manifest.runs) == len(list(made.placed_runs()))
    assert {run.run_id for run in manifest.runs} == {spec.run_id for spec in made.runs()}
    assert [level.name for level in manifest.levels if level.baseline] == ["rate=0.0"]


def test_levels_that_use_truth_are_marked_and_neutral_ones_are_not() -> None:
    made = study(space=LARGER, factors={"landmark": [{"landmarks": 0, "weight": 2.0}, {"landmarks": 5}]})
    marks = {level.name: level.uses_truth for level in made.manifest().levels}
    assert marks == {"landmarks=0 weight=2.0": False, "landmarks=5": True}


def test_the_untrained_supernet_has_the_weights_the_baseline_starts_from() -> None:
    cells = {cell.factor: cell.spec for cell in study(seeds=[3]).placed_runs()}
    assert cells["untrained"].training.epochs == 0
    states = [
        Trainer(spec, spec.images.load(), torch.device("cpu")).supernet.state_dict()
        for spec in (cells["baseline"], cells["untrained"])
    ]
    assert all(torch.equal(states[0][key], states[1][key]) for key in states[0])


@pytest.mark.parametrize("name", list(shipped_studies()))
def test_every_shipped_study_is_valid(name: str) -> None:
    made = load_study(name)
    assert made.title
    assert len(made.seeds) >= (2 if name == "smoke" else 3)
    assert made.factors


def test_the_published_setting_is_as_published() -> None:
    baseline = load_study("yu2020-nb201").baseline
    assert (baseline.space.width, baseline.space.cells) == (16, 5)
    assert (baseline.training.epochs, baseline.training.batch_size) == (400, 256)
    assert baseline.by_factor()["gradient_clip"].norm == 5.0
    learning_rate = baseline.by_factor()["learning_rate"]
    assert (learning_rate.rate, learning_rate.minimum, learning_rate.schedule) == (0.025, 0.001, "cosine")
    assert (baseline.training.momentum, baseline.by_factor()["weight_decay"].decay) == (0.9, 5e-4)
    assert baseline.scoring.architectures == 400
    batch_norm = baseline.by_factor()["batch_norm"]
    assert is_neutral(batch_norm)


def test_the_setting_of_randomnas_is_as_published() -> None:
    """Width 16, 5 cells; batches of 64, 250 epochs, Nesterov, 0.025 to 0.001, 5e-4, clipped at 5; the 25k half."""
    baseline = load_study("nats-nb201").baseline
    active = baseline.by_factor()
    assert (baseline.space.name, baseline.space.width, baseline.space.cells) == ("nasbench201", 16, 5)
    assert (baseline.training.epochs, baseline.training.batch_size) == (250, 64)
    assert (baseline.training.momentum, baseline.training.nesterov) == (0.9, True)
    learning_rate = active["learning_rate"]
    assert (learning_rate.rate, learning_rate.minimum, learning_rate.schedule) == (0.025, 0.001, "cosine")
    assert (active["weight_decay"].decay, active["gradient_clip"].norm) == (5e-4, 5.0)
    images = baseline.images
    assert (images.name, images.resolution, images.train, images.crop, images.flip) == ("cifar10", 32, 25_000, 4, True)
    assert (active["sampling"].name, active["batch_norm"].statistics) == ("uniform", "batch")
    assert set(settings_in(baseline)) == {"learning_rate", "gradient_clip"}


SMALL = {"training": {"epochs": 1, "batch_size": 2}, "space": {"name": "nasbench201", "width": 1, "cells": 1}}


@pytest.mark.parametrize(
    ("tables", "names"),
    [
        ({"factors": {"batch_size": [{"scale": 0.5}]}}, "'scale=1.0' and 'scale=0.5'"),
        ({"factors": {"epochs": [{"scale": 0.3}, {"scale": 2.0}]}}, "'scale=1.0' and 'scale=0.3'"),
        ({"factors": {"width": [{"scale": 2.0}, {"scale": 2.2}]}}, "'scale=2.0' and 'scale=2.2'"),
        ({"factors": {"depth": [{"scale": 0.5}]}}, "'scale=1.0' and 'scale=0.5'"),
        (
            {"grids": [{"epochs": [{}, {"scale": 0.3}], "path_dropout": True}]},
            "'epochs epochs, path_dropout rate=0.0' and",
        ),
    ],
)
def test_levels_that_scale_to_the_same_run_are_refused(tables, names: str) -> None:
    with pytest.raises(InputError, match=f"{names}.*, which are the same run"):
        study(**{**SMALL, **tables})


def test_levels_that_scale_to_other_runs_are_not(toy_spec) -> None:
    factors = {"batch_size": [{"scale": 2.0}], "width": [{"scale": 2.0}], "train_portion": True, "scoring": True}
    assert len(study(**{**SMALL, "factors": factors}).factors) == 4


@pytest.mark.parametrize(
    ("tables", "message"),
    [
        ({"factors": {"samplin": True}}, "unknown factor 'samplin'; did you mean 'sampling'"),
        ({"factors": {"sampling": "all"}}, "factors.sampling is 'all'; allowed: true"),
        ({"factors": {"sampling": [{"heuristic": "fair"}]}}, "unknown heuristic of factor sampling 'fair'"),
        ({"factors": {"path_dropout": [{"rate": 2}]}}, "factors.path_dropout.rate is 2.0; allowed"),
        ({"factors": {"path_dropout": [{"rate": 0.2}, {"rate": 0.2}]}}, "'rate=0.2' twice"),
        ({"factors": {"path_dropout": [{"rate": 0}, {}]}}, "which are the same run"),
        ({"grids": [{"batch_norm": True, "path_dropout": True}] * 2}, "factors has 'batch_norm x path_dropout' twice"),
        ({"grids": [{"sampling": True}]}, "at least two factors"),
        ({"grids": {}}, r"grids is \{\}; allowed: an array of tables"),
        ({"seeds": 0}, "seeds is 0; allowed: how many, or a list"),
        ({"seeds": [1, 1]}, r"seeds is \[1, 1\]"),
        ({"seeds": []}, r"seeds is \[\]; allowed: how many, or a list"),
        ({"seeds": [0, -1]}, r"seeds is \[0, -1\]; allowed: .* from 0 to 9223372036854775807"),
        ({"seeds": [0, 2**64 + 1]}, r"seeds is \[0, 18446744073709551617\]; allowed: .* from 0 to 9223372036854775807"),
        ({"seeds": 2**64}, "seeds is 18446744073709551616; allowed: .* at most 10000 seeds"),
        ({"seeds": 10**6}, "seeds is 1000000; allowed: .* at most 10000 seeds"),
        ({"seeds": [float("nan")]}, r"seeds is \[nan\]; allowed"),
        ({"baseline_seeds": -1}, r"baseline_seeds is -1; allowed: how many besides those of all levels, or a list"),
        ({"baseline_seeds": [1, 7]}, r"baseline_seeds is \[1, 7\]; allowed: .* that seeds does not have"),
        ({"baseline_seeds": [7, 7]}, r"baseline_seeds is \[7, 7\]; allowed"),
        ({"baseline_seeds": True}, r"baseline_seeds is True; allowed"),
        ({"seeds": [2**63 - 1], "baseline_seeds": 1}, r"baseline_seeds is 1; allowed"),
        ({"training": {"epochs": 10**7}}, "training.epochs is 10000000; allowed: a whole number from 0 to 1000000"),
        ({"heuristics": {"epochs": {"scale": 1000}}, "training": {"epochs": 2000}}, "training.epochs is 2000000; allo"),
        ({"scoring": {"checkpoints": 2**60}}, "checkpoints is 1152921504606846976; allowed: .* from 1 to 10000"),
        ({"scoring": {"trace": 2**60}}, "scoring.trace is 1152921504606846976; allowed: .* from 0 to 10000"),
        ({"target": 3}, "target is 3; allowed: a text"),
        ({"budget": 3}, "unknown table of a study 'budget'"),
    ],
)
def test_bad_input_is_one_line(tables, message: str) -> None:
    with pytest.raises(InputError, match=message) as caught:
        study(**tables)
    assert "\n" not in str(caught.value)


def settings_of(kind: type) -> list[tuple[dict, str]]:
    """Return every number of every part of a study of that type, each in the tables of a study, and its name."""
    parts = [("training", {}, Training), ("scoring", {}, Scoring)]
    parts += [("space", {"name": name}, space) for name, space in space_types().items()]
    parts += [("images", {"name": name}, images) for name, images in image_types().items()]
    found = [({part: {**given, key: None}}, key) for part, given, cls in parts for key in names_of(cls, kind)]
    heuristics = [(name, key) for name, cls in heuristic_types().items() for key in names_of(cls, kind)]
    return found + [({"heuristics": {name: {key: None}}}, key) for name, key in heuristics]


def names_of(cls: type, kind: type) -> list[str]:
    return [field.name for field in settings(cls) if get_type_hints(cls)[field.name] is kind]


def filled(tables: dict, value: object) -> dict:
    return {key: filled(table, value) if isinstance(table, dict) else table or value for key, table in tables.items()}


@pytest.mark.parametrize(
    ("kind", "value"), [(int, 2**63), (int, -(2**63)), (float, float("inf")), (float, float("nan")), (float, 10**400)]
)
def test_no_setting_takes_what_is_no_number_of_the_machine(kind: type, value: float) -> None:
    found = settings_of(kind)
    assert len(found) > 15
    for tables, key in found:
        with pytest.raises(InputError, match=rf"\.{key} is {value}; allowed: ") as caught:
            study(**filled(tables, value))
        assert "\n" not in str(caught.value)


def test_the_largest_seed_is_one() -> None:
    assert study(seeds=[2**63 - 1, 0]).seeds == (2**63 - 1, 0)


def test_an_unknown_study_lists_those_shipped() -> None:
    with pytest.raises(InputError, match="unknown study 'defalt'; did you mean 'default'"):
        load_study("defalt")


def test_a_missing_or_broken_file_is_named(tmp_path) -> None:
    with pytest.raises(InputError, match=r"none\.toml does not exist"):
        load_study(str(tmp_path / "none.toml"))
    (tmp_path / "broken.toml").write_text("a = [")
    with pytest.raises(InputError, match=r"broken\.toml cannot be read"):
        load_study(str(tmp_path / "broken.toml"))
    (tmp_path / "default.toml").write_text("seeds = 1")
    with pytest.raises(InputError, match=r"default\.toml has the name of a shipped study"):
        load_study(str(tmp_path / "default.toml"))
    (tmp_path / "bad.toml").write_text("seeds = 0")
    with pytest.raises(InputError, match=r"bad\.toml: seeds is 0"):
        load_study(str(tmp_path / "bad.toml"))


def saved(path: Path, encoding: str) -> str:
    text = '# Größe\nseeds = 3\nspace = {name = "toy"}\nimages = {name = "digits"}\nscoring = {architectures = 8}\n'
    path.write_text(text, encoding=encoding)
    return str(path)


def test_a_byte_order_mark_changes_nothing(tmp_path: Path) -> None:
    plain, marked = (load_study(saved(tmp_path / "mine.toml", encoding)) for encoding in ("utf-8", "utf-8-sig"))
    assert marked == plain


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-32", "latin-1"])
@pytest.mark.parametrize("accent", [True, False])
def test_another_encoding_is_said_in_one_line(tmp_path: Path, encoding: str, accent: bool) -> None:
    path = tmp_path / "mine.toml"
    path.write_bytes(f"seeds = 3{' # Größe' if accent or encoding == 'latin-1' else ''}".encode(encoding))
    with pytest.raises(InputError) as caught:
        load_study(str(path))
    assert str(caught.value) == f"study file {path} is in another encoding; allowed: a text that is saved as UTF-8"


@pytest.mark.parametrize("content", ["seeds = " + "9" * 5000, "seeds = " + "[" * 5000])
def test_what_python_cannot_read_is_said_in_one_line(tmp_path: Path, content: str) -> None:
    (tmp_path / "mine.toml").write_text(content)
    with pytest.raises(InputError, match=r"study file .*mine\.toml cannot be read: ") as caught:
        load_study(str(tmp_path / "mine.toml"))
    assert "\n" not in str(caught.value)


def test_the_case_of_the_suffix_does_not_matter(tmp_path: Path) -> None:
    assert load_study(saved(tmp_path / "T.TOML", "utf-8")).name == "T"


def test_further_seeds_are_of_the_baseline_alone() -> None:
    """Each of its places has them, as it has those of all levels; nothing else is run more often, and it comes last."""
    made = study(seeds=2, baseline_seeds=3, factors={"path_dropout": [{"rate": 0.3}]})
    assert made.baseline_seeds == (2, 3, 4)
    assert study(seeds=[5, 1], baseline_seeds=[0, 9]).baseline_seeds == (0, 9)
    assert study(seeds=[5, 1], baseline_seeds=1).baseline_seeds == (6,)
    runs = list(made.placed_runs())
    further = [(run.factor, run.level, run.spec.seed) for run in runs if run.spec.seed >= 2]
    places = [("baseline", "baseline"), ("path_dropout", "rate=0.0")]
    assert further == [(*place, seed) for seed in (2, 3, 4) for place in places]
    assert runs[: -len(further)] == list(study(seeds=2, factors={"path_dropout": [{"rate": 0.3}]}).placed_runs())
    assert {run.spec.run_id for run in runs if run.spec.seed == 3} == {replace(made.baseline, seed=3).run_id}
    assert len(made.runs()) == 2 * 3 + 3
