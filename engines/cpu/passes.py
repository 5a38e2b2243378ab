"""A planned graph is run, and differentiated, as one operation.

Loops over whole sums read and write each map as rarely as possible, and what the result does not depend on is not
computed.
"""

from collections import defaultdict
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable
from torch.nn import functional

from supernet_bench.engines.cpu import maps
from supernet_bench.engines.cpu.memory import Memory
from supernet_bench.engines.cpu.plan import Part, Planned, plan, tracks
from supernet_bench.engines.graph import IMAGES, Branch, Graph, Shape

Pair = tuple[Tensor | None, Tensor | None]
"""A map as it is, and rectified; each if it is wanted."""


def run(graph: Graph, images: Tensor, memory: Memory | None = None) -> Tensor:
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
        What the graph gives, float32 [batch, channels].
    """
    planned = plan(graph)
    if not torch.is_grad_enabled():
        recall = _Recall(memory or Memory(), graph.common if memory else 0)
        return _mean(_forward(planned, images, recall)[0])
    parameters = [
        tensor for total in planned for part in total.parts for tensor in (part.weight, part.scale, part.shift)
    ]
    return _Run.apply(planned, images, *parameters)


class _Run(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, planned: list[Planned], images: Tensor, *_: Tensor | None) -> Tensor:
        ctx.result, ctx.done = _forward(planned, images, _Recall(Memory(), common=0), keep=True)
        return _mean(ctx.result)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        done, result = ctx.done, ctx.result
        del ctx.done, ctx.result  # As saved tensors are freed, for the maps of the next path.
        return None, None, *_backward(done, result, gradient)


@dataclass(slots=True, eq=False)
class _Done:
    """A branch that was run: the map that entered, the same convolved, and statistics; a map of zeros is None."""

    part: Part
    entering: Any = None
    convolved: Any = None
    statistics: Any = None


def _mean(result: Tensor) -> Tensor:
    return result.float().mean((2, 3))


def _forward(
    planned: list[Planned], images: Tensor, recall: "_Recall", *, keep: bool = False
) -> tuple[Tensor, dict[int, list[_Done]]]:
    """Return the rectified result and, if they are to be kept, the branches of each sum."""
    last = planned[-1].number
    last_use = {(part.branch.source, part.branch.rectified): total.number for total in planned for part in total.parts}
    last_use[last, True] = last + 1
    values: dict[tuple[int, bool], Any] = {(IMAGES, False): images}
    done = {}
    for total in planned:
        number = total.number
        ran = [
            recall.part(
                number, part, partial(_run, part, values.get((part.branch.source, part.branch.rectified)), total.shape)
            )
            for part in total.parts
        ]
        wanted = [(number, rectified) in last_use for rectified in (False, True)]
        add_up = partial(_add_up, (len(images), *total.shape), images.dtype, ran)
        values[number, False], values[number, True] = recall.sum(total, add_up, wanted)
        for key in [key for key in values if last_use.get(key, 0) <= number]:
            del values[key]
        if keep:
            done[number] = ran
    return values[last, True], done


class _Recall:
    """Runs the parts of one graph, those that may be found in other graphs only if they are not remembered."""

    def __init__(self, memory: Memory, common: int) -> None:
        self._memory, self._common = memory, common
        self._expressions: dict[int, Hashable] = {IMAGES: IMAGES}

    def part(self, number: int, part: Part, run: Callable[[], _Done]) -> _Done:
        if number > self._common:
            return run()
        return self._memory.recall(self._expression(part.branch), run, lambda one: _bytes(one.convolved))

    def sum(self, total: Planned, add_up: Callable[..., Pair], wanted: Sequence[bool]) -> Pair:
        # The last of the common sums differs from graph to graph, as a rule.
        if total.number >= self._common:
            return add_up(*wanted)
        expression = self._memory.number(tuple(self._expression(part.branch) for part in total.parts))
        self._expressions[total.number] = expression
        return self._memory.recall(expression, partial(add_up, True, True), lambda pair: sum(map(_bytes, pair)))

    def _expression(self, branch: Branch) -> Hashable:
        # A map that was not computed is zero.
        return self._expressions.get(branch.source), branch.rectified, branch.conv, branch.norm, branch.averaged


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
        [one.entering for one in ran if one.part.branch.averaged == 3],
        summed=summed,
        rectified=rectified,
    )


def _run(part: Part, entering: Any, shape: Shape) -> _Done:
    branch = part.branch
    if branch.averaged == 3:
        return _Done(part, entering)
    if branch.averaged == 2:
        return _Done(part, entering, maps.as_map(functional.avg_pool2d(entering, 2, ceil_mode=True)))
    convolved = entering
    if part.weight is not None and entering is not None:
        convolved = maps.convolve(entering, part.weight, branch.conv.stride[0])
    statistics = None if branch.norm is None else _statistics(part, branch.norm, convolved, shape.channels)
    return _Done(part, entering, convolved, statistics)


def _statistics(part: Part, norm: Any, features: Tensor | None, channels: int) -> Tensor:
    scale, shift, epsilon = part.scale, part.shift, norm.eps
    if norm.track_running_stats and not norm.training:
        return maps.fixed_statistics(norm.running_mean, norm.running_var, scale, shift, epsilon)
    if features is None:
        zeros = torch.zeros(channels)
        statistics = maps.fixed_statistics(zeros, zeros, scale, shift, epsilon)
    else:
        statistics = maps.batch_statistics(features, scale, shift, epsilon)
    if tracks(norm):
        _track(norm, statistics, 0 if features is None else features.numel() // channels)
    return statistics


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
    rectified = {
        one.part.branch.source: one.entering for ran in done.values() for one in ran if one.part.branch.rectified
    }
    last = max(done)
    rectified[last] = result
    incoming[last].rectified.append(_mean_backward(result, gradient))
    by_sum: dict[int, list[Gradients]] = {}
    for number in reversed(done):
        total = incoming.pop(number, _Incoming()).total(rectified.get(number))
        by_sum[number] = [_branch_backward(one, total, incoming[one.part.branch.source]) for one in done[number]]
    return [tensor for number in done for gradients in by_sum[number] for tensor in gradients]


def _mean_backward(result: Tensor, gradient: Tensor) -> Tensor:
    pixels = result.shape[2] * result.shape[3]
    spread = (gradient / pixels)[:, :, None, None].expand(result.shape)
    return spread.to(result.dtype).contiguous(memory_format=torch.channels_last)


def _branch_backward(one: _Done, gradient: Tensor | None, incoming: _Incoming) -> Gradients:
    """Pass the gradient on to the map that a branch reads, and return those of its parameters."""
    part, branch = one.part, one.part.branch
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
    norm: Any = branch.norm
    if norm is not None:
        passed, affine = maps.norm_backward(gradient, one.convolved, one.statistics, norm.eps)
        if part.scale is not None:
            by_scale, by_shift = affine
    if part.weight is not None and one.entering is None:
        passed, by_weight = None, torch.zeros_like(part.weight)
    elif part.weight is not None:
        wanted, stride = branch.source != IMAGES, branch.conv.stride[0]
        passed, by_weight = maps.convolve_backward(passed, one.entering, part.weight, stride, wanted=wanted)
    if passed is not None:
        (incoming.rectified if branch.rectified else incoming.plain).append(passed)
    return by_weight, by_scale, by_shift
