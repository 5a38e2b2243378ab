"""A network as a graph of feature maps that is run, and differentiated, as one operation.

Every map is the sum of branches, each of which reads one earlier map. Loops over whole sums read and write each map as
rarely as possible, and what the result does not depend on is not computed.
"""

from collections import OrderedDict, defaultdict
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, NamedTuple, TypeVar

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable
from torch.nn import functional

from supernet_bench.engines.cpu import maps

T = TypeVar("T")

Pair = tuple[Tensor | None, Tensor | None]
"""A map as it is, and rectified; each if it is wanted."""

ZERO = -1
"""The number of a map of zeros."""

IMAGES = 0
"""The number of the map that holds the images."""


@dataclass(slots=True, eq=False)
class Branch:
    """What is done to one map before it is added to a sum.

    Attributes
    ----------
    source : int
        The number of the map; `ZERO` for zeros.
    rectified : bool
        Negative values become zero first.
    weight : Tensor, optional
        Then the map is convolved, float32 [out, in, kernel, kernel].
    stride : int
        Of the convolution, which is padded so that height and width are divided by it, rounding up.
    norm : nn.BatchNorm2d, optional
        Then it is normalised.
    scale, shift : Tensor, optional
        Weight and bias of the norm.
    averaged : int
        Instead of all that: 3 for the mean over the 3 x 3 neighbours of each pixel, fewer at the border; 2 for the
        mean of each 2 x 2 pixels, with height and width rounded up.
    conv : nn.Module, optional
        What the weight belongs to, which stays the same where the weight itself is computed anew for every path.
    """

    source: int
    rectified: bool = False
    weight: Tensor | None = None
    stride: int = 1
    norm: nn.BatchNorm2d | None = None
    scale: Tensor | None = None
    shift: Tensor | None = None
    averaged: int = 0
    conv: nn.Module | None = None

    @classmethod
    def of(cls, source: int, conv: Any, norm: nn.BatchNorm2d | None, *, rectified: bool = False) -> "Branch":
        """Return the branch of a convolution without bias and a norm, either of which may be missing."""
        weight, stride = (None, 1) if conv is None else (conv.weight, conv.stride[0])
        scale, shift = (None, None) if norm is None else (norm.weight, norm.bias)
        return cls(source, rectified, weight, stride, norm, scale, shift, conv=conv)


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
    """A map, and the branches that it is the sum of."""

    shape: Shape
    branches: Sequence[Branch]


class Graph:
    """Maps in the order in which they are computed: the images first, the result last.

    Parameters
    ----------
    shape : Shape
        Of the images.

    Attributes
    ----------
    sums : list of Sum
    common : int
        Sums up to this number may be found in other graphs too.
    """

    def __init__(self, shape: Shape) -> None:
        self.sums = [Sum(shape, ())]
        self.common = 0

    def add(self, shape: Shape, branches: Sequence[Branch]) -> int:
        """Add a sum and return its number, which is `ZERO` if nothing is left to be added up."""
        # A mean of zeros is zero, but the norm after a convolution of zeros still adds its bias.
        present = [branch for branch in branches if branch.source != ZERO or branch.norm is not None]
        if not present:
            return ZERO
        self.sums.append(Sum(shape, present))
        return self.last

    @property
    def last(self) -> int:
        """The number of the last sum."""
        return len(self.sums) - 1

    def needed(self) -> list[int]:
        """Return the numbers of the sums that the result depends on, ascending.

        All of them are needed where running statistics are tracked, which belong to the whole path.
        """
        every = range(1, len(self.sums))
        if any(_tracks(branch.norm) for number in every for branch in self.sums[number].branches):
            return list(every)
        needed = {self.last}
        for number in reversed(every):
            if number in needed:
                needed.update(branch.source for branch in self.sums[number].branches)
        return sorted(needed - {ZERO, IMAGES})


class Memory:
    """What several graphs have in common, when they are run on the same images.

    Parameters
    ----------
    capacity : int
        Bytes of maps that are kept; what was not used for the longest time goes first.
    """

    def __init__(self, capacity: int = 1 << 27) -> None:
        self._capacity, self._taken = capacity, 0
        self._numbers: dict[Hashable, int] = {}
        self._kept: OrderedDict[Hashable, tuple[Any, int]] = OrderedDict()

    def number(self, expression: Hashable) -> int:
        """Return a number for an expression; equal numbers are equal expressions."""
        return self._numbers.setdefault(expression, len(self._numbers))

    def recall(self, key: Hashable, compute: Callable[[], T], size: Callable[[T], int]) -> T:
        """Return what was computed for `key`, now or before; `size` tells its bytes."""
        if key in self._kept:
            self._kept.move_to_end(key)
            return self._kept[key][0]
        value = compute()
        self._kept[key] = value, size(value)
        self._taken += self._kept[key][1]
        while self._taken > self._capacity:
            self._taken -= self._kept.popitem(last=False)[1][1]
        return value


def mean_of_rectified(graph: Graph, images: Tensor, memory: Memory | None = None) -> Tensor:
    """Run a graph.

    Parameters
    ----------
    graph : Graph
    images : Tensor
        A map as described in `engines.cpu.maps`.
    memory : Memory, optional
        Used where there is no autograd.

    Returns
    -------
    Tensor
        The mean over all pixels of the result, with zero in the place of negative values, float32 [batch, channels].
    """
    numbers = graph.needed()
    if not torch.is_grad_enabled():
        return _mean(_forward(graph, numbers, images, memory=memory)[0])
    branches = [branch for number in numbers for branch in graph.sums[number].branches]
    parameters = [tensor for branch in branches for tensor in (branch.weight, branch.scale, branch.shift)]
    return _Run.apply(graph, numbers, images, *parameters)


class _Run(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, graph: Graph, numbers: list[int], images: Tensor, *_: Tensor | None) -> Tensor:
        ctx.result, ctx.done = _forward(graph, numbers, images, keep=True)
        return _mean(ctx.result)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        done, result = ctx.done, ctx.result
        del ctx.done, ctx.result  # As saved tensors are freed, for the maps of the next path.
        return None, None, None, *_backward(done, result, gradient)


@dataclass(slots=True, eq=False)
class _Done:
    """A branch that was run: the map that entered, the same convolved, and statistics; a map of zeros is None."""

    branch: Branch
    entering: Any = None
    convolved: Any = None
    statistics: Any = None


def _mean(result: Tensor) -> Tensor:
    return result.float().mean((2, 3))


def _forward(
    graph: Graph, numbers: list[int], images: Tensor, *, keep: bool = False, memory: Memory | None = None
) -> tuple[Tensor, dict[int, list[_Done]]]:
    """Return the rectified result and, if they are to be kept, the branches of each sum."""
    result = numbers[-1], True
    last_use = {
        (branch.source, branch.rectified): number for number in numbers for branch in graph.sums[number].branches
    }
    last_use[result] = numbers[-1] + 1
    values: dict[tuple[int, bool], Any] = {(IMAGES, False): images}
    recall = _Recall(memory or Memory(), graph.common if memory else 0)
    done = {}
    for number in numbers:
        total = graph.sums[number]
        ran = [
            recall.branch(number, branch, partial(_run, branch, values.get((branch.source, branch.rectified)), total))
            for branch in total.branches
        ]
        wanted = [(number, rectified) in last_use for rectified in (False, True)]
        add_up = partial(_add_up, (len(images), *total.shape), images.dtype, ran)
        values[number, False], values[number, True] = recall.sum(number, total, add_up, wanted)
        for key in [key for key in values if last_use.get(key, 0) <= number]:
            del values[key]
        if keep:
            done[number] = ran
    return values[result], done


class _Recall:
    """Runs the parts of one graph, those that may be found in other graphs only if they are not remembered."""

    def __init__(self, memory: Memory, common: int) -> None:
        self._memory, self._common = memory, common
        self._expressions = {ZERO: ZERO, IMAGES: IMAGES}

    def branch(self, number: int, branch: Branch, run: Callable[[], _Done]) -> _Done:
        if number > self._common:
            return run()
        return self._memory.recall(self._expression(branch), run, lambda one: _bytes(one.convolved))

    def sum(self, number: int, total: Sum, add_up: Callable[..., Pair], wanted: Sequence[bool]) -> Pair:
        # The last of the common sums differs from graph to graph, as a rule.
        if number >= self._common:
            return add_up(*wanted)
        expression = self._memory.number(tuple(self._expression(branch) for branch in total.branches))
        self._expressions[number] = expression
        return self._memory.recall(expression, partial(add_up, True, True), lambda pair: sum(map(_bytes, pair)))

    def _expression(self, branch: Branch) -> Hashable:
        return self._expressions[branch.source], branch.rectified, branch.conv, branch.norm, branch.averaged


def _bytes(features: Tensor | None) -> int:
    return 0 if features is None else features.numel() * features.itemsize


def _add_up(
    shape: tuple[int, int, int, int], dtype: torch.dtype, ran: list[_Done], summed: bool, rectified: bool
) -> Pair:
    return maps.combine(
        shape,
        dtype,
        [(one.convolved, one.statistics) for one in ran if one.statistics is not None],
        [one.convolved for one in ran if one.statistics is None and one.convolved is not None],
        [one.entering for one in ran if one.branch.averaged == 3],
        summed=summed,
        rectified=rectified,
    )


def _run(branch: Branch, entering: Any, total: Sum) -> _Done:
    if branch.averaged == 3:
        return _Done(branch, entering)
    if branch.averaged == 2:
        return _Done(branch, entering, maps.as_map(functional.avg_pool2d(entering, 2, ceil_mode=True)))
    convolved = entering
    if branch.weight is not None and entering is not None:
        convolved = maps.convolve(entering, branch.weight, branch.stride)
    statistics = None if branch.norm is None else _statistics(branch, branch.norm, convolved, total.shape.channels)
    return _Done(branch, entering, convolved, statistics)


def _statistics(branch: Branch, norm: Any, features: Tensor | None, channels: int) -> Tensor:
    scale, shift, epsilon = branch.scale, branch.shift, norm.eps
    if norm.track_running_stats and not norm.training:
        return maps.fixed_statistics(norm.running_mean, norm.running_var, scale, shift, epsilon)
    if features is None:
        zeros = torch.zeros(channels)
        statistics = maps.fixed_statistics(zeros, zeros, scale, shift, epsilon)
    else:
        statistics = maps.batch_statistics(features, scale, shift, epsilon)
    if _tracks(norm):
        _track(norm, statistics, 0 if features is None else features.numel() // channels)
    return statistics


def _tracks(norm: nn.BatchNorm2d | None) -> bool:
    return norm is not None and norm.training and norm.track_running_stats


def _track(norm: Any, statistics: Tensor, pixels: int) -> None:
    """Update the running statistics as the module itself would."""
    norm.num_batches_tracked.add_(1)
    share = 1 / norm.num_batches_tracked.item() if norm.momentum is None else norm.momentum
    unbiased = pixels / (pixels - 1) if pixels else 1.0
    norm.running_mean.lerp_(statistics[0], share)
    norm.running_var.lerp_(statistics[1] * unbiased, share)


@dataclass(slots=True, eq=False)
class _Incoming:
    """Gradients with respect to a map: rectified, as it is, and of the means over neighbours."""

    rectified: list[Tensor] = field(default_factory=list)
    plain: list[Tensor] = field(default_factory=list)
    averaged: list[Tensor] = field(default_factory=list)

    def total(self, rectified: Tensor | None) -> Tensor | None:
        """Return the gradient with respect to the map, or None if nothing depends on it."""
        if not self.rectified and not self.averaged and len(self.plain) < 2:
            return self.plain[0] if self.plain else None
        return maps.gather(self.rectified, rectified, self.plain, self.averaged)


Gradients = tuple[Tensor | None, Tensor | None, Tensor | None]
"""With respect to weight, scale and shift of a branch."""


def _backward(done: dict[int, list[_Done]], result: Tensor, gradient: Tensor) -> list[Tensor | None]:
    """Return the gradients with respect to the parameters of all branches, in their order."""
    incoming: defaultdict[int, _Incoming] = defaultdict(_Incoming)
    rectified = {one.branch.source: one.entering for ran in done.values() for one in ran if one.branch.rectified}
    last = max(done)
    rectified[last] = result
    incoming[last].rectified.append(_mean_backward(result, gradient))
    by_sum: dict[int, list[Gradients]] = {}
    for number in reversed(done):
        total = incoming.pop(number, _Incoming()).total(rectified.get(number))
        by_sum[number] = [_branch_backward(one, total, incoming[one.branch.source]) for one in done[number]]
    return [tensor for number in done for gradients in by_sum[number] for tensor in gradients]


def _mean_backward(result: Tensor, gradient: Tensor) -> Tensor:
    pixels = result.shape[2] * result.shape[3]
    spread = (gradient / pixels)[:, :, None, None].expand(result.shape)
    return spread.to(result.dtype).contiguous(memory_format=torch.channels_last)


def _branch_backward(one: _Done, gradient: Tensor | None, incoming: _Incoming) -> Gradients:
    """Pass the gradient on to the map that a branch reads, and return those of its parameters."""
    branch = one.branch
    if gradient is None:
        return None, None, None
    if branch.averaged == 3:
        incoming.averaged.append(gradient)
        return None, None, None
    if branch.averaged == 2:
        gradient = torch.ops.aten.avg_pool2d_backward(gradient, one.entering, [2, 2], [2, 2], [0, 0], True, True, None)
        incoming.plain.append(maps.as_map(gradient))
        return None, None, None
    by_weight = by_scale = by_shift = None
    passed: Any = gradient
    if branch.norm is not None:
        if branch.norm.track_running_stats and not branch.norm.training:
            raise NotImplementedError("the gradient through a norm with fixed statistics")
        passed, affine = maps.norm_backward(gradient, one.convolved, one.statistics, branch.norm.eps)
        if branch.scale is not None:
            by_scale, by_shift = affine
    if branch.weight is not None and one.entering is None:
        passed, by_weight = None, torch.zeros_like(branch.weight)
    elif branch.weight is not None:
        wanted = branch.source != IMAGES
        passed, by_weight = maps.convolve_backward(passed, one.entering, branch.weight, branch.stride, wanted=wanted)
    if passed is not None:
        (incoming.rectified if branch.rectified else incoming.plain).append(passed)
    return by_weight, by_scale, by_shift
