"""Plug-ins that want the same place, among those that ship and those that are installed."""

import importlib
import inspect
import re
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from typer.testing import CliRunner

from supernet_bench import heuristics
from supernet_bench.benchmark.plugins import registry
from supernet_bench.benchmark.plugins.rivals import NEEDED, settle_defaults, settle_names
from supernet_bench.benchmark.study.spec import RunSpec
from supernet_bench.benchmark.study.study import parse_study
from supernet_bench.commands.cli import app
from supernet_bench.core.errors import InputError
from supernet_bench.heuristics.base import Heuristic
from supernet_bench.heuristics.uniform import Uniform
from supernet_bench.heuristics.width import Width

UNIFORM = Path(inspect.getfile(Uniform)).read_text()
LEVELS = {"sampling": [{}, {"heuristic": "fairnas"}], "path_dropout": True}

SHIPPED = "supernet_bench.heuristics.uniform"


def kind(name: str, module: str, factor: str = "made", default: bool = True) -> Any:
    members = {"name": name, "factor": factor, "source": "nobody", "neutral": {}, "default": default}
    return dataclass(type("Made", (Heuristic,), {**members, "__module__": module}))


def runs(factors: dict[str, Any]) -> list[RunSpec]:
    small = {"space": {"name": "toy"}, "images": {"name": "digits"}, "scoring": {"architectures": 8}}
    return parse_study("small", {**small, "seeds": 1, "factors": factors}).runs()


def test_a_name_belongs_to_what_ships_then_to_the_module_of_that_name() -> None:
    shipped, installed = kind("same", "supernet_bench.heuristics.other"), kind("same", "same")
    assert list(settle_names("heuristic", [installed, shipped], "supernet_bench.heuristics")) == [installed]
    named, copied = (
        kind("same", "supernet_bench.heuristics.same"),
        kind("same", "supernet_bench.heuristics.copy_of_same"),
    )
    lost = settle_names("heuristic", [copied, named], "supernet_bench.heuristics")
    assert list(lost) == [copied]
    assert str(lost[copied]) == (
        "plug-in supernet_bench.heuristics.copy_of_same: Made.name is 'same', which is defined twice: "
        "also in supernet_bench.heuristics.same; allowed: one of each name"
    )


def test_of_equal_rivals_none_is_used() -> None:
    lost = settle_names("heuristic", [kind("same", "one"), kind("same", "two")], "supernet_bench.heuristics")
    assert [each.module for each in lost.values()] == ["one", "two"]
    rivals = [kind("a", "one"), kind("b", "two"), kind("c", "three", default=False)]
    lost = settle_defaults(rivals, "supernet_bench.heuristics")
    assert [each.attribute for each in lost.values()] == ["Made.default", "Made.default", "Made.factor"]


def test_a_factor_keeps_its_default_and_what_is_none() -> None:
    shipped, named = kind("other", "supernet_bench.heuristics.other"), kind("made", "supernet_bench.heuristics.made")
    installed, level = kind("made", "installed"), kind("level", "installed", default=False)
    assert list(settle_defaults([installed, level, shipped, named], "supernet_bench.heuristics")) == [
        installed,
        shipped,
    ]
    assert list(settle_defaults([installed, level, shipped], "supernet_bench.heuristics")) == [installed]
    assert not settle_defaults([installed, level], "supernet_bench.heuristics")
    assert list(settle_defaults([installed, level, named], "supernet_bench.heuristics", faulty=[named])) == [
        installed,
        level,
    ]


def test_nothing_takes_the_place_of_a_default_that_training_needs() -> None:
    (broken,) = settle_defaults([kind("mine", "installed", factor="sampling")], "supernet_bench.heuristics").values()
    assert str(broken).startswith("plug-in installed: Made.default is True, as of heuristic 'uniform'; allowed: one")


def test_nothing_takes_the_name_of_what_ships_and_is_broken() -> None:
    shipped, installed = kind("same", "supernet_bench.heuristics.same"), kind("same", "installed")
    shipped.levels = 3
    modules = [ModuleType(each.__module__) for each in (installed, shipped)]
    for module, each in zip(modules, (installed, shipped), strict=True):
        module.Made = each  # type: ignore[attr-defined]
    found = registry.collect(Heuristic, "heuristic", modules, "supernet_bench.heuristics")
    assert not found.types
    assert {each.module: each.attribute for each in found.broken} == {
        "installed": "Made.name",
        "supernet_bench.heuristics.same": "Made.levels",
    }


def test_the_defaults_that_training_needs_are_those_that_ship() -> None:
    types = registry.heuristic_types()
    for each in types.values():
        assert not each.default or each.name == NEEDED.get(each.factor, each.factor)
    assert all(types[name].factor == factor for factor, name in NEEDED.items())


@pytest.fixture
def fresh() -> Iterator[None]:
    """Have plug-ins collected again, before and after."""
    registry._plugins.cache_clear()
    yield
    registry._plugins.cache_clear()


@pytest.fixture
def in_the_folder(tmp_path: Path, fresh: None, monkeypatch: pytest.MonkeyPatch) -> Callable[[str, str], None]:
    """Return a function that writes a module into the folder of heuristics."""
    monkeypatch.setattr(heuristics, "__path__", [*heuristics.__path__, str(tmp_path)])

    def write(name: str, text: str) -> None:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
        importlib.invalidate_caches()
        for module in ("supernet_bench.heuristics.common", "supernet_bench.heuristics.mine"):
            monkeypatch.delitem(sys.modules, module, raising=False)
        registry._plugins.cache_clear()

    return write


@pytest.mark.parametrize(
    ("file", "text", "line"),
    [
        ("mine.py", "import no_such", "cannot be imported: ModuleNotFoundError: No module named 'no_such' (mine.py, "),
        ("mine.py", "\n1 / 0", "cannot be imported: ZeroDivisionError: division by zero (mine.py, line 2)"),
        ("mine/__init__.py", "1 / 0", "cannot be imported: ZeroDivisionError: division by zero (__init__.py, line 1)"),
        ("mine.py", "class Mine:\n    name = source = 'mine'", "Mine is no Heuristic; allowed: a subclass"),
        ("mine.py", UNIFORM, f"Uniform.name is 'uniform', which is defined twice: also in {SHIPPED}; "),
        ("mine.py", UNIFORM.replace('"uniform"', '"mine"'), f"Uniform.default is True, as in {SHIPPED}; "),
    ],
    ids=["import", "error", "package", "no subclass", "name of another", "default of another"],
)  # fmt: skip
def test_a_module_that_is_added_to_those_that_ship_harms_none_of_them(
    in_the_folder: Callable[[str, str], None], file: str, text: str, line: str
) -> None:
    before = runs(LEVELS)
    in_the_folder(file, text)
    (broken,) = registry.broken_plugins()
    assert str(broken).startswith(f"plug-in supernet_bench.heuristics.mine: {line}")
    assert runs(LEVELS) == before
    assert registry.heuristic_types()["uniform"] is Uniform


def test_what_plug_ins_have_in_common_is_no_mistake(in_the_folder: Callable[[str, str], None]) -> None:
    in_the_folder("common.py", "from supernet_bench.heuristics.base import Heuristic\nclass Common(Heuristic): ...")
    in_the_folder(
        "mine.py", "from supernet_bench.heuristics.common import Common\nclass Mine(Common):\n    name = 'mine'"
    )
    assert [broken.attribute for broken in registry.broken_plugins()] == ["Mine.source"]


@pytest.mark.usefixtures("fresh")
def test_a_factor_whose_default_is_broken_is_missed_by_who_uses_it_only(monkeypatch: pytest.MonkeyPatch) -> None:
    before = runs(LEVELS)
    monkeypatch.setattr(Width, "levels", 3)
    registry._plugins.cache_clear()
    assert runs(LEVELS) == before
    line = "factor 'width' cannot be used: plug-in supernet_bench.heuristics.width: Width.levels is 3; allowed: "
    with pytest.raises(InputError, match=re.escape(line)):
        runs({"width": True})
    listed = CliRunner().invoke(app, ["list", "studies"])
    assert listed.exit_code == 0
    assert "yu2020-nb201" in listed.stdout
    assert "catalogue-digits.toml: factor 'width' cannot be used" in " ".join(listed.stdout.split())


@pytest.mark.usefixtures("fresh")
def test_training_without_a_default_that_it_needs_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Uniform, "levels", 3)
    registry._plugins.cache_clear()
    line = f"factor 'sampling' has no usable default heuristic: plug-in {SHIPPED}: Uniform.levels is 3; "
    with pytest.raises(InputError, match=re.escape(line)):
        runs(LEVELS)
    assert CliRunner().invoke(app, ["list", "heuristics"]).exit_code == 0


@pytest.mark.usefixtures("fresh")
def test_brackets_of_a_plug_in_are_no_markup(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Uniform, "source", "nobody [/bold] 2026")
    registry._plugins.cache_clear()
    assert "nobody [/bold] 2026" in CliRunner().invoke(app, ["list", "heuristics"]).stdout
