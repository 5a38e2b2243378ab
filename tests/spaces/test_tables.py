"""A space may be a table and no more: what needs no network works, and a study that would train it is refused."""

from pathlib import Path

import pandas as pd
import pytest
from typer.testing import CliRunner

from supernet_bench.benchmark.execution import devices
from supernet_bench.benchmark.plugins.plugin_file import read_plugin_file
from supernet_bench.benchmark.plugins.registry import space_types, use_files
from supernet_bench.benchmark.study.reference import ensure_reference
from supernet_bench.commands.app import app
from tests.benchmark.plugins import mistakes


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A file with a space that has a table alone, which is in use."""
    path = tmp_path / "mine.py"
    path.write_text((mistakes.IMPORTS + mistakes.TABLE).replace("NAME", "mine"))
    use_files([read_plugin_file(path)])
    return path


def test_rows_texts_and_accuracies_need_no_network(file: Path, tmp_path: Path) -> None:
    space = space_types()["mine"]()
    assert space.size == 6
    assert space.text(space.architecture(4)) == "11"
    assert space.index(space.parse("11")) == 4
    assert space.isomorphism().tolist() == list(range(6))
    table = pd.read_parquet(ensure_reference(tmp_path / "store", "mine"))
    assert table["architecture"].tolist() == ["00", "01", "02", "10", "11", "12"]
    assert table[table.attrs["target"]].tolist() == [n / 6 for n in range(6)]


def test_it_is_listed_and_checked(file: Path) -> None:
    listed = CliRunner().invoke(app, ["list", "spaces", "--plugin", str(file)])
    assert listed.exit_code == 0
    assert "6 architectures, 2 decisions" in listed.stdout
    assert CliRunner().invoke(app, ["check", str(file)]).exit_code == 0


def test_a_study_of_it_is_refused_in_one_line(file: Path, tmp_path: Path) -> None:
    study = tmp_path / "study.toml"
    study.write_text(
        'seeds = 1\nspace.name = "mine"\nimages.name = "digits"\nscoring.architectures = 2\nfactors.width = true\n'
    )
    result = CliRunner().invoke(app, ["run", str(study), "--plugin", str(file), "--store", str(tmp_path / "store")])
    assert result.exit_code == 2
    (line,) = result.stderr.splitlines()
    assert "space.name is 'mine', a table of accuracies without networks; allowed: nasbench201, nasbench_macro" in line


def test_devices_are_not_compared_on_it(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    built: list[str] = []
    monkeypatch.setattr(devices, "LAYERS", {})
    monkeypatch.setattr(devices, "_excess", lambda build, *_: built.append(build.args[0].name) or 0.0)
    devices.compare(devices.torch.device("cpu"))
    assert "mine" not in built
    assert set(built) >= {"nasbench201", "toy"}
