"""Proxies of a study, as a user types it: computed by run, rows of the report, published and checked."""

import json
import lzma
import shutil
from pathlib import Path

import pandas as pd
import pytest
from click.testing import Result
from typer.testing import CliRunner

from supernet_bench import effects, load_results
from supernet_bench.analysis.ranking.scores import Kind
from supernet_bench.commands.app import app
from supernet_bench.records.form import seal
from supernet_bench.records.layout import manifest_path

STUDY = """
seeds = 2
space = {name = "toy", width = 4}
images = {name = "digits", train = 96, valid = 32}
training = {epochs = 1, batch_size = 16}
scoring = {architectures = 20, checkpoints = 1}
"""
RUN = ("run", "small.toml", "--jobs", "1", "--threads", "1")


def call(*arguments: str, code: int = 0) -> Result:
    done = CliRunner().invoke(app, list(arguments))
    assert done.exit_code == code, done.output
    return done


def rows() -> pd.DataFrame:
    table = pd.read_csv("reports/small/table.csv")
    return table[table["level"].isin(["naswot", "snip"])].set_index("level")


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a study with two proxies, run, reported and published."""
    folder = tmp_path_factory.mktemp("made")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        patch.delenv("SUPERNET_BENCH_DATA", raising=False)
        Path("small.toml").write_text(f'proxies = ["naswot", "snip"]\n{STUDY}')
        call(*RUN)
        call("publish", "small")
    return folder


@pytest.fixture
def ran(made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A copy of it, as the current folder."""
    monkeypatch.delenv("SUPERNET_BENCH_DATA", raising=False)
    monkeypatch.chdir(shutil.copytree(made, tmp_path / "ran"))


def test_run_report_publish_and_check(ran: None) -> None:
    assert sorted(rows().index) == ["naswot", "snip"]
    assert rows()["tau"].between(-1, 1).all()
    assert "naswot" in Path("reports/small/report.md").read_text()
    found = {one.level.name: one for one in effects(load_results("small")).references}
    assert found["naswot"].kind == found["snip"].kind == Kind.PROXY
    files = list(Path("store/proxies").iterdir())
    assert len(files) == 2
    published = lzma.decompress(Path("results/small/proxies.jsonl.xz").read_bytes()).splitlines()
    assert sorted(json.loads(line)["proxy"]["name"] for line in published) == ["naswot", "snip"]
    for path in files:
        path.unlink()
    call("report", "small", "--check")
    Path("results/small/proxies.jsonl.xz").unlink()
    assert "naswot" in call("report", "small", "--check", code=1).output


def test_published_scores_that_were_changed_are_found(ran: None) -> None:
    file = Path("results/small/proxies.jsonl.xz")
    lines = lzma.decompress(file.read_bytes()).splitlines()
    file.write_bytes(lzma.compress(lines[0].replace(b'"seed":0', b'"seed":1') + b"\n"))
    assert "proxies.jsonl.xz is damaged: its checksum differs" in call("report", "small", "--check", code=2).stderr
    other = {**json.loads(lines[0]), "seed": 1}
    file.write_bytes(lzma.compress(json.dumps(seal(other)).encode() + b"\n"))
    assert "which are not in results/small/manifest.json" in call("report", "small", "--check", code=2).stderr
    file.write_bytes(b"no xz")
    assert "is damaged or no .xz" in call("report", "small", "--check", code=2).stderr


def test_a_damaged_file_is_told_by_report_refused_by_publish_and_mended_by_run(ran: None) -> None:
    before = rows()["tau"].to_dict()
    path = sorted(Path("store/proxies").iterdir())[0]
    path.write_bytes(path.read_bytes()[:-20])
    whole = sorted(Path("store/proxies").iterdir())[1].stat().st_mtime_ns
    told = call("report", "small")
    assert "warning: damaged scores of proxy " in told.stderr
    assert len(rows()) == 1
    assert "is damaged" in call("publish", "small", code=2).stderr
    call(*RUN)
    assert sorted(Path("store/proxies").iterdir())[1].stat().st_mtime_ns == whole  # It is not computed again.
    assert rows()["tau"].to_dict() == before


def test_a_study_whose_manifest_knows_of_none_has_no_rows(ran: None) -> None:
    path = manifest_path(Path("store"), "small")
    content = json.loads(path.read_bytes())
    del content["proxies"], content["checksum"]
    path.write_text(json.dumps(seal(content)))
    call("report", "small")
    assert rows().empty
    call("publish", "small")
    assert not Path("results/small/proxies.jsonl.xz").exists()
    call("report", "small", "--check")


MINE = """
from dataclasses import dataclass
from typing import ClassVar
from supernet_bench import Proxy


@dataclass(frozen=True)
class Mine(Proxy):
    name: ClassVar[str] = "mine"
    source: ClassVar[str] = "nobody 2026"

    def score(self, network, batch, generator):
        return SCORE
"""


def test_a_proxy_in_a_file_of_ones_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("SUPERNET_BENCH_DATA", raising=False)
    Path("small.toml").write_text(f'proxies = ["mine"]\nplugins = ["mine.py"]\n{STUDY}')
    Path("mine.py").write_text(MINE.replace("SCORE", "float(len(list(network.parameters())))"))
    call(*RUN)
    assert "mine" in pd.read_csv("reports/small/table.csv")["level"].tolist()


def test_one_that_fails_is_named_and_the_report_does_without_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("SUPERNET_BENCH_DATA", raising=False)
    Path("small.toml").write_text(f'proxies = ["mine", "snip"]\nplugins = ["mine.py"]\n{STUDY}')
    Path("mine.py").write_text(MINE.replace("SCORE", "1 / 0"))
    told = call(*RUN)
    assert "warning: proxy 'mine' fails at architecture" in told.stderr
    assert "ZeroDivisionError" in told.stderr
    levels = pd.read_csv("reports/small/table.csv")["level"].tolist()
    assert ("snip" in levels, "mine" in levels) == (True, False)
