"""The published accuracies of NAS-Bench-Macro."""

from pathlib import Path

import numpy as np
import pytest

from supernet_bench.core.errors import InputError
from supernet_bench.spaces.nasbench_macro.space import NasBenchMacro
from supernet_bench.spaces.nasbench_macro.truth import FILE, truth


@pytest.fixture(autouse=True)
def _no_other_folders(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("SUPERNET_BENCH_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("SUPERNET_BENCH_DATA", raising=False)


def test_every_run_equals_the_published_one(shared_data: Path) -> None:
    published = np.load(shared_data / "nb_macro.npz")
    space = NasBenchMacro()
    rows = [space.index(tuple(architecture)) for architecture in published["arch"].tolist()]
    assert sorted(rows) == list(range(space.size))
    runs = published["test_acc"] / 100
    result = truth(shared_data)
    for run in range(3):
        np.testing.assert_allclose(result.columns[f"cifar10_test_50_run{run}"][rows], runs[:, run], atol=1e-7)
    np.testing.assert_allclose(result.columns["cifar10_test_50"][rows], runs.mean(axis=1), atol=1e-7)


def test_target_and_best_architecture(shared_data: Path) -> None:
    result = truth(shared_data)
    target = result.columns[result.target]
    assert target.dtype == np.float64
    assert target[NasBenchMacro().index((2, 2, 2, 1, 2, 2, 2, 0))] == target.max()
    assert target.max() == pytest.approx(0.9313, abs=5e-5)
    assert (result.table, result.left_out) == ("NAS-Bench-Macro", 0)


def test_file_with_other_content_is_refused(shared_data: Path, tmp_path: Path) -> None:
    path = tmp_path / FILE.name
    path.write_bytes((shared_data / FILE.name).read_bytes().replace(b"89.47", b"99.47", 1))
    with pytest.raises(InputError, match=f"{path} is damaged or another file: its sha256"):
        truth(tmp_path)
