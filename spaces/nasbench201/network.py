"""The networks of NAS-Bench-201: three stages of equal cells with residual blocks between them."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from typing import Any

import numpy as np
from torch import Tensor, nn

from supernet_bench.engines.choice import run, run_many
from supernet_bench.engines.graph import IMAGES, Branch, Graph, Shape
from supernet_bench.spaces._layers import (
    Conv2d,
    ConvNorm,
    classify_pooled,
    conv_cost,
    conv_norm_cost,
    linear_cost,
    norm_cost,
)
from supernet_bench.spaces.base import NO_HOOKS, Architecture, Construction, Hooks, OperationHook, Supernet
from supernet_bench.spaces.nasbench201.cell import EDGES, KERNELS, OPERATIONS, Cell
from supernet_bench.spaces.nasbench201.liveness import canonical

STAGES = 3


class ResidualBlock(nn.Module):
    """Doubles the channels and halves height and width.

    Parameters
    ----------
    channels : int
        Of the input.
    norm : callable
        Makes a normalisation layer.
    """

    def __init__(self, channels: int, norm: Callable[[int], nn.Module]) -> None:
        super().__init__()
        self.conv_a = ConvNorm(channels, 2 * channels, 3, norm, stride=2)
        self.conv_b = ConvNorm(2 * channels, 2 * channels, 3, norm)
        self.shortcut = Conv2d(channels, 2 * channels, 1, bias=False)

    def extend(self, graph: Graph, source: int, shape: Shape) -> tuple[int, Shape]:
        """Add this block to a graph, and return the number and the shape of its output."""
        halved = shape.halved()  # Rounding up admits odd sizes; the published ones are even.
        out = Shape(2 * shape.channels, halved.height, halved.width)
        inner = graph.add(out, [self.conv_a.branch(source, rectified=True)])
        pooled = graph.add(halved, [Branch(source, averaged=2)])
        return graph.add(out, [self.conv_b.branch(inner, rectified=True), Branch(pooled, self.shortcut)]), out


class CellNetwork(nn.Module):
    """The macro skeleton, with the weights of some operations on each edge of its cells.

    What lies outside cells has no predecessors to choose from: stem, residual blocks and the last norm have one norm
    each, whatever the construction.

    Parameters
    ----------
    width : int
        Channels of the first stage; each later stage has twice as many.
    cells : int
        Cells per stage.
    candidates : sequence of sequence of str
        For each edge of a cell, the operations that may be run.
    in_channels, classes : int
        Channels of the images and number of labels.
    construction : Construction
        How layers are built.
    """

    def __init__(
        self,
        width: int,
        cells: int,
        candidates: Sequence[Sequence[str]],
        in_channels: int,
        classes: int,
        construction: Construction,
    ) -> None:
        super().__init__()
        norm = construction.norm
        total = STAGES * cells
        last = width * 2 ** (STAGES - 1)
        self.cells_per_stage = cells
        self.stem = ConvNorm(in_channels, width, 3, norm)
        self.cells = nn.ModuleList(
            Cell(width * 2 ** (cell // cells), (cell + 1) / total, candidates, construction) for cell in range(total)
        )
        self.reductions = nn.ModuleList(ResidualBlock(width * 2**stage, norm) for stage in range(STAGES - 1))
        self.norm = norm(last)
        self.classifier = nn.Linear(last, classes)

    def path(self, images: Tensor, architecture: Architecture, hooks: Hooks = NO_HOOKS) -> Tensor:
        """Return the logits of one architecture, whose operations must be candidates, [batch, classes]."""
        pooled = run(self.graph(Shape(*images.shape[1:]), architecture, hooks.operation), images)
        return classify_pooled(self.classifier, pooled, hooks.features)

    def graph(self, images: Shape, architecture: Architecture, on_operation: OperationHook | None = None) -> Graph:
        """Return the path of one architecture up to the classifier, for images of a shape."""
        graph = Graph(images, hooked=on_operation is not None)
        shape = images._replace(channels=self.stem.conv.out_channels)
        features = graph.add(shape, [self.stem.branch(IMAGES)])
        cells: Iterable[Any] = self.cells
        reductions: Iterator[Any] = iter(self.reductions)
        for number, cell in enumerate(cells):
            if number > 0 and number % self.cells_per_stage == 0:
                features, shape = next(reductions).extend(graph, features, shape)
            features = cell.extend(graph, features, shape, architecture, on_operation)
            if number == 0:
                graph.common = graph.last
        graph.add(shape, [Branch(features, norm=self.norm)])
        return graph


class CellSupernet(CellNetwork, Supernet):
    """The skeleton with every operation on every edge; the same architecture is run in all cells."""

    def __init__(self, width: int, cells: int, in_channels: int, classes: int, construction: Construction) -> None:
        super().__init__(width, cells, [OPERATIONS] * len(EDGES), in_channels, classes, construction)
        self._norm_per_input = construction.norm_per_input

    def forward(self, images: Tensor, architecture: Architecture, hooks: Hooks = NO_HOOKS) -> Tensor:
        """Return the logits of one path, [batch, classes].

        The hook on operations sees the convolutions and poolings of the cells, not those of the skeleton, and not the
        pooling of a node that is zero. Depth is the number of the cell, from 1, over the number of cells.
        """
        return self.path(images, architecture, hooks)

    def all_logits(self, images: Tensor, architectures: Sequence[Architecture]) -> Iterator[tuple[list[int], Tensor]]:
        """Run cells that are computed alike once; see `Supernet.all_logits`."""
        alike = defaultdict(list)
        # Cells whose nodes have other active predecessors have other norms, even if they do the same otherwise.
        representatives = architectures if self._norm_per_input else canonical(np.array(architectures)).tolist()
        for position, representative in enumerate(representatives):
            alike[tuple(representative)].append(position)
        distinct = sorted(alike)  # Neighbours begin alike.
        graphs = [partial(self.graph, Shape(*images.shape[1:]), architecture) for architecture in distinct]
        costs = [1 + sum(OPERATIONS[choice] in KERNELS for choice in architecture) for architecture in distinct]
        for number, logits in run_many(graphs, costs, images, partial(classify_pooled, self.classifier)):
            yield alike[distinct[number]], logits


class StandaloneNetwork(CellNetwork):
    """The published network of one architecture."""

    def __init__(
        self,
        architecture: Architecture,
        width: int,
        cells: int,
        in_channels: int,
        classes: int,
        construction: Construction,
    ) -> None:
        candidates = [(OPERATIONS[choice],) for choice in architecture]
        super().__init__(width, cells, candidates, in_channels, classes, construction)
        self.architecture = architecture

    def forward(self, images: Tensor) -> Tensor:
        """Return logits, [batch, classes]."""
        return self.path(images, self.architecture)


def stages(width: int, resolution: int) -> list[tuple[int, int]]:
    """Return (channels, height) of every stage."""
    return [(width * 2**stage, -(-resolution // 2**stage)) for stage in range(STAGES)]


def skeleton_cost(width: int, in_channels: int, classes: int, resolution: int) -> np.ndarray:
    """Return (parameters, MACs) of everything outside the cells, int64 [2]."""
    last = width * 2 ** (STAGES - 1)
    cost = conv_norm_cost(in_channels, width, 3, resolution) + norm_cost(last) + linear_cost(last, classes)
    for channels, side in stages(width, resolution)[1:]:
        cost += conv_norm_cost(channels // 2, channels, 3, side) + conv_norm_cost(channels, channels, 3, side)
        cost += conv_cost(channels // 2, channels, 1, side)
    return cost


def operation_costs(width: int, cells: int, resolution: int) -> np.ndarray:
    """Return (parameters, MACs) of each operation on one edge, over all cells, int64 [5, 2]."""
    cost = np.zeros((len(OPERATIONS), 2), dtype=np.int64)
    for channels, side in stages(width, resolution):
        for name, kernel in KERNELS.items():
            cost[OPERATIONS.index(name)] += cells * conv_norm_cost(channels, channels, kernel, side)
    return cost
