"""A mistake in a plug-in is told in one line that names it, and stops nothing that does not use it."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from supernet_bench.benchmark.plugins import registry
from supernet_bench.benchmark.plugins.contracts import Broken
from supernet_bench.benchmark.plugins.plugin_file import read_plugin_file
from supernet_bench.benchmark.study.study import Study, parse_study
from supernet_bench.commands import _examination as examination
from supernet_bench.commands import _plain as plain
from supernet_bench.commands.app import app
from supernet_bench.core.errors import InputError
from tests.benchmark.plugins import mistakes

KINDS = {
    "heuristic": ("heuristics", mistakes.HEURISTIC, mistakes.HEURISTICS),
    "space": ("spaces", mistakes.SPACE, mistakes.SPACES),
    "images": ("images", mistakes.IMAGES, mistakes.IMAGE_SETS),
    "proxy": ("proxies", mistakes.PROXY, mistakes.PROXIES),
}
GROUPS = {kind: f"supernet_bench.{group}" for kind, (group, _, _) in KINDS.items()}
WORKING = {"heuristic": "works", "space": "works_too", "images": "works_as_well", "proxy": "works_at_last"}
CASES = [(kind, name) for kind, (_, _, found) in KINDS.items() for name in found]


def module_of(kind: str, name: str) -> str:
    return f"{kind}_{name}".replace("/", "_")


def study(**tables: Any) -> Study:
    small = {
        "seeds": 1,
        "space": {"name": "toy"},
        "images": {"name": "digits"},
        "scoring": {"architectures": 8},
        "proxies": ["snip"],  # Otherwise all there are.
        "factors": {"path_dropout": True, "width": True},
    }
    return parse_study("small", {**small, **tables})


def use(kind: str, name: str) -> Study:
    if kind == "proxy":
        return study(proxies=[name])
    table: dict[str, Any] = {"name": name} if kind in ("space", "images") else {name: {}}
    return study(**{"heuristics" if kind == "heuristic" else kind: table})


@pytest.fixture
def fresh() -> Iterator[None]:
    """Have plug-ins collected again, before and after."""
    registry._plugins.cache_clear()
    yield
    registry._plugins.cache_clear()


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Broken]]:
    """Install a package with all mistakes at once; return what is left out of it, by module."""
    folder = tmp_path_factory.mktemp("installed")
    entries: dict[str, list[str]] = {group: [] for group in GROUPS.values()}
    for kind, (_, works, wrong) in KINDS.items():
        for name, (old, new, _) in {WORKING[kind]: ("", "", ""), **wrong}.items():
            assert old in works
            text = mistakes.IMPORTS + works.replace(old, new, 1).replace("NAME", name)
            (folder / f"{module_of(kind, name)}.py").write_text(text)
            entries[GROUPS[kind]].append(f"{module_of(kind, name)} = {module_of(kind, name)}")
    for name, (text, _) in mistakes.MODULES.items():
        (folder / f"{name}.py").write_text(text)
        entries[GROUPS["heuristic"]].append(f"{name} = {name}")
    entries[GROUPS["heuristic"]].append("no_module = not a module")
    about = folder / "mistaken-1.dist-info"
    about.mkdir()
    (about / "METADATA").write_text("Name: mistaken\nVersion: 1\n")
    lines = [line for group, names in entries.items() for line in (f"[{group}]", *names)]
    (about / "entry_points.txt").write_text("\n".join(lines))
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(folder)
        registry._plugins.cache_clear()
        broken = registry.broken_plugins()
        found = {each.module: each for each in broken}
        assert len(found) == len(broken)
        yield found
    registry._plugins.cache_clear()


@pytest.mark.parametrize(("kind", "name"), CASES, ids=[name for _, name in CASES])
def test_a_mistake_is_named_with_its_module_and_attribute(installed: dict[str, Broken], kind: str, name: str) -> None:
    broken, begins = installed[module_of(kind, name)], KINDS[kind][2][name][2]
    assert str(broken).startswith(f"plug-in {module_of(kind, name)}: {begins}")
    assert len(str(broken).splitlines()) == 1
    with pytest.raises(InputError) as raised:
        use(kind, name)
    assert str(broken) in str(raised.value)
    if kind == "heuristic":
        with pytest.raises(InputError) as raised:
            study(factors={name: True})
        assert str(broken) in str(raised.value)


@pytest.mark.parametrize("name", mistakes.MODULES)
def test_a_module_that_is_no_plug_in_is_named(installed: dict[str, Broken], name: str) -> None:
    line = str(installed[name])
    assert line.startswith(f"plug-in {name}: {mistakes.MODULES[name][1]}")
    with pytest.raises(InputError, match="unknown heuristic") as raised:
        use("heuristic", name)
    assert line in str(raised.value)


def test_an_entry_point_that_names_no_module_is_named(installed: dict[str, Broken]) -> None:
    assert str(installed["no_module"]).startswith("plug-in no_module: is the entry point 'not a module'")


def test_nothing_else_is_left_out(installed: dict[str, Broken]) -> None:
    wrong = {module_of(kind, name) for kind, name in CASES}
    assert installed.keys() == wrong | mistakes.MODULES.keys() | {"no_module"}
    assert WORKING["heuristic"] in registry.heuristic_types()
    assert WORKING["space"] in registry.space_types()
    assert WORKING["images"] in registry.image_types()
    assert WORKING["proxy"] in registry.proxy_types()


def test_a_study_without_broken_plug_ins_is_as_if_there_were_none(
    installed: dict[str, Broken], fresh: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    beside = study()
    monkeypatch.setattr(registry, "entry_points", lambda group: [])
    registry._plugins.cache_clear()
    assert not registry.broken_plugins()
    assert study().manifest() == beside.manifest()
    assert study().runs() == beside.runs()


@pytest.mark.parametrize(
    ("what", "working"),
    [("heuristics", "works"), ("spaces", "works_too"), ("studies", "smoke"), ("proxies", "works_at_last")],
)
def test_what_works_is_listed_and_what_is_broken_is_told_once(
    installed: dict[str, Broken], what: str, working: str
) -> None:
    result = CliRunner().invoke(app, ["list", what])
    assert result.exit_code == 0
    assert working in result.stdout
    told = [f"warning: {broken}; it is left out" for broken in installed.values()]
    assert sorted(result.stderr.splitlines()) == sorted(told)


def test_who_executes_a_study_is_told(installed: dict[str, Broken], capsys: pytest.CaptureFixture[str]) -> None:
    result = CliRunner().invoke(app, ["run", "none.toml"])
    assert result.exit_code == 2
    assert len(result.stderr.splitlines()) == len(installed) + 1
    assert plain.main(["run", "none.toml"]) == 2
    assert capsys.readouterr().err == result.stderr


def test_the_doctor_tells(installed: dict[str, Broken], tmp_path: Path) -> None:
    told = [finding for finding in examination.examine(tmp_path, None) if finding.what == "plug-in"]
    assert [finding.found for finding in told] == list(map(str, installed.values()))
    assert not any(finding.good for finding in told)


@pytest.mark.parametrize(("old", "new", "line"), mistakes.TABLES.values(), ids=mistakes.TABLES)
def test_a_space_without_networks_is_examined_as_one(tmp_path: Path, old: str, new: str, line: str) -> None:
    assert old in mistakes.TABLE
    path = tmp_path / "mine.py"
    path.write_text(mistakes.IMPORTS + mistakes.TABLE.replace("NAME", "mine"))
    registry.use_files([read_plugin_file(path)])
    assert "mine" in registry.space_types()
    path.write_text(mistakes.IMPORTS + mistakes.TABLE.replace(old, new, 1).replace("NAME", "mine"))
    with pytest.raises(InputError) as raised:
        registry.use_files([read_plugin_file(path)])
    assert str(raised.value).startswith(f"plug-in {path}: {line}")
