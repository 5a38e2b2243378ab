"""The cell of NAS-Bench-201: a directed graph of four nodes with one operation per edge."""

from collections.abc import Callable, Sequence
from functools import cache
from itertools import product

from torch import Tensor, nn

from supernet_bench.engines.graph import Branch, Graph, Shape
from supernet_bench.spaces._layers import CentreConv2d, Conv2d, NormedConv
from supernet_bench.spaces.base import ALL, Architecture, Construction, OperationHook

EDGES = ((0, 1), (0, 2), (1, 2), (0, 3), (1, 3), (2, 3))
"""(source, target) of each edge, in the order of the published string: sources are complete when read."""

NODES = 4

OPERATIONS = ("none", "skip_connect", "nor_conv_1x1", "nor_conv_3x3", "avg_pool_3x3")

CHOICES = (len(OPERATIONS),) * len(EDGES)
"""Number of operations of each edge."""

KERNELS = {"nor_conv_1x1": 1, "nor_conv_3x3": 3}
"""Kernel sizes of the operations that have weights."""


@cache
def input_configurations(architecture: Architecture) -> tuple[int, ...]:
    """Return the number of the input configuration of each node: of the set of its active predecessors.

    A predecessor is active if the operation on the edge from it adds something to the node: a convolution, or `ALL`,
    always; a skip or a pooling unless the predecessor is itself a node of zeros, which is one, other than the first,
    without active predecessors; `none` never. Numbers of different nodes are different: 0 for the first, which has no
    predecessors, then 1 and 2, then 3 to 6, then 7 to 14.

    Parameters
    ----------
    architecture : Architecture
        The choices of the first edges suffice, up to those into the last node that is asked for.
    """
    active = [0] * NODES
    for choice, (source, target) in zip(architecture, EDGES, strict=False):
        operation = "all" if choice == ALL else OPERATIONS[choice]
        is_zero = source > 0 and not active[source]
        # A convolution of zeros is not zero: the norm behind it adds a bias.
        if operation in ("all", *KERNELS) or (operation != "none" and not is_zero):
            active[target] |= 1 << source
    return tuple((1 << node) - 1 + sources for node, sources in enumerate(active))


def possible_configurations(candidates: Sequence[Sequence[str]]) -> list[tuple[int, ...]]:
    """Return for each node that is a source the input configurations that it has in some cell of these candidates."""
    earlier = [names for names, (_, target) in zip(candidates, EDGES, strict=True) if target < NODES - 1]
    cells = product(*([OPERATIONS.index(name) for name in names] for names in earlier))
    numbers = [input_configurations(cell)[:-1] for cell in cells]
    return [tuple(sorted(set(of_node))) for of_node in zip(*numbers, strict=True)]


class Cell(nn.Module):
    """One cell, with the weights of some operations on each edge.

    Operations that edges share, and kernels that operations do, are found in several places under the same name as
    if they were not shared.

    Parameters
    ----------
    channels : int
        Of every node.
    depth : float
        Relative depth of the cell in its network, in (0, 1].
    candidates : sequence of sequence of str
        For each edge, the operations that may be run.
    construction : Construction
        How layers are built, and which are shared.
    """

    def __init__(
        self,
        channels: int,
        depth: float,
        candidates: Sequence[Sequence[str]],
        construction: Construction,
    ) -> None:
        super().__init__()
        self.depth = depth
        self.edges = _edges(channels, candidates, construction)

    def extend(
        self,
        graph: Graph,
        source: int,
        shape: Shape,
        architecture: Architecture,
        on_operation: OperationHook | None = None,
    ) -> int:
        """Add the path of one architecture to a graph, and return the number of its last node."""
        hook = None if on_operation is None else lambda output: on_operation(output, self.depth)
        configurations = input_configurations(architecture)
        nodes = [source]
        for target in range(1, NODES):
            branches: list[Branch] = []
            for edge, choice, (start, end) in zip(self.edges, architecture, EDGES, strict=True):
                if end == target:
                    names = _active(choice, is_zero=start > 0 and not graph.sums[nodes[start]].branches)
                    chosen = [_branch(edge, name, nodes[start], configurations[start], hook) for name in names]
                    branches = (
                        _added(graph, shape, branches, chosen, choice) if ALL in architecture else [*branches, *chosen]
                    )
            nodes.append(graph.add(shape, branches))
        return nodes[-1]


def _active(choice: int, *, is_zero: bool) -> list[str]:
    """Return which operations of an edge add something to its target, as far as is known without the weights."""
    names = OPERATIONS if choice == ALL else (OPERATIONS[choice],)
    # The norm after a convolution of zeros still adds its bias: such an edge is not zero.
    return [name for name in names if name in KERNELS or (name != "none" and not is_zero)]


def _branch(
    edge: nn.Module, name: str, source: int, configuration: int, hook: Callable[[Tensor], Tensor] | None
) -> Branch:
    """Return an operation of an edge; nothing is done to what a skip passes on."""
    if name in KERNELS:
        branch = getattr(edge, name).branch(source, configuration, rectified=True)
    else:
        branch = Branch(source, averaged=3 if name == "avg_pool_3x3" else 0)
    if name != "skip_connect":
        branch.hook = hook
    return branch


def _added(graph: Graph, shape: Shape, before: list[Branch], edge: list[Branch], choice: int) -> list[Branch]:
    """Return the sum so far of a node of a cell with open edges and one more edge, which is a map of its own.

    Each is added before the next is computed, as in a cell without open edges.
    """
    if not edge:
        return before
    output = Branch(graph.add(shape, edge, over=len(OPERATIONS) if choice == ALL else 1))
    return [Branch(graph.add(shape, [*before, output]))] if before else [output]


def _edges(channels: int, candidates: Sequence[Sequence[str]], construction: Construction) -> nn.ModuleList:
    """Return the operations with weights of each edge, by name; what edges share is one module."""

    def own(kernel: int) -> Conv2d:
        return Conv2d(channels, channels, kernel, padding=kernel // 2, bias=False)

    @cache
    def largest(place: int) -> Conv2d:
        return own(max(KERNELS.values()))

    @cache
    def convolution(place: int, kernel: int) -> Conv2d | CentreConv2d:
        if construction.kernels == "own":
            return own(kernel)
        if kernel == max(KERNELS.values()):
            return largest(place)
        return CentreConv2d(largest(place), kernel, transformed=construction.kernels == "transformed")

    @cache
    def operation(place: int, name: str, configurations: tuple[int, ...]) -> NormedConv:
        return NormedConv(convolution(place, KERNELS[name]), channels, construction.norm, configurations)

    per_node = construction.operations_per == "node"
    # Configurations of different nodes are different, so that edges from them share no norm, only the convolution.
    possible = possible_configurations(candidates) if construction.norm_per_input else [()] * NODES
    return nn.ModuleList(
        nn.ModuleDict(
            {name: operation(target if per_node else edge, name, possible[source]) for name in names if name in KERNELS}
        )
        for edge, (names, (source, target)) in enumerate(zip(candidates, EDGES, strict=True))
    )
