"""The rooms of the part that runs lie on floors of their own."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
ROOMS = ("plugins", "study", "training", "execution")
"""Each imports those before it."""


def imported(file: Path) -> set[str]:
    """Return the rooms that a module imports, wherever in it."""
    nodes = [node for node in ast.walk(ast.parse(file.read_text())) if isinstance(node, ast.ImportFrom)]
    parts = [(node.module or "").split(".") for node in nodes]
    return {names[2] for names in parts if names[:2] == ["supernet_bench", "benchmark"]}


@pytest.mark.parametrize("room", ROOMS)
def test_every_arrow_points_down(room: str) -> None:
    files = sorted((ROOT / "benchmark" / room).rglob("*.py"))
    assert files
    allowed = set(ROOMS[: ROOMS.index(room) + 1])
    assert {file.name: rooms for file in files if (rooms := imported(file)) - allowed} == {}
