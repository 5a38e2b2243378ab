"""The networks of NAS-Bench-Macro: chains of inverted residuals."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from supernet_bench.spaces._layers import ConvNorm, classify, conv_norm_cost, linear_cost
from supernet_bench.spaces._prefixes import depth_first
from supernet_bench.spaces.base import (
    ALL,
    NO_HOOKS,
    Architecture,
    Construction,
    FeatureHook,
    Hooks,
    OperationHook,
    Supernet,
)

OPERATIONS = ("identity", "mb3_k3", "mb6_k5")

EXPANSION_AND_KERNEL = {"mb3_k3": (3, 3), "mb6_k5": (6, 5)}

STAGES = (2, 3, 3)
"""Layers per stage; the first layer of each doubles the channels and halves height and width."""

LAYERS = sum(STAGES)

HEAD = 1280
"""Channels before the classifier, whatever the width."""


class InvertedResidual(nn.Module):
    """Expand, filter each channel, project; the input is added where the shape stays.

    Parameters
    ----------
    in_channels, out_channels, stride : int
        Shape of the layer.
    expansion : int
        Hidden channels per input channel.
    kernel : int
        Edge length of the depthwise convolution.
    depth : float
        Relative depth of the layer in its network, in (0, 1].
    norm : callable
        Makes a normalisation layer.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        stride: int,
        expansion: int,
        kernel: int,
        depth: float,
        norm: Callable[[int], nn.Module],
    ) -> None:
        super().__init__()
        hidden = expansion * in_channels
        self.depth = depth
        self.residual = in_channels == out_channels and stride == 1
        self.expand = ConvNorm(in_channels, hidden, 1, norm)
        self.depthwise = ConvNorm(hidden, hidden, kernel, norm, stride=stride, groups=hidden)
        self.project = ConvNorm(hidden, out_channels, 1, norm)

    def forward(self, features: Tensor, on_operation: OperationHook | None = None) -> Tensor:
        """Map [batch, in_channels, height, width] to [batch, out_channels, height/stride, width/stride]."""
        hidden = functional.relu(self.depthwise(functional.relu(self.expand(features))))
        output = self.project(hidden)
        if not self.residual:
            return output
        # Only a branch beside a residual may be dropped: without one, nothing of the image would be left.
        return features + (output if on_operation is None else on_operation(output, self.depth))


class Shortcut(nn.Module):
    """The identity choice: nothing where the shape stays, else a 1x1 convolution; never dropped."""

    def __init__(self, in_channels: int, out_channels: int, stride: int, norm: Callable[[int], nn.Module]) -> None:
        super().__init__()
        same = in_channels == out_channels and stride == 1
        self.match = nn.Identity() if same else ConvNorm(in_channels, out_channels, 1, norm, stride=stride)

    def forward(self, features: Tensor, on_operation: OperationHook | None = None) -> Tensor:
        """Map [batch, in_channels, height, width] to [batch, out_channels, height/stride, width/stride]."""
        return self.match(features)


def shapes(width: int) -> list[tuple[int, int, int]]:
    """Return (input channels, output channels, stride) of every layer."""
    return [
        (width * 2 ** (stage + (layer > 0)), width * 2 ** (stage + 1), 1 if layer else 2)
        for stage, layers in enumerate(STAGES)
        for layer in range(layers)
    ]


class ChainNetwork(nn.Module):
    """The macro skeleton, with the weights of some choices of each layer.

    Parameters
    ----------
    width : int
        Channels of the stem; the stages have 2, 4 and 8 times as many.
    candidates : sequence of sequence of str
        For each layer, the choices that may be run.
    in_channels, classes : int
        Channels of the images and number of labels.
    construction : Construction
        How layers are built.
    """

    def __init__(
        self,
        width: int,
        candidates: Sequence[Sequence[str]],
        in_channels: int,
        classes: int,
        construction: Construction,
    ) -> None:
        super().__init__()
        norm = construction.norm

        def build(name: str, layer: int, shape: tuple[int, int, int]) -> nn.Module:
            if name == "identity":
                return Shortcut(*shape, norm)
            return InvertedResidual(*shape, *EXPANSION_AND_KERNEL[name], (layer + 1) / LAYERS, norm)

        self.stem = ConvNorm(in_channels, width, 3, norm)
        self.layers = nn.ModuleList(
            nn.ModuleDict({name: build(name, layer, shape) for name in names})
            for layer, (names, shape) in enumerate(zip(candidates, shapes(width), strict=True))
        )
        self.head = ConvNorm(width * 2 ** len(STAGES), HEAD, 1, norm)
        self.classifier = nn.Linear(HEAD, classes)

    def path(self, images: Tensor, architecture: Architecture, hooks: Hooks = NO_HOOKS) -> Tensor:
        """Return the logits of one architecture, whose choices must be candidates, [batch, classes]."""
        features = self._first_features(images)
        for layer, choice in enumerate(architecture):
            features = self._features(features, layer, choice, hooks.operation)
        return self._logits(features, hooks.features)

    def _first_features(self, images: Tensor) -> Tensor:
        return functional.relu(self.stem(images))

    def _features(self, features: Tensor, layer: int, choice: int, on_operation: OperationHook | None = None) -> Tensor:
        candidates: Any = self.layers[layer]
        if choice == ALL:
            return torch.stack([operation(features, on_operation) for operation in candidates.values()]).mean(0)
        return candidates[OPERATIONS[choice]](features, on_operation)

    def _logits(self, features: Tensor, on_features: FeatureHook | None = None) -> Tensor:
        return classify(self.classifier, functional.relu(self.head(features)), on_features)


class ChainSupernet(ChainNetwork, Supernet):
    """The skeleton with every choice of every layer."""

    def __init__(self, width: int, in_channels: int, classes: int, construction: Construction) -> None:
        super().__init__(width, [OPERATIONS] * LAYERS, in_channels, classes, construction)

    def forward(self, images: Tensor, architecture: Architecture, hooks: Hooks = NO_HOOKS) -> Tensor:
        """Return the logits of one path, [batch, classes].

        The hook on operations sees the branches of inverted residuals whose input is added to them, and nothing else:
        a chain has no other way around an operation, so dropping any other output would erase the sample.
        Depth is the number of the layer, from 1, over the number of layers.
        """
        return self.path(images, architecture, hooks)

    def all_logits(self, images: Tensor, architectures: Sequence[Architecture]) -> Iterator[tuple[list[int], Tensor]]:
        """Run each prefix once: 9,840 layers for the whole space, which has 52,488; see `Supernet.all_logits`."""
        for positions, features in depth_first(architectures, self._first_features(images), self._features):
            logits = self._logits(features)
            del features  # The walk drops it before it computes the next one, so that no more than a branch is kept.
            yield positions, logits


class StandaloneNetwork(ChainNetwork):
    """The published network of one architecture."""

    def __init__(
        self,
        architecture: Architecture,
        width: int,
        in_channels: int,
        classes: int,
        construction: Construction,
    ) -> None:
        super().__init__(width, [(OPERATIONS[choice],) for choice in architecture], in_channels, classes, construction)
        self.architecture = architecture

    def forward(self, images: Tensor) -> Tensor:
        """Return logits, [batch, classes]."""
        return self.path(images, self.architecture)


def skeleton_cost(width: int, in_channels: int, classes: int, resolution: int) -> np.ndarray:
    """Return (parameters, MACs) of stem, head and classifier, int64 [2]."""
    side = -(-resolution // 2 ** len(STAGES))
    stem = conv_norm_cost(in_channels, width, 3, resolution)
    return stem + conv_norm_cost(width * 2 ** len(STAGES), HEAD, 1, side) + linear_cost(HEAD, classes)


def layer_costs(width: int, resolution: int) -> np.ndarray:
    """Return (parameters, MACs) of each choice of each layer, int64 [8, 3, 2]."""
    costs = np.zeros((LAYERS, len(OPERATIONS), 2), dtype=np.int64)
    before = resolution
    for layer, (in_channels, out_channels, stride) in enumerate(shapes(width)):
        side = -(-before // stride)
        if stride != 1:
            costs[layer, OPERATIONS.index("identity")] = conv_norm_cost(in_channels, out_channels, 1, side)
        for name, (expansion, kernel) in EXPANSION_AND_KERNEL.items():
            hidden = expansion * in_channels
            costs[layer, OPERATIONS.index(name)] = (
                conv_norm_cost(in_channels, hidden, 1, before)
                + conv_norm_cost(hidden, hidden, kernel, side, groups=hidden)
                + conv_norm_cost(hidden, out_channels, 1, side)
            )
        before = side
    return costs
