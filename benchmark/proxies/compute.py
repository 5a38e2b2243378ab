"""Scoring many networks by a proxy, in as many processes as there are cores."""

import math
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import torch

from supernet_bench.benchmark.execution import process_context
from supernet_bench.benchmark.plugins.plugin_file import PluginFile
from supernet_bench.benchmark.plugins.registry import files_in_use, find, proxy_types, space_types, use_files
from supernet_bench.benchmark.proxies.networks import Networks
from supernet_bench.core.errors import InputError, in_one_line
from supernet_bench.core.settings import build, values_of
from supernet_bench.core.streams import stream
from supernet_bench.proxies.base import Batch, Proxy

CHUNK = 25
"""Networks that a process is sent at once: a second or so of work, which is lost where it is interrupted."""

WORTH_PROCESSES = 300
"""Networks from which on it pays to start processes."""


@dataclass(frozen=True)
class Job:
    """Networks to score, and with what.

    Attributes
    ----------
    proxy : Proxy
    networks : Networks
    batch : Batch
        On the processor.
    device : torch.device
    """

    proxy: Proxy
    networks: Networks
    batch: Batch
    device: torch.device = field(default=torch.device("cpu"))

    def score(self, indices: Sequence[int]) -> dict[int, float]:
        """Score architectures one after the other; see `Proxy.score`.

        Raises
        ------
        InputError
            If the proxy gives what is no score, or fails.
        """
        batch = Batch(self.batch.images.to(self.device), self.batch.labels.to(self.device))
        return {index: self._score(index, batch) for index in indices}

    def _score(self, index: int, batch: Batch) -> float:
        name, seed = self.proxy.name, self.networks.seed
        network = self.networks.build(index, self.device)
        try:
            score = self.proxy.score(network, batch, stream(seed, f"proxy {name}", index))
        except InputError:
            raise
        except Exception as error:  # What a proxy does is not specified.
            raise InputError(f"proxy {name!r} fails at architecture {index}: {in_one_line(error)}") from error
        if not is_score(score):
            raise InputError(
                f"proxy {name!r} gives {score!r} for architecture {index}; allowed: a number, or minus infinity for a "
                "network that is worse than all others"
            )
        return float(score)


def is_score(value: object) -> bool:
    """Return whether a value is what a proxy may give: a number, or minus infinity."""
    return isinstance(value, int | float) and not math.isnan(value) and value != math.inf


def score_all(job: Job, indices: Sequence[int], processes: int) -> Iterator[dict[int, float]]:
    """Yield scores of architectures by and by, in no order.

    Parameters
    ----------
    job : Job
    indices : sequence of int
        Architectures, each once.
    processes : int
        At most so many, of one thread each; on a GPU, and for few networks, this process does it all.

    Raises
    ------
    InputError
        As `Job.score`, and if a process dies.
    """
    chunks = [indices[start : start + CHUNK] for start in range(0, len(indices), CHUNK)]
    if processes < 2 or len(indices) < WORTH_PROCESSES or job.device.type != "cpu":
        with _one_thread():
            yield from map(job.score, chunks)
        return
    pool = ProcessPoolExecutor(processes, process_context(), _begin, (_as_tables(job), files_in_use()))
    try:
        waiting: set[Future[dict[int, float]]] = {pool.submit(_score, chunk) for chunk in chunks}
        while waiting:
            done, waiting = wait(waiting, return_when=FIRST_COMPLETED)
            for each in done:
                yield each.result()
    except BrokenProcessPool:
        raise InputError(
            f"proxy {job.proxy.name!r}: a process that computes it died, of memory perhaps; allowed: to try again, "
            "with fewer jobs"
        ) from None
    finally:
        pool.shutdown(cancel_futures=True)


@contextmanager
def _one_thread() -> Iterator[None]:
    """Have PyTorch use one thread: maps are small, and the last bits do not depend on how many cores there are."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def _as_tables(job: Job) -> dict[str, Any]:
    """Return a job without classes, which another process has only once it has read the user's files."""
    networks = job.networks
    return {
        "proxy": {"name": job.proxy.name, **values_of(job.proxy)},
        "space": {"name": networks.space.name, **values_of(networks.space)},
        "networks": (networks.channels, networks.classes, networks.seed),
        "batch": (job.batch.images.numpy(), job.batch.labels.numpy()),
    }


_job: Job | None = None
"""Of a process of the pool."""


def _begin(tables: Mapping[str, Any], files: tuple[PluginFile, ...]) -> None:
    global _job
    torch.set_num_threads(1)
    use_files(files)
    images, labels = map(torch.from_numpy, tables["batch"])
    networks = Networks(made("space", tables["space"], space_types()), *tables["networks"])
    _job = Job(made("proxy", tables["proxy"], proxy_types()), networks, Batch(images, labels))


def _score(indices: Sequence[int]) -> dict[int, float]:
    assert _job is not None
    return _job.score(indices)


def made(kind: str, table: Mapping[str, Any], types: dict[str, Any]) -> Any:
    """Return the plug-in with a name and settings."""
    values = dict(table)
    return build(find(kind, values.pop("name"), types), values, kind)
