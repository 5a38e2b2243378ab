"""Publishing, checking and comparing studies, as a user types it."""

import json
import lzma
import shutil
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from matplotlib.figure import Figure
from PIL import Image
from typer.testing import CliRunner

from supernet_bench.benchmark.execution.worker import Execution, execute
from supernet_bench.benchmark.study.study import load_study
from supernet_bench.benchmark.study.verify import check_shipped
from supernet_bench.commands.app import app
from supernet_bench.core.folders import write_sums
from supernet_bench.records.form import checksum
from supernet_bench.records.store import Store
from supernet_bench.spaces.base import Truth
from supernet_bench.spaces.toy import Toy
from tests.records.made import write_sealed

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
            Store(folder / "store").write_manifest(study.manifest())
            call("publish", name)
    return folder


@pytest.fixture
def quickly(monkeypatch: pytest.MonkeyPatch) -> None:
    """Save a dot instead of each plot: what is tested is in the texts, and drawing takes most of the time."""

    def save(figure: Figure, file: Any, format: str = "png", **options: Any) -> None:
        if format == "svg":
            file.write("<svg></svg>")
        else:
            Image.new("RGB", (1, 1)).save(file, "PNG")

    monkeypatch.setattr(Figure, "savefig", save)


@pytest.fixture
def work(made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of it, as the current folder."""
    monkeypatch.delenv("SUPERNET_BENCH_DATA", raising=False)
    work = Path(shutil.copytree(made, tmp_path / "work"))
    monkeypatch.chdir(work)
    return work


def repack(file: Path, records: list[dict[str, object]]) -> None:
    for record in records:
        record["checksum"] = checksum(record)
    file.write_bytes(lzma.compress("".join(f"{json.dumps(record)}\n" for record in records).encode()))


def unpack(file: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in lzma.decompress(file.read_bytes()).splitlines()]


def test_what_is_published(work: Path) -> None:
    names = set(folder_content(work / "results" / "cheap"))
    plots = {name for name in names if name.startswith("plots/")}
    texts = {"report.md", "table.md", "table.csv", "architectures.csv", "manifest.json", "records.jsonl.xz"}
    texts |= {"verdicts.json", "source.json", "SHA256SUMS"}
    assert names == plots | texts
    assert {"plots/effects_forest.png", "plots/effect_path_dropout.png"} <= plots
    assert {Path(name).suffix for name in plots} == {".png", ".svg"}
    assert {name.removesuffix(".png") for name in plots if name.endswith(".png")} == {
        name.removesuffix(".svg") for name in plots if name.endswith(".svg")
    }
    lines = lzma.decompress(Path("results/cheap/records.jsonl.xz").read_bytes()).splitlines()
    manifest = json.loads(Path("results/cheap/manifest.json").read_bytes())
    run_ids = sorted({run["run_id"] for run in manifest["runs"]})
    assert lines == [Store(work / "store").record_path(run_id).read_bytes() for run_id in run_ids]


def test_the_index_lists_every_study_and_level(work: Path) -> None:
    text = Path("results/README.md").read_text()
    assert "## [cheap](cheap/report.md)" in text
    assert "](dear/plots/effects_forest.png)" in text
    assert "Space toy, images digits, 12 runs, 2 seeds, 20 scored architectures" in text
    for study in text.split("## [")[1:]:
        for level in ("paths dropped at 0.2: ", "paths dropped at 0.4: ", "rate 0.02: "):
            assert level in study


def test_what_is_published_is_as_rebuilt(work: Path, quickly: None) -> None:
    shutil.rmtree("store")
    before = folder_content(work)
    for study in ("cheap", "dear"):
        assert call("report", study, "--check").startswith("6 files are as committed")
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
    assert line == "results/cheap/table.csv is not as it was published: SHA256SUMS has another checksum"
    write_sums(Path("results/cheap"))
    line, *_ = call("report", "cheap", "--check", code=1).splitlines()
    assert line.startswith(f"results/cheap/table.csv:2: tau is {cells[column]}; rebuilt: ")
    cells[column] = f"{float(cells[column]) - 0.000009:.6f}"  # What another processor may do.
    file.write_text("".join([header, ",".join(cells), *others]))
    write_sums(Path("results/cheap"))
    call("report", "cheap", "--check")


def test_a_changed_page_and_index_are_named(work: Path, quickly: None) -> None:
    for name in ("cheap/report.md", "README.md"):
        path = Path("results") / name
        lines = path.read_text().splitlines()
        path.write_text("\n".join([*lines[:2], "It is 0.9.", *lines[2:]]) + "\n")
    assert call("report", "cheap", "--check", code=1).splitlines() == [
        "results/cheap/report.md is not as it was published: SHA256SUMS has another checksum",
        "results/cheap/report.md:3: 'It is 0.9.'; rebuilt: nothing",
        "results/README.md:3: 'It is 0.9.'; rebuilt: nothing",
        "3 differences",
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


def test_records_of_another_spec_or_seed_are_named(work: Path, quickly: None) -> None:
    """Their checksums are right, and so are those of the folder; only the name of the run tells."""
    file = Path("results/cheap/records.jsonl.xz")
    records = unpack(file)
    spec: Any = records[0]["spec"]
    spec["training"]["epochs"] = 7
    records[1]["spec"] = {"space": {"name": "nothing"}}
    repack(file, records)
    path = Path("results/cheap/manifest.json")
    manifest = json.loads(path.read_bytes())
    run_id = records[2]["run_id"]
    manifest["runs"] = [run | ({"seed": 8} if run["run_id"] == run_id else {}) for run in manifest["runs"]]
    manifest["checksum"] = checksum(manifest)
    path.write_text(json.dumps(manifest))
    write_sums(file.parent)
    printed = call("report", "cheap", "--check", code=1)
    assert f"results/cheap: the record of run {records[0]['run_id']} has the spec of run " in printed
    assert f"the record of run {records[1]['run_id']} has a spec that is none: " in printed
    assert f"the record of run {run_id} has seed " in printed
    assert "; the manifest says 8" in printed


@pytest.mark.parametrize("kind", ["twice", "stray"])
def test_records_beside_the_manifest_are_refused(work: Path, kind: str) -> None:
    file = Path("results/cheap/records.jsonl.xz")
    records = unpack(file)
    repack(file, [*records, records[0] if kind == "twice" else {**records[0], "run_id": "stray"}])
    said = "twice; allowed: once" if kind == "twice" else "which is not in results/cheap/manifest.json"
    assert said in call("report", "cheap", "--check", code=2)
    assert said in call("merge", "results/cheap", "--store", "new", code=2)


def test_replaced_plots_and_foreign_files_are_named(work: Path, quickly: None) -> None:
    folder = Path("results/cheap")
    plots = sorted((folder / "plots").glob("*.png"))
    shutil.copy(plots[0], plots[1])
    (folder / "notes.txt").write_text("mine")
    (folder / "plots" / "more").mkdir()
    (folder / "plots" / "more" / "a.svg").write_text("mine")
    plots[2].unlink()
    assert call("report", "cheap", "--check", code=1).splitlines() == [
        f"{plots[2]} is not there",
        "results/cheap/notes.txt does not belong to what was published",
        "results/cheap/plots/more/a.svg does not belong to what was published",
        f"{plots[1]} is not as it was published: SHA256SUMS has another checksum",
        "results/cheap/plots/more would not be written",
        "5 differences",
    ]
    (folder / "SHA256SUMS").unlink()
    assert "results/cheap/SHA256SUMS is not there" in call("report", "cheap", "--check", code=1)


def test_another_table_is_named_and_refused(work: Path, quickly: None, monkeypatch: pytest.MonkeyPatch) -> None:
    truth = Toy.truth

    def renamed(space: Toy, folder: Path | None = None) -> Truth:
        return replace(truth(space, folder), table="another table")

    def changed(space: Toy, folder: Path | None = None) -> Truth:
        found = truth(space, folder)
        return replace(found, columns={name: values[::-1] for name, values in found.columns.items()})

    for other, name in ((renamed, "another table"), (changed, "toy table, made up")):
        with monkeypatch.context() as patch:
            patch.setattr(Toy, "truth", other)
            for arguments in (("report", "cheap", "--check"), ("agreement", "cheap", "dear")):
                said = call(*arguments, code=2)
                assert "results/cheap was published with table 'toy table, made up', column 'toy_valid'" in said
                assert f"here is table '{name}'" in said
    call("report", "cheap", "--check")


def test_an_imported_table_is_warned_of(work: Path, quickly: None) -> None:
    assert "warning" not in runner.invoke(app, ["publish", "cheap"]).stderr
    path = Path("store/spaces/toy.parquet")
    table = pd.read_parquet(path)
    table.attrs["table"] = "NAS-Bench-201, file.pth sha256 0123"
    table.to_parquet(path)
    warned = runner.invoke(app, ["publish", "cheap"]).stderr
    assert warned.startswith("warning: NAS-Bench-201, file.pth sha256 0123 was imported here")


def test_other_versions_are_hinted_at_only_if_something_differs(work: Path, quickly: None) -> None:
    file = Path("results/cheap/source.json")
    source = json.loads(file.read_text())
    source["versions"]["scipy"] = "0.1"
    file.write_text(json.dumps(source))
    write_sums(file.parent)
    assert "hint" not in call("report", "cheap", "--check")
    Path("results/cheap/notes.txt").write_text("mine")
    hint = call("report", "cheap", "--check", code=1).splitlines()[-1]
    assert hint == f"hint: scipy {version('scipy')} (published with 0.1) may be why"
    for damaged in ("", "[]", "{}", '{"table": 1, "target": "", "sha256": "", "versions": {}}'):
        file.write_text(damaged)
        assert "source.json is damaged" in call("report", "cheap", "--check", code=2)


def test_a_manifest_that_is_not_the_shipped_one_is_one_line(work: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shutil.copytree("store", "other")
    for name in ("cheap", "dear"):
        assert check_shipped(Path("other"), name) == []
    Path("shipped").mkdir()
    monkeypatch.setattr("supernet_bench.benchmark.study.study.SHIPPED", Path("shipped").absolute())
    Path("shipped/cheap.toml").write_text(STUDY.format(seeds=2, epochs=1))
    assert check_shipped(Path("other"), "cheap") == []
    text = STUDY.format(seeds=3, epochs=1).replace("{rate = 0.4}", "{rate = 0.5}")
    Path("shipped/cheap.toml").write_text(text.replace("A small", "Another"))
    (line,) = check_shipped(Path("other"), "cheap")
    assert line == (
        "the manifest is not that of the shipped study cheap: title 'A small study', shipped 'Another study'; "
        "seeds 0 1, shipped 0 1 2; levels that are not shipped: path_dropout rate=0.4; "
        "levels that are missing: path_dropout rate=0.5"
    )
    Path("shipped/cheap.toml").write_text(STUDY.format(seeds=2, epochs=2))
    (line,) = check_shipped(Path("other"), "cheap")
    assert "levels that are other runs: baseline baseline, path_dropout" in line
    path = Path("other/studies/cheap.json")
    manifest = json.loads(path.read_bytes())
    manifest["runs"] = [run for run in manifest["runs"] if (run["level"], run["seed"]) != ("rate=0.4", 1)]
    write_sealed(path, manifest)
    Path("shipped/cheap.toml").write_text(STUDY.format(seeds=2, epochs=1))
    (line,) = check_shipped(Path("other"), "cheap")
    assert line.endswith("study cheap: levels without a run for each seed: path_dropout rate=0.4")


def test_fewer_seeds_than_shipped_are_a_difference(work: Path, quickly: None, monkeypatch: pytest.MonkeyPatch) -> None:
    Path("shipped").mkdir()
    Path("shipped/cheap.toml").write_text(STUDY.format(seeds=3, epochs=1))
    monkeypatch.setattr("supernet_bench.benchmark.study.study.SHIPPED", Path("shipped").absolute())
    assert call("report", "cheap", "--check", code=1).splitlines() == [
        "results/cheap: the manifest is not that of the shipped study cheap: seeds 0 1, shipped 0 1 2",
        "1 differences",
    ]


def test_a_shipped_study_may_be_set_otherwise_after_it_was_published(
    work: Path, quickly: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its records still give its report; that they are of another baseline is said."""
    Path("shipped").mkdir()
    Path("shipped/cheap.toml").write_text(STUDY.format(seeds=3, epochs=2))
    monkeypatch.setattr("supernet_bench.benchmark.study.study.SHIPPED", Path("shipped").absolute())
    call("report", "cheap", "--check")


@pytest.mark.parametrize("damage", ["", "a,b\n1,2\n", "marks", "text"])
def test_a_damaged_study_is_named_and_spoils_no_other(work: Path, quickly: None, damage: str) -> None:
    file = Path("results/dear/verdicts.json")
    content = file.read_text()
    marked = content.replace("\n", "\n<<<<<<< HEAD\n=======\n>>>>>>> other\n", 1) if "\n" in content else "<<<<<<<"
    file.write_text({"marks": marked, "text": content.replace("0.", "x.") + "x"}.get(damage, damage))
    before = folder_content(work / "results")
    for arguments in (("publish", "cheap"), ("agreement", "cheap", "dear")):
        assert "results/dear/verdicts.json " in call(*arguments, code=2)
    assert folder_content(work / "results") == before
    printed = call("report", "cheap", "--check", code=1).splitlines()
    assert printed[0].startswith("the index cannot be checked: results/dear/verdicts.json ")
    assert printed[1:] == ["1 differences"]
    call("publish", "dear")
    call("report", "cheap", "--check", code=0)


def test_studies_of_an_older_version_are_published_again_one_by_one(work: Path, quickly: None) -> None:
    for study in ("cheap", "dear"):
        Path(f"results/{study}/verdicts.json").unlink()
    done = runner.invoke(app, ["publish", "cheap"])
    assert done.exit_code == 0
    warning = "warning: results/dear was published by an older version and is left out of the index; publish it again"
    assert warning in done.stderr.splitlines()
    assert "## [cheap](" in Path("results/README.md").read_text()
    assert "## [dear](" not in Path("results/README.md").read_text()
    done = runner.invoke(app, ["publish", "dear"])
    assert (done.exit_code, "older version" in done.stderr) == (0, False)
    assert "## [dear](" in Path("results/README.md").read_text()


MARKED = "<!-- table {}: begin -->\n<!-- table {}: end -->\n"


def test_pages_beside_the_results_are_composed_before_anything_is_replaced(work: Path, quickly: None) -> None:
    Path("README.md").write_bytes(MARKED.format("wrong", "wrong").encode() + b"\xff")
    before = folder_content(work / "results")
    for arguments in (("publish", "cheap"), ("agreement", "cheap", "dear")):
        assert "unknown table 'wrong'" in call(*arguments, code=2)
    assert folder_content(work / "results") == before
    printed = call("report", "cheap", "--check", code=1)
    assert printed.startswith("the index cannot be checked: unknown table 'wrong'")
    Path("README.md").write_bytes(MARKED.format("studies", "studies").encode() + b"\xff")
    call("publish", "cheap")
    assert b"(results/dear/report.md)" in Path("README.md").read_bytes()
    call("report", "cheap", "--check")


@pytest.mark.parametrize("damage", ["", "a,b\n1,2\n"])
def test_a_damaged_manifest_is_named_where_it_is_needed(work: Path, quickly: None, damage: str) -> None:
    Path("results/dear/manifest.json").write_text(damage)
    before = folder_content(work / "results")
    assert "manifest.json" in call("agreement", "cheap", "dear", code=2)
    assert folder_content(work / "results") == before
    call("report", "cheap", "--check")


def test_a_damaged_comparison_is_named(work: Path, quickly: None) -> None:
    call("agreement", "cheap", "dear")
    file = Path("results/agreement/verdicts.json")
    for damage in ("", "[]", "{}", '[{"first": "cheap"}]', "<<<<<<< HEAD\n[]\n"):
        file.write_text(damage)
        before = folder_content(work / "results")
        assert "results/agreement/verdicts.json " in call("publish", "cheap", code=2)
        assert "results/agreement/verdicts.json " in call("agreement", "--check", code=2)
        assert folder_content(work / "results") == before
    call("agreement", "cheap", "dear")
    call("agreement", "--check")


@pytest.mark.parametrize("option", [("--store", "mine"), ("--reports", "mine"), ("--target", "toy_valid")])
def test_what_a_check_does_not_look_at_is_refused(work: Path, option: tuple[str, str]) -> None:
    assert call("report", "cheap", "--check", *option, code=2).startswith(f"error: {option[0]} given with --check")


@pytest.mark.parametrize("kind", ["cut off", "no xz", "no JSON", "checksum", "other folder", "gone"])
def test_damaged_records_are_one_line(work: Path, quickly: None, kind: str) -> None:
    file = Path("results/cheap/records.jsonl.xz")
    content = file.read_bytes()
    plain = lzma.decompress(content)
    stray = {"run_id": "../stray"}
    stray["checksum"] = checksum(stray)
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
    assert "**Runs without a result**: path\\_dropout paths dropped at 0.4 (of 2 runs: 1 missing)." in index
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
    assert set(folder_content(folder)) == {
        *("report.md", "table.csv", "pairs.csv", "verdicts.json", "SHA256SUMS"),
        *("plots/cheap_and_dear.png", "plots/cheap_and_dear.svg"),
    }
    assert printed.startswith("cheap and dear\n  ")
    assert max(map(len, printed.splitlines())) <= 80
    assert len((folder / "table.csv").read_text().splitlines()) == 5
    assert "](agreement/plots/cheap_and_dear.png)" in Path("results/README.md").read_text()
    assert call("agreement", "--check").startswith("5 files are as committed")
    call("report", "cheap", "--check")
    file = folder / "pairs.csv"
    file.write_text(file.read_text().replace("cheap,dear,4,", "cheap,dear,5,"))
    assert "pairs.csv:2: levels is 5; rebuilt: 4" in call("agreement", "--check", code=1)


def test_agreement_needs_two_published_studies(work: Path) -> None:
    assert "at least two" in call("agreement", "cheap", code=2)
    assert "at least two" in call("agreement", "cheap", "cheap", code=2)
    assert "verdicts.json does not exist" in call("agreement", "--check", code=2)
    assert "results/nothing/manifest.json cannot be read" in call("agreement", "cheap", "nothing", code=2)
    assert not Path("results/agreement").exists()


@pytest.fixture
def namesake(work: Path) -> Path:
    """A file of another study with the name of a published one; its runs are in a store of its own."""
    file = work / "elsewhere" / "cheap.TOML"
    file.parent.mkdir()
    shutil.copyfile("dear.toml", file)
    shutil.copytree("store", "elsewhere/store")
    Store(work / "elsewhere" / "store").write_manifest(load_study(str(file)).manifest())
    return file


@pytest.mark.parametrize("command", [("run",), ("report",), ("report", "--check"), ("publish",)], ids=" ".join)
def test_a_file_of_another_study_is_not_taken_for_what_has_its_name(namesake: Path, command: tuple[str, ...]) -> None:
    before = folder_content(Path())
    first, *options = command
    message = call(first, str(namesake), *options, code=2)
    where = "results/cheap" if options else "store/studies/cheap.json"
    assert where in message
    assert ("has other runs of baseline baseline" if first == "run" else "not study 'cheap' as it is given") in message
    assert folder_content(Path()) == before


def test_a_run_does_not_report_what_somebody_else_ran_meanwhile(
    namesake: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = load_study(str(namesake))

    def run(*_: object, **__: object) -> None:
        Store(Path("store")).write_manifest(other.manifest())

    monkeypatch.setattr("supernet_bench.benchmark.execution.run_study", run)
    assert "store/studies/cheap.json is not study 'cheap' as it is given" in call("run", "cheap.toml", code=2)
    assert not Path("reports").exists()


def test_another_study_does_not_replace_a_published_one_of_its_name(namesake: Path) -> None:
    before = folder_content(Path("results"))
    message = call("publish", str(namesake), "--store", "elsewhere/store", code=2)
    assert (
        "results/cheap is another study, whose baseline baseline with seed 0 is another run; allowed: another"
        in message
    )
    assert folder_content(Path("results")) == before


def test_a_name_in_another_case_does_not_replace_a_published_study(work: Path) -> None:
    """Some file systems take both folders for one."""
    shutil.copyfile("cheap.toml", "Cheap.toml")
    (work / "other").mkdir()
    shutil.copytree("store/runs", "other/runs")
    Store(work / "other").write_manifest(load_study("Cheap.toml").manifest())
    assert "study is 'Cheap', and results/cheap is there; allowed: 'cheap'" in call(
        "publish", "Cheap.toml", "--store", "other", code=2
    )
    assert not Path("results/Cheap").exists()


@pytest.mark.parametrize("name", ["./cheap", "../results/cheap", "cheap/"])
def test_a_study_is_not_compared_with_itself_under_another_name(work: Path, name: str) -> None:
    assert "unknown study" in call("agreement", "cheap", name, code=2)


def test_a_report_says_that_it_replaces_that_of_another_study(namesake: Path, quickly: None) -> None:
    said = "warning: the report in reports/cheap is replaced; its baseline baseline with seed 0 was another run"
    reported = []
    for file, store in (("cheap.toml", "store"), ("cheap.toml", "store"), (str(namesake), "elsewhere/store")):
        result = runner.invoke(app, ["report", file, "--store", store])
        assert result.exit_code == 0, result.stderr
        reported.append(said in result.stderr.splitlines())
    assert reported == [False, False, True]
