"""The notebook runs on a fresh report from either folder, and is stored without outputs."""

from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

from analysis.report import write_report
from tests.analysis.synthetic import Scenario, write_store

ROOT = Path(__file__).parents[2]
NOTEBOOK = ROOT / "analysis" / "notebooks" / "results.ipynb"


@pytest.mark.parametrize("folder", [ROOT, NOTEBOOK.parent])
def test_notebook_runs(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = write_store(tmp_path / "store", Scenario(architectures=30, epochs=(5, 10)))
    write_report(store, "default", tmp_path / "report", resamples=100)
    monkeypatch.setenv("SUPERNET_BENCH_REPORT", str(tmp_path / "report"))
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    NotebookClient(notebook, timeout=120, resources={"metadata": {"path": str(folder)}}).execute()
    outputs = [output for cell in notebook.cells if cell.cell_type == "code" for output in cell.outputs]
    assert any("image/png" in output.get("data", {}) for output in outputs)
    assert any("fairnas accounting=compute" in output.get("data", {}).get("text/plain", "") for output in outputs)


def test_notebook_holds_no_outputs() -> None:
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert code
    assert all(not cell.outputs and cell.execution_count is None for cell in code)
