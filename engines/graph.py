"""A network as a graph of feature maps: what is computed, whoever computes it and where.

Every map is the sum of branches, each of which reads one earlier map. What a graph gives is the mean over all pixels of
its last map, with zero in the place of negative values.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from torch import Tensor, nn

IMAGES = 0
"""The number of the map that holds the images."""


@dataclass(slots=True, eq=False)
class Branch:
    """What is done to one map before it is added to a sum; with nothing but a source, nothing.

    Attributes
    ----------
    source : int
        The number of the map.
    conv : nn.Module, optional
        Then the map is convolved: called, it does so; it has a `weight`, [out, in, kernel, kernel], and a `stride`. It
        has no bias and no groups, and is padded so that height and width are divided by its stride, rounding up.
    norm : nn.Module, optional
        Then it is normalised.
    rectified : bool
        Negative values become zero first.
    averaged : int
        Instead of all that: 3 for the mean over the 3 x 3 neighbours of each pixel, fewer at the border; 2 for the
        mean of each 2 x 2 pixels, with height and width rounded up.
    hook : callable, optional
        Maps what the branch gives to the tensor that takes its place.
    """

    source: int
    conv: Any = None
    norm: nn.Module | None = None
    rectified: bool = False
    averaged: int = 0
    hook: Callable[[Tensor], Tensor] | None = None


class Shape(NamedTuple):
    """Of one image of a map."""

    channels: int
    height: int
    width: int

    def halved(self) -> "Shape":
        """Return the shape with half the height and width, rounded up."""
        return self._replace(height=-(-self.height // 2), width=-(-self.width // 2))


@dataclass(slots=True, eq=False)
class Sum:
    """A map, and the branches that it is the sum of; without any it is zero.

    Attributes
    ----------
    shape : Shape
    branches : sequence of Branch
    over : int
        What the sum is divided by.
    """

    shape: Shape
    branches: Sequence[Branch]
    over: int = 1


class Graph:
    """Maps in the order in which they are computed: the images first, the result last.

    Parameters
    ----------
    shape : Shape
        Of the images.
    hooked : bool
        Whether branches may have hooks; a path of which none happens to have one is then rounded as the others are.

    Attributes
    ----------
    sums : list of Sum
    common : int
        Sums up to this number may be found in other graphs of the same network too.
    """

    def __init__(self, shape: Shape, *, hooked: bool = False) -> None:
        self.sums = [Sum(shape, ())]
        self.hooked = hooked
        self.common = 0

    def add(self, shape: Shape, branches: Sequence[Branch], over: int = 1) -> int:
        """Add a sum and return its number."""
        self.sums.append(Sum(shape, branches, over))
        return self.last

    @property
    def last(self) -> int:
        """The number of the last sum."""
        return len(self.sums) - 1

    @property
    def weight(self) -> Tensor:
        """The weight of the first convolution, whose device and type are those of all."""
        convolutions = (branch.conv for total in self.sums for branch in total.branches if branch.conv is not None)
        return next(convolutions).weight
