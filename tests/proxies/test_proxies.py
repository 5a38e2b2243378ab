"""What each proxy looks at, and what it does not."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn
from torch.nn import functional

from supernet_bench.benchmark.plugins.registry import proxy_types
from supernet_bench.proxies._layers import Rectified
from supernet_bench.proxies.base import Batch, Proxy
from supernet_bench.testing import proxies as contract

PROXIES = proxy_types()
EIGHT = {"fisher", "grad_norm", "jacov", "l2_norm", "naswot", "snip", "synflow", "zen"}


def chain(seed: int = 0, norm: bool = True) -> nn.Sequential:
    torch.manual_seed(seed)
    norms = [nn.BatchNorm2d(6), nn.BatchNorm2d(5)] if norm else [nn.Identity(), nn.Identity()]
    first, second = nn.Conv2d(2, 6, 3, padding=1, bias=False), nn.Conv2d(6, 5, 3, padding=1, bias=False)
    pooled = (nn.AdaptiveAvgPool2d(1), nn.Flatten())
    return nn.Sequential(first, norms[0], nn.ReLU(), second, norms[1], nn.ReLU(), *pooled, nn.Linear(5, 3))


def batch(images: int = 8, seed: int = 0) -> Batch:
    generator = torch.Generator().manual_seed(seed)
    return Batch(torch.randn(images, 2, 6, 6, generator=generator), torch.arange(images) % 3)


def score(name: str, network: nn.Module, given: Batch, seed: int = 0, **values: float) -> float:
    return PROXIES[name](**values).score(network.train(), given, torch.Generator().manual_seed(seed))


def scaled(network: nn.Module, factor: float) -> nn.Module:
    with torch.no_grad():
        for each in network.parameters():
            each.mul_(factor)
    return network


def test_those_that_reviewers_ask_for_are_there() -> None:
    assert PROXIES.keys() >= EIGHT


@pytest.mark.parametrize("check", contract.OF_PROXIES, ids=lambda check: check.__name__)
@pytest.mark.parametrize("proxy", PROXIES.values(), ids=PROXIES.keys())
def test_every_proxy_keeps_the_contract(proxy: type[Proxy], check) -> None:  # type: ignore[no-untyped-def]
    check(proxy())


@given(factor=st.floats(0.01, 100.0))
@settings(max_examples=20, deadline=None)
def test_norms_of_weights_scale_with_them(factor: float) -> None:
    plain = score("l2_norm", chain(), batch())
    assert score("l2_norm", scaled(chain(), factor), batch()) == pytest.approx(factor * plain, rel=1e-5)


@pytest.mark.parametrize("name", ["synflow", "l2_norm", "zen"])
def test_some_see_no_image(name: str) -> None:
    assert score(name, chain(), batch(seed=0)) == score(name, chain(), batch(seed=1))


@pytest.mark.parametrize("name", sorted(EIGHT - {"synflow", "l2_norm", "zen"}))
def test_the_others_do(name: str) -> None:
    assert score(name, chain(), batch(seed=0)) != score(name, chain(), batch(seed=1))


@pytest.mark.parametrize("name", ["naswot", "jacov", "synflow", "l2_norm", "zen"])
def test_some_see_no_label(name: str) -> None:
    one, other = batch(), Batch(batch().images, batch().labels.flip(0))
    assert score(name, chain(), one) == score(name, chain(), other)


@given(factor=st.floats(0.1, 10.0))
@settings(max_examples=20, deadline=None)
def test_flow_is_a_product_over_layers(factor: float) -> None:
    """Three layers of weights: their scores add up to three times the flow, which is a product of three."""
    network = chain(norm=False)
    nn.init.zeros_(network[-1].bias)
    plain = score("synflow", network, batch())
    network = scaled(chain(norm=False), factor)
    nn.init.zeros_(network[-1].bias)
    assert score("synflow", network, batch()) == pytest.approx(plain * factor**3, rel=1e-5)


def test_flow_is_through_positive_weights_without_norms() -> None:
    network, positive = chain(), chain(norm=False)
    for each in positive.parameters():
        each.data = each.data.abs()
    flow = positive.double()(torch.ones(1, 2, 6, 6, dtype=torch.float64)).sum().item()
    flow -= positive[-1].bias.sum().item()
    assert score("synflow", network, batch()) == pytest.approx(3 * flow, rel=1e-9)


def test_flow_of_a_deep_network_does_not_overflow() -> None:
    layers = [layer for _ in range(60) for layer in (nn.Conv2d(40, 40, 3, padding=1), nn.ReLU())]
    network = nn.Sequential(nn.Conv2d(2, 40, 1), *layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(40, 3))
    found = score("synflow", network, batch())
    assert math.isfinite(found)
    assert found > torch.finfo(torch.float32).max


def test_an_image_that_is_there_twice_makes_a_kernel_singular() -> None:
    twice = Batch(batch().images[[0, 1, 2, 0]], batch().labels[:4])
    assert score("naswot", chain(), twice) == -math.inf
    assert math.isfinite(score("naswot", chain(), batch(4)))


@given(order=st.permutations(range(8)))
@settings(max_examples=20, deadline=None)
def test_the_order_of_images_does_not_count(order: list[int]) -> None:
    shuffled = Batch(batch().images[order], batch().labels[order])
    for name in ("naswot", "jacov", "snip", "grad_norm", "fisher"):
        assert score(name, chain(), shuffled) == pytest.approx(score(name, chain(), batch()), rel=1e-4)


def test_codes_of_a_network_that_can_be_counted() -> None:
    """Two units: of three images one activates both, one the first, one none."""
    images = torch.tensor([[1.0, 1.0], [1.0, -1.0], [-1.0, -1.0]])
    network = nn.Sequential(nn.ReLU(), nn.Linear(2, 3))
    kernel = np.array([[2, 1, 0], [1, 2, 1], [0, 1, 2]])
    found = score("naswot", network, Batch(images, torch.arange(3)))
    assert found == pytest.approx(math.log(np.linalg.det(kernel)))


class Shared(nn.Module):
    """A map that is rectified once for two convolutions, or once for each."""

    def __init__(self, shared: bool) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.first, self.second = nn.Conv2d(2, 4, 3, padding=1), nn.Conv2d(2, 4, 1)
        self.classifier = nn.Linear(4, 3)
        self.shared = shared

    def forward(self, images: Tensor) -> Tensor:
        one = images.relu()
        other = one if self.shared else functional.relu(images)
        return self.classifier((self.first(one) + self.second(other)).mean((2, 3)))


def test_how_rectifiers_are_written_does_not_count() -> None:
    assert score("naswot", Shared(True), batch()) == score("naswot", Shared(False), batch())
    seen: list[tuple[int, int]] = []
    with Rectified(lambda features, readers: seen.append((features.shape[1], readers))):
        Shared(True)(batch().images)
    assert seen == [(2, 2)]


class Blind(nn.Module):
    """Gives the same logits whatever it is shown."""

    def __init__(self) -> None:
        super().__init__()
        self.logits = nn.Parameter(torch.zeros(3))

    def forward(self, images: Tensor) -> Tensor:
        return self.logits.expand(len(images), 3)


@pytest.mark.parametrize("name", ["naswot", "jacov", "zen"])
def test_a_network_that_sees_nothing_is_worse_than_all(name: str) -> None:
    assert score(name, Blind(), batch()) == -math.inf


@pytest.mark.parametrize("name", ["grad_norm", "snip", "fisher", "l2_norm", "synflow"])
def test_weights_that_are_not_there_say_nothing(name: str) -> None:
    assert score(name, Blind(), batch()) == 0


def test_correlations_of_gradients_that_are_known() -> None:
    """A linear network has the same gradient for all images: one eigenvalue is their number, the others are zero."""
    network = nn.Sequential(nn.Flatten(), nn.Linear(72, 3))
    expected = -(math.log(4 + 1e-5) + 1 / (4 + 1e-5) + 3 * (math.log(1e-5) + 1e5))
    assert score("jacov", network, batch(4)) == pytest.approx(expected, rel=1e-6)


def test_small_images_are_looked_at_fewer_at_a_time() -> None:
    """Of 18 numbers an image: no more than nine images have a part in it."""
    many = Batch(torch.randn(40, 2, 3, 3, generator=torch.Generator().manual_seed(0)), torch.arange(40) % 3)
    network = chain().eval()
    few = Batch(many.images[:9], many.labels[:9])
    assert PROXIES["jacov"]().score(network, many, torch.Generator()) == PROXIES["jacov"]().score(
        network, few, torch.Generator()
    )


def test_zen_of_one_layer_by_hand() -> None:
    network = nn.Sequential(
        nn.Conv2d(2, 6, 1, bias=False),
        nn.BatchNorm2d(6),
        nn.ReLU(),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Linear(6, 3),
    )
    found = score("zen", network, batch(), seed=4, repeats=1, inputs=16, change=0.5)
    generator = torch.Generator().manual_seed(4)
    weight, _ = torch.randn(6, 2, 1, 1, generator=generator), torch.randn(3, 6, generator=generator)
    inputs, noise = (torch.randn(16, 2, 6, 6, generator=generator) for _ in range(2))

    def rectified(images: Tensor) -> tuple[Tensor, Tensor]:
        maps = functional.conv2d(images, weight)
        variance = maps.var((0, 2, 3), correction=0)
        centred = maps - maps.mean((0, 2, 3), keepdim=True)
        return (centred / (variance[:, None, None] + 1e-5).sqrt()).clamp(min=0), maps.var((0, 2, 3))

    before, variance = rectified(inputs)
    after, _ = rectified(inputs + 0.5 * noise)
    moved = (after - before).abs().sum((1, 2, 3)).mean()
    assert found == pytest.approx(math.log(moved) + math.log(variance.mean()) / 2, rel=1e-4)


def test_zen_of_more_channels_is_larger() -> None:
    def network(width: int) -> nn.Module:
        layers = (nn.Conv2d(2, width, 3, padding=1), nn.BatchNorm2d(width), nn.ReLU())
        return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(width, 3))

    assert score("zen", network(4), batch()) < score("zen", network(32), batch())
