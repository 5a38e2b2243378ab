"""What a proxy must hold to: a number for each network, the same each time, that tells some networks apart."""

from collections.abc import Callable

import numpy as np
import torch

from supernet_bench.benchmark.plugins.contracts import Mistake
from supernet_bench.benchmark.proxies.compute import is_score
from supernet_bench.benchmark.proxies.networks import Networks
from supernet_bench.core.streams import stream
from supernet_bench.proxies.base import Batch, Proxy
from supernet_bench.testing.runs import CELLS, small_run

IMAGES, CHANNELS, CLASSES, SIDE = 8, 1, 10, 8


def small_networks() -> Networks:
    """Return small networks of a space with cells that give zero and cells that are large."""
    return Networks(small_run(space=CELLS).space, CHANNELS, CLASSES, seed=0)


def made_up_batch() -> Batch:
    """Return images of noise."""
    generator = torch.Generator().manual_seed(0)
    images = torch.randn(IMAGES, CHANNELS, SIDE, SIDE, generator=generator)
    return Batch(images, torch.arange(IMAGES) % CLASSES)


def sample(networks: Networks) -> list[int]:
    """Return numbers of architectures: without any operation, with all the same, and some at random."""
    space = networks.space
    same = [space.index((choice,) * len(space.choices)) for choice in range(min(space.choices))]
    return same + np.random.default_rng(0).choice(space.size, size=4, replace=False).tolist()


def score(proxy: Proxy, index: int, batch: Batch) -> object:
    """Return what a proxy gives for an architecture."""
    return proxy.score(small_networks().build(index), batch, stream(0, f"proxy {proxy.name}", index))


def check_numbers(proxy: Proxy) -> None:
    """Look whether every network has a number, or minus infinity, and not all the same."""
    found = {index: score(proxy, index, made_up_batch()) for index in sample(small_networks())}
    for index, value in found.items():
        if not is_score(value):
            raise Mistake("score", f"gives {value!r} for architecture {index}; allowed: a number, or minus infinity")
    if len(set(found.values())) == 1:
        raise Mistake("score", "gives all networks the same; allowed: numbers that rank them")


def check_repeats(proxy: Proxy) -> None:
    """Look whether the same network has the same score again, whatever else was drawn meanwhile."""
    for index in sample(small_networks())[-2:]:
        first = score(proxy, index, made_up_batch())
        torch.rand(3), np.random.rand(3)  # noqa: NPY002  # The generators that all code shares.
        if score(proxy, index, made_up_batch()) != first:
            raise Mistake("score", "differs for the same network; allowed: random numbers from the generator given")


def check_leaves_batch(proxy: Proxy) -> None:
    """Look whether the batch, which the next network is scored with, stays as it is."""
    batch, before = made_up_batch(), made_up_batch()
    score(proxy, sample(small_networks())[-1], batch)
    same = torch.equal(batch.images, before.images) and torch.equal(batch.labels, before.labels)
    if not same or batch.images.requires_grad:
        raise Mistake("score", "changes the batch; allowed: a copy, such as batch.images.clone()")


OF_PROXIES: tuple[Callable[[Proxy], None], ...] = (check_numbers, check_repeats, check_leaves_batch)
