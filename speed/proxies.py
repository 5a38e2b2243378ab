"""How long proxies take for a whole space, on all cores, at the size of the studies for laptops."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from time import perf_counter

import numpy as np
import torch

from supernet_bench.benchmark.plugins.registry import proxy_types
from supernet_bench.benchmark.proxies.compute import CHUNK, WORTH_PROCESSES, Job, score_all
from supernet_bench.benchmark.proxies.networks import Networks
from supernet_bench.benchmark.study.study import PROXY_IMAGES, load_study
from supernet_bench.core.settings import values_of
from supernet_bench.proxies.base import Batch

STUDY = "catalogue-cifar10"
"""Whose networks are timed, with images of noise of its size."""

CHANNELS, CLASSES = 3, 10

ALLOWED_MINUTES = 10.0
"""For all of NAS-Bench-201."""


@dataclass(frozen=True)
class ProxyTime:
    """What a proxy takes.

    Attributes
    ----------
    name : str
    timed : int
        Networks, at random, each built and scored.
    seconds : float
        For these, on all processes.
    space : int
        Networks of the whole space.
    """

    name: str
    timed: int
    seconds: float
    space: int

    @property
    def minutes(self) -> float:
        """For the whole space, as many times as long as for those that were timed."""
        return self.seconds / self.timed * self.space / 60

    def __str__(self) -> str:
        within = "within" if self.minutes <= ALLOWED_MINUTES else "more than"
        return (
            f"{self.name:12} {1000 * self.seconds / self.timed:6.1f} ms a network, {self.minutes:5.1f} min for all "
            f"{self.space:,}: {within} {ALLOWED_MINUTES:.0f}"
        )


def measure_proxies(processes: int, networks: int = 2 * WORTH_PROCESSES) -> Iterator[ProxyTime]:
    """Yield what each proxy takes, on a random sample of networks; each process is warm before.

    Parameters
    ----------
    processes : int
        At most so many at once.
    networks : int
        How many are timed.
    """
    setup = load_study(STUDY).baseline.revised()
    space, pixels = setup.space, values_of(setup.images)["resolution"]
    generator = torch.Generator().manual_seed(0)
    images = torch.randn(PROXY_IMAGES, CHANNELS, pixels, pixels, generator=generator)
    batch = Batch(images, torch.arange(PROXY_IMAGES) % CLASSES)
    sample = np.random.default_rng(0).choice(space.size, size=networks, replace=False).tolist()
    for name, kind in proxy_types().items():
        job = Job(kind(), Networks(space, CHANNELS, CLASSES, seed=0), batch)
        yield ProxyTime(name, *_timed(job, sample, processes), space.size)


def _timed(job: Job, sample: Sequence[int], processes: int) -> tuple[int, float]:
    """Return how many networks were timed and how long they took; the first that each process scores are not timed."""
    if len(sample) < WORTH_PROCESSES:  # This process does it all.
        job.score(sample[:1])
    cold = min(CHUNK * processes, len(sample) // 2) if len(sample) >= WORTH_PROCESSES else 0
    done, untimed, begun = 0, 0, perf_counter()
    for more in score_all(job, sample, processes):
        done += len(more)
        if cold and not untimed and done >= cold:
            untimed, begun = done, perf_counter()
    return done - untimed, perf_counter() - begun
