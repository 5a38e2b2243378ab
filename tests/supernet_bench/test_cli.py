"""The command line, as a user types it."""

import json
import os
import re
import resource
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from typer.testing import CliRunner

from supernet_bench.benchmark.plugins.registry import heuristic_types, image_types, space_types
from supernet_bench.benchmark.study.study import load_study, shipped_studies
from supernet_bench.commands.app import app
from supernet_bench.core.versions import code_version
from supernet_bench.engines.cpu import library
from supernet_bench.records.form import checksum
from supernet_bench.records.store import Store
from tests.benchmark.plugins import mistakes
from tests.records.made import write_sealed

STUDY = """
title = "A small study"
seeds = 2
space = {name = "toy"}
images = {name = "digits", train = 96, valid = 32}
training = {epochs = 2, batch_size = 16}
scoring = {architectures = 20, checkpoints = 1}

[factors]
path_dropout = [{rate = 0.3}]
"""

ROOT = Path(__file__).resolve().parents[2]
runner = CliRunner()


@pytest.fixture
def study(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("SUPERNET_BENCH_DATA", raising=False)
    file = tmp_path / "small.toml"
    file.write_text(STUDY)
    return file


def refused(*arguments: str) -> str:
    """Return the one line that a refused command prints."""
    result = runner.invoke(app, list(arguments))
    assert result.exit_code == 2, result.output
    lines = result.stderr.splitlines()
    assert len(lines) == 1, result.stderr
    assert lines[0].startswith("error: ")
    return lines[0]


def test_run_report_and_show(study: Path, tmp_path: Path) -> None:
    first = runner.invoke(app, ["run", str(study)])
    assert first.exit_code == 0, first.stderr
    assert "[6/6]" in first.stderr
    assert "path_dropout" in first.stdout
    assert "the whole report: reports/small/report.html" in first.stdout
    assert widest(first.stdout) <= 80
    assert "toy table, made up" in first.stdout
    written = {path.name for path in (tmp_path / "reports" / "small").rglob("*") if path.is_file()}
    assert {"table.md", "table.csv", "table.tex", "report.md", "report.html", "effect_path_dropout.png"} <= written

    again = runner.invoke(app, ["run", str(study)])
    assert "[" not in again.stderr
    table = (tmp_path / "reports" / "small" / "table.csv").read_bytes()
    rebuilt = runner.invoke(app, ["report", "small"])
    assert rebuilt.exit_code == 0, rebuilt.stderr
    assert (tmp_path / "reports" / "small" / "table.csv").read_bytes() == table

    run_id = Store(tmp_path / "store").find("")[0]
    shown = runner.invoke(app, ["show", run_id[:10]])
    assert f"run {run_id}: finished" in shown.stdout
    assert widest(shown.stdout) <= 80


def test_a_report_needs_the_store_alone(study: Path, tmp_path: Path) -> None:
    assert runner.invoke(app, ["run", str(study)]).exit_code == 0
    study.unlink()
    moved = tmp_path / "elsewhere"
    (tmp_path / "store").rename(moved)
    result = runner.invoke(app, ["report", "small", "--store", str(moved), "--reports", str(tmp_path / "new")])
    assert result.exit_code == 0, result.stderr
    assert (tmp_path / "new" / "small" / "report.md").exists()


def widest(text: str) -> int:
    """Return the width of the widest line that could have been broken."""
    return max(len(line) for line in text.splitlines() if " " in line.strip())


@pytest.mark.parametrize("what", ["spaces", "heuristics", "studies", "images"])
def test_list_shows_every_name_whole_in_80_columns(what: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    result = runner.invoke(app, ["list", what])
    assert result.exit_code == 0
    known = {"spaces": space_types(), "heuristics": heuristic_types(), "images": image_types()}.get(what)
    names = {line.partition(" ")[0] for line in result.stdout.splitlines()}
    assert names == {"", *(known or shipped_studies())}
    assert widest(result.stdout) <= 80


def test_list_studies_names_all_factors(monkeypatch: pytest.MonkeyPatch) -> None:
    words = runner.invoke(app, ["list", "studies"]).stdout.replace(",", "").split()
    for name in shipped_studies():
        study = load_study(name)
        parts = [part for factor in study.factors for part in factor.name.split()]
        assert {study.baseline.space.name, study.baseline.images.name, *parts} <= set(words)


def test_list_heuristics_shows_settings_levels_and_source() -> None:
    text = " ".join(runner.invoke(app, ["list", "heuristics"]).stdout.split())
    assert "accounting=compute" in text
    assert "from 0.0 to 0.95" in text
    assert "arXiv 1909.10815" in text


def test_doctor_names_what_is_damaged(study: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    (tmp_path / "store" / "runs").mkdir(parents=True)
    (tmp_path / "store" / "runs" / "abcd.json").write_text("{")
    result = runner.invoke(app, ["doctor"])
    assert result.exit_code == 0
    assert "ok  package torch: " in result.stdout
    assert "store/runs/abcd.json is damaged" in " ".join(result.stdout.split())
    assert widest(result.stdout) <= 80


def entered(*arguments: str, **environment: str) -> str:
    """Return what the installed command prints."""
    program = "import sys; from supernet_bench.commands.main import main; sys.argv[0] = 'supernet-bench'; main()"
    done = subprocess.run(
        [sys.executable, "-c", program, *arguments],
        capture_output=True,
        text=True,
        cwd=ROOT,
        env={**os.environ, **environment},
        timeout=60,
    )
    return done.stdout


def test_the_version_names_the_code() -> None:
    assert entered("--version") == f"supernet-bench {code_version()}\n"


def test_a_shell_can_complete_commands() -> None:
    words = {"COMP_WORDS": "supernet-bench pub", "COMP_CWORD": "1"}
    assert entered(_SUPERNET_BENCH_COMPLETE="complete_bash", **words).split() == ["publish"]


def test_doctor_tells_the_reason_and_does_not_guess(study: Path, tmp_path: Path, monkeypatch) -> None:
    """Of what has several: no kernels, no GPU, a folder that cannot be written, and a record that cannot be read."""
    monkeypatch.setattr(library, "why_none", lambda: "the cache folder /there cannot be used (Read-only file system)")
    monkeypatch.setattr(os, "access", lambda path, mode: mode != os.W_OK)
    monkeypatch.setattr(torch.backends.cuda, "is_built", lambda: True)
    (tmp_path / "store" / "runs").mkdir(parents=True)
    newer: dict[str, Any] = {"schema": 1000, "run_id": "abcd", "status": "finished", "spec": {}}
    newer["checksum"] = checksum(newer)
    (tmp_path / "store" / "runs" / "abcd.json").write_text(json.dumps(newer))
    result = runner.invoke(app, ["doctor"])
    said = " ".join(result.stdout.split())
    assert result.exit_code == 0, result.stderr
    assert "slower: the cache folder /there cannot be used (Read-only file system)" in said
    assert "install a C++ compiler" not in said
    assert "cannot be written; use another folder, by --store" in said
    assert "free some space" not in said
    if not torch.cuda.is_available():
        assert "PyTorch finds none" in said
    assert "use the version that wrote it" in said


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["run", "defalt"], "unknown study 'defalt'; did you mean 'default'?"),
        (["run", "missing.toml"], "missing.toml does not exist"),
        (["run", "small.toml", "--device", "tpu"], "device is 'tpu'; allowed here: auto, cpu"),
        (["run", "small.toml", "--data", "nowhere"], "nowhere"),
        (["report", "defalt"], "store store does not exist"),
        (["show", "/absolute/path"], "run '/absolute/path' names 0 records in store"),
        (["show", "**"], "run '**' names 0 records in store"),
        (["show", "abc"], "run 'abc' names 0 records in store"),
        (["import", "nasbench201", "nothing.pth"], "nothing.pth"),
        (["new", "heuristic", "No-Name"], "name is 'No-Name'; allowed: lower-case letters"),
        (["new", "heuristic", "fairnas"], "name is 'fairnas', which exists"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_bad_input_is_one_line_and_exit_code_2(study: Path, arguments: list[str], message: str) -> None:
    assert message in refused(*arguments)
    assert not Path("reports").exists()


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ('space = {name = "toy", width = 0}', "small.toml: space.width is 0; allowed: a whole number from 1 to 10000"),
        ('heuristics = {fairnas = {}, proportional = {}}\nspace = {name = "toy"}', "both set factor 'sampling'"),
        ('space = {name = "toi"}', "unknown space 'toi'; did you mean 'toy'?"),
        ('target = "nope"\nspace = {name = "toy"}', "unknown target column 'nope'"),
    ],
)
def test_bad_studies_are_named(study: Path, table: str, message: str) -> None:
    study.write_text(STUDY.replace('space = {name = "toy"}', table))
    assert message in refused("run", str(study))
    assert not Path("store/runs").exists()


def test_a_foreign_file_in_the_report_folder_is_found_before_training(study: Path) -> None:
    Path("reports/small").mkdir(parents=True)
    Path("reports/small/thesis.tex").write_text("mine")
    assert "thesis.tex" in refused("run", str(study))
    assert not Path("store").exists()
    assert Path("reports/small/thesis.tex").read_text() == "mine"


FAILING = (mistakes.IMPORTS + mistakes.HEURISTIC).replace("NAME", "mine").replace(
    "return loss * (1 + self.rate)", "raise_at(self.rate)\n        return loss"
) + """

def raise_at(rate):
    if rate:
        raise RuntimeError("the rate is " + "much " * 40 + "too high")
"""  # fmt: skip


def test_a_study_with_failed_runs_ends_with_1_and_says_what_to_do(study: Path, tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text(FAILING)
    text = STUDY.replace("path_dropout = [{rate = 0.3}]", "mine = true").replace("seeds = 2", "seeds = 1")
    study.write_text('plugins = ["mine.py"]\n' + text)
    first = runner.invoke(app, ["run", str(study), "--jobs", "1"])
    assert first.exit_code == 1, first.stderr
    assert "the whole report" in first.stdout
    warning, advice = first.stderr.splitlines()[-2:]
    assert warning.startswith("warning: a run of small failed; why: supernet-bench show ")
    assert advice.endswith(f"supernet-bench run {study} --retry-failed")
    run_id = warning.split()[-1]
    shown = runner.invoke(app, ["show", run_id])
    assert f"run {run_id}: failed" in shown.stdout
    assert "too high" in shown.stdout
    assert widest(shown.stdout) <= 80
    again = runner.invoke(app, ["run", str(study), "--no-report"])
    assert (again.exit_code, again.stderr.splitlines()[-2:]) == (1, [warning, advice])
    (tmp_path / "mine.py").write_text(FAILING.replace("if rate:", "if False:"))
    mended = runner.invoke(app, ["run", str(study), "--retry-failed", "--no-report", "--jobs", "1"])
    assert mended.exit_code == 0, mended.stderr


@pytest.mark.parametrize(("command", "option"), [("run", "--store"), ("publish", "--results"), ("merge", "--store")])
def test_a_folder_that_cannot_be_written_is_named_by_its_option(study: Path, command: str, option: str) -> None:
    Path("file").touch()
    said = refused(command, str(study), option, "file/there")
    assert f"{option} is file/there, and " in said
    assert said.endswith("file cannot be written; allowed: a folder that can")


@pytest.mark.parametrize("content", ["{}", "[1, 2]", "3", "{"])
def test_a_damaged_manifest_is_named(study: Path, content: str) -> None:
    Path("store/studies").mkdir(parents=True)
    Path("store/studies/small.json").write_text(content)
    assert "small.json" in refused("report", "small")


def test_a_manifest_that_was_changed_is_named(study: Path) -> None:
    assert runner.invoke(app, ["run", str(study), "--no-report"]).exit_code == 0
    path = Path("store/studies/small.json")
    path.write_text(path.read_text().replace("A small study", "A large study"))
    assert f"{path} is damaged: its checksum differs" in refused("report", "small")


def test_a_damaged_record_is_done_again_by_run_alone(study: Path) -> None:
    assert runner.invoke(app, ["run", str(study)]).exit_code == 0
    table = Path("reports/small/table.csv").read_bytes()
    path = next(Path("store/runs").glob("*.json"))
    path.write_bytes(path.read_bytes()[:100])
    assert f"{path} is damaged" in refused("show", path.stem)
    assert f"warning: damaged record: {path}" in runner.invoke(app, ["report", "small"]).stderr
    assert path.exists()
    again = runner.invoke(app, ["run", str(study)])
    assert again.exit_code == 0
    assert f"warning: {path} is damaged: it is no complete record; it was moved to store/damaged/" in again.stderr
    assert "[6/6]" in again.stderr
    assert Path("reports/small/table.csv").read_bytes() == table


def test_a_record_of_a_newer_version_stops_the_study(study: Path) -> None:
    """It is not damaged, and this version would lose what it says."""
    assert runner.invoke(app, ["run", str(study), "--no-report"]).exit_code == 0
    store, run_id = Store(Path("store")), Store(Path("store")).find("")[0]
    write_sealed(store.record_path(run_id), {**store.read_record(run_id).to_json(), "schema": 99})
    content = store.record_path(run_id).read_bytes()
    assert f"runs/{run_id}.json has schema 99; allowed: 1 to" in refused("run", str(study))
    assert store.record_path(run_id).read_bytes() == content


def command(study: Path, *options: str, **settings: Any) -> subprocess.CompletedProcess[str]:
    """Run the command in a process of its own, without a terminal."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "TERM": "xterm-256color"}
    arguments = [sys.executable, "-m", "supernet_bench", "run", str(study), "--no-report", *options]
    return subprocess.run(arguments, capture_output=True, text=True, env=environment, cwd=study.parent, **settings)


# Runs of no epochs have no checkpoint, and may be the first that want to write more.
@pytest.mark.parametrize(
    ("limit", "file"), [(500, r"studies/small\.json"), (3000, r"(\.pt|runs/\w+\.json)")], ids=["driver", "worker"]
)
def test_a_disk_without_room_is_one_line_and_nothing_half_written(study: Path, limit: int, file: str) -> None:
    """The operating system refuses to let any file grow past `limit` bytes, as a full disk would."""
    result = command(study, "--jobs", "1", preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit)))
    last = result.stderr.splitlines()[-1]
    assert result.returncode == 2
    assert re.fullmatch(rf"error: .*cannot be written: File too large: .*{file}'", last)
    assert "Traceback" not in result.stderr
    store = Store(study.parent / "store")
    assert not list(store.folder.rglob("*.tmp"))
    assert all(store.read_record(run).status == "finished" for run in store.find(""))


def test_quiet_and_plain_when_not_on_a_terminal(study: Path) -> None:
    result = command(study)
    assert result.returncode == 0
    assert result.stdout == ""
    assert "\x1b" not in result.stderr
    lines = [line for line in result.stderr.splitlines() if not line.startswith("training is slower without")]
    assert lines[0] == "small: 6 of 6 runs to do, to store"
    assert [line[:5] for line in lines[1:]] == [f"[{number}/6]" for number in range(1, 7)]


def test_on_a_terminal_something_is_said_at_once(study: Path) -> None:
    """PyTorch, tables and images take half a minute where nothing is cached."""
    reader, writer = os.openpty()
    program = [sys.executable, "-m", "supernet_bench", "run", "defalt"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    subprocess.run(program, stderr=writer, stdout=writer, env=environment, cwd=study.parent, timeout=120, check=False)
    first, second = os.read(reader, 10_000).decode().splitlines()[:2]
    assert first.startswith("defalt: loading PyTorch, published accuracies and images")
    assert second.startswith("error: unknown study 'defalt'")
    os.close(reader)
    os.close(writer)


def test_records_of_a_run_are_readable_json(study: Path) -> None:
    runner.invoke(app, ["run", str(study), "--no-report"])
    record = json.loads(next(Path("store/runs").glob("*.json")).read_text())
    assert set(record) == {
        "schema", "run_id", "status", "error", "spec",
        "revised", "heuristics", "architectures", "curve", "checkpoints", "counts",
        "execution", "checksum",
    }  # fmt: skip


@pytest.mark.parametrize("option", ["--jobs", "--threads", "--runs-per-gpu"])
@pytest.mark.parametrize("number", ["0", "-1", "10001", "18446744073709551617"])
def test_a_number_of_processes_is_a_sensible_one(study: Path, option: str, number: str) -> None:
    assert f"{option[2:]} is {number}; allowed: a whole number from 1 to 10000" in refused(
        "run", "small.toml", option, number
    )
    assert not Path("store").exists()


def test_the_smoke_study_covers_every_heuristic() -> None:
    names = {each.name for spec in load_study("smoke").runs() for each in spec.heuristics}
    assert names | {kind.name for kind in heuristic_types().values() if kind.default} == set(heuristic_types())
