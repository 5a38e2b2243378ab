"""The largest resident memory of a run with as many images as the published one."""

import multiprocessing
import sys
from multiprocessing.connection import Connection
from pathlib import Path

import torch

from speed.contenders import Ours
from speed.fidelities import FIDELITIES, Fidelity, draw, whole
from supernet_bench.core.errors import InputError
from supernet_bench.spaces.base import Architecture

LIMIT_BYTES = 2 * 10**9
IMAGES = 25_000
"""Training images, and as many for validation."""


def peak_memory(fidelity: Fidelity, steps: int, scored: list[Architecture], threads: int) -> int | None:
    """Return the peak of a process of its own that trains and then scores, bytes; None where it cannot be read.

    PyTorch itself, all images, and whatever else the process holds, are included.

    Parameters
    ----------
    fidelity : Fidelity
    steps : int
        Training steps; each has the same needs.
    scored : list of Architecture
    threads : int

    Raises
    ------
    InputError
        If the process dies, of lack of memory as a rule.
    """
    if sys.platform != "linux":
        return None
    context = multiprocessing.get_context("spawn")
    here, there = context.Pipe(duplex=False)
    process = context.Process(target=_run, args=(fidelity.name, steps, scored, threads, there), daemon=True)
    process.start()
    there.close()
    try:
        return int(here.recv())
    except EOFError:
        raise InputError("the process whose memory is measured died; is there enough memory?") from None
    finally:
        process.join()


def _run(name: str, steps: int, scored: list[Architecture], threads: int, pipe: Connection) -> None:
    torch.set_num_threads(threads)
    fidelity = FIDELITIES[name]
    data = fidelity.pictures(IMAGES, IMAGES)
    ours = Ours(fidelity, data, torch.device("cpu"), {})
    for architecture in draw(whole(fidelity.space), steps, "steps of memory"):
        ours.train(architecture)
    ours.score(scored)
    pipe.send(_peak())


def _peak() -> int:
    # Unlike the figure of getrusage, this one does not start with that of the parent process.
    lines = Path("/proc/self/status").read_text(encoding="utf-8", errors="replace").splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM"))
