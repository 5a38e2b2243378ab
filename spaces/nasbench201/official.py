"""Import of the official NAS-Bench-201 file, which has what the small package leaves out.

The structure is that which nas-bench-201 2.1, the benchmark's own package, reads and writes; the file itself
(NAS-Bench-201-v1_0-e61699.pth or NAS-Bench-201-v1_1-096897.pth) was not at hand when this was written.
"""

import hashlib
import io
import pickle
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import torch

from supernet_bench.core.downloads import cache_folder
from supernet_bench.core.errors import InputError, in_one_line
from supernet_bench.core.files import write_atomically
from supernet_bench.core.progress import SILENT, Part, Progress
from supernet_bench.spaces.base import TrainableSpace
from supernet_bench.spaces.nasbench201.truth import IMPORTED_TABLE, RUNS, TARGET, parameter_counts, trained_architecture

SCHEDULES = {200: "full", 12: "less"}
"""Epochs of the two training schedules, and what the file calls them."""


@dataclass(frozen=True)
class Measurement:
    """An accuracy that the file holds for every run.

    Attributes
    ----------
    column : str
        What it is called here, before the epochs.
    training : str
        What the file calls the images trained on: "cifar10-valid" is half of CIFAR-10, "cifar10" all of it.
    evaluation : str
        What it calls the images measured on.
    classes : int
        Number of labels.
    """

    column: str
    training: str
    evaluation: str
    classes: int


MEASUREMENTS = (
    Measurement("cifar10_valid", "cifar10-valid", "x-valid", 10),
    Measurement("cifar10half_test", "cifar10-valid", "ori-test", 10),
    Measurement("cifar10_test", "cifar10", "ori-test", 10),
    Measurement("cifar100_valid", "cifar100", "x-valid", 100),
    Measurement("cifar100_test", "cifar100", "x-test", 100),
    Measurement("imagenet16_valid", "ImageNet16-120", "x-valid", 120),
    Measurement("imagenet16_test", "ImageNet16-120", "x-test", 120),
)


@dataclass(frozen=True)
class Result:
    """One run of an architecture.

    Attributes
    ----------
    training : str
        What the file calls the images trained on.
    run : int
        Position among the runs on these images.
    megaparameters : float
        Parameters of the trained network, in millions.
    accuracies : dict of str to float
        Fraction per column.
    """

    training: str
    run: int
    megaparameters: float
    accuracies: dict[str, float]


def import_official(
    file: Path,
    space: TrainableSpace,
    destination: Path | None = None,
    progress: Progress = SILENT,
) -> Path:
    """Write the accuracies of the official file to a small table that `spaces.nasbench201.truth` reads.

    Nothing in the file is run: of what it asks for by name, only plain containers and NumPy numbers are made.
    Small files of the same structure took five times their size in memory and three minutes per gigabyte.

    Parameters
    ----------
    file : Path
        ``NAS-Bench-201-v1_0-e61699.pth`` or ``NAS-Bench-201-v1_1-096897.pth``.
    space : TrainableSpace
        NAS-Bench-201.
    destination : Path, optional
        The table to write; by default in the cache, where it is found.
    progress : Progress

    Returns
    -------
    Path
        The table: per measurement and schedule the accuracies of up to three runs as fractions, float32
        [n, 3], NaN where there is none or it trained another network; ``source`` names the file and its
        sha256; ``left_out`` counts the runs of another network behind the target column.

    Raises
    ------
    InputError
        If the package is missing, or the file is damaged, incomplete, another one, or asks for anything else.
    """
    if find_spec("nas_201_api") is None:
        raise InputError("the official file needs the package nas-bench-201 (pip install nas-bench-201)")
    source = f"{file.name} sha256 {_sha256(file)}"
    content = _load(file)
    _check_architectures(content, file, space)
    accuracies, left_out = _read(content["arch2infos"], file, space, progress)
    arrays: dict[str, Any] = {"source": source, "left_out": left_out, **accuracies}
    table = io.BytesIO()
    np.savez_compressed(table, **arrays)
    destination = destination or cache_folder() / "tables" / IMPORTED_TABLE
    write_atomically(destination, table.getvalue())
    return destination


def _sha256(file: Path) -> str:
    try:
        with file.open("rb") as stream:
            return hashlib.file_digest(stream, "sha256").hexdigest()
    except OSError as error:
        raise InputError(f"{file} cannot be read ({error.strerror})") from error


def _load(file: Path) -> dict[str, Any]:
    number: Any = np.float64(0).__reduce__()[0]
    allowed: list[Any] = [np.dtype, type(np.dtype(np.float64)), type(np.dtype(np.int64))]
    # NumPy 2 renamed the module; the published files were written before.
    allowed += [(number, f"numpy.{core}.multiarray.scalar") for core in ("core", "_core")]
    try:
        with torch.serialization.safe_globals(allowed):
            content = torch.load(file, map_location="cpu", weights_only=True)
    except Exception as error:  # a damaged file may raise anything
        forbidden = re.search(r"GLOBAL (\S+)", str(error))
        if isinstance(error, pickle.UnpicklingError) and forbidden:
            raise InputError(f"{file} asks for {forbidden[1]}, which is not allowed and was not run") from error
        raise InputError(f"{file} is damaged or no PyTorch file ({type(error).__name__})") from error
    kinds = {"meta_archs": list, "arch2infos": dict}
    if not isinstance(content, dict) or not all(isinstance(content.get(key), kinds[key]) for key in kinds):
        raise InputError(f"{file} is not a NAS-Bench-201 file: it has no {' and '.join(kinds)}")
    return content


def _check_architectures(content: dict[str, Any], file: Path, space: TrainableSpace) -> None:
    expected = [space.text(space.architecture(index)) for index in range(space.size)]
    if content["meta_archs"] != expected:
        raise InputError(f"{file} does not list the {space.size} architectures of {space.name} in their order")
    measured = sum(index in content["arch2infos"] for index in range(space.size))
    if measured < space.size:
        raise InputError(f"{file} holds {measured} of {space.size} architectures; allowed: the whole benchmark")


def _read(
    infos: dict[int, dict[str, Any]], file: Path, space: TrainableSpace, progress: Progress
) -> tuple[dict[str, np.ndarray], int]:
    parameters = {each.training: parameter_counts(space, each.classes) for each in MEASUREMENTS}
    accuracies = {
        f"{each.column}_{epochs}": np.full((space.size, RUNS), np.nan, np.float32)
        for each in MEASUREMENTS
        for epochs in SCHEDULES
    }
    left_out: Counter[str] = Counter()
    for index in range(space.size):
        try:
            for result in _results(infos.pop(index)):  # popped, as all together take gigabytes
                accepted = trained_architecture(result.megaparameters, parameters[result.training][index])
                for column, accuracy in result.accuracies.items():
                    if accepted:
                        accuracies[column][index, result.run] = accuracy
                    else:
                        left_out[column] += 1
        except (KeyError, IndexError, TypeError, ValueError, AttributeError, AssertionError) as error:
            raise InputError(f"{file}: architecture {index} cannot be read ({in_one_line(error)})") from error
        progress.advanced(Part(f"reading {file.name}"), (index + 1) / space.size)
    measured = {column: runs for column, runs in accuracies.items() if np.isfinite(runs).any()}
    return measured, left_out[TARGET]


def _results(info: dict[str, Any]) -> Iterator[Result]:
    """Yield every run of an architecture, those of one training in the order of their seeds."""
    from nas_201_api import ArchResults

    for epochs, schedule in SCHEDULES.items():
        results = ArchResults.create_from_state_dict(info[schedule])
        for training in results.get_dataset_names():
            for run, (_, result) in enumerate(sorted(results.query(training).items())):
                if result.get_total_epoch() != epochs:
                    raise ValueError(f"{training} was trained for {result.get_total_epoch()} epochs, not {epochs}")
                # The package's means over runs would include those that trained another network.
                accuracies = {
                    f"{each.column}_{epochs}": result.get_eval(each.evaluation)["accuracy"] / 100
                    for each in MEASUREMENTS
                    if each.training == training and each.evaluation in result.get_eval_set()
                }
                yield Result(training, run, result.params, accuracies)
