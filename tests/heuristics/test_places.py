"""Who looks for a heuristic finds it: its file is named after it, its folder after its factor, and it stands alone."""

import ast
from pathlib import Path

import pytest

from supernet_bench.benchmark.plugins.registry import heuristic_types
from supernet_bench.benchmark.plugins.rivals import ships

PACKAGE = "supernet_bench.heuristics"
ROOM = Path(__file__).resolve().parents[2] / "heuristics"
TYPES = [kind for kind in heuristic_types().values() if ships(kind, PACKAGE)]
ALLOWED = ("supernet_bench.core.", "supernet_bench.images.base", "supernet_bench.spaces.base")
FILES = sorted(file for file in ROOM.rglob("*.py") if file.name != "__init__.py")


@pytest.mark.parametrize("kind", TYPES, ids=lambda kind: kind.name)
def test_its_file_is_named_after_it_and_its_folder_after_its_factor(kind: type) -> None:
    alone = f"{PACKAGE}.{kind.name}"
    in_a_group = f"{PACKAGE}.{kind.factor}.{kind.name}"
    siblings = [each for each in TYPES if each.factor == kind.factor]
    assert kind.__module__ == (alone if len(siblings) == 1 else in_a_group)


def test_every_other_file_is_the_contract_or_a_helper() -> None:
    modules = {kind.__module__ for kind in TYPES}
    others = {".".join((PACKAGE, *file.relative_to(ROOM).with_suffix("").parts)) for file in FILES} - modules
    names = {module.rpartition(".")[2] for module in others}
    assert {name for name in names if not name.startswith("_")} == {"base", "setup"}


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_it_imports_contracts_and_helpers_and_no_other_heuristic(file: Path) -> None:
    imports = [node for node in ast.walk(ast.parse(file.read_text())) if isinstance(node, ast.ImportFrom)]
    assert "TYPE_CHECKING" not in {alias.name for node in imports for alias in node.names}
    for module in (node.module or "" for node in imports):
        if module.startswith(f"{PACKAGE}."):
            name = module.rpartition(".")[2]
            assert name in ("base", "setup") or name.startswith("_"), module
        elif module.startswith("supernet_bench."):
            assert module.startswith(ALLOWED), module
