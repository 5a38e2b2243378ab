"""What only a GPU needs: that it is opened before its memory is counted, and that a run goes through an executor."""

import importlib
from pathlib import Path

import pytest
import torch

import supernet_bench.benchmark.execution.preload
from speed import measure
from speed.fidelities import FIDELITIES
from supernet_bench.benchmark.execution import environment
from supernet_bench.benchmark.execution.worker import Execution, execute
from supernet_bench.core.errors import InputError
from supernet_bench.images.digits import Digits
from supernet_bench.records.store import Store
from tests.benchmark.execution.executors.studies import results, run, study

NO_GPU = "no GPU: training on one is NOT tested"


class Opened(Exception):
    """A run has got as far as its images."""


class Cuda:
    """Stands for PyTorch's; as there, memory is known only of a GPU that something was put on."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, error: RuntimeError | None = None) -> None:
        self.initialised, self.known, self.error = False, False, error
        self.empty = torch.empty
        monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
        monkeypatch.setattr(torch.cuda, "device_count", lambda: 1)
        monkeypatch.setattr(torch.cuda, "init", self.init)
        monkeypatch.setattr(torch.cuda, "reset_peak_memory_stats", self.reset)
        monkeypatch.setattr(torch, "empty", self.allocate)

    def init(self) -> None:
        if self.error:
            raise self.error
        self.initialised = True

    def allocate(self, *size: int, device: torch.device | None = None) -> torch.Tensor:
        assert device is None or self.initialised
        self.known = self.known or device is not None
        return self.empty(*size)

    def reset(self, device: torch.device) -> None:
        if not self.known:
            raise RuntimeError("Invalid device argument 0: did you call init?")


def test_memory_is_counted_once_the_gpu_is_in_use(toy_spec, tmp_path: Path, monkeypatch) -> None:
    def load(self: Digits, folder: Path | None = None) -> None:
        raise Opened

    monkeypatch.setattr(environment, "compute_exactly", lambda: None)
    monkeypatch.setattr(Digits, "load", load)
    Cuda(monkeypatch)
    with pytest.raises(Opened):
        execute(toy_spec(), Execution(tmp_path, device="cuda"))


def test_a_gpu_that_cannot_be_used_is_one_line_and_no_failed_run(toy_spec, tmp_path: Path, monkeypatch) -> None:
    Cuda(monkeypatch, RuntimeError("CUDA error: device busy\nCUDA kernel errors might be reported later."))
    with pytest.raises(InputError, match=r"^device is 'cuda', which cannot be used \(CUDA error: device busy\); .*$"):
        execute(toy_spec(), Execution(tmp_path, device="cuda"))
    assert Store(tmp_path).find("") == []


def test_plugins_that_ask_for_a_gpu_leave_it_to_forked_processes(monkeypatch: pytest.MonkeyPatch) -> None:
    def poison() -> int:
        raise AssertionError("CUDA was asked, and forked processes cannot use it any more")

    monkeypatch.setenv("PYTORCH_NVML_BASED_CUDA_CHECK", "0")
    monkeypatch.setattr(torch._C, "_cuda_getDeviceCount", poison, raising=False)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 1)
    importlib.reload(supernet_bench.benchmark.execution.preload)
    assert torch.cuda.is_available()


def test_speed_is_measured_in_the_precision_of_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    def exact() -> None:
        raise Opened

    monkeypatch.setattr(measure, "compute_exactly", exact)
    with pytest.raises(Opened):
        measure.measure(FIDELITIES["digits"], torch.device("cpu"), measure.Effort(1, 1, threads=1), lambda line: None)


@pytest.mark.skipif(not torch.cuda.is_available(), reason=NO_GPU)
def test_runs_go_through_the_executor(tmp_path: Path) -> None:
    """Supernets of all kinds of layers, two runs at once; twice, since runs on a GPU can be repeated."""
    made = study(space={"name": "nasbench201", "width": 8, "cells": 1}, factors={"precision": [{"dtype": "bfloat16"}]})
    for store in ("one", "other"):
        assert run(made, tmp_path / store, device="cuda", runs_per_gpu=2).statuses == {"finished": len(made.runs())}
    assert results(made, tmp_path / "one") == results(made, tmp_path / "other")
    for spec in made.runs():
        record = Store(tmp_path / "one").read_record(spec.run_id)
        assert record.execution.peak_device_bytes > 0
