"""What a graph and an engine are depends on no way to run graphs; a new one changes neither."""

import ast
from pathlib import Path

import supernet_bench.engines as engines

FOLDER = Path(engines.__file__).parent


def imports(path: Path) -> set[str]:
    nodes = ast.walk(ast.parse(path.read_text()))
    return {node.module or "" for node in nodes if isinstance(node, ast.ImportFrom)}


def test_what_a_graph_is_does_not_depend_on_an_engine() -> None:
    for name in ("graph", "base"):
        assert not any(".cpu" in module or "reference" in module for module in imports(FOLDER / f"{name}.py"))
