"""NAS-Bench-Macro is the published space: order, costs, and a network written plainly beside it."""

import weakref
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from supernet_bench.core.errors import InputError
from supernet_bench.spaces.base import ALL, Architecture, Construction, Hooks
from supernet_bench.spaces.nasbench_macro.network import ChainSupernet, shapes
from supernet_bench.spaces.nasbench_macro.space import NasBenchMacro

SPACE = NasBenchMacro(width=2)
REDUCING = (0, 2, 5)


def reference(state: dict[str, Tensor], architecture: Architecture, images: Tensor) -> Tensor:
    """The network of the paper in training mode, as a formula over named weights."""

    def conv_norm(x: Tensor, name: str, stride: int = 1, depthwise: bool = False) -> Tensor:
        weight = state[f"{name}.conv.weight"]
        groups = len(weight) if depthwise else 1
        x = functional.conv2d(x, weight, stride=stride, padding=weight.shape[-1] // 2, groups=groups)
        scale, bias = state[f"{name}.norm.weight"], state[f"{name}.norm.bias"]
        return functional.batch_norm(x, None, None, scale, bias, training=True)

    x = functional.relu(conv_norm(images, "stem"))
    for layer, choice in enumerate(architecture):
        stride = 2 if layer in REDUCING else 1
        if choice == 0:
            x = conv_norm(x, f"layers.{layer}.identity.match", stride) if stride == 2 else x
            continue
        name = f"layers.{layer}.{['mb3_k3', 'mb6_k5'][choice - 1]}"
        y = functional.relu(conv_norm(x, f"{name}.expand"))
        y = functional.relu(conv_norm(y, f"{name}.depthwise", stride, depthwise=True))
        y = conv_norm(y, f"{name}.project")
        x = y if stride == 2 else x + y
    x = functional.relu(conv_norm(x, "head")).mean((2, 3))
    return functional.linear(x, state["classifier.weight"], state["classifier.bias"])


def test_network_is_the_published_one() -> None:
    torch.manual_seed(0)
    supernet = SPACE.supernet(3, 4, Construction()).double()
    images = torch.rand(5, 3, 16, 16, dtype=torch.float64)
    for text in ("00000000", "11111111", "22222222", "02012100", "21201021"):
        architecture = SPACE.parse(text)
        expected = reference(SPACE.inherit(supernet, architecture), architecture, images)
        torch.testing.assert_close(supernet(images, architecture), expected)


def test_hook_sees_residual_branches_only_and_may_replace_them() -> None:
    supernet = SPACE.supernet(1, 3, Construction()).eval()
    images = torch.rand(2, 1, 8, 8)
    for text in ("00000000", "11111111", "22222222", "02012100", "10200100"):
        architecture = SPACE.parse(text)
        depths: list[float] = []

        def drop(output: Tensor, depth: float, depths: list[float] = depths) -> Tensor:
            depths.append(depth)
            return torch.zeros_like(output)

        kept = tuple(choice if layer in REDUCING else 0 for layer, choice in enumerate(architecture))
        torch.testing.assert_close(supernet(images, architecture, Hooks(drop)), supernet(images, kept))
        assert depths == [
            (layer + 1) / 8 for layer, choice in enumerate(architecture) if choice and layer not in REDUCING
        ]


def scored_together(
    architectures: list[Architecture], watch: Callable[[Tensor], None]
) -> tuple[ChainSupernet, Tensor, list[Tensor]]:
    """A supernet, images and the logits of architectures; `watch` sees the feature map of every layer that is run."""
    torch.manual_seed(0)
    supernet = NasBenchMacro(width=1).supernet(1, 3, Construction()).eval()
    for layer in supernet.layers:
        for choice in layer.children():
            choice.register_forward_hook(lambda module, inputs, output: watch(output))
    images = torch.rand(2, 1, 8, 8)
    logits: list[Tensor] = [images] * len(architectures)
    with torch.no_grad():
        for positions, found in supernet.all_logits(images, architectures):
            for position in positions:
                logits[position] = found
    return supernet, images, logits


@pytest.mark.full
def test_whole_space_costs_9840_layers_and_one_branch_of_memory() -> None:
    architectures = [SPACE.architecture(index) for index in range(SPACE.size)]
    run = 0
    # An identity passes on the feature map it is given, so these are the different ones only.
    alive: weakref.WeakValueDictionary[int, Tensor] = weakref.WeakValueDictionary()

    def watch(features: Tensor) -> None:
        nonlocal run
        run += 1
        alive[id(features)] = features
        assert len(alive) <= len(SPACE.choices)

    supernet, images, logits = scored_together(architectures, watch)
    assert run == sum(3**layer for layer in range(1, 9)) == 9840
    for index in (0, 1, 3000, 4321, 6560):
        assert torch.equal(logits[index], supernet(images, architectures[index]))


def test_subset_costs_its_prefixes_and_gives_the_logits_of_each_path() -> None:
    indices = np.random.default_rng(0).choice(SPACE.size, 100).tolist()
    architectures = [SPACE.architecture(index) for index in [*indices, *indices[:10]]]
    ran: list[torch.Size] = []
    supernet, images, logits = scored_together(architectures, lambda features: ran.append(features.shape))
    assert len(ran) == len({architecture[:n] for architecture in architectures for n in range(1, 9)})
    with torch.no_grad():
        for architecture, found in zip(architectures, logits, strict=True):
            assert torch.equal(found, supernet(images, architecture))


def test_number_of_norms() -> None:
    norms = [m for m in SPACE.supernet(1, 3, Construction()).modules() if isinstance(m, nn.BatchNorm2d)]
    assert len(norms) == 1 + len(REDUCING) + 8 * 2 * 3 + 1


def test_text_is_eight_digits() -> None:
    assert SPACE.text((0, 2, 0, 1, 2, 1, 0, 0)) == "02012100"
    with pytest.raises(InputError, match=r"^architecture string of nasbench_macro is '02012103'; allowed: .*$"):
        SPACE.parse("02012103")


def test_rows_and_costs_are_the_published_ones(shared_data: Path) -> None:
    costs = SPACE.published_costs()
    with np.load(shared_data / "nb_macro.npz") as published:
        np.testing.assert_array_equal(SPACE.architectures, published["arch"])
        np.testing.assert_array_equal(costs.parameters, published["params"])
        np.testing.assert_array_equal(costs.macs, published["flops"])


def test_an_open_layer_averages_its_choices() -> None:
    torch.manual_seed(0)
    supernet = SPACE.supernet(1, 3, Construction())
    for layer, (channels, _, _) in enumerate(shapes(SPACE.width)):
        features = torch.randn(4, channels, 8, 8)
        for hook in (None, lambda output, depth: depth * output + 1):
            choices = [supernet._features(features, layer, choice, hook) for choice in range(3)]
            found = supernet._features(features, layer, ALL, hook)
            torch.testing.assert_close(found, torch.stack(choices).mean(0))


def test_hook_sees_each_residual_branch_of_an_open_layer() -> None:
    supernet = SPACE.supernet(1, 3, Construction())
    depths: list[float] = []

    def watch(output: Tensor, depth: float) -> Tensor:
        depths.append(depth)
        return output

    supernet(torch.rand(4, 1, 8, 8), (ALL,) * 8, Hooks(watch))
    assert depths == [(layer + 1) / 8 for layer in range(8) if layer not in REDUCING for _ in range(2)]


def test_gradients_reach_all_choices_of_open_layers() -> None:
    supernet = SPACE.supernet(1, 3, Construction())
    supernet(torch.rand(4, 1, 16, 16), (ALL,) * 8).square().sum().backward()
    assert all(parameter.grad.abs().max() > 0 for parameter in supernet.parameters())
