"""What is behind the door of the folder is imported by nobody else."""

import ast
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
DOOR = "supernet_bench.benchmark.execution"
PARTS = ("core", "records", "engines", "images", "spaces", "heuristics", "proxies", "benchmark", "analysis", "speed")
OPEN = {f"{DOOR}.devices"}
"""The doctor's own; to compare layers needs no runs."""


def _imported(file: Path) -> set[str]:
    tree = list(ast.walk(ast.parse(file.read_text())))
    whole = {alias.name for node in tree if isinstance(node, ast.Import) for alias in node.names}
    return whole | {node.module for node in tree if isinstance(node, ast.ImportFrom) and node.module}


def test_others_come_through_the_door() -> None:
    inside = (ROOT / "benchmark" / "execution").resolve()
    files = [file for part in PARTS for file in (ROOT / part).rglob("*.py") if not file.is_relative_to(inside)]
    files += [file for part in ("commands", "testing") for file in (ROOT / "supernet_bench" / part).rglob("*.py")]
    files += (ROOT / "supernet_bench").glob("*.py")
    assert len(files) > 100
    for file in files:
        behind = {name for name in _imported(file) if name.startswith(f"{DOOR}.")} - OPEN
        assert not behind, f"{file.relative_to(ROOT)}; allowed: {DOOR}"


def test_whoever_executes_runs_knows_nothing_of_terminals() -> None:
    for file in (ROOT / "benchmark" / "execution").rglob("*.py"):
        assert not {name for name in _imported(file) if name.split(".")[0] == "rich"}, file
