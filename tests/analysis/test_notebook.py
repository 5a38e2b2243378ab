"""The notebooks run, that of results on a published study from either folder, and are stored without outputs."""

import ast
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbclient import NotebookClient

from supernet_bench.analysis.publishing.publish import publish
from tests.analysis.synthetic import Scenario, run_id, write_record, write_store

ROOT = Path(__file__).parents[2]
Change = Callable[[dict[str, Any]], dict[str, Any]]
NOTEBOOK = ROOT / "analysis" / "notebooks" / "results.ipynb"
OWN_PLUGIN, OWN_SCORES = NOTEBOOK.with_name("plugin.ipynb"), NOTEBOOK.with_name("scores.ipynb")


def unharmed(_: dict[str, Any]) -> dict[str, Any]:
    return {}


def all_failed(_: dict[str, Any]) -> dict[str, Any]:
    error = {"type": "Diverged", "message": "loss is NaN", "traceback": "..."}
    return {"status": "failed", "error": error, "checkpoints": [], "curve": []}


def one_level_constant(record: dict[str, Any]) -> dict[str, Any]:
    if record["run_id"] not in [run_id("sampling", "pool size=50", seed) for seed in range(2)]:
        return {}
    constant = [0.1] * len(record["architectures"])
    return {"checkpoints": [checkpoint | {"accuracy": constant} for checkpoint in record["checkpoints"]]}


@pytest.mark.parametrize(
    ("folder", "change"),
    [(ROOT, unharmed), (NOTEBOOK.parent, all_failed), (NOTEBOOK.parent, one_level_constant)],
)
def test_notebook_runs(folder: Path, change: Change, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = write_store(tmp_path / "store", Scenario(architectures=30, epochs=(5, 10), seeds=(0, 1)))
    for path in (store / "runs").iterdir():
        record = json.loads(path.read_text())
        write_record(store, record | change(record))
    next((store / "runs").glob(f"{run_id('batch_norm', 'tracked', 1)}.json")).unlink()
    publish(store, "default", tmp_path / "results")
    monkeypatch.setenv("SUPERNET_BENCH_RESULTS", str(tmp_path / "results" / "default"))
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    NotebookClient(notebook, timeout=120, resources={"metadata": {"path": str(folder)}}).execute()
    outputs = [output for cell in notebook.cells if cell.cell_type == "code" for output in cell.outputs]
    assert any("image/png" in output.get("data", {}) for output in outputs)
    assert any("fairnas accounting=compute" in output.get("data", {}).get("text/plain", "") for output in outputs)


def test_a_heuristic_of_ones_own_is_tried_in_one_cell(tmp_path: Path) -> None:
    notebook = nbformat.read(OWN_PLUGIN, as_version=4)
    NotebookClient(notebook, timeout=300, resources={"metadata": {"path": str(tmp_path)}}).execute()
    (code,) = (cell for cell in notebook.cells if cell.cell_type == "code")
    (shown,) = (output.data["text/plain"] for output in code.outputs if output.output_type == "execute_result")
    found = ast.literal_eval(shown)
    assert (found["faults"], found["failed runs"]) == ([], [])
    assert set(found["tau"]) == {"baseline", "scale=1.0", "scale=2.0"}


def test_scores_in_a_frame_are_reported(tmp_path: Path) -> None:
    notebook = nbformat.read(OWN_SCORES, as_version=4)
    NotebookClient(notebook, timeout=300, resources={"metadata": {"path": str(tmp_path)}}).execute()
    table, page = ("".join(output.data.get("text/html", "") for output in cell.outputs) for cell in code_of(notebook))
    assert table.index("much noise") < table.index("little noise")
    assert "<svg" in page


def code_of(notebook: Any) -> list[Any]:
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


@pytest.mark.parametrize("file", [NOTEBOOK, OWN_PLUGIN, OWN_SCORES], ids=lambda file: file.stem)
def test_notebook_holds_no_outputs(file: Path) -> None:
    notebook = nbformat.read(file, as_version=4)
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert code
    assert all(not cell.outputs and cell.execution_count is None for cell in code)
