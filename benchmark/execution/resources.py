"""What a study may use of machines: devices, places for runs, and threads."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import cycle, islice
from pathlib import Path

import torch

from supernet_bench.benchmark.execution.environment import find_device
from supernet_bench.benchmark.execution.worker import Execution
from supernet_bench.benchmark.plugins.registry import files_in_use
from supernet_bench.core.errors import InputError
from supernet_bench.core.processors import cores
from supernet_bench.core.settings import MOST_AT_ONCE


@dataclass(frozen=True, kw_only=True)
class Resources:
    """What a study may use.

    Attributes
    ----------
    store : Path
    data : Path or None
        Where the user keeps images and tables.
    device : str
    jobs, threads : int or None
        Runs at once and threads of each; None shares the cores evenly.
    executor : str
        Name of what executes the runs.
    runs_per_gpu : int or None
        Runs at once on each GPU, instead of `jobs`; None is one.
    scheduler : str or None
        Address of an existing dask scheduler.
    slurm : tuple of str
        What Slurm is asked for, each as ``KEY=VALUE``.
    """

    store: Path
    data: Path | None = None
    device: str = "auto"
    jobs: int | None = None
    threads: int | None = None
    executor: str = "local"
    runs_per_gpu: int | None = None
    scheduler: str | None = None
    slurm: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Refuse numbers that no machine has."""
        for option, value in (("jobs", self.jobs), ("threads", self.threads), ("runs-per-gpu", self.runs_per_gpu)):
            if value is not None and not 1 <= value <= MOST_AT_ONCE:
                raise InputError(f"{option} is {value}; allowed: a whole number from 1 to {MOST_AT_ONCE}")

    def check(self) -> None:
        """Refuse options that do not fit each other."""
        for option, value, executor in (("scheduler", self.scheduler, "dask"), ("slurm", self.slurm, "slurm")):
            if value and self.executor != executor:
                raise InputError(
                    f"{option} is given with executor {self.executor!r}; allowed: with executor {executor!r}"
                )
        if self.jobs is not None and self.runs_per_gpu is not None:
            raise InputError(f"runs-per-gpu is {self.runs_per_gpu} and jobs is {self.jobs}; allowed: one of them")

    @property
    def elsewhere(self) -> bool:
        """Whether runs are executed on other machines, whose devices this one need not have."""
        return self.executor == "slurm" or self.scheduler is not None

    def execution(self, threads: int) -> Execution:
        """Return how a run with that many threads is executed."""
        return Execution(self.store, self.data, self.device, threads, plugins=files_in_use())

    def places(self, runs: int) -> tuple[str, ...]:
        """Return the device of each of the runs that this machine executes at once.

        Parameters
        ----------
        runs : int
            Those of the whole study, not only what is left of it: the number of places decides on threads, which may
            change the last bits of a result.
        """
        device = find_device(self.device)
        if device.type == "cpu":
            if self.runs_per_gpu is not None:
                raise InputError(f"runs-per-gpu is {self.runs_per_gpu}; allowed with a GPU only, and the device is cpu")
            return _share(["cpu"], self.jobs or max(1, min(cores(), runs)))
        if device.index is not None:
            gpus = [str(device)]
        else:
            gpus = [f"cuda:{index}" for index in range(torch.cuda.device_count())]
        return _share(gpus, self.jobs or len(gpus) * (self.runs_per_gpu or 1))

    def threads_for(self, places: int) -> int:
        """Return the threads of each of `places` runs at once on this machine."""
        return self.threads or max(1, cores() // places)


def _share(devices: Sequence[str], count: int) -> tuple[str, ...]:
    """Return the device of each of `count` places for a run, so that neighbours are on different devices."""
    return tuple(islice(cycle(devices), count))
