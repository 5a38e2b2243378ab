"""Average pooling whose gradient is right on every device."""

from functools import lru_cache
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional


def mean_of_neighbours(features: Tensor) -> Tensor:
    """Return the mean over the 3 x 3 neighbours of each pixel, fewer at the border, in the shape of the features."""
    return _MeanOfNeighbours.apply(features)


class _MeanOfNeighbours(torch.autograd.Function):
    """Average pooling whose gradient is right on every device.

    PyTorch's own gradient of padded average pooling is wrong for channels-last maps on GPUs, without a word
    (pytorch/pytorch#188344); what it computes forwards is right. Since a pixel is the neighbour of its neighbours, the
    gradient is a sum over neighbours too, and can be computed forwards.
    """

    @staticmethod
    def forward(ctx: Any, features: Tensor) -> Tensor:
        return functional.avg_pool2d(features, 3, stride=1, padding=1, count_include_pad=False)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> Tensor:
        height, width = gradient.shape[-2:]
        return _SumOfNeighbours.apply(gradient / _neighbours(height, width, gradient.dtype, gradient.device))


class _SumOfNeighbours(torch.autograd.Function):
    """The sum over neighbours, which is its own gradient."""

    @staticmethod
    def forward(ctx: Any, features: Tensor) -> Tensor:
        return functional.avg_pool2d(features, 3, stride=1, padding=1, divisor_override=1)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> Tensor:
        return _SumOfNeighbours.apply(gradient)


@lru_cache(64)
def _neighbours(height: int, width: int, dtype: torch.dtype, device: torch.device) -> Tensor:
    """Return how many neighbours, itself included, each pixel has, [1, 1, height, width]."""
    return _SumOfNeighbours.apply(torch.ones(1, 1, height, width, dtype=dtype, device=device))
