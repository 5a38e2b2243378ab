"""The records of a study in one file, and back."""

import lzma
from pathlib import Path

import pytest

from supernet_bench.core.errors import InputError
from supernet_bench.records.archive import MANIFEST, RECORDS, is_published, pack, unpack
from supernet_bench.records.manifest import PlannedRun
from supernet_bench.records.store import Store
from tests.records.made import manifest, run_record, write_sealed


@pytest.fixture
def store(tmp_path: Path) -> Store:
    made = Store(tmp_path / "store")
    for run_id in ("b", "a", "c"):
        made.write_record(run_record(run_id, extra={"text": "ü"}))
    made.write_manifest(manifest(runs=tuple(PlannedRun("f", run_id, 0, run_id) for run_id in "abc")))
    return made


def put(folder: Path, store: Store, run_ids: list[str]) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / MANIFEST).write_bytes((store.folder / "studies" / "mine.json").read_bytes())
    (folder / RECORDS).write_bytes(pack(store.folder, run_ids))
    return folder


def test_equal_records_make_equal_bytes_in_any_order(store: Store) -> None:
    packed = pack(store.folder, ["c", "a", "missing", "b", "a"])
    assert packed == pack(store.folder, ["a", "b", "c"])
    contents = [store.record_path(run_id).read_bytes() for run_id in "abc"]
    assert lzma.decompress(packed).splitlines() == contents


def test_a_record_on_several_lines_is_put_on_one(store: Store) -> None:
    path = store.record_path("a")
    content = path.read_bytes()
    path.write_bytes(content.replace(b", ", b",\n "))
    assert lzma.decompress(pack(store.folder, ["a"])) == content + b"\n"


def test_unpack_gives_back_what_was_packed_and_goes_away(store: Store, tmp_path: Path) -> None:
    folder = put(tmp_path / "results" / "another name", store, ["a", "b"])
    assert is_published(folder)
    assert not is_published(store.folder)
    with unpack(folder) as again:
        for run_id in "ab":
            assert Store(again).record_path(run_id).read_bytes() == store.record_path(run_id).read_bytes()
        assert not Store(again).record_path("c").exists()
        assert (again / "studies" / "mine.json").read_bytes() == (folder / MANIFEST).read_bytes()
    assert not again.exists()


def test_a_study_without_records_can_be_unpacked(store: Store, tmp_path: Path) -> None:
    with unpack(put(tmp_path / "empty", store, [])) as again:
        assert not list((again).glob("runs/*"))


@pytest.mark.parametrize("study", ["../../stray", "/stray", "", ".", 3, None])
def test_names_lead_nowhere_else(store: Store, tmp_path: Path, study: object) -> None:
    write_sealed(store.manifest_path("mine"), manifest().to_json() | {"study": study})
    folder = put(tmp_path / "deep" / "folder", store, ["a"])
    message = r"manifest.json (has study|is damaged: .* study is) .*; allowed: a (name|text)"
    with pytest.raises(InputError, match=message), unpack(folder):
        pass
    assert not list(tmp_path.rglob("stray*"))


def test_records_that_are_twice_or_of_other_runs_are_refused(store: Store, tmp_path: Path) -> None:
    folder = put(tmp_path / "mine", store, ["a", "b"])
    plain = lzma.decompress((folder / RECORDS).read_bytes())
    (folder / RECORDS).write_bytes(lzma.compress(plain + plain.splitlines(keepends=True)[0]))
    with pytest.raises(InputError, match=r"records.jsonl.xz has run a twice; allowed: once"), unpack(folder):
        pass
    store.write_record(run_record("stray"))
    put(folder, store, ["a", "stray"])
    with pytest.raises(InputError, match=r"has run stray, which is not in .*manifest.json"), unpack(folder):
        pass


@pytest.mark.parametrize("runs", [None, 3, [3], [{}]])
def test_a_manifest_without_runs_is_one_line(store: Store, tmp_path: Path, runs: object) -> None:
    write_sealed(store.manifest_path("mine"), manifest().to_json() | {"runs": runs})
    folder, message = put(tmp_path, store, []), r"manifest.json is damaged: it is no complete manifest of a study: runs"
    with pytest.raises(InputError, match=message) as caught, unpack(folder):
        pass
    assert "\n" not in str(caught.value)
