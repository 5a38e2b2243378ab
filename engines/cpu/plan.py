"""What of a graph has to be computed, and with which parameters."""

from collections.abc import Sequence
from dataclasses import dataclass

from torch import Tensor, nn

from supernet_bench.engines.graph import IMAGES, Branch, Graph, Shape, Sum


@dataclass(slots=True, eq=False)
class Part:
    """A branch, with the parameters that it has now, some of which are computed anew for every path.

    Attributes
    ----------
    branch : Branch
    weight : Tensor, optional
        Of the convolution, float32 [out, in, kernel, kernel].
    scale, shift : Tensor, optional
        Weight and bias of the norm.
    """

    branch: Branch
    weight: Tensor | None = None
    scale: Tensor | None = None
    shift: Tensor | None = None


@dataclass(slots=True, eq=False)
class Planned:
    """A sum that the result depends on, with its branches that are not zero."""

    number: int
    shape: Shape
    parts: Sequence[Part]


def plan(graph: Graph) -> list[Planned]:
    """Return the sums that the result depends on, ascending.

    All but zeros are needed where running statistics are tracked, which belong to the whole path.
    """
    branches = _branches(graph)
    if any(tracks(branch.norm) for each in branches.values() for branch in each):
        needed = set(branches)
    else:
        needed = {graph.last}
        for number in reversed(branches):
            if number in needed:
                needed.update(branch.source for branch in branches[number])
    return [_planned(number, graph.sums[number], each) for number, each in branches.items() if number in needed]


def tracks(norm: nn.Module | None) -> bool:
    """Return whether a norm updates running statistics."""
    return isinstance(norm, nn.BatchNorm2d) and norm.training and norm.track_running_stats


def _branches(graph: Graph) -> dict[int, list[Branch]]:
    """Return the branches of each sum that is not zero, without those that are."""
    present: dict[int, list[Branch]] = {IMAGES: []}
    for number in range(1, len(graph.sums)):
        # A mean of zeros is zero, but the norm after a convolution of zeros still adds its bias.
        kept = [branch for branch in graph.sums[number].branches if branch.source in present or branch.norm is not None]
        if kept:
            present[number] = kept
    del present[IMAGES]
    return present


def _planned(number: int, total: Sum, branches: Sequence[Branch]) -> Planned:
    return Planned(number, total.shape, [_part(branch) for branch in branches])


def _part(branch: Branch) -> Part:
    conv, norm = branch.conv, branch.norm
    part = Part(branch)
    if conv is not None:
        part.weight = conv.weight
    if isinstance(norm, nn.BatchNorm2d):
        part.scale, part.shift = norm.weight, norm.bias
    return part
