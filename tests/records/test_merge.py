"""Bringing stores together that were filled apart."""

import json
import os
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from typer.testing import CliRunner

from supernet_bench.analysis.results import load_results
from supernet_bench.benchmark.study.reference import write_reference
from supernet_bench.commands.app import app
from supernet_bench.core.errors import InputError
from supernet_bench.records.form import RECORD_VERSION, checksum
from supernet_bench.records.leases import take
from supernet_bench.records.manifest import Level, PlannedRun, read_manifest
from supernet_bench.records.merge import merge
from supernet_bench.records.store import Store
from supernet_bench.spaces.toy import Toy
from tests.benchmark.execution.executors.studies import results, run, study
from tests.records import made
from tests.records.made import executed, run_record, write_sealed
from tests.records.test_run import OLD_RECORD


def record(store: Path, run_id: str, status: str = "finished", host: str = "here", **changed: Any) -> Path:
    execution = executed(environment={"host": host})
    Store(store).write_record(run_record(run_id, status, execution=execution, **changed))
    return Store(store).record_path(run_id)


def checkpoint(store: Path, run_id: str, epoch: int) -> Path:
    Store(store).write_checkpoint(run_id, {"epoch": epoch})
    return Store(store).checkpoint_path(run_id)


def manifest(store: Path, study: str = "mine", **changed: Any) -> Path:
    Store(store).write_manifest(made.manifest(study, **changed))
    return store / "studies" / f"{study}.json"


def contents(store: Path) -> dict[str, bytes]:
    """Return all files that belong to results."""
    return {
        str(path.relative_to(store)): path.read_bytes()
        for path in store.rglob("*")
        if path.is_file() and path.parent.name != "leases"
    }


@pytest.fixture
def stores(tmp_path: Path) -> tuple[Path, Path]:
    """A source that holds something, and a destination."""
    record(tmp_path / "source", "other")
    return tmp_path / "source", tmp_path / "destination"


def test_two_machines_that_shared_a_study(tmp_path: Path) -> None:
    """Each took a seed; together they are the study with both, ready to be reported."""
    whole = study(seeds=[0, 1])
    run(whole, tmp_path / "whole", jobs=1)
    for seed in (0, 1):
        part = study(seeds=[seed])
        run(part, tmp_path / f"part{seed}", jobs=1)
        write_reference(Toy(), tmp_path / f"part{seed}")
    parts = [tmp_path / "part0", tmp_path / "part1"]
    before = [contents(part) for part in parts]
    counts = merge(parts, tmp_path / "all")
    assert counts["records"] == {"new": 6}
    assert counts["manifests"] == {"new": 1, "updated": 1}
    assert counts["tables"] == {"new": 1, "known": 1}
    assert results(whole, tmp_path / "all") == results(whole, tmp_path / "whole")
    assert read_manifest(tmp_path / "all", "mine") == read_manifest(tmp_path / "whole", "mine")
    assert set(load_results(tmp_path / "all", "mine").runs["status"]) == {"finished"}
    assert [contents(part) for part in parts] == before
    merged = contents(tmp_path / "all")
    again = merge(parts, tmp_path / "all")
    assert again["records"] == {"known": 6}
    assert again["manifests"] == {"known": 2}
    assert again["tables"] == {"known": 2}
    assert contents(tmp_path / "all") == merged
    assert run(whole, tmp_path / "all", jobs=1).statuses == {}


@pytest.mark.parametrize(
    ("theirs", "mine", "outcome", "kept"),
    [
        ("finished", None, "new", "theirs"),
        ("failed", None, "new", "theirs"),
        ("finished", "failed", "updated", "theirs"),
        ("failed", "finished", "known", "mine"),
        ("failed", "failed", "known", "mine"),
        ("finished", "finished", "known", "mine"),
    ],
)
def test_which_record_is_kept(stores, theirs: str, mine: str | None, outcome: str, kept: str, capsys) -> None:
    source, destination = stores
    record(source, "other", theirs, host="theirs")
    if mine:
        record(destination, "other", mine, host="mine")
    checkpoint(destination, "unrelated", 1)
    assert merge([source], destination)["records"] == {outcome: 1}
    assert Store(destination).read_record("other").execution.environment["host"] == kept
    assert capsys.readouterr().err == ""


def test_a_record_replaces_a_checkpoint_of_its_run(stores) -> None:
    source, destination = stores
    path = checkpoint(destination, "other", 5)
    merge([source], destination)
    assert not path.exists()


def test_different_results_of_one_run_are_named_and_the_first_is_kept(stores, capsys) -> None:
    source, destination = stores
    path = record(destination, "other", architectures=(3, 6))
    before = path.read_bytes()
    assert merge([source], destination)["records"] == {"different": 1}
    assert path.read_bytes() == before
    line = capsys.readouterr().err
    assert line == f"warning: {source}/runs/other.json differs from what {destination} has, which was kept\n"


def test_an_old_record_is_copied_as_it_is_and_equals_a_new_one(stores, capsys) -> None:
    source, destination = stores
    run_id = json.loads(OLD_RECORD.read_bytes())["run_id"]
    shutil.copy(OLD_RECORD, source / "runs" / f"{run_id}.json")
    merge([source], destination)
    path = Store(destination).record_path(run_id)
    assert path.read_bytes() == OLD_RECORD.read_bytes()
    newer = Store(destination).read_record(run_id)
    Store(destination).write_record(replace(newer, execution=None))
    assert merge([source], destination)["records"] == {"known": 2}
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize(
    ("mine", "outcome", "kept"), [(None, "new", 5), (3, "updated", 5), (5, "known", 5), (7, "known", 7)]
)
def test_the_further_checkpoint_is_taken(stores, mine: int | None, outcome: str, kept: int) -> None:
    source, destination = stores
    checkpoint(source, "run", 5)
    if mine:
        checkpoint(destination, "run", mine)
    assert merge([source], destination)["checkpoints"] == {outcome: 1}
    assert Store(destination).read_checkpoint("run")["epoch"] == kept


def test_no_checkpoint_is_taken_where_any_source_has_a_record(stores, tmp_path: Path) -> None:
    source, destination = stores
    checkpoint(tmp_path / "first", "other", 5)
    assert merge([tmp_path / "first", source], destination)["checkpoints"] == {"known": 1}
    assert not Store(destination).checkpoint_path("other").exists()


def test_damaged_files_of_a_source_are_named_and_skipped(stores, capsys) -> None:
    source, destination = stores
    write_reference(Toy(), source)
    paths = [record(source, "a"), checkpoint(source, "b", 1), manifest(source), source / "spaces" / "toy.parquet"]
    newer = record(source, "newer")
    write_sealed(newer, json.loads(newer.read_bytes()) | {"schema": RECORD_VERSION + 1})
    foreign = record(source, "c")
    foreign = foreign.rename(foreign.with_name("d.json"))
    for path in paths:
        path.write_bytes(path.read_bytes()[:-40])
    before = contents(source)
    counts = merge([source], destination)
    assert [counts[kind]["skipped"] for kind in counts] == [3, 1, 1, 1, 0]
    assert list(contents(destination)) == ["runs/other.json"]
    assert contents(source) == before
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 6
    for path in (*paths, foreign):
        assert sum(line.startswith(f"warning: {path} is damaged: ") for line in lines) == 1
    assert sum(f"{newer} has schema {RECORD_VERSION + 1}" in line for line in lines) == 1


def test_damaged_files_of_the_destination_are_replaced(stores, capsys) -> None:
    source, destination = stores
    write_reference(Toy(), source)
    checkpoint(source, "b", 1)
    manifest(source)
    for name in contents(source):
        (destination / name).parent.mkdir(parents=True, exist_ok=True)
        (destination / name).write_bytes(b"damaged")
    counts = merge([source], destination)
    assert all(counts[kind] == {"new": 1} for kind in counts if kind != "proxies")
    assert {name: content for name, content in contents(destination).items() if "damaged/" not in name} == contents(
        source
    )
    assert [path.read_bytes() for path in (destination / "damaged").iterdir()] == [b"damaged"] * 4
    assert capsys.readouterr().err.count("it was moved to") == 4


def test_a_run_that_is_executed_at_the_destination_is_skipped(stores, capsys) -> None:
    source, destination = stores
    checkpoint(source, "run", 5)
    with take(destination, "other"), take(destination, "run"):
        counts = merge([source], destination)
    assert counts["records"] == counts["checkpoints"] == {"skipped": 1}
    assert contents(destination) == {}
    assert capsys.readouterr().err.count(f"is executed by process {os.getpid()} on") == 2
    assert merge([source], destination)["records"] == {"new": 1}


@pytest.mark.parametrize(
    ("changed", "outcome"),
    [
        ({}, "known"),
        ({"seeds": [0]}, "known"),
        ({"seeds": [1, 2]}, "updated"),
        ({"seeds": [2], "title": "another"}, "different"),
        ({"runs": (PlannedRun("f", "l", 0, "run1"),)}, "different"),
    ],
    ids=["same", "fewer seeds", "more seeds", "other title", "other run"],
)
def test_manifests_of_one_study(stores, capsys, changed: dict[str, Any], outcome: str) -> None:
    source, destination = stores
    path = manifest(destination)
    before = json.loads(path.read_bytes())
    manifest(source, **changed)
    assert merge([source], destination)["manifests"] == {outcome: 1}
    after = json.loads(path.read_bytes())
    if outcome == "updated":
        assert after["seeds"] == [0, 1, 2]
        assert [run["run_id"] for run in after["runs"]] == ["run0", "run1", "run2"]
    else:
        assert after == before
    assert capsys.readouterr().err.count("which was kept") == (outcome == "different")


def test_seeds_of_another_budget_are_not_united(stores, capsys) -> None:
    """The manifests differ in their seeds only, but the records show that the levels are others."""
    source, destination = stores
    for store, seed, epochs in ((destination, 0, 10), (source, 1, 20)):
        manifest(store, seeds=[seed])
        record(store, f"run{seed}", spec={"seed": seed, "training": {"epochs": epochs}})
    assert merge([source], destination)["manifests"] == {"different": 1}
    assert "mine.json differs from what" in capsys.readouterr().err


OLD_GRID = Level("a x b", "a 1, b 2", baseline=False, uses_truth=False)
GRID = replace(OLD_GRID, cell=(("a", "1"), ("b", "2")))
OTHER_GRID = replace(OLD_GRID, cell=(("a", "1"), ("b", "3")))


@pytest.mark.parametrize(
    ("mine", "theirs", "outcome", "kept"),
    [
        (GRID, OLD_GRID, "known", GRID),
        (OLD_GRID, GRID, "updated", GRID),
        (OLD_GRID, OLD_GRID, "known", OLD_GRID),
        (GRID, OTHER_GRID, "different", GRID),
    ],
)
def test_an_older_manifest_does_not_say_what_a_grid_combines(stores, mine, theirs, outcome: str, kept) -> None:
    source, destination = stores
    manifest(destination, levels=(mine,))
    manifest(source, levels=(theirs,))
    assert merge([source], destination)["manifests"] == {outcome: 1}
    assert read_manifest(destination, "mine").levels == (kept,)


def test_a_manifest_that_was_changed_is_skipped(stores, capsys) -> None:
    """It is still a complete manifest; only its checksum tells."""
    source, destination = stores
    path = manifest(source)
    path.write_text(path.read_text().replace("run1", "run3"))
    assert merge([source], destination)["manifests"] == {"skipped": 1}
    assert capsys.readouterr().err == f"warning: {path} is damaged: its checksum differs; it was skipped\n"


def test_manifests_without_a_checksum_are_united(stores) -> None:
    """Those of older versions; the united one has a checksum of its own."""
    source, destination = stores
    for store, seeds in ((source, [1, 2]), (destination, [0, 1])):
        path = manifest(store, seeds=seeds)
        content = json.loads(path.read_bytes())
        del content["checksum"]
        path.write_text(json.dumps(content))
    assert merge([source], destination)["manifests"] == {"updated": 1}
    united = json.loads((destination / "studies" / "mine.json").read_bytes())
    assert united["seeds"] == [0, 1, 2]
    assert united["checksum"] == checksum(united)


def test_tables_that_differ_are_named(stores, capsys) -> None:
    source, destination = stores
    path = write_reference(Toy(), destination)
    before = path.read_bytes()
    table = pd.read_parquet(path)
    table["toy_valid"] += 0.01
    (source / "spaces").mkdir()
    table.to_parquet(source / "spaces" / "toy.parquet")
    assert merge([source], destination)["tables"] == {"different": 1}
    assert path.read_bytes() == before
    assert "toy.parquet differs from what" in capsys.readouterr().err


def test_what_is_no_other_store_is_refused(stores, tmp_path: Path) -> None:
    source, destination = stores
    (tmp_path / "empty").mkdir()
    for wrong, message in ((tmp_path / "empty", "no store"), (tmp_path / "nowhere", "no store"), (source, "the dest")):
        with pytest.raises(InputError, match=f"source is '{wrong}', which is {message}"):
            merge([source, wrong], source if wrong == source else destination)
    assert not destination.exists()


def test_a_full_disk_leaves_nothing_half_written(stores, monkeypatch: pytest.MonkeyPatch) -> None:
    source, destination = stores

    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full)
        with pytest.raises(OSError, match=r"cannot be written: No space left on device: .*other\.json"):
            merge([source], destination)
    assert contents(destination) == {}
    assert merge([source], destination)["records"] == {"new": 1}


def test_the_command_says_what_it_did(stores) -> None:
    source, destination = stores
    checkpoint(source, "run", 5)
    result = CliRunner().invoke(app, ["merge", str(source), "--store", str(destination)])
    assert result.exit_code == 0
    assert result.stdout.splitlines() == [
        "records: 1 new, 0 updated, 0 known, 0 different, 0 skipped",
        "checkpoints: 1 new, 0 updated, 0 known, 0 different, 0 skipped",
        "manifests: 0 new, 0 updated, 0 known, 0 different, 0 skipped",
        "tables: 0 new, 0 updated, 0 known, 0 different, 0 skipped",
        "proxies: 0 new, 0 updated, 0 known, 0 different, 0 skipped",
    ]
    refused = CliRunner().invoke(app, ["merge", "nowhere", "--store", str(destination)])
    assert refused.exit_code == 2
    assert refused.stderr.startswith("error: source is 'nowhere', which is no store")
