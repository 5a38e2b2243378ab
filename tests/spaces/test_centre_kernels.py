"""Smaller kernels made from the largest one."""

import pytest
import torch
from torch import nn
from torch.nn import functional

from supernet_bench.spaces._layers import CentreConv2d, Conv2d, centre


@pytest.mark.parametrize(("size", "kernel"), [(3, 1), (5, 3), (7, 3), (5, 5)])
def test_the_centre_is_that_of_every_kernel(size: int, kernel: int) -> None:
    weight = torch.randn(4, 2, size, size)
    margin = (size - kernel) // 2
    found = centre(weight, kernel)
    assert found.shape == (4, 2, kernel, kernel)
    assert found.is_contiguous(memory_format=torch.channels_last)
    padded = functional.pad(found, [margin] * 4)
    inside = functional.pad(torch.ones(kernel, kernel), [margin] * 4)
    assert torch.equal(padded, weight * inside)


@pytest.mark.parametrize(("size", "kernel"), [(3, 1), (5, 3)])
def test_every_centre_is_multiplied_by_the_matrix(size: int, kernel: int) -> None:
    weight, matrix = torch.randn(4, 2, size, size), torch.randn(kernel**2, kernel**2)
    found, plain = centre(weight, kernel, matrix), centre(weight, kernel)
    for out in range(4):
        for channel in range(2):
            expected = matrix @ plain[out, channel].flatten()
            torch.testing.assert_close(found[out, channel].flatten(), expected)
    assert torch.equal(centre(weight, kernel, torch.eye(kernel**2)), plain)


@pytest.mark.parametrize(("stride", "groups"), [(1, 1), (2, 1), (2, 4)])
@pytest.mark.parametrize("transformed", [True, False])
def test_layer_is_a_convolution_with_the_centre(stride: int, groups: int, transformed: bool) -> None:
    whole = Conv2d(4, 8, 5, stride, padding=2, groups=groups, bias=False)
    layer = CentreConv2d(whole, 3, transformed=transformed)
    features = torch.randn(2, 4, 7, 6)
    weight = whole.weight[..., 1:4, 1:4]
    expected = functional.conv2d(features, weight, stride=stride, padding=1, groups=groups)
    torch.testing.assert_close(layer(features), expected)
    assert layer(features).shape == whole(features).shape
    layer(features).square().sum().backward()
    gradient = whole.weight.grad
    assert gradient is not None
    assert gradient[..., 1:4, 1:4].abs().min() > 0
    assert torch.count_nonzero(gradient) == torch.count_nonzero(gradient[..., 1:4, 1:4])
    assert layer(features.bfloat16()).dtype == torch.bfloat16


def test_transforms_of_several_sizes_follow_one_another() -> None:
    whole = Conv2d(2, 2, 7, padding=3, bias=False)
    middle = CentreConv2d(whole, 5, transformed=True)
    smallest = CentreConv2d(middle, 3, transformed=True)
    assert [tuple(layer.transform.shape) for layer in (middle, smallest)] == [(25, 25), (9, 9)]
    torch.testing.assert_close(smallest.weight, whole.weight[..., 2:5, 2:5])
    with torch.no_grad():
        middle.transform.mul_(2)
        smallest.transform.mul_(3)
    torch.testing.assert_close(smallest.weight, 6 * whole.weight[..., 2:5, 2:5])


def test_parameters_are_those_of_the_largest_and_the_matrix() -> None:
    whole = Conv2d(2, 4, 5, padding=2, bias=False)
    layers = nn.ModuleList([whole, CentreConv2d(whole, 3, transformed=True)])
    assert sum(parameter.numel() for parameter in layers.parameters()) == 4 * 2 * 25 + 81
    layers = nn.ModuleList([whole, CentreConv2d(whole, 3, transformed=False)])
    assert sum(parameter.numel() for parameter in layers.parameters()) == 4 * 2 * 25
