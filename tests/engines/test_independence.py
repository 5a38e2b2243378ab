"""Engines know no space, and the description of networks no engine."""

import ast
from pathlib import Path

import supernet_bench.engines as engines

FOLDER = Path(engines.__file__).parent


def imports(path: Path) -> set[str]:
    nodes = ast.walk(ast.parse(path.read_text()))
    return {node.module or "" for node in nodes if isinstance(node, ast.ImportFrom)}


def test_engines_import_the_ground_floor_alone() -> None:
    for path in FOLDER.rglob("*.py"):
        ours = {name for name in imports(path) if name.startswith("supernet_bench")}
        assert all(name.startswith(("supernet_bench.core", "supernet_bench.engines")) for name in ours), path


def test_what_a_graph_is_does_not_depend_on_an_engine() -> None:
    for name in ("graph", "base"):
        assert not any(".cpu" in module or "reference" in module for module in imports(FOLDER / f"{name}.py"))
