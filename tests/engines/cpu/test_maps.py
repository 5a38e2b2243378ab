"""Each kernel against PyTorch."""

import pytest
import torch
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from torch.nn import functional

from supernet_bench.engines.cpu import maps
from supernet_bench.engines.cpu.library import why_none

pytestmark = pytest.mark.skipif(why_none() is not None, reason=f"the kernels are NOT tested: {why_none()}")

CHANNELS = st.sampled_from([8, 16, 24, 32])
SIDES = st.integers(1, 11)
DTYPES = st.sampled_from([torch.float32, torch.bfloat16])
quickly = settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def a_map(*shape: int, dtype: torch.dtype = torch.float32, seed: int = 0) -> torch.Tensor:
    values = torch.randn(*shape, generator=torch.Generator().manual_seed(seed)) + 0.3
    return values.to(dtype).contiguous(memory_format=torch.channels_last)


def close(actual: torch.Tensor, expected: torch.Tensor, dtype: torch.dtype = torch.float32) -> None:
    tolerance = 2e-2 if dtype == torch.bfloat16 else 2e-5
    scale = expected.double().abs().max().item() + 1e-6
    torch.testing.assert_close(actual.double(), expected.double(), rtol=tolerance, atol=tolerance * scale)


def mean_of_neighbours(features: torch.Tensor) -> torch.Tensor:
    return functional.avg_pool2d(features, 3, stride=1, padding=1, count_include_pad=False)


@quickly
@given(st.integers(1, 4), CHANNELS, SIDES, SIDES, DTYPES)
def test_statistics_are_those_of_batch_norm(images, channels, height, width, dtype) -> None:
    features = a_map(images, channels, height, width, dtype=dtype)
    weight, bias = a_map(2, channels, 1, 1, seed=1).flatten(1)
    mean, variance, scale, shift = maps.batch_statistics(features, weight, bias, 1e-5).double()
    flat = features.double().movedim(1, 0).flatten(1)
    close(mean, flat.mean(1))
    close(variance, flat.var(1, unbiased=False))
    close(scale, weight / (variance + 1e-5).sqrt())
    close(shift, bias - mean * scale)


def test_statistics_of_values_far_from_zero_keep_their_precision() -> None:
    features = a_map(4, 8, 16, 16) + 1000
    _, variance, _, _ = maps.batch_statistics(features, None, None, 1e-5)
    torch.testing.assert_close(variance.double(), features.double().var((0, 2, 3), unbiased=False), rtol=1e-4, atol=0)


@quickly
@given(st.integers(1, 4), CHANNELS, SIDES, SIDES, DTYPES, st.integers(0, 2), st.integers(0, 2), st.integers(0, 2))
def test_combine_and_its_gradients(images, channels, height, width, dtype, normed, kept, averaged) -> None:
    shape = (images, channels, height, width)
    sources = [a_map(*shape, dtype=dtype, seed=seed) for seed in range(normed + kept + averaged)]
    first, second, third = sources[:normed], sources[normed : normed + kept], sources[normed + kept :]
    others = [a_map(4, channels, 3, 3, seed=10 + number) for number in range(normed)]
    statistics = [maps.batch_statistics(features, None, None, 1e-5) for features in others]
    total, rectified = maps.combine(
        shape, dtype, list(zip(first, statistics, strict=True)), second, third, summed=True, rectified=True
    )
    expected = torch.zeros(shape, dtype=torch.float64)
    for features, (_, _, scale, shift) in zip(first, statistics, strict=True):
        expected += features.double() * scale[:, None, None].double() + shift[:, None, None].double()
    expected += sum(features.double() for features in second)
    expected += sum(mean_of_neighbours(features.double()) for features in third)
    close(total, expected, dtype)
    close(rectified, expected.relu(), dtype)


@quickly
@given(st.integers(1, 4), CHANNELS, SIDES, SIDES, DTYPES, st.integers(0, 2), st.integers(0, 2), st.integers(0, 2))
def test_gather_is_the_gradient_of_what_was_made_of_a_map(
    images, channels, height, width, dtype, convolved, kept, averaged
) -> None:
    if convolved + kept + averaged == 0:
        return
    shape = (images, channels, height, width)
    gradients = [a_map(*shape, dtype=dtype, seed=seed + 1) for seed in range(convolved + kept + averaged)]
    first, second, third = (
        gradients[:convolved],
        gradients[convolved : convolved + kept],
        gradients[convolved + kept :],
    )
    features = a_map(*shape, dtype=dtype).double().requires_grad_()
    rectified = features.relu()
    made = [rectified] * len(first) + [features] * len(second) + [mean_of_neighbours(features)] * len(third)
    (expected,) = torch.autograd.grad(made, features, [gradient.double() for gradient in [*first, *second, *third]])
    actual = maps.gather(first, rectified.detach().to(dtype), second, third)
    close(actual, expected, dtype)


@quickly
@given(st.integers(2, 4), CHANNELS, SIDES, SIDES, DTYPES)
def test_norm_backward(images, channels, height, width, dtype) -> None:
    features = a_map(images, channels, height, width, dtype=dtype)
    gradient = a_map(images, channels, height, width, dtype=dtype, seed=1)
    weight, bias = (row.clone().requires_grad_() for row in a_map(2, channels, 1, 1, seed=2).flatten(1).double() + 2)
    exact = features.double().requires_grad_()
    epsilon = 0.1  # So that few pixels of nearly the same value have gradients of moderate size.
    normed = functional.batch_norm(exact, None, None, weight, bias, training=True, eps=epsilon)
    expected = torch.autograd.grad(normed, (exact, weight, bias), gradient.double())
    statistics = maps.batch_statistics(features, weight.float().detach(), bias.float().detach(), epsilon)
    by_features, affine = maps.norm_backward(gradient, features, statistics, epsilon)
    close(by_features, expected[0], dtype)
    close(affine[0], expected[1], dtype)
    close(affine[1], expected[2], dtype)


@quickly
@given(
    st.integers(1, 5),
    st.sampled_from([1, 3, 8, 16]),
    CHANNELS,
    SIDES,
    SIDES,
    st.sampled_from([(1, 1), (3, 1), (3, 2)]),
    DTYPES,
    st.booleans(),
)
def test_convolution_and_its_gradients(images, channels, outputs, height, width, geometry, dtype, small) -> None:
    kernel, stride = geometry
    # PyTorch 2.13 reads memory that nobody wrote when it halves a bfloat16 map of one pixel.
    assume(small or dtype == torch.float32 or stride == 1 or min(height, width) > 1)
    features = a_map(images, channels, height, width, dtype=dtype)
    weight = a_map(outputs, channels, kernel, kernel, seed=3)
    exact = features.double().requires_grad_()
    exact_weight = weight.to(dtype).double().requires_grad_()
    expected = functional.conv2d(exact, exact_weight, stride=stride, padding=kernel // 2)
    gradient = a_map(*expected.shape, dtype=dtype, seed=2)
    by_features, by_weight = torch.autograd.grad(expected, (exact, exact_weight), gradient.double())
    wanted = channels % maps.LANES == 0
    with pytest.MonkeyPatch.context() as context:
        context.setattr(maps, "_small", lambda *_: small)
        actual = maps.convolve(features, weight, stride)
        passed, learned = maps.convolve_backward(gradient, features, weight, stride, wanted=wanted)
    close(actual, expected, dtype)
    assert learned.dtype == torch.float32
    close(learned, by_weight, dtype)
    if wanted:
        close(passed, by_features, dtype)


def test_only_small_convolutions_are_ours() -> None:
    weight = torch.randn(16, 16, 3, 3).contiguous(memory_format=torch.channels_last)
    assert maps._small(a_map(32, 16, 4, 4), weight, 1)
    assert not maps._small(a_map(64, 16, 32, 32), weight, 1)
    assert not maps._small(a_map(32, 16, 4, 4), torch.randn(16, 16, 3, 3), 1)


def test_threads_share_the_work() -> None:
    features, gradient = (a_map(77, 16, 9, 10, seed=seed) for seed in range(2))
    weight = a_map(16, 16, 3, 3, seed=2)
    halved = a_map(77, 16, 5, 5, seed=3)

    def everything() -> list[torch.Tensor]:
        statistics = maps.batch_statistics(features, None, None, 1e-5)
        shape = features.shape
        total, _ = maps.combine(
            shape, torch.float32, [(features, statistics)], [], [gradient], summed=True, rectified=False
        )
        passed, affine = maps.norm_backward(gradient, features, statistics, 1e-5)
        gathered = maps.gather([gradient], features, [], [features])
        strided = maps.convolve_backward(halved, features, weight, 2, wanted=True)
        convolved = (
            maps.convolve(features, weight, 1),
            *maps.convolve_backward(gradient, features, weight, 1, wanted=True),
        )
        return [statistics, total, passed, affine, gathered, *strided, *convolved]

    before = torch.get_num_threads()
    results = []
    try:
        for threads in (1, 2, 3):
            torch.set_num_threads(threads)
            results.append(everything())
    finally:
        torch.set_num_threads(before)
    for more in results[1:]:
        for one, other in zip(results[0], more, strict=True):
            close(other, one)
    # With another number of parts, sums are rounded differently: threads were indeed at work.
    assert not torch.equal(results[0][0], results[1][0])


def test_not_a_number_is_not_hidden() -> None:
    features = a_map(1, 8, 2, 2)
    features[0, 0, 0, 0] = float("nan")
    _, rectified = maps.combine(features.shape, torch.float32, [], [features], [], summed=False, rectified=True)
    assert rectified[0, 0, 0, 0].isnan()
    half = features.bfloat16()
    total, _ = maps.combine(half.shape, half.dtype, [], [half], [], summed=True, rectified=False)
    assert torch.equal(total.isnan(), half.isnan())


def test_bfloat16_is_rounded_as_pytorch_does() -> None:
    sums = a_map(2, 8, 64, 64)
    halves = sums.bfloat16(), (sums * 1.7).bfloat16()
    total, _ = maps.combine(sums.shape, torch.bfloat16, [], halves, [], summed=True, rectified=False)
    assert torch.equal(total, (halves[0].float() + halves[1].float()).bfloat16())


def test_unusable_maps_are_recognised() -> None:
    assert maps.usable(a_map(2, 8, 4, 4))
    assert not maps.usable(a_map(2, 8, 4, 4).double())
    assert not maps.usable(torch.randn(2, 8, 4, 4))
    assert not maps.usable(a_map(1, 8, 1, maps.WIDEST + 1))
    odd = a_map(2, 12, 4, 4)
    with pytest.raises(ValueError, match="cannot work"):
        maps.batch_statistics(odd, None, None, 1e-5)
