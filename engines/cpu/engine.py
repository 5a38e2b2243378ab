"""Graphs on processors, by compiled loops."""

from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise

import numpy as np
import torch
from torch import Tensor, nn

from supernet_bench.engines.base import Engine
from supernet_bench.engines.cpu import maps, passes
from supernet_bench.engines.cpu.memory import Memory
from supernet_bench.engines.cpu.threads import in_threads
from supernet_bench.engines.graph import IMAGES, Graph, Sum

WALK_MAPS, WALKS_BYTES = 40, 1 << 30
"""Maps as large as the first that a walk through many graphs needs at most, about, and what all walks may take."""


class CpuEngine(Engine):
    """Runs what the compiled loops know: one kind of norm, no hooks, no means, and channels that fill vectors."""

    def accepts(self, graph: Graph, images: Tensor) -> bool:
        """Return whether the loops are there and know all that is in a graph."""
        if graph.hooked or not maps.usable(images):
            return False
        weight, with_gradient = graph.weight, torch.is_grad_enabled()
        return (
            not (with_gradient and images.requires_grad)
            and weight.device.type == "cpu"
            and weight.dtype == torch.float32
            and weight.shape[1] == images.shape[1]
            and all(_is_known(total, with_gradient) for total in graph.sums[IMAGES + 1 :])
        )

    def run(self, graph: Graph, images: Tensor) -> Tensor:
        """Run a graph; see `Engine.run`."""
        return passes.run(graph, images)

    def run_many(
        self,
        graphs: Sequence[Callable[[], Graph]],
        costs: Sequence[int],
        images: Tensor,
        head: Callable[[Tensor], Tensor],
    ) -> Iterator[tuple[int, Tensor]]:
        """Run what neighbours have in common once, and as many graphs at a time as there are threads."""

        def walk(positions: range) -> Iterator[tuple[int, Tensor]]:
            memory = Memory()
            for position in positions:
                yield position, head(passes.run(graphs[position](), images, memory))

        at_once = walks_at_once(graphs[0](), images)
        yield from in_threads([walk(positions) for positions in parts(costs, at_once)])


def walks_at_once(graph: Graph, images: Tensor) -> int:
    """Return how many walks there are threads and memory for, at least 1."""
    channels, height, width = graph.sums[IMAGES + 1].shape
    map_bytes = len(images) * channels * height * width * images.itemsize
    return max(1, min(torch.get_num_threads(), WALKS_BYTES // (WALK_MAPS * map_bytes)))


def parts(costs: Sequence[int], count: int) -> list[range]:
    """Cut a sequence into at most so many parts that cost about the same, none of them empty."""
    work = np.cumsum(costs)
    cuts = np.searchsorted(work, work[-1] * np.arange(1, count) / count) + 1
    bounds = sorted({0, *cuts.tolist(), len(costs)})
    return [range(start, end) for start, end in pairwise(bounds)]


def _is_known(total: Sum, with_gradient: bool) -> bool:
    return (
        total.over == 1
        and total.shape.channels % maps.LANES == 0
        and all(_is_known_norm(branch.norm, with_gradient) for branch in total.branches)
    )


def _is_known_norm(norm: nn.Module | None, with_gradient: bool) -> bool:
    """Return whether a norm is known; there is no gradient through one with fixed statistics."""
    return norm is None or (
        type(norm) is nn.BatchNorm2d and (not with_gradient or norm.training or not norm.track_running_stats)
    )
