"""Names that stand for two studies."""

from dataclasses import replace
from pathlib import Path

import pytest

from supernet_bench.benchmark.study.naming import check_continued, check_stored
from supernet_bench.benchmark.study.study import Study, load_study, parse_study
from supernet_bench.core.errors import InputError
from supernet_bench.records.manifest import read_manifest, without_cells
from supernet_bench.records.merge import merge
from supernet_bench.records.store import Store
from tests.records.made import write_sealed

TABLES = {
    "title": "Mine",
    "space": {"name": "toy"},
    "images": {"name": "digits"},
    "training": {"epochs": 8},
    "scoring": {"architectures": 8},
    "seeds": 2,
    "factors": {"path_dropout": [{"rate": 0.3}]},
}

MORE = {"path_dropout": [{"rate": 0.3}, {"rate": 0.6}], "learning_rate": [{"rate": 0.2}]}


def study(name: str = "mine", **tables) -> Study:
    return parse_study(name, {**TABLES, **tables})


def put(folder: Path, made: Study) -> Store:
    store = Store(folder)
    store.write_manifest(made.manifest())
    return store


def test_the_same_study_is_continued_without_a_word(tmp_path: Path, capsys) -> None:
    check_continued(study(), Store(tmp_path))
    check_continued(study(), put(tmp_path, study()))
    check_stored(study(), tmp_path)
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize(
    ("tables", "change"),
    [
        ({"seeds": 4}, "seeds 0 1, now 0 1 2 3"),
        ({"seeds": [7]}, "seeds 0 1, now 7"),
        ({"baseline_seeds": 2}, "baseline_seeds none, now 2 3"),
        ({"factors": MORE}, "levels that are missing: path_dropout rate=0.6, learning_rate rate="),
        ({"factors": {}}, "levels that are not now: path_dropout rate=0.0, path_dropout rate=0.3"),
        ({"title": "Ours"}, "title 'Mine', now 'Ours'"),
    ],
    ids=["seeds", "other seeds", "further seeds of the baseline", "levels", "fewer levels", "title"],
)
def test_a_study_that_its_user_changed_is_continued_and_that_is_said(
    tmp_path: Path, capsys, tables: dict, change: str
) -> None:
    store = put(tmp_path, study())
    check_continued(study(**tables), store)
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(f"{tmp_path}/studies/mine.json is replaced: {change}")
    with pytest.raises(InputError, match=r"studies/mine\.json is not study 'mine' as it is given: ") as caught:
        check_stored(study(**tables), tmp_path)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "tables",
    [
        {"training": {"epochs": 9}},
        {"training": {"epochs": 9}, "seeds": [7]},
        {"training": {"epochs": 9}, "factors": {"learning_rate": [{"rate": 0.2}]}},
        {"heuristics": {"path_dropout": {"rate": 0.1}}},
        {"images": {"name": "digits", "train": 100}},
    ],
    ids=["budget", "other seeds", "other levels", "baseline", "images"],
)
def test_another_study_of_that_name_is_refused(tmp_path: Path, tables: dict) -> None:
    store = put(tmp_path, study())
    with pytest.raises(
        InputError, match=r"study 'mine' has other runs of baseline baseline.*mine\.json; allowed: another name"
    ):
        check_continued(study(title="Theirs", **tables), store)
    with pytest.raises(InputError, match="is not study 'mine' as it is given"):
        check_stored(study(title="Theirs", **tables), tmp_path)


def test_a_damaged_manifest_is_set_aside_and_a_newer_one_is_not(tmp_path: Path, capsys) -> None:
    store = put(tmp_path, study())
    path = store.manifest_path("mine")
    path.write_bytes(path.read_bytes()[:50])
    check_continued(study(training={"epochs": 9}), store)
    assert "mine.json is damaged: it is no complete manifest" in capsys.readouterr().err
    assert not path.exists()
    write_sealed(path, {**study().manifest().to_json(), "schema": 99})
    with pytest.raises(InputError, match=r"mine\.json has schema 99; allowed: 1 to"):
        check_continued(study(), store)


def test_a_name_in_another_case_is_refused(tmp_path: Path, capsys) -> None:
    """Some file systems take both for one file."""
    store = put(tmp_path / "store", study("Mine"))
    with pytest.raises(InputError, match=r"study is 'mine', and .*Mine\.json is there; allowed: a name"):
        check_continued(study(), store)
    put(tmp_path / "other", study())
    assert merge([tmp_path / "other"], store.folder)["manifests"] == {"skipped": 1}
    assert "study is 'mine'" in capsys.readouterr().err
    assert [path.name for path in (store.folder / "studies").iterdir()] == ["Mine.json"]


@pytest.mark.parametrize("name", ["./mine", "../studies/mine", "other/../mine", "Mine", "mine.json", ""])
def test_a_study_is_known_by_its_name_alone(tmp_path: Path, name: str) -> None:
    put(tmp_path, study())
    (tmp_path / "studies" / "other").mkdir()
    with pytest.raises(InputError, match=rf"unknown study '{name}'.* known: mine$"):
        read_manifest(tmp_path, name)


def test_a_manifest_under_another_name_is_refused(tmp_path: Path) -> None:
    path = put(tmp_path, study()).manifest_path("mine")
    path.rename(path.with_name("yours.json"))
    with pytest.raises(InputError, match=r"yours\.json is damaged: it is the manifest of study 'mine'"):
        read_manifest(tmp_path, "yours")


@pytest.mark.parametrize(
    "name", ["agreement", "Agreement", "README.md", "readme.md", "a+b", "a.TOML", "-a", " a", ".a", "a:b"]
)
def test_a_name_that_nothing_can_be_published_under_is_refused_before_training(tmp_path: Path, name: str) -> None:
    path = tmp_path / f"{name}.toml"
    path.write_text("seeds = 1")
    with pytest.raises(InputError, match=r"name of a study is .*; allowed: letters, digits and any of"):
        load_study(str(path))


@pytest.mark.parametrize("name", ["default", "Default", "SMOKE"])
def test_a_file_cannot_take_the_name_of_a_shipped_study(tmp_path: Path, name: str) -> None:
    path = tmp_path / f"{name}.toml"
    path.write_text("seeds = 1")
    with pytest.raises(InputError, match="has the name of a shipped study"):
        load_study(str(path))


def test_grids_of_older_manifests_do_not_matter(tmp_path: Path) -> None:
    """They do not say what a level of a grid combines."""
    made = study(
        grids=[{"path_dropout": [{"rate": 0.1}, {"rate": 0.2}], "learning_rate": [{"rate": 0.1}, {"rate": 0.2}]}]
    )
    manifest = made.manifest()
    Store(tmp_path).write_manifest(replace(manifest, levels=without_cells(manifest.levels)))
    check_stored(made, tmp_path)
    check_continued(replace(made, seeds=(0, 1)), Store(tmp_path))


def test_seeds_of_the_baseline_alone_unite_with_those_of_all_levels(tmp_path: Path) -> None:
    """A seed that one manifest has for the baseline alone and another for every level is of every level."""
    few, many = study(seeds=2, baseline_seeds=3), study(seeds=3, baseline_seeds=1)
    united = few.manifest().unite(many.manifest())
    assert united is not None
    assert (united.seeds, united.baseline_seeds) == ((0, 1, 2), (3, 4))
    assert {run.seed for run in united.runs if run.level == "rate=0.3"} == {0, 1, 2}
    store = put(tmp_path, few)
    assert read_manifest(store.folder, "mine") == few.manifest().on_one_line()
    assert "baseline_seeds" not in study().manifest().to_json()
