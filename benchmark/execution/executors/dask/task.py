"""What a dask worker does that was given a run."""

import importlib
import os
from collections.abc import Callable, Sequence
from dataclasses import replace
from time import monotonic
from typing import Any

import torch
from distributed import Reschedule, Status, Worker, get_worker

from supernet_bench.benchmark.execution.attempts import attempt, received
from supernet_bench.benchmark.execution.worker import Execution
from supernet_bench.core.errors import InputError
from supernet_bench.core.output import encodable

CLOSING = (Status.closing, Status.closing_gracefully, Status.closed)

TELL_SECONDS = 0.5
"""How often a run tells how it gets on, at most."""


class Elsewhere(Exception):
    """Another process executes the run."""


class _Stopped(BaseException):
    """Nobody wants the run any more; not an `Exception`, which would be recorded as a failure."""


def execute_here(tables: dict[str, Any], execution: Execution, places: Sequence[str], topic: str) -> None:
    """Execute one run on this dask worker.

    Parameters
    ----------
    tables : dict
        The spec of the run.
    execution : Execution
    places : sequence of str
        Device of each worker of a cluster on one machine, whose workers are numbered.
    topic : str
        Under which progress is told.

    Raises
    ------
    Elsewhere
        If another process executes the run.
    InputError, OSError
        If the run cannot be executed here.
    """
    # Digests are of what is imported now, also when a later study asks for them.
    importlib.import_module("supernet_bench.benchmark.execution.preload")
    encodable()
    worker = get_worker()
    if worker.state.nthreads != 1:
        # Initial weights are drawn from a generator that all threads of a process share.
        raise InputError(f"dask worker {worker.address} has {worker.state.nthreads} threads; allowed: --nthreads 1")
    if not execution.store.is_dir():
        raise InputError(
            f"store {execution.store} is not there on dask worker {worker.address}; "
            "allowed: a folder that all machines share"
        )
    device = _device(worker, execution.device, places)
    try:
        spec = received(tables, execution)
        recorded = attempt(spec, replace(execution, device=device), _teller(worker, topic))
    except _Stopped:
        raise Reschedule from None  # If the worker is closing, another one continues; if the task is cancelled, none.
    if not recorded:
        raise Elsewhere


def _device(worker: Worker, device: str, places: Sequence[str]) -> str:
    """Return the device of a worker, of which no other worker of its machine knows."""
    if places:
        return places[int(worker.name) % len(places)]
    gpus = torch.cuda.device_count()
    if device in ("auto", "cuda") and gpus > 1 and "CUDA_VISIBLE_DEVICES" not in os.environ:
        raise InputError(
            f"dask worker {worker.address} sees {gpus} GPUs; "
            "allowed: one, named by CUDA_VISIBLE_DEVICES where the worker is started"
        )
    return device


def _teller(worker: Worker, topic: str) -> Callable[[float], None]:
    """Return what tells how the run of this thread gets on, and ends it when nobody listens any more."""
    key, told = worker.get_current_task(), 0.0

    def advance(share: float) -> None:
        nonlocal told
        # The driver, or the scheduler, may be gone, or the worker be told to close: threads cannot be interrupted.
        task = worker.state.tasks.get(key)
        if task is None or task.state == "cancelled" or worker.status in CLOSING:
            raise _Stopped
        if monotonic() - told > TELL_SECONDS:
            worker.log_event(topic, [key, share])
            told = monotonic()

    return advance
