"""The kernels as functions of tensors.

A feature map is a float32 or bfloat16 tensor [images, channels, height, width] on the CPU, contiguous in the
channels-last format. The statistics of a normalisation are float32 [4, channels]: mean, variance, and the scale and
shift that follow from them.
"""

import ctypes
from collections.abc import Callable, Sequence
from functools import cache, lru_cache

import torch
from torch import Tensor
from torch.nn import functional

from supernet_bench.engines.cpu.library import library

LANES = 8
"""Channels must be a multiple of this."""

WIDEST = 256
"""Largest width of a map."""

SMALL = 20_000_000
"""Multiply-adds below which a convolution is done by loops of our own; measured, not critical."""


def usable(features: Tensor) -> bool:
    """Return whether a tensor is a map that the kernels can work on here, up to its number of channels."""
    return (
        features.device.type == "cpu"
        and features.dtype in (torch.float32, torch.bfloat16)
        and features.shape[-1] <= WIDEST
        and features.is_contiguous(memory_format=torch.channels_last)
        and library() is not None
    )


def as_map(features: Tensor) -> Tensor:
    """Return what PyTorch made in the layout of maps, which it does not always keep."""
    return features.contiguous(memory_format=torch.channels_last)


def batch_statistics(features: Tensor, weight: Tensor | None, bias: Tensor | None, epsilon: float) -> Tensor:
    """Return the statistics of a batch, float32 [4, channels]; `weight` and `bias` are float32 [channels]."""
    result = torch.empty(4, features.shape[1])
    _call("statistics", features.shape, features.dtype, _at(features), _at(weight), _at(bias), epsilon, _at(result))
    return result


def fixed_statistics(
    mean: Tensor, variance: Tensor, weight: Tensor | None, bias: Tensor | None, epsilon: float
) -> Tensor:
    """Return the statistics for a given mean and variance, float32 [4, channels]."""
    scale = (variance + epsilon).rsqrt()
    if weight is not None:
        scale = scale * weight
    shift = -mean * scale
    return torch.stack([mean, variance, scale, shift if bias is None else shift + bias]).detach()


def combine(
    shape: tuple[int, int, int, int],
    dtype: torch.dtype,
    normed: Sequence[tuple[Tensor | None, Tensor]],
    kept: Sequence[Tensor],
    averaged: Sequence[Tensor],
    *,
    summed: bool,
    rectified: bool,
) -> tuple[Tensor | None, Tensor | None]:
    """Add up feature maps.

    Parameters
    ----------
    shape : tuple of int
        Of the sum.
    dtype : torch.dtype
    normed : sequence of (Tensor or None, Tensor)
        Maps that are normalised first, with their statistics; None is a map of zeros.
    kept : sequence of Tensor
        Maps that are added as they are.
    averaged : sequence of Tensor
        Maps of which the means over 3 x 3 neighbours, fewer at the border, are added.
    summed, rectified : bool
        What is asked for.

    Returns
    -------
    tuple of Tensor or None
        The sum, and the sum with zero in the place of negative values.
    """
    total = torch.empty(shape, dtype=dtype, memory_format=torch.channels_last) if summed else None
    positive = torch.empty(shape, dtype=dtype, memory_format=torch.channels_last) if rectified else None
    _call(
        "combine",
        shape,
        dtype,
        len(normed),
        len(kept),
        len(averaged),
        _all_at([features for features, _ in normed] + [statistics for _, statistics in normed] + [*kept, *averaged]),
        _at(total),
        _at(positive),
    )
    return total, positive


def norm_backward(
    gradient: Tensor, features: Tensor | None, statistics: Tensor, epsilon: float
) -> tuple[Tensor | None, Tensor]:
    """Return the gradients of a normalisation by the statistics of the batch.

    Parameters
    ----------
    gradient : Tensor
        With respect to the normalised map.
    features : Tensor or None
        The map before normalisation; None is a map of zeros.
    statistics : Tensor
        What the map was normalised with.
    epsilon : float

    Returns
    -------
    Tensor or None
        With respect to the map.
    Tensor
        With respect to weight and bias, float32 [2, channels].
    """
    result = None if features is None else torch.empty_like(features)
    affine = torch.empty(2, gradient.shape[1])
    _call(
        "norm_backward",
        gradient.shape,
        gradient.dtype,
        _at(gradient),
        _at(features),
        _at(statistics),
        epsilon,
        _at(result),
        _at(affine),
    )
    return result, affine


def gather(
    convolved: Sequence[Tensor],
    rectified: Tensor | None,
    kept: Sequence[Tensor],
    averaged: Sequence[Tensor],
) -> Tensor:
    """Return the gradient with respect to a map from those of all that was made of it, at least one.

    Parameters
    ----------
    convolved : sequence of Tensor
        Gradients with respect to the rectified map.
    rectified : Tensor or None
        The rectified map, if `convolved` is not empty.
    kept : sequence of Tensor
        Gradients with respect to the map itself.
    averaged : sequence of Tensor
        Gradients with respect to the means over its 3 x 3 neighbours.
    """
    result = torch.empty_like([*convolved, *kept, *averaged][0])
    _call(
        "gather",
        result.shape,
        result.dtype,
        len(convolved),
        len(kept),
        len(averaged),
        _all_at([*convolved, *kept, *averaged]),
        _at(rectified),
        _at(result),
    )
    return result


def convolve(features: Tensor, weight: Tensor, stride: int) -> Tensor:
    """Return a convolution, padded so that height and width are divided by `stride`, rounding up.

    Parameters
    ----------
    features : Tensor
    weight : Tensor
        float32 [out, in, kernel, kernel]; used in the type of the features.
    stride : int
    """
    kernel = weight.shape[-1]
    if not _small(features, weight, stride):
        return as_map(functional.conv2d(features, weight.to(features.dtype), stride=stride, padding=kernel // 2))
    images, _, height, width = features.shape
    shape = (images, weight.shape[0], -(-height // stride), -(-width // stride))
    result = torch.empty(shape, dtype=features.dtype, memory_format=torch.channels_last)
    _convolution("convolve", features, weight, stride, _at(features), _at(weight), _at(result))
    return result


def convolve_backward(
    gradient: Tensor, features: Tensor, weight: Tensor, stride: int, *, wanted: bool
) -> tuple[Tensor | None, Tensor]:
    """Return the gradients with respect to the features, if they are wanted, and to the weight."""
    if not _small(features, weight, stride):
        used, padding = weight.to(features.dtype), [weight.shape[-1] // 2] * 2
        by_features, by_weight, _ = torch.ops.aten.convolution_backward(
            gradient, features, used, None, [stride] * 2, padding, [1, 1], False, [0, 0], 1, [wanted, True, False]
        )
        return as_map(by_features) if wanted else None, by_weight.to(weight.dtype)
    by_features, by_weight = None, torch.empty_like(weight)
    if wanted:
        by_features = torch.empty_like(features)
        _convolution("convolve_backward_inputs", features, weight, stride, _at(gradient), _at(weight), _at(by_features))
    _convolution("convolve_backward_weights", features, weight, stride, _at(features), _at(gradient), _at(by_weight))
    return by_features, by_weight


def _small(features: Tensor, weight: Tensor, stride: int) -> bool:
    """Return whether a convolution is so small that setting up the library's takes longer than our own loops."""
    multiply_adds = features.numel() // features.shape[1] * weight.numel() // stride**2
    return multiply_adds < SMALL and weight.is_contiguous(memory_format=torch.channels_last)


def _convolution(name: str, features: Tensor, weight: Tensor, stride: int, *arguments: object) -> None:
    images, channels, height, width = features.shape
    numbers = images, height, width, channels, weight.shape[0], weight.shape[-1], stride
    _launch(name, numbers, features.dtype, *arguments)


def _call(name: str, shape: Sequence[int], dtype: torch.dtype, *arguments: object) -> None:
    images, channels, height, width = shape
    _launch(name, (images, height, width, channels), dtype, *arguments)


def _launch(name: str, numbers: Sequence[int], dtype: torch.dtype, *arguments: object) -> None:
    if _kernel(name)(_longs(*numbers), dtype == torch.bfloat16, torch.get_num_threads(), *arguments):
        raise ValueError(f"the kernel {name} cannot work on these feature maps")


@cache
def _kernel(name: str) -> Callable[..., int]:
    return getattr(library(), f"supernet_{name}")


@lru_cache(1024)
def _longs(*numbers: int) -> ctypes.Array[ctypes.c_long]:
    return (ctypes.c_long * len(numbers))(*numbers)


def _at(tensor: Tensor | None) -> int | None:
    return None if tensor is None else tensor.data_ptr()


def _all_at(tensors: Sequence[Tensor | None]) -> ctypes.Array[ctypes.c_void_p]:
    return (ctypes.c_void_p * len(tensors))(*[None if tensor is None else tensor.data_ptr() for tensor in tensors])
