"""Publishing, checking and comparing studies, as a user types it."""

import json
import lzma
import shutil
from pathlib import Path

import pytest
from matplotlib.figure import Figure
from PIL import Image
from typer.testing import CliRunner

from benchmark.cli import app
from benchmark.layout import record_checksum
from benchmark.store import Store
from benchmark.study import load_study
from benchmark.worker import Execution, execute

STUDY = """
title = "A small study"
seeds = {seeds}
space = {{name = "toy"}}
images = {{name = "digits", train = 96, valid = 32}}
training = {{epochs = {epochs}, batch_size = 16}}
scoring = {{architectures = 20, checkpoints = 1}}

[factors]
path_dropout = [{{rate = 0.2}}, {{rate = 0.4}}]
learning_rate = [{{rate = 0.02}}, {{rate = 0.2}}]
"""

runner = CliRunner()


def call(*arguments: str, code: int = 0) -> str:
    """Run a command and return its standard output, or the one line of a refusal."""
    result = runner.invoke(app, list(arguments))
    assert result.exit_code == code, result.output
    if code == 2:
        assert len(result.stderr.splitlines()) == 1
        return result.stderr
    return result.stdout


def folder_content(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a store of two small studies, both published."""
    folder = tmp_path_factory.mktemp("made")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        patch.delenv("SUPERNET_BENCH_DATA", raising=False)
        for name, epochs in (("cheap", 1), ("dear", 2)):
            Path(f"{name}.toml").write_text(STUDY.format(seeds=2, epochs=epochs))
            study = load_study(f"{name}.toml")
            for spec in study.runs():
                execute(spec, Execution(folder / "store"))
            Store(folder / "store").write_manifest(name, study.manifest())
            call("publish", name)
    return folder


@pytest.fixture
def quickly(monkeypatch: pytest.MonkeyPatch) -> None:
    """Save a dot instead of each plot: what is tested is in the texts, and drawing takes most of the time."""
    monkeypatch.setattr(Figure, "savefig", lambda figure, file, **options: Image.new("RGB", (1, 1)).save(file, "PNG"))


@pytest.fixture
def work(made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of it, as the current folder."""
    monkeypatch.delenv("SUPERNET_BENCH_DATA", raising=False)
    work = Path(shutil.copytree(made, tmp_path / "work"))
    monkeypatch.chdir(work)
    return work


def repack(file: Path, records: list[dict[str, object]]) -> None:
    for record in records:
        record["checksum"] = record_checksum(record)
    file.write_bytes(lzma.compress("".join(f"{json.dumps(record)}\n" for record in records).encode()))


def unpack(file: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in lzma.decompress(file.read_bytes()).splitlines()]


def test_what_is_published(work: Path) -> None:
    names = set(folder_content(work / "results" / "cheap"))
    plots = {name for name in names if name.startswith("plots/")}
    texts = {"report.md", "table.md", "table.csv", "architectures.csv", "manifest.json", "records.jsonl.xz"}
    assert names == plots | texts
    assert {"plots/effects_forest.png", "plots/effect_path_dropout.png"} <= plots
    assert all(name.endswith(".png") for name in plots)
    lines = lzma.decompress(Path("results/cheap/records.jsonl.xz").read_bytes()).splitlines()
    manifest = json.loads(Path("results/cheap/manifest.json").read_bytes())
    run_ids = sorted({run["run_id"] for run in manifest["runs"]})
    assert lines == [Store(work / "store").record_path(run_id).read_bytes() for run_id in run_ids]


def test_the_index_lists_every_study_and_level(work: Path) -> None:
    text = Path("results/README.md").read_text()
    assert "## [cheap](cheap/report.md)" in text
    assert "](dear/plots/effects_forest.png)" in text
    assert "Space toy, images digits, 12 runs, 2 seeds, 20 architectures scored." in text
    for study in text.split("## [")[1:]:
        for level in ("rate=0.2: ", "rate=0.4: ", "rate=0.02: "):
            assert level in study


def test_what_is_published_is_as_rebuilt(work: Path, quickly: None) -> None:
    shutil.rmtree("store")
    before = folder_content(work)
    for study in ("cheap", "dear"):
        assert call("report", study, "--check").splitlines()[-1] == "5 files are as committed"
    assert folder_content(work) == before


def test_to_publish_again_changes_nothing(work: Path) -> None:
    before = folder_content(work / "results")
    call("publish", "cheap.toml")
    assert folder_content(work / "results") == before


def test_a_changed_number_is_named(work: Path, quickly: None) -> None:
    file = Path("results/cheap/table.csv")
    header, first, *others = file.read_text().splitlines(keepends=True)
    cells, column = first.split(","), header.split(",").index("tau")
    cells[column] = f"{float(cells[column]) + 0.00001:.6f}"
    file.write_text("".join([header, ",".join(cells), *others]))
    line, *_ = call("report", "cheap", "--check", code=1).splitlines()
    assert line.startswith(f"results/cheap/table.csv:2: tau is {cells[column]}; rebuilt: ")
    cells[column] = f"{float(cells[column]) - 0.000009:.6f}"  # What another processor may do.
    file.write_text("".join([header, ",".join(cells), *others]))
    call("report", "cheap", "--check")


def test_a_changed_page_and_index_are_named(work: Path, quickly: None) -> None:
    for name in ("cheap/report.md", "README.md"):
        path = Path("results") / name
        lines = path.read_text().splitlines()
        path.write_text("\n".join([*lines[:2], "It is 0.9.", *lines[2:]]) + "\n")
    assert call("report", "cheap", "--check", code=1).splitlines() == [
        "results/cheap/report.md:3: 'It is 0.9.'; rebuilt: nothing",
        "results/README.md:3: 'It is 0.9.'; rebuilt: nothing",
        "2 differences",
    ]


def test_a_changed_record_changes_the_report(work: Path, quickly: None) -> None:
    file = Path("results/cheap/records.jsonl.xz")
    records = unpack(file)
    checkpoint = records[0]["checkpoints"][-1]
    checkpoint["accuracy"] = checkpoint["accuracy"][::-1]
    repack(file, records)
    assert "table.csv" in call("report", "cheap", "--check", code=1)
    repack(file, records[1:])
    assert "missing" in call("report", "cheap", "--check", code=1)


@pytest.mark.parametrize("kind", ["cut off", "no xz", "no JSON", "checksum", "other folder", "gone"])
def test_damaged_records_are_one_line(work: Path, quickly: None, kind: str) -> None:
    file = Path("results/cheap/records.jsonl.xz")
    content = file.read_bytes()
    plain = lzma.decompress(content)
    stray = {"run_id": "../stray"}
    stray["checksum"] = record_checksum(stray)
    file.write_bytes(
        {
            "cut off": content[:-100],
            "no xz": b"text",
            "no JSON": lzma.compress(plain[:-50]),
            "checksum": lzma.compress(plain.replace(b'"finished"', b'"failed"', 1)),
            "other folder": lzma.compress(json.dumps(stray).encode()),
            "gone": b"",
        }[kind]
    )
    if kind == "gone":
        file.unlink()
    assert "records.jsonl.xz" in call("report", "cheap", "--check", code=2)
    assert "records.jsonl.xz" in call("merge", "results/cheap", "--store", "new", code=2)
    assert not Path("new").exists()
    assert "error: results/nothing/manifest.json cannot be read" in call("report", "nothing", "--check", code=2)


def test_missing_runs_are_published_as_missing(work: Path, quickly: None) -> None:
    manifest = json.loads(Path("results/cheap/manifest.json").read_bytes())
    run_id = next(run["run_id"] for run in manifest["runs"] if run["level"] == "rate=0.4")
    Store(work / "store").remove_record(run_id)
    call("publish", "cheap")
    assert "1 missing" in Path("results/cheap/report.md").read_text()
    index = Path("results/README.md").read_text()
    assert "**Runs without a result**: path\\_dropout rate=0.4 (of 2 runs: 1 missing)." in index
    assert len(unpack(Path("results/cheap/records.jsonl.xz"))) == 11
    call("report", "cheap", "--check")


def test_damage_and_foreign_files_leave_what_was_published(work: Path) -> None:
    before = folder_content(work / "results")
    path = next((work / "store" / "runs").glob("*.json"))
    content = path.read_bytes()
    path.write_bytes(content[:100])
    study = "cheap" if path.stem in Path("results/cheap/manifest.json").read_text() else "dear"
    assert path.name in call("publish", study, code=2)
    assert folder_content(work / "results") == before
    path.write_bytes(content)
    Path("results/cheap/thesis.tex").write_text("mine")
    assert "thesis.tex" in call("publish", "cheap", code=2)
    assert "unknown study 'nothing'" in call("publish", "nothing", code=2)


def test_a_published_study_can_be_merged_and_extended(work: Path) -> None:
    printed = call("merge", "results/cheap", "results/dear", "--store", "new").splitlines()
    runs = len(list(Path("store/runs").glob("*.json")))
    shared = 24 - runs  # The untrained supernets are the same.
    assert printed[0] == f"records: {runs} new, 0 updated, {shared} known, 0 different, 0 skipped"
    for kind in ("runs", "studies"):
        assert folder_content(Path("new") / kind) == folder_content(Path("store") / kind)
    again = call("merge", "results/cheap", "--store", "new").splitlines()
    assert again[0] == "records: 0 new, 0 updated, 12 known, 0 different, 0 skipped"
    Path("cheap.toml").write_text(STUDY.format(seeds=3, epochs=1))
    call("run", "cheap.toml", "--store", "new", "--no-report", "--jobs", "1")
    assert len(list(Path("new/runs").glob("*.json"))) == runs + 6


def test_agreement_is_written_checked_and_indexed(work: Path, quickly: None) -> None:
    printed = call("agreement", "cheap", "dear")
    folder = Path("results/agreement")
    assert set(folder_content(folder)) == {"report.md", "table.csv", "pairs.csv", "plots/cheap_and_dear.png"}
    assert "## cheap and dear" in printed
    assert len((folder / "table.csv").read_text().splitlines()) == 5
    assert "](agreement/plots/cheap_and_dear.png)" in Path("results/README.md").read_text()
    assert call("agreement", "--check") == "4 files are as committed\n"
    call("report", "cheap", "--check")
    file = folder / "pairs.csv"
    file.write_text(file.read_text().replace("cheap,dear,4,", "cheap,dear,5,"))
    assert "pairs.csv:2: levels is 5; rebuilt: 4" in call("agreement", "--check", code=1)


def test_agreement_needs_two_published_studies(work: Path) -> None:
    assert "at least two" in call("agreement", "cheap", code=2)
    assert "at least two" in call("agreement", "cheap", "cheap", code=2)
    assert "pairs.csv does not exist" in call("agreement", "--check", code=2)
    assert "results/nothing/manifest.json cannot be read" in call("agreement", "cheap", "nothing", code=2)
    assert not Path("results/agreement").exists()
