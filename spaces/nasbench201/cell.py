"""The cell of NAS-Bench-201: a directed graph of four nodes with one operation per edge."""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

from spaces.base import ALL, Architecture, OperationHook
from spaces.kernels.graph import Branch, Graph, Shape
from spaces.layers import ConvNorm

EDGES = ((0, 1), (0, 2), (1, 2), (0, 3), (1, 3), (2, 3))
"""(source, target) of each edge, in the order of the published string: sources are complete when read."""

NODES = 4

OPERATIONS = ("none", "skip_connect", "nor_conv_1x1", "nor_conv_3x3", "avg_pool_3x3")

CHOICES = (len(OPERATIONS),) * len(EDGES)
"""Number of operations of each edge."""

KERNELS = {"nor_conv_1x1": 1, "nor_conv_3x3": 3}
"""Kernel sizes of the operations that have weights."""


class Cell(nn.Module):
    """One cell, with the weights of some operations on each edge.

    Parameters
    ----------
    channels : int
        Of every node.
    depth : float
        Relative depth of the cell in its network, in (0, 1].
    candidates : sequence of sequence of str
        For each edge, the operations that may be run.
    norm : callable
        Makes a normalisation layer.
    """

    def __init__(
        self,
        channels: int,
        depth: float,
        candidates: Sequence[Sequence[str]],
        norm: Callable[[int], nn.Module],
    ) -> None:
        super().__init__()
        self.depth = depth
        self.edges = nn.ModuleList(
            nn.ModuleDict(
                {name: ConvNorm(channels, channels, KERNELS[name], norm) for name in operations if name in KERNELS}
            )
            for operations in candidates
        )

    def forward(self, inputs: Tensor, architecture: Architecture, on_operation: OperationHook | None = None) -> Tensor:
        """Return the last node, [batch, channels, height, width]."""
        nodes: list[Tensor | None] = [inputs, None, None, None]  # None is a node of zeros
        rectified: dict[int, Tensor] = {}
        for edge, choice, (source, target) in zip(self.edges, architecture, EDGES, strict=True):
            choices = range(len(OPERATIONS)) if choice == ALL else (choice,)
            outputs = []
            for operation in (OPERATIONS[each] for each in choices):
                if operation in KERNELS and source not in rectified:
                    # The norm after a convolution of zeros still adds its bias: such an edge is not zero.
                    node = nodes[source]
                    rectified[source] = torch.zeros_like(inputs) if node is None else functional.relu(node)
                output = _operate(edge, operation, nodes[source], rectified.get(source))
                if output is not None:
                    if on_operation is not None and operation != "skip_connect":
                        output = on_operation(output, self.depth)
                    outputs.append(output)
            if outputs:
                combined = outputs[0] if len(choices) == 1 else torch.stack(outputs).sum(0) / len(choices)
                total = nodes[target]
                nodes[target] = combined if total is None else total + combined
        last = nodes[-1]
        return torch.zeros_like(inputs) if last is None else last

    def extend(self, graph: Graph, source: int, shape: Shape, architecture: Architecture) -> int:
        """Add the path of one architecture to a graph, and return the number of its last node."""
        nodes = [source]
        for target in range(1, NODES):
            branches = [
                _branch(edge, OPERATIONS[choice], nodes[start])
                for edge, choice, (start, end) in zip(self.edges, architecture, EDGES, strict=True)
                if end == target and OPERATIONS[choice] != "none"
            ]
            nodes.append(graph.add(shape, branches))
        return nodes[-1]


def _operate(edge: nn.Module, operation: str, node: Tensor | None, rectified: Tensor | None) -> Tensor | None:
    """Return the output of one operation; zeros are None."""
    if operation in KERNELS:
        return getattr(edge, operation)(rectified)
    if operation == "none" or node is None:
        return None
    if operation == "avg_pool_3x3":
        return functional.avg_pool2d(node, 3, stride=1, padding=1, count_include_pad=False)
    return node


def _branch(edge: nn.Module, operation: str, source: int) -> Branch:
    if operation in KERNELS:
        return getattr(edge, operation).branch(source, rectified=True)
    return Branch(source, averaged=3 if operation == "avg_pool_3x3" else 0)
