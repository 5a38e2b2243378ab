"""Any graph by PyTorch's own operations: what runs where no other engine does, and what others are compared with."""

from functools import reduce

import torch
from torch import Tensor
from torch.nn import functional

from supernet_bench.engines.base import Engine
from supernet_bench.engines.graph import IMAGES, Branch, Graph, Shape, Sum
from supernet_bench.engines.pooling import mean_of_neighbours


class ReferenceEngine(Engine):
    """Runs every layer of a graph in its order, on any device and in any type, whether the result depends on it or not.

    So hooks see all that there is, PyTorch's own hooks on layers included.
    """

    def accepts(self, graph: Graph, images: Tensor) -> bool:
        """Return True."""
        return True

    def run(self, graph: Graph, images: Tensor) -> Tensor:
        """Run a graph; see `Engine.run`."""
        features = functional.relu(last_map(graph, images))
        return features.to(graph.weight.dtype).mean((2, 3))


def last_map(graph: Graph, images: Tensor) -> Tensor:
    """Return the last map of a graph as it is, [batch, channels, height, width]."""
    maps = _Maps(images)
    last_use = {branch.source: number for number, total in enumerate(graph.sums) for branch in total.branches}
    last_use[graph.last] = len(graph.sums)
    for number, total in enumerate(graph.sums):
        if total.branches:
            maps.keep(number, _total(total, maps))
        elif number != IMAGES and number in last_use:
            maps.keep(number, maps.zeros(total.shape))
        for used in (number, *(branch.source for branch in total.branches)):
            if last_use.get(used, number) <= number:
                maps.forget(used)
    return maps.plain(graph.last)


class _Maps:
    """The maps that are still needed."""

    def __init__(self, images: Tensor) -> None:
        self._plain = {IMAGES: images}
        self._rectified: dict[int, Tensor] = {}
        self._newest = images

    def plain(self, number: int) -> Tensor:
        """Return a map as it is."""
        return self._plain[number]

    def rectified(self, number: int) -> Tensor:
        """Return a map with zero in the place of negative values."""
        if number not in self._rectified:
            self._rectified[number] = functional.relu(self._plain[number])
        return self._rectified[number]

    def zeros(self, shape: Shape) -> Tensor:
        """Return zeros in the type and the layout of the newest map."""
        newest = self._newest
        last = newest.is_contiguous(memory_format=torch.channels_last) and not newest.is_contiguous()
        layout = torch.channels_last if last else torch.contiguous_format
        return newest.new_zeros(len(newest), *shape).contiguous(memory_format=layout)

    def keep(self, number: int, features: Tensor) -> None:
        """Add a map."""
        self._plain[number] = self._newest = features

    def forget(self, number: int) -> None:
        """Drop a map that is read no more."""
        self._plain.pop(number, None)
        self._rectified.pop(number, None)


def _output(branch: Branch, maps: _Maps) -> Tensor:
    features = maps.rectified(branch.source) if branch.rectified else maps.plain(branch.source)
    if branch.averaged == 3:
        features = mean_of_neighbours(features)
    elif branch.averaged == 2:
        features = functional.avg_pool2d(features, 2, ceil_mode=True)
    if branch.conv is not None:
        features = branch.conv(features)
    if branch.norm is not None:
        features = branch.norm(features)
    return features if branch.hook is None else branch.hook(features)


def _total(total: Sum, maps: _Maps) -> Tensor:
    outputs = (_output(branch, maps) for branch in total.branches)
    if total.over > 1:
        return torch.stack(list(outputs)).sum(0) / total.over
    # Each output is added before the next is computed: the order decides in which gradients are added, and so on bits.
    return reduce(torch.add, outputs)
