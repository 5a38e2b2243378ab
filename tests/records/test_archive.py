"""The records of a study in one file, and back."""

import lzma
from pathlib import Path

import pytest

from supernet_bench.core.errors import InputError
from supernet_bench.records.archive import MANIFEST, RECORDS, is_published, opened, pack
from supernet_bench.records.layout import SCHEMA
from supernet_bench.records.store import Store


@pytest.fixture
def store(tmp_path: Path) -> Store:
    made = Store(tmp_path / "store")
    for run_id in ("b", "a", "c"):
        made.write_record({"run_id": run_id, "status": "finished", "text": "ü"})
    made.write_manifest("mine", {"schema": SCHEMA, "study": "mine", "runs": [{"run_id": run_id} for run_id in "abc"]})
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


def test_opened_gives_back_what_was_packed_and_goes_away(store: Store, tmp_path: Path) -> None:
    folder = put(tmp_path / "results" / "another name", store, ["a", "b"])
    assert is_published(folder)
    assert not is_published(store.folder)
    with opened(folder) as again:
        for run_id in "ab":
            assert Store(again).record_path(run_id).read_bytes() == store.record_path(run_id).read_bytes()
        assert not Store(again).record_path("c").exists()
        assert (again / "studies" / "mine.json").read_bytes() == (folder / MANIFEST).read_bytes()
    assert not again.exists()


def test_a_study_without_records_can_be_opened(store: Store, tmp_path: Path) -> None:
    with opened(put(tmp_path / "empty", store, [])) as again:
        assert not list((again).glob("runs/*"))


@pytest.mark.parametrize("study", ["../../stray", "/stray", "", ".", 3, None])
def test_names_lead_nowhere_else(store: Store, tmp_path: Path, study: object) -> None:
    store.write_manifest("mine", {"schema": SCHEMA, "study": study, "runs": [{"run_id": "a"}]})
    folder = put(tmp_path / "deep" / "folder", store, ["a"])
    with pytest.raises(InputError, match=r"manifest.json has study .*; allowed: a name"), opened(folder):
        pass
    assert not list(tmp_path.rglob("stray*"))


def test_records_that_are_twice_or_of_other_runs_are_refused(store: Store, tmp_path: Path) -> None:
    folder = put(tmp_path / "mine", store, ["a", "b"])
    plain = lzma.decompress((folder / RECORDS).read_bytes())
    (folder / RECORDS).write_bytes(lzma.compress(plain + plain.splitlines(keepends=True)[0]))
    with pytest.raises(InputError, match=r"records.jsonl.xz has run a twice; allowed: once"), opened(folder):
        pass
    store.write_record({"run_id": "stray", "status": "finished"})
    put(folder, store, ["a", "stray"])
    with pytest.raises(InputError, match=r"has run stray, which is not in .*manifest.json"), opened(folder):
        pass


@pytest.mark.parametrize("runs", [None, 3, [3], [{}]])
def test_a_manifest_without_runs_is_one_line(store: Store, tmp_path: Path, runs: object) -> None:
    store.write_manifest("mine", {"schema": SCHEMA, "study": "mine", "runs": runs})
    with pytest.raises(InputError, match=r"manifest.json is no manifest of a study"), opened(put(tmp_path, store, [])):
        pass
