"""Executing runs: from a spec to a record in the store.

A worker needs PyTorch and NumPy only; neither the published accuracies nor the analysis packages are imported here.
"""

import platform
import subprocess
import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np
import torch

from benchmark.errors import InputError
from benchmark.parameters import values_of
from benchmark.scoring import scored_architectures
from benchmark.spec import RunSpec
from benchmark.store import Store
from benchmark.trainer import Listener, Trainer


@dataclass(frozen=True)
class Execution:
    """How runs are executed; nothing here belongs to what a run is.

    Attributes
    ----------
    store : Path
    data : Path or None
        Where the user keeps images and tables.
    device : {"auto", "cpu", "cuda", "cuda:0", ...}
        ``auto`` is a GPU where there is one.
    threads : int
        Threads of one run on the CPU.
    """

    store: Path
    data: Path | None = None
    device: str = "auto"
    threads: int = 1

    def torch_device(self) -> torch.device:
        """Return the device.

        Raises
        ------
        InputError
            If there is no such device.
        """
        name = self.device
        if name == "auto":
            name = "cuda" if torch.cuda.is_available() else "cpu"
        if name not in _devices():
            raise InputError(f"device is {self.device!r}; allowed here: {', '.join(_devices())}")
        return torch.device(name)


def execute(spec: RunSpec, execution: Execution, advance: Callable[[float], None] = lambda share: None) -> str:
    """Execute one run, or what is left of it, and write its record.

    Parameters
    ----------
    spec : RunSpec
    execution : Execution
    advance : callable
        Told how much is done, as a fraction.

    Returns
    -------
    str
        Status in the record: ``"finished"``, or ``"failed"`` where training diverged or raised an error.

    Raises
    ------
    InputError, OSError
        If images or a checkpoint cannot be read, or the store cannot be written; nothing is recorded then.
    """
    torch.set_num_threads(execution.threads)
    started, clock = datetime.now(UTC), perf_counter()
    store, data = Store(execution.store), spec.images.load(execution.data)
    state = store.read_checkpoint(spec.run_id)
    resumed = 0 if state is None else state.get("resumed", 0) + 1
    trainer, error, setup = None, None, 0.0

    def save(trainer: Trainer) -> None:
        store.write_checkpoint(spec.run_id, {**trainer.state_dict(), "resumed": resumed})

    try:
        trainer = Trainer(spec, data, execution.torch_device())
        if state is not None:
            _continue(trainer, state, store)
        setup = perf_counter() - clock
        trainer.run(Listener(advance, save))
    except (InputError, OSError):
        raise
    except Exception as failure:  # Whatever else goes wrong in training is a result, and stays in the tables.
        error = describe(failure)
    seconds = {"setup": setup, **(trainer.seconds if trainer else {})}
    store.write_record(
        {
            **result(spec, trainer, error),
            "execution": {
                "code_version": code_version(),
                "started": started.isoformat(timespec="seconds"),
                "seconds": seconds,
                "environment": environment(execution),
                "resumed": resumed,
            },
        }
    )
    return "failed" if error else "finished"


def _continue(trainer: Trainer, state: Mapping[str, Any], store: Store) -> None:
    try:
        trainer.load_state_dict(state)
    except (KeyError, ValueError, RuntimeError) as error:
        path, reason = store.checkpoint_path(trainer.spec.run_id), " ".join(str(error).split())
        raise InputError(
            f"{path} does not fit this version ({reason}); delete it to have the run done again"
        ) from error


def result(spec: RunSpec, trainer: Trainer | None, error: Mapping[str, str] | None) -> dict[str, Any]:
    """Return the part of a record that depends on the spec alone; `trainer` is None if none could be made."""
    heuristics = spec.build_heuristics()
    return {
        "run_id": spec.run_id,
        "status": "failed" if error else "finished",
        "error": error,
        "spec": spec.canonical(),
        "heuristics": {factor: {"name": h.name, **values_of(h)} for factor, h in heuristics.items()},
        "architectures": scored_architectures(spec.space, spec.scoring),
        "curve": trainer.curve if trainer else [],
        "checkpoints": trainer.checkpoints if trainer else [],
        "counts": trainer.counts if trainer else {},
    }


def describe(failure: Exception) -> dict[str, str]:
    """Return what went wrong, for a record."""
    return {
        "type": type(failure).__name__,
        "message": (str(failure).splitlines() or [""])[0],
        "traceback": "".join(traceback.format_exception(failure)),
    }


def environment(execution: Execution) -> dict[str, Any]:
    """Return the software and hardware that a run used."""
    device = execution.torch_device()
    return {
        "python": platform.python_version(),
        "torch": torch.__version__,
        "numpy": np.__version__,
        "platform": platform.platform(),
        "device": torch.cuda.get_device_name(device) if device.type == "cuda" else _processor(),
        "threads": execution.threads,
    }


@cache
def code_version() -> str:
    """Return the version of the suite, with the git revision where it runs from a checkout."""
    try:
        number = version("supernet-bench")
    except PackageNotFoundError:
        number = "unknown"
    root = Path(__file__).parents[1]
    if not (root / ".git").exists():
        return number
    command = ["git", "describe", "--always", "--dirty", "--exclude=*"]
    try:
        revision = subprocess.run(command, cwd=root, capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return number
    return f"{number}+{revision}"


def _devices() -> list[str]:
    gpus = [f"cuda:{index}" for index in range(torch.cuda.device_count())]
    return ["auto", "cpu", *(["cuda", *gpus] if gpus else [])]


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()
