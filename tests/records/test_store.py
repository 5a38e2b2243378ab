"""The store: whole files or none, found by content."""

import errno
import json
import os
import re
from pathlib import Path

import pytest
import torch

from supernet_bench.core.files import write_atomically
from supernet_bench.records.damage import Damaged
from supernet_bench.records.store import Store
from tests.records.made import manifest, run_record

RECORD = run_record("ab12")


@pytest.fixture
def store(tmp_path) -> Store:
    return Store(tmp_path / "store")


def test_a_record_is_read_back(store: Store) -> None:
    assert store.read_record("ab12") is None
    store.write_record(RECORD)
    assert store.read_record("ab12") == RECORD
    assert store.find("ab") == ["ab12"]
    assert store.find("b") == []


def test_a_manifest_is_read_back(store: Store) -> None:
    assert store.read_manifest("mine") is None
    store.write_manifest(manifest("mine"))
    assert store.read_manifest("mine") == manifest("mine")
    store.manifest_path("mine").rename(store.manifest_path("yours"))
    with pytest.raises(Damaged, match=r"yours\.json is damaged: it is the manifest of study 'mine'"):
        store.read_manifest("yours")


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


def test_a_checkpoint_is_read_where_there_is_no_gpu(store: Store, monkeypatch) -> None:
    """Else PyTorch puts the tensors where they were saved."""
    places, load = [], torch.load
    monkeypatch.setattr(torch, "load", lambda *args, **options: places.append(options["map_location"]) or load(*args))
    store.write_checkpoint("ab12", {"weights": torch.arange(3)})
    assert store.read_checkpoint("ab12") is not None
    assert places == ["cpu"]


@pytest.mark.parametrize("keep", [0, 10, 40, -1])
def test_a_damaged_checkpoint_is_named(store: Store, keep: int) -> None:
    store.write_checkpoint("ab12", {"weights": torch.zeros(100)})
    path = store.checkpoint_path("ab12")
    path.write_bytes(path.read_bytes()[:keep])
    with pytest.raises(Damaged, match=r"ab12\.pt is damaged"):
        store.read_checkpoint("ab12")
    with pytest.raises(Damaged, match=r"ab12\.pt is damaged"):
        store.check_checkpoint("ab12")


def test_the_checkpoint_of_another_run_is_refused(store: Store) -> None:
    store.write_checkpoint("ab12", {"epoch": 1})
    store.checkpoint_path("ab12").rename(store.checkpoint_path("cd34"))
    with pytest.raises(Damaged, match=r"cd34\.pt is damaged: it is the checkpoint of run ab12"):
        store.read_checkpoint("cd34")


def test_a_checkpoint_that_does_not_fit_into_memory_is_not_damaged(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_memory(*arguments, **named) -> None:
        raise MemoryError

    store.write_checkpoint("ab12", {"epoch": 1})
    monkeypatch.setattr(torch, "load", no_memory)
    with pytest.raises(MemoryError):
        store.usable_checkpoint("ab12")
    assert store.checkpoint_path("ab12").exists()


@pytest.mark.parametrize("times", [1, 2])
def test_a_file_that_is_being_replaced_on_a_network_file_system_is_read_again(
    store: Store, monkeypatch: pytest.MonkeyPatch, times: int
) -> None:
    """Once: a file that stays so is a fault of the file system."""
    store.write_record(RECORD)
    store.write_checkpoint("ab12", {"epoch": 1})
    left, read = [0], Path.read_bytes

    def stale(path: Path) -> bytes:
        if left[0]:
            left[0] -= 1
            raise OSError(errno.ESTALE, os.strerror(errno.ESTALE))
        return read(path)

    monkeypatch.setattr(Path, "read_bytes", stale)
    for reading in (store.read_record, store.read_checkpoint):
        left[0] = times
        if times == 1:
            assert reading("ab12") is not None
        else:
            with pytest.raises(OSError, match=os.strerror(errno.ESTALE)):
                reading("ab12")


def test_a_checkpoint_that_is_being_replaced_was_not_saved(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    assert store.saved_at("ab12") == 0
    store.write_checkpoint("ab12", {"epoch": 1})
    assert store.saved_at("ab12") == store.checkpoint_path("ab12").stat().st_mtime_ns

    def fail(number: int) -> None:
        def stat(path: Path) -> None:
            raise OSError(number, os.strerror(number))

        monkeypatch.setattr(Path, "stat", stat)

    fail(errno.ESTALE)
    assert store.saved_at("ab12") == 0
    fail(errno.EIO)
    with pytest.raises(OSError, match=os.strerror(errno.EIO)):
        store.saved_at("ab12")


def test_damaged_files_of_one_name_are_all_kept(store: Store, capsys: pytest.CaptureFixture[str]) -> None:
    contents = []
    for damage in (b"{", b"[", b"]"):
        store.record_path("ab12").parent.mkdir(parents=True, exist_ok=True)
        store.record_path("ab12").write_bytes(damage)
        assert store.usable_record("ab12") is None
        assert not store.record_path("ab12").exists()
        line = capsys.readouterr().err
        kept = re.fullmatch(r"warning: .*ab12\.json is damaged: it is no .*; it was moved to (.*)\n", line)
        contents.append(Path(kept[1]).read_bytes())
    assert contents == [b"{", b"[", b"]"]
    assert len(list((store.folder / "damaged").iterdir())) == 3


def test_only_the_temporary_files_of_the_run_are_removed(store: Store) -> None:
    store.write_record(RECORD)
    store.write_checkpoint("ab12", {})
    folders = [store.record_path("ab12").parent, store.checkpoint_path("ab12").parent]
    mine = [folder / f".{name}.0123.tmp" for folder, name in zip(folders, ["ab12.json", "ab12.pt"], strict=True)]
    others = [folder / f".{name}.0123.tmp" for folder, name in zip(folders, ["ab123.json", "cd34.pt"], strict=True)]
    for path in (*mine, *others):
        path.write_bytes(b"half")
    store.remove_temporaries("ab12")
    assert not any(path.exists() for path in mine)
    assert all(path.exists() for path in others)
    assert store.read_record("ab12") is not None


def test_a_checkpoint_executes_no_code(store: Store, tmp_path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Attack:
        def __reduce__(self):
            return os.mkdir, (str(tmp_path / "executed"),)

    monkeypatch.setattr(
        "supernet_bench.records.store.check_state", lambda state, owner: None
    )  # As somebody else may write it.
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
