"""Average pooling: as PyTorch's on processors, to the last bit, and with a gradient that no GPU computes wrongly."""

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from supernet_bench.engines.pooling import mean_of_neighbours
from supernet_bench.testing.pooling import NoPaddedPooling

FORMATS = (torch.contiguous_format, torch.channels_last)
SHAPES = ((2, 3, 8, 8), (5, 16, 7, 4), (3, 8, 1, 5), (2, 4, 2, 2), (1, 1, 1, 1))


def pytorchs(features: Tensor) -> Tensor:
    return functional.avg_pool2d(features, 3, stride=1, padding=1, count_include_pad=False)


def pooled(pool, features: Tensor, gradient: Tensor) -> tuple[Tensor, Tensor]:
    """Return the means and the gradient of the features."""
    features = features.clone().requires_grad_()
    means = pool(features)
    means.backward(gradient)
    assert features.grad is not None
    return means.detach(), features.grad


@pytest.mark.parametrize("memory_format", FORMATS, ids=str)
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_means_and_gradients_are_pytorchs_to_the_last_bit(shape, memory_format) -> None:
    generator = torch.Generator().manual_seed(0)
    features, gradient = (
        torch.randn(shape, generator=generator).contiguous(memory_format=memory_format) for _ in range(2)
    )
    for found, expected in zip(
        pooled(mean_of_neighbours, features, gradient), pooled(pytorchs, features, gradient), strict=True
    ):
        assert torch.equal(found, expected)
        assert found.stride() == expected.stride()


@pytest.mark.parametrize("memory_format", FORMATS, ids=str)
def test_in_few_bits_means_are_pytorchs_and_gradients_are_rounded_less(memory_format) -> None:
    generator = torch.Generator().manual_seed(0)
    exact = [torch.randn(4, 8, 8, 8, generator=generator).bfloat16() for _ in range(2)]
    short = [tensor.contiguous(memory_format=memory_format) for tensor in exact]
    means, gradient = pooled(mean_of_neighbours, *short)
    others, rounded = pooled(pytorchs, *short)
    _, expected = pooled(pytorchs, *(tensor.double() for tensor in exact))
    assert torch.equal(means, others)
    assert (gradient - expected).norm() < (rounded - expected).norm()


@pytest.mark.parametrize("memory_format", FORMATS, ids=str)
@pytest.mark.parametrize("side", [1, 2, 5])
def test_gradient_is_that_of_the_means(side: int, memory_format) -> None:
    generator = torch.Generator().manual_seed(0)
    features = torch.randn(2, 2, side, side + 1, dtype=torch.float64, generator=generator)
    features = features.contiguous(memory_format=memory_format).requires_grad_()
    assert torch.autograd.gradcheck(mean_of_neighbours, features)
    assert torch.autograd.gradgradcheck(mean_of_neighbours, features)


def test_padded_pooling_of_any_kind_is_noticed() -> None:
    """Otherwise the spaces and heuristics that are watched could not fail."""
    features = torch.randn(2, 2, 6, 6, requires_grad=True)
    with NoPaddedPooling():
        mean_of_neighbours(features).sum().backward()
        functional.avg_pool2d(features, 2, ceil_mode=True).sum().backward()
    for padded in (pytorchs, nn.AvgPool2d(2, padding=1), nn.AvgPool2d((1, 3), padding=(0, 1))):
        with NoPaddedPooling(), pytest.raises(AssertionError, match="wrong on GPUs"):
            padded(features).sum().backward()
