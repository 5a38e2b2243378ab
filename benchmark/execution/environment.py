"""The software and hardware that a run uses: choosing a device, opening it, and naming it in a record."""

import platform
import sys
from pathlib import Path
from typing import Any

import numpy as np
import torch

from supernet_bench.core.errors import InputError
from supernet_bench.engines.cpu.library import library


def find_device(name: str) -> torch.device:
    """Return a device by its name.

    Parameters
    ----------
    name : {"auto", "cpu", "cuda", "cuda:0", ...}
        ``auto`` is a GPU where there is one.

    Raises
    ------
    InputError
        If there is no such device.
    """
    found = name
    if name == "auto":
        found = "cuda" if torch.cuda.is_available() else "cpu"
    if found not in _devices():
        raise InputError(f"device is {name!r}; allowed here: {', '.join(_devices())}")
    return torch.device(found)


def _devices() -> list[str]:
    gpus = [f"cuda:{index}" for index in range(torch.cuda.device_count())]
    return ["auto", "cpu", *(["cuda", *gpus] if gpus else [])]


def open_device(device: torch.device) -> None:
    """Begin to use a device; a GPU that cannot be used is bad input, and no failure of a run."""
    if device.type != "cuda":
        return
    try:
        torch.cuda.init()
        # PyTorch knows a GPU's memory, which is counted from here on, only when it is used.
        torch.empty(1, device=device)
    except RuntimeError as error:
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise InputError(
            f"device is '{device}', which cannot be used ({reason}); allowed: one that can, or cpu"
        ) from error
    torch.cuda.reset_peak_memory_stats(device)
    compute_exactly()


def compute_exactly() -> None:
    """Have GPUs compute float32 as such, and a resumed run what an unbroken one does."""
    torch.backends.cuda.matmul.allow_tf32 = False
    torch.backends.cudnn.allow_tf32 = False
    torch.backends.cudnn.deterministic = True


def environment_of(device: torch.device, threads: int) -> dict[str, Any]:
    """Return the software and hardware that a run used, for a record.

    Parameters
    ----------
    device : torch.device
    threads : int
        Threads of the run on the CPU.
    """
    return {
        "python": platform.python_version(),
        "torch": torch.__version__,
        "numpy": np.__version__,
        "platform": platform.platform(),
        "device": torch.cuda.get_device_name(device) if device.type == "cuda" else _processor(),
        "threads": threads,
        "kernels": device.type == "cpu" and library() is not None,
    }


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()


def peak_memory(device: torch.device) -> dict[str, int | None]:
    """Return the largest memory that this process, and on a GPU this run, has taken so far, bytes.

    A process that executes several runs one after the other has the peak of them all. None is not known.
    """
    on_gpu = device.type == "cuda"
    return {
        "peak_memory_bytes": _peak_resident_bytes(),
        "peak_device_bytes": torch.cuda.max_memory_allocated(device) if on_gpu else None,
    }


def _peak_resident_bytes() -> int | None:
    if sys.platform == "win32":
        return None
    import resource  # Not there on Windows.

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024
