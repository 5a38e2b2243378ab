"""What other programs leave in folders, and folders that are not what they should be."""

import os
import shutil
from pathlib import Path

import pytest

from supernet_bench.analysis.pages.index import index
from supernet_bench.analysis.publishing.check import differences
from supernet_bench.benchmark.execution import Resources, driver, run_study
from supernet_bench.benchmark.execution.attempts import anywhere
from supernet_bench.benchmark.execution.executors import base
from supernet_bench.benchmark.execution.executors.base import executor_names
from supernet_bench.benchmark.execution.worker import Execution
from supernet_bench.benchmark.plugins import registry
from supernet_bench.benchmark.study import study
from supernet_bench.commands._examination import _disk, _records
from supernet_bench.core import downloads as data
from supernet_bench.core.downloads import PublishedFile, cache_folder, fetch, user_folder
from supernet_bench.core.errors import InputError
from supernet_bench.core.files import is_litter, resolved
from supernet_bench.core.folders import check_replaceable, check_sums, replaced, write_sums
from supernet_bench.records.damage import Damaged
from supernet_bench.records.leases import TTL_S, holder, take
from supernet_bench.records.manifest import read_manifest
from supernet_bench.records.merge import merge
from supernet_bench.records.store import Store
from tests.benchmark.execution.executors.studies import Watch
from tests.benchmark.execution.executors.studies import study as small_study
from tests.records.made import run_record

LITTER = (
    ".DS_Store", "._report.md", "Thumbs.db", "desktop.ini", "Icon\r", "report.md~", ".report.md.swp", "#report.md#",
    ".#report.md", ".ipynb_checkpoints", "__pycache__", ".nfs000000000a1b2c3d", ".~lock.table.csv#", "table.csv.orig",
    "report (Ann's conflicted copy 2024-01-01).md", "report.sync-conflict-20240101-120000-ABCDEFG.md", ".dropbox",
    "table.csv.crdownload", "lost+found", "@eaDir",
)  # fmt: skip
OURS = (
    "report.md", "table.csv", "SHA256SUMS", "plots", "manifest.json", "records.jsonl.xz", "catalogue-digits",
    "00f1a2.json", "default.toml", "a 2.toml", "README.md", "x.part2.json",
)  # fmt: skip
ROOT = Path(__file__).resolve().parents[2]


def test_litter_is_told_from_ours() -> None:
    assert [name for name in LITTER if not is_litter(name)] == []
    assert [name for name in OURS if is_litter(name)] == []


def litter(folder: Path) -> None:
    """Leave everything that other programs leave, with something in it."""
    for name in LITTER:
        path = folder / name
        if "." not in name[1:] and name[0] in "._@l":
            path.mkdir(parents=True)
            path /= "report.md"
        path.write_text(f"left by somebody in {name}")


def contents(folder: Path) -> dict[str, str]:
    return {str(path.relative_to(folder)): path.read_text() for path in folder.rglob("*") if path.is_file()}


def test_a_report_is_written_around_litter_and_keeps_it(tmp_path: Path) -> None:
    folder = tmp_path / "report"
    folder.mkdir()
    litter(folder)
    (folder / "report.md").write_text("old")
    before = contents(folder)
    with replaced(folder, {"report.md"}) as new:
        (new / "report.md").write_text("new")
    assert contents(folder) == before | {"report.md": "new"}
    assert [path.name for path in tmp_path.iterdir()] == ["report"]


def test_litter_is_no_difference_to_what_was_published(tmp_path: Path) -> None:
    for name in ("committed", "rebuilt"):
        (tmp_path / name / "plots").mkdir(parents=True)
        (tmp_path / name / "report.md").write_text("page")
        (tmp_path / name / "plots" / "a.png").touch()
    write_sums(tmp_path / "committed")
    litter(tmp_path / "committed")
    litter(tmp_path / "committed" / "plots")
    assert check_sums(tmp_path / "committed") == []
    assert differences(tmp_path / "committed", tmp_path / "rebuilt") == []
    (tmp_path / "committed" / "plots" / "b.png").touch()
    assert (
        len(check_sums(tmp_path / "committed")) == len(differences(tmp_path / "committed", tmp_path / "rebuilt")) == 1
    )


def test_what_a_killed_publication_left_is_no_study(tmp_path: Path) -> None:
    empty = index(tmp_path)
    shutil.copytree(ROOT / "results" / "interactions-digits", tmp_path / ".interactions-digits.0123.new")
    assert index(tmp_path) == empty


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """A store with one record, a checkpoint, and copies that other programs made of both."""
    made = Store(tmp_path / "store")
    made.write_record(run_record("ab12"))
    made.write_checkpoint("cd34", {"epoch": 1})
    made.write_manifest(small_study().manifest())
    for path in (made.record_path("ab12"), made.checkpoint_path("cd34"), made.folder / "studies" / "mine.json"):
        for name in (f"._{path.name}", f"{path.stem} (conflicted copy){path.suffix}", f".{path.name}"):
            path.with_name(name).write_bytes(b"\0\5\26\7")
    shutil.copy(made.record_path("ab12"), made.folder / "runs" / "ab12 2.json")
    return made


def test_copies_of_records_are_no_runs(store: Store, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert store.find("") == store.find("ab") == ["ab12"]
    assert [finding.found for finding in _records(store.folder) if not finding.good] == []
    with pytest.raises(InputError, match=r"unknown study 'other'; known: mine$"):
        read_manifest(store.folder, "other")
    (store.folder / "runs" / "ab12 2.json").unlink()
    counts = merge([store.folder], tmp_path / "other")
    assert capsys.readouterr().err == ""
    assert (counts["records"], counts["checkpoints"], counts["manifests"]) == ({"new": 1}, {"new": 1}, {"new": 1})


def test_a_folder_in_the_place_of_a_file_is_damage(store: Store, capsys: pytest.CaptureFixture[str]) -> None:
    for path in (store.record_path("ef56"), store.checkpoint_path("ef56")):
        (path / "inside").mkdir(parents=True)
    with pytest.raises(Damaged, match=r"ef56\.json is damaged: it is a folder; "):
        store.read_record("ef56")
    assert [finding.what for finding in _records(store.folder) if not finding.good] == ["record", "checkpoint"]
    assert (store.usable_record("ef56"), store.usable_checkpoint("ef56")) == (None, None)
    assert len(list((store.folder / "damaged").glob("ef56.*/inside"))) == 2
    assert capsys.readouterr().err.count("it is a folder; it was moved to") == 2


def test_a_folder_in_the_place_of_a_lease_expires(store: Store) -> None:
    lease = store.folder / "leases" / "ab12.3.json"
    lease.mkdir(parents=True)
    assert str(holder(store.folder, "ab12")).startswith("somebody unknown")
    os.utime(lease, times=(0, lease.stat().st_mtime - TTL_S - 1))
    with take(store.folder, "ab12"):
        assert not lease.exists()


def test_copies_of_plug_ins_are_not_imported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package = tmp_path / "copied"
    for name in (
        "pool.py",
        "pool 2.py",
        "._pool.py",
        ".pool.py",
        "pool (conflicted copy).py",
        "pool.py~",
        "whole/images.py",
    ):
        (package / name).parent.mkdir(parents=True, exist_ok=True)
        (package / name).write_text("" if name in ("pool.py", "whole/images.py") else "1 / 0")
    shutil.copytree(package / "whole", package / "whole copy")
    for folder in (package, package / "whole", package / "whole copy"):
        (folder / "__init__.py").touch()
    monkeypatch.syspath_prepend(tmp_path)
    modules = [module.__name__ for module in registry._modules("copied", "images")]
    assert modules == ["copied.pool", "copied.whole.images"]


def test_copies_of_executors_and_studies_are_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    known, shipped = executor_names(), study.shipped_studies()
    found = [type("Module", (), {"name": name}) for name in ("base", "local 2", *known)]
    monkeypatch.setattr(base.pkgutil, "iter_modules", lambda path: found)
    assert executor_names() == known
    folder = shutil.copytree(study.SHIPPED, tmp_path / "studies")
    (folder / "._default.toml").write_bytes(b"\0")
    monkeypatch.setattr(study, "SHIPPED", folder)
    assert list(study.shipped_studies()) == list(shipped)


def test_a_circle_of_links_is_an_error_of_files(tmp_path: Path) -> None:
    """Python before 3.13 raises RuntimeError, which no command expects."""
    loop = tmp_path / "loop"
    loop.symlink_to(loop)
    with pytest.raises(OSError, match="symbolic links"):
        resolved(loop)
    with pytest.raises(OSError, match="symbolic links"):
        merge([loop], tmp_path / "store")
    with pytest.raises(OSError, match="symbolic links"):
        anywhere(Execution(loop))
    named = tmp_path / "default.toml"
    named.symlink_to(named)
    with pytest.raises((InputError, OSError)):
        study.load_study(str(named))
    finding = _disk(loop)
    assert (finding.good, "symbolic links" in finding.found) == (False, True)
    assert resolved(tmp_path / "absent") == (tmp_path / "absent").resolve()


def test_a_store_that_is_a_file_or_cannot_be_written_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").touch()
    assert not _disk(tmp_path / "file" / "store").good
    monkeypatch.setattr(os, "access", lambda path, mode: False)  # Who runs the tests may write everywhere.
    assert _disk(tmp_path).found == f"{tmp_path} cannot be written"


def test_a_report_that_cannot_be_written_is_refused_in_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").touch()
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    for place in ("file", "loop"):
        with pytest.raises(InputError, match=f"report folder .*{place}/default cannot be made in .*{place}; allowed"):
            check_replaceable(tmp_path / place / "default", ())
    check_replaceable(tmp_path / "new" / "reports" / "default", ())
    monkeypatch.setattr(os, "access", lambda path, mode: False)
    with pytest.raises(InputError, match="cannot be made in"):
        check_replaceable(tmp_path / "new" / "default", ())


@pytest.mark.parametrize(("variable", "read"), [("CACHE", cache_folder), ("DATA", user_folder)])
def test_a_home_that_does_not_exist_is_named(variable: str, read, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(f"SUPERNET_BENCH_{variable}", "~no_such_user/data")
    with pytest.raises(
        InputError, match=f"SUPERNET_BENCH_{variable} is '~no_such_user/data', and there is no such home"
    ):
        read()


def test_without_a_home_there_is_no_cache_folder_named_tilde(monkeypatch: pytest.MonkeyPatch) -> None:
    import pooch

    monkeypatch.delenv("SUPERNET_BENCH_CACHE", raising=False)
    monkeypatch.setattr(pooch, "os_cache", lambda name: Path("~/.cache") / name)  # What platformdirs gives then.
    with pytest.raises(InputError, match="no cache folder is known: set SUPERNET_BENCH_CACHE, or HOME"):
        cache_folder()


def test_a_file_that_was_cut_off_says_how_to_get_it_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(data, "_places", lambda folder: iter([tmp_path]))
    (tmp_path / "table.json").write_text("<html>please log in</html>")
    file = PublishedFile("table.json", "https://example.org/table.json", f"md5:{'0' * 32}")
    with pytest.raises(InputError, match="remove it to have it downloaded again, or copy it from https://"):
        fetch(file)


def test_one_unreadable_record_does_not_end_the_doctor(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(self: Path) -> bytes:
        raise PermissionError(13, "Permission denied", str(self))

    monkeypatch.setattr(Path, "read_bytes", refuse)
    found = [finding for finding in _records(store.folder) if not finding.good]
    assert [finding.what for finding in found] == ["record", "checkpoint"]
    assert all("Permission denied" in finding.found for finding in found)


def test_a_study_whose_store_was_emptied_meanwhile_can_be_reported(tmp_path: Path, monkeypatch) -> None:
    made = small_study()
    monkeypatch.setattr(driver, "_execute", lambda pending, store, *_: shutil.rmtree(store.folder))
    run_study(made, Resources(store=tmp_path / "store", jobs=1, threads=1), Watch())
    assert read_manifest(tmp_path / "store", "mine").study == "mine"
