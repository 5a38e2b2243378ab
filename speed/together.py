"""Steps per second of all runs together, as a study executes them: one process per core, one thread each."""

import multiprocessing
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection
from time import perf_counter
from typing import Any

import numpy as np
import torch

from speed.contenders import Other, Ours, Xautodl
from speed.fidelities import FIDELITIES, SCORED_IMAGES, draw, whole
from supernet_bench.spaces.base import Architecture

ROUNDS = 5


@dataclass(frozen=True)
class Together:
    """Steps per second, the median over rounds, and how many times those of xautodl ours makes.

    Attributes
    ----------
    processes : int
        With one thread each.
    ours, xautodl : float
        Of all processes together.
    xautodl_alone : float
        Of one process with as many threads as there are processes.
    ratio : float
        Median of ours over `xautodl_alone`, round by round.
    ratio_concurrent : float
        Median of ours over `xautodl`, round by round.
    """

    processes: int
    ours: float
    xautodl: float
    xautodl_alone: float
    ratio: float
    ratio_concurrent: float


def measure_together(
    fidelity: str, heuristics: Mapping[str, Mapping[str, Any]], alone: Other, processes: int, steps: int
) -> Together:
    """Have `processes` processes make blocks of `steps` steps at once, ours and xautodl in turn, on the CPU.

    `alone` is xautodl in this process, which makes as many steps in each round while the others wait.
    """
    architectures = draw(whole(FIDELITIES[fidelity].space), ROUNDS * steps, "steps together")
    context = multiprocessing.get_context("spawn")
    workers = []
    try:
        for _ in range(processes):
            here, there = context.Pipe()
            process = context.Process(target=_work, args=(fidelity, dict(heuristics), there), daemon=True)
            process.start()
            there.close()
            workers.append((process, here))
        pipes = [pipe for _, pipe in workers]
        for name in ("ours", "xautodl"):
            _block(pipes, name, architectures[:3])
        rates = np.array(
            [_round(pipes, alone, architectures[turn * steps : (turn + 1) * steps]) for turn in range(ROUNDS)]
        )
    finally:
        for process, pipe in workers:
            pipe.close()  # A worker ends when nobody is left to ask it.
            process.join()
    ours, xautodl, xautodl_alone = np.median(rates, axis=0).tolist()
    return Together(
        processes=processes,
        ours=ours,
        xautodl=xautodl,
        xautodl_alone=xautodl_alone,
        ratio=float(np.median(rates[:, 0] / rates[:, 2])),
        ratio_concurrent=float(np.median(rates[:, 0] / rates[:, 1])),
    )


def _round(pipes: Sequence[Connection], alone: Other, architectures: Sequence[Architecture]) -> tuple[float, ...]:
    """Return the steps per second of ours and of xautodl in all processes, and of xautodl in this one."""
    together = [len(pipes) * len(architectures) / _block(pipes, name, architectures) for name in ("ours", "xautodl")]
    started = perf_counter()
    for architecture in architectures:
        alone.train(architecture)
    return (*together, len(architectures) / (perf_counter() - started))


def _block(pipes: Sequence[Connection], name: str, architectures: Sequence[Architecture]) -> float:
    """Have all processes make a step per architecture; return the seconds until the last is done."""
    started = perf_counter()
    for pipe in pipes:
        pipe.send((name, list(architectures)))
    for pipe in pipes:
        pipe.recv()
    return perf_counter() - started


def _work(fidelity_name: str, heuristics: Mapping[str, Mapping[str, Any]], pipe: Connection) -> None:
    torch.set_num_threads(1)
    fidelity, device = FIDELITIES[fidelity_name], torch.device("cpu")
    data = fidelity.pictures(fidelity.batch_size, SCORED_IMAGES)
    contenders: dict[str, Ours | Other] = {
        "ours": Ours(fidelity, data, device, heuristics),
        "xautodl": Xautodl(fidelity, data, device),
    }
    while True:
        try:
            name, architectures = pipe.recv()
        except EOFError:
            return
        for architecture in architectures:
            contenders[name].train(architecture)
        pipe.send(None)
