"""The store: whole files or none, found by content."""

import json
import os

import pytest
import torch

from benchmark.errors import InputError
from benchmark.files import write_atomically
from benchmark.store import Store

RECORD = {"run_id": "ab12", "status": "finished", "spec": {"seed": 0}, "curve": [{"loss": 0.1}]}


@pytest.fixture
def store(tmp_path) -> Store:
    return Store(tmp_path / "store")


def test_a_record_is_read_back(store: Store) -> None:
    assert store.read_record("ab12") is None
    store.write_record(RECORD)
    assert store.read_record("ab12") == {"schema": 1, **RECORD}
    assert store.find("ab") == ["ab12"]
    assert store.find("b") == []


def test_a_record_replaces_the_checkpoint(store: Store) -> None:
    store.write_checkpoint("ab12", {"epoch": 1})
    store.write_record(RECORD)
    assert not store.checkpoint_path("ab12").exists()


def test_a_checkpoint_is_read_back(store: Store) -> None:
    assert store.read_checkpoint("ab12") is None
    store.write_checkpoint("ab12", {"weights": torch.arange(3), "curve": [{"loss": 0.1}], "epoch": 2})
    state = store.read_checkpoint("ab12")
    assert torch.equal(state["weights"], torch.arange(3))
    assert (state["curve"], state["epoch"]) == ([{"loss": 0.1}], 2)


@pytest.mark.parametrize(
    "damage",
    [
        lambda content: content[:-10],
        lambda content: content.replace(b"finished", b"finishes"),
        lambda content: b"",
        lambda content: b"[1, 2]",
        lambda content: b"\x00" * 50,
    ],
    ids=["truncated", "changed", "empty", "foreign", "zeros"],
)
def test_a_damaged_record_is_named(store: Store, damage) -> None:
    store.write_record(RECORD)
    path = store.record_path("ab12")
    path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(InputError, match=r"ab12\.json is damaged: .*; delete it") as caught:
        store.read_record("ab12")
    assert "\n" not in str(caught.value)


def test_the_record_of_another_run_is_refused(store: Store) -> None:
    store.write_record(RECORD)
    store.record_path("ab12").rename(store.record_path("cd34"))
    with pytest.raises(InputError, match=r"cd34\.json is damaged: it is the record of run ab12"):
        store.read_record("cd34")


def test_a_record_of_a_newer_schema_is_named(store: Store) -> None:
    store.write_record({**RECORD, "schema": 2})
    with pytest.raises(InputError, match=r"schema is 2; allowed: 1"):
        store.read_record("ab12")


@pytest.mark.parametrize("keep", [0, 10, 40, -1])
def test_a_damaged_checkpoint_is_named(store: Store, keep: int) -> None:
    store.write_checkpoint("ab12", {"weights": torch.zeros(100)})
    path = store.checkpoint_path("ab12")
    path.write_bytes(path.read_bytes()[:keep])
    with pytest.raises(InputError, match=r"ab12\.pt is damaged"):
        store.read_checkpoint("ab12")


def test_a_checkpoint_executes_no_code(store: Store, tmp_path) -> None:
    class Attack:
        def __reduce__(self):
            return os.mkdir, (str(tmp_path / "executed"),)

    store.write_checkpoint("ab12", {"weights": Attack()})
    with pytest.raises(Exception, match=r"(?i)weights.only"):
        store.read_checkpoint("ab12")
    assert not (tmp_path / "executed").exists()


def test_a_failed_write_leaves_the_old_file_and_nothing_else(tmp_path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "file"
    write_atomically(path, b"old")

    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space left"):
        write_atomically(path, b"new")
    assert path.read_bytes() == b"old"
    assert [entry.name for entry in tmp_path.iterdir()] == ["file"]


def test_records_are_plain_json(store: Store) -> None:
    store.write_record(RECORD)
    assert json.loads(store.record_path("ab12").read_text())["status"] == "finished"
