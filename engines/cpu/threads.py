"""Several walks through a space at once, each on one thread."""

from collections.abc import Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait
from itertools import islice
from typing import TypeVar

import torch

T = TypeVar("T")

CHUNK = 16
"""Items that a walk goes ahead of who reads them."""


def in_threads(walks: Sequence[Iterator[T]]) -> Iterator[T]:
    """Yield what some iterators without autograd yield, each run by a thread of its own, in an order of chance.

    Kernels let others run meanwhile, and threads that each do all of a small operation lose less time than threads
    that share it. A single iterator is left to the caller's thread.
    """
    if len(walks) == 1:
        yield from walks[0]
        return
    before = torch.get_num_threads()
    try:
        with ThreadPoolExecutor(len(walks), initializer=torch.set_num_threads, initargs=(1,)) as pool:
            pending = {pool.submit(_next_chunk, walk): walk for walk in walks}
            while pending:
                for future in wait(pending, return_when=FIRST_COMPLETED).done:
                    walk = pending.pop(future)
                    if chunk := future.result():
                        pending[pool.submit(_next_chunk, walk)] = walk
                        yield from chunk
    finally:
        torch.set_num_threads(before)


@torch.no_grad()
def _next_chunk(walk: Iterator[T]) -> list[T]:
    return list(islice(walk, CHUNK))
