"""Import of the official file of NAS-Bench-201.

The real file has gigabytes and is not part of the tests: these files are made with the package's own classes,
in the structure in which the published code saves them.
"""

import os
import pickle
import threading
from collections import OrderedDict, defaultdict
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from supernet_bench.core.errors import InputError
from supernet_bench.core.progress import Part, Silent
from supernet_bench.spaces.base import Space
from supernet_bench.spaces.nasbench201.official import import_official
from supernet_bench.spaces.nasbench201.space import NasBench201
from supernet_bench.spaces.nasbench201.truth import truth
from supernet_bench.spaces.toy import Toy

api = pytest.importorskip("nas_201_api", reason="nas-bench-201 is not installed; the import was not tested")

CLASSES = {"cifar10-valid": 10, "cifar10": 10, "cifar100": 100, "ImageNet16-120": 120}
EVALUATIONS = {
    "cifar10-valid": ("x-valid", "ori-test"),
    "cifar10": ("ori-test",),
    "cifar100": ("ori-test", "x-valid", "x-test"),
    "ImageNet16-120": ("ori-test", "x-valid", "x-test"),
}
SEEDS = {"full": (999, 777, 888), "less": (777, 111)}
EPOCHS = {"full": 200, "less": 12}


@pytest.fixture(autouse=True)
def cache(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    monkeypatch.setenv("SUPERNET_BENCH_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("SUPERNET_BENCH_DATA", raising=False)
    return tmp_path / "cache"


def percent(index: int, schedule: str, training: str, evaluation: str, seed: int) -> float:
    """A different accuracy for everything that is measured."""
    position = list(EVALUATIONS).index(training) * 10 + EVALUATIONS[training].index(evaluation)
    return 20 + position + seed / 1000 + index / 100_000 + (schedule == "full") * 0.5


def result(space: Space, index: int, schedule: str, training: str, seed: int, megaparameters: float) -> Any:
    """One run, of which only the last epoch is kept, as the published code does for test images."""
    last = EPOCHS[schedule] - 1
    losses, accuracies = OrderedDict({last: 0.5}), OrderedDict({last: 80.0})
    configuration = {"channel": 16, "num_cells": 5, "arch_str": space.text(space.architecture(index))}
    run = api.ResultsCount(
        training,
        None,
        accuracies,
        losses,
        np.float64(megaparameters),
        15.6,
        configuration,
        seed,
        last + 1,
        None,
    )
    for evaluation in EVALUATIONS[training]:
        accuracy = percent(index, schedule, training, evaluation, seed)
        run.update_OLD_eval(evaluation, {last: accuracy}, {last: 0.7})
    run.update_latency([0.013])
    return run


def benchmark(
    space: Space,
    trainings: Iterable[str] = CLASSES,
    seeds: dict[str, tuple[int, ...]] = SEEDS,
    wrong: Iterable[tuple[int, str, str, int]] = (),
) -> dict[str, Any]:
    """The content of a benchmark file; the runs in `wrong` trained another network."""
    counts = {name: space.published().costs(3, CLASSES[name], 32).parameters for name in trainings}
    wrong = set(wrong)
    infos: dict[int, dict[str, Any]] = {}
    for index in range(space.size):
        text = space.text(space.architecture(index))
        infos[index] = {}
        for schedule in ("full", "less"):
            architecture = api.ArchResults(index, text)
            for training in trainings:
                for seed in seeds[schedule]:
                    excess = 28_000 if (index, schedule, training, seed) in wrong else 0
                    size = (int(counts[training][index]) + excess) / 1e6
                    architecture.update(training, seed, result(space, index, schedule, training, seed, size))
            infos[index][schedule] = architecture.state_dict()
    return {
        "meta_archs": [space.text(space.architecture(index)) for index in range(space.size)],
        "total_archs": space.size,
        "basestr": "C16-N5",
        "arch2infos": infos,
        "evaluated_indexes": set(range(space.size)),
    }


def save(content: object, path: Path, *, legacy: bool = True) -> Path:
    """Write a file as PyTorch did in 2020, or as it does now."""
    torch.save(content, path, _use_new_zipfile_serialization=not legacy)
    return path


def refused(file: Path, space: Space, message: str, destination: Path) -> None:
    """Check that the import fails on one line and leaves an older table as it was."""
    destination.write_bytes(b"older table")
    with pytest.raises(InputError, match=message) as caught:
        import_official(file, space, destination)
    assert str(file) in str(caught.value)
    assert "\n" not in str(caught.value)
    assert destination.read_bytes() == b"older table"
    assert not list(destination.parent.glob("*.tmp"))
    assert not list(destination.parent.glob(".*.tmp"))


COLUMNS = {
    "cifar10_valid": ("cifar10-valid", "x-valid"),
    "cifar10half_test": ("cifar10-valid", "ori-test"),
    "cifar10_test": ("cifar10", "ori-test"),
    "cifar100_valid": ("cifar100", "x-valid"),
    "cifar100_test": ("cifar100", "x-test"),
    "imagenet16_valid": ("ImageNet16-120", "x-valid"),
    "imagenet16_test": ("ImageNet16-120", "x-test"),
}


@pytest.fixture(scope="module")
def space() -> Space:
    return Toy()


@pytest.mark.parametrize("legacy", [True, False])
def test_every_measurement_reaches_its_column(space: Space, tmp_path: Path, legacy: bool) -> None:
    file = save(benchmark(space), tmp_path / "small.pth", legacy=legacy)
    table = np.load(import_official(file, space))
    assert set(table.files) == {"source", "left_out"} | {f"{name}_{epochs}" for name in COLUMNS for epochs in (12, 200)}
    for name, (training, evaluation) in COLUMNS.items():
        for schedule, epochs in EPOCHS.items():
            runs = table[f"{name}_{epochs}"]
            assert runs.shape == (space.size, 3)
            assert runs.dtype == np.float32
            seeds = sorted(SEEDS[schedule])
            expected = [[percent(i, schedule, training, evaluation, s) for s in seeds] for i in range(space.size)]
            np.testing.assert_allclose(runs[:, : len(seeds)], np.array(expected) / 100, rtol=1e-6)
            assert np.isnan(runs[:, len(seeds) :]).all()


def test_runs_of_another_network_are_left_out(space: Space, tmp_path: Path) -> None:
    wrong = [
        (3, "full", "cifar10-valid", 888),
        (4, "full", "cifar10-valid", 777),
        (4, "full", "cifar100", 777),
        (5, "less", "cifar10", 111),
    ]
    table = np.load(import_official(save(benchmark(space, wrong=wrong), tmp_path / "small.pth"), space))
    assert table["left_out"] == 2, "runs behind the target column"
    assert np.argwhere(np.isnan(table["cifar10_valid_200"])).tolist() == [[3, 1], [4, 0]]
    assert np.argwhere(np.isnan(table["cifar100_test_200"])).tolist() == [[4, 0]]
    assert np.argwhere(np.isnan(table["cifar10_test_12"][:, :2])).tolist() == [[5, 0]]
    assert not np.isnan(table["imagenet16_valid_200"]).any()


def test_runs_are_numbered_by_seed_in_whatever_order_they_are_listed(space: Space, tmp_path: Path) -> None:
    content = benchmark(space, trainings=["cifar10-valid"])
    content["arch2infos"][2]["full"]["dataset_seed"]["cifar10-valid"].reverse()
    runs = np.load(import_official(save(content, tmp_path / "small.pth"), space))["cifar10_valid_200"]
    expected = [percent(2, "full", "cifar10-valid", "x-valid", seed) / 100 for seed in (777, 888, 999)]
    np.testing.assert_allclose(runs[2], expected, rtol=1e-6)


def test_measurements_that_a_file_lacks_have_no_column(space: Space, tmp_path: Path) -> None:
    """Version 1.0 has 12 epochs for half of CIFAR-10 only."""
    content = benchmark(space)
    less = benchmark(space, trainings=["cifar10-valid"])["arch2infos"]
    for index, info in content["arch2infos"].items():
        info["less"] = less[index]["less"]
    table = np.load(import_official(save(content, tmp_path / "v1_0.pth"), space))
    assert {name for name in table.files if name.endswith("_12")} == {
        "cifar10_valid_12",
        "cifar10half_test_12",
    }


def test_progress_and_destination(space: Space, tmp_path: Path, cache: Path) -> None:
    file = save(benchmark(space, trainings=["cifar10-valid"]), tmp_path / "small.pth")
    seen: list[float | None] = []

    class Watch(Silent):
        def advanced(self, part: Part, share: float | None) -> None:
            seen.append(share)

    path = import_official(file, space, progress=Watch())
    assert path == cache / "tables" / "nasbench201.npz"
    assert seen == [done / space.size for done in range(1, space.size + 1)]
    other = import_official(file, space, tmp_path / "elsewhere" / "table.npz")
    assert other == tmp_path / "elsewhere" / "table.npz"
    assert other.exists()


@pytest.mark.full
def test_whole_benchmark_is_imported_and_read_as_truth(tmp_path: Path) -> None:
    space = NasBench201()
    wrong = [(6111, "full", "cifar10-valid", 777)]
    content = benchmark(space, ["cifar10-valid"], {"full": (777,), "less": ()}, wrong)
    file = save(content, tmp_path / "NAS-Bench-201-v1_1-096897.pth")
    path = import_official(file, space)
    assert path.stat().st_size < 4e6
    result = truth(space)
    assert result.table.startswith("NAS-Bench-201, NAS-Bench-201-v1_1-096897.pth sha256 ")
    assert (result.target, result.left_out) == ("cifar10_valid_200", 1)
    assert set(result.columns) == {
        f"cifar10{kind}_200{run}" for kind in ("_valid", "half_test") for run in ("", "_run0")
    }
    expected = [percent(index, "full", "cifar10-valid", "x-valid", 777) / 100 for index in range(space.size)]
    expected[6111] = np.nan
    np.testing.assert_allclose(result.columns[result.target], expected, rtol=1e-6)


def test_numbers_of_numpy_under_their_old_name_are_read(space: Space, tmp_path: Path) -> None:
    file = save(benchmark(space, trainings=["cifar10-valid"]), tmp_path / "old.pth")
    content = file.read_bytes()
    assert b"numpy._core.multiarray" in content
    file.write_bytes(content.replace(b"numpy._core.multiarray", b"numpy.core.multiarray"))
    assert np.load(import_official(file, space))["cifar10_valid_200"].shape == (space.size, 3)


class Attack:
    """Makes a folder when it is unpickled."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.mkdir, (str(self.folder),)


@pytest.mark.parametrize("legacy", [True, False])
def test_attack_is_named_and_not_run(space: Space, tmp_path: Path, legacy: bool) -> None:
    content = benchmark(space, trainings=["cifar10-valid"])
    content["arch2infos"][0]["full"]["arch_str"] = Attack(tmp_path / "attacked")
    file = save(content, tmp_path / "attack.pth", legacy=legacy)
    refused(file, space, "asks for posix.mkdir, which is not allowed and was not run", tmp_path / "table.npz")
    assert not (tmp_path / "attacked").exists()
    torch.load(file, weights_only=False)
    assert (tmp_path / "attacked").exists(), "the attack would have worked"


@pytest.mark.parametrize("foreign", [defaultdict(list), threading.Thread, api.ArchResults(0, "x")])
def test_anything_else_that_is_named_is_refused(space: Space, tmp_path: Path, foreign: object) -> None:
    file = save({"meta_archs": foreign}, tmp_path / "foreign.pth")
    refused(file, space, "asks for [a-zA-Z_0-9]+[.].*, which is not allowed", tmp_path / "table.npz")


def test_allowance_ends_with_the_import(space: Space, tmp_path: Path) -> None:
    file = save(benchmark(space, trainings=["cifar10-valid"]), tmp_path / "small.pth")
    import_official(file, space)
    with pytest.raises(pickle.UnpicklingError):
        torch.load(file, weights_only=True)


def test_partial_file_says_how_much_it_has(space: Space, tmp_path: Path) -> None:
    content = benchmark(space, trainings=["cifar10-valid"])
    for index in range(5, space.size):
        del content["arch2infos"][index]
    file = save(content, tmp_path / "partial.pth")
    refused(file, space, "holds 5 of 27 architectures", tmp_path / "table.npz")


def test_file_of_another_space_is_refused(space: Space, tmp_path: Path) -> None:
    content = benchmark(space, trainings=["cifar10-valid"])
    content["meta_archs"].reverse()
    file = save(content, tmp_path / "other.pth")
    refused(file, space, "does not list the 27 architectures of toy in their order", tmp_path / "table.npz")


@pytest.mark.parametrize("content", [[1, 2], {"meta_archs": []}, {"meta_archs": 1, "arch2infos": {}}, torch.zeros(2)])
def test_foreign_content_is_refused(space: Space, tmp_path: Path, content: object) -> None:
    file = save(content, tmp_path / "foreign.pth")
    refused(file, space, "is not a NAS-Bench-201 file", tmp_path / "table.npz")


@pytest.mark.parametrize("legacy", [True, False])
@pytest.mark.parametrize("share", [0.0, 0.001, 0.5, 0.99])
def test_truncated_file_is_refused(space: Space, tmp_path: Path, legacy: bool, share: float) -> None:
    file = save(benchmark(space, trainings=["cifar10-valid"]), tmp_path / "cut.pth", legacy=legacy)
    content = file.read_bytes()
    file.write_bytes(content[: int(share * len(content))])
    refused(file, space, "is damaged or no PyTorch file", tmp_path / "table.npz")


def test_text_file_is_refused(space: Space, tmp_path: Path) -> None:
    file = tmp_path / "page.html"
    file.write_text("<html>quota exceeded</html>")
    refused(file, space, "is damaged or no PyTorch file", tmp_path / "table.npz")


def test_absent_file_is_refused(space: Space, tmp_path: Path) -> None:
    refused(tmp_path / "absent.pth", space, "cannot be read", tmp_path / "table.npz")


@pytest.mark.parametrize("damage", ["schedule", "epochs", "accuracy", "runs"])
def test_damaged_architecture_is_named(space: Space, tmp_path: Path, damage: str) -> None:
    content = benchmark(space, trainings=["cifar10-valid"])
    info = content["arch2infos"][7]
    first = info["full"]["all_results"]["cifar10-valid", 777]
    if damage == "schedule":
        del info["less"]
    elif damage == "epochs":
        first["epochs"] = 12
    elif damage == "accuracy":
        del first["eval_acc1es"]["x-valid@199"]
    else:
        info["full"]["dataset_seed"]["cifar10-valid"] = [777, 888, 999, 1000]
        info["full"]["all_results"]["cifar10-valid", 1000] = first
    file = save(content, tmp_path / "damaged.pth")
    refused(file, space, "architecture 7 cannot be read", tmp_path / "table.npz")


def test_missing_package_says_what_to_install(space: Space, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("supernet_bench.spaces.nasbench201.official.find_spec", lambda name: None)
    with pytest.raises(InputError, match="pip install nas-bench-201"):
        import_official(tmp_path / "file.pth", space)
