"""Whether a device computes what it should: layers and networks, forwards and backwards, against float64.

What a device computes wrongly it computes without a word, and only in one layout or type, so all that the suite uses
is compared: every kind of layer, and a path of every space that exists.
"""

from collections.abc import Callable, Mapping
from copy import deepcopy
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from supernet_bench.benchmark.plugins.registry import space_types
from supernet_bench.engines.pooling import mean_of_neighbours
from supernet_bench.spaces._layers import CentreConv2d, Conv2d, classify
from supernet_bench.spaces.base import ALL, Construction, TrainableSpace

CHANNELS, CLASSES = 16, 10
SHAPE = (8, CHANNELS, 9, 8)
"""Of the maps: an odd side shows what happens at the border."""

LAYOUTS = (torch.channels_last, torch.contiguous_format)

TOLERANCES = {torch.float32: 1e-3, torch.bfloat16: 0.05}
"""Relative difference, in the Euclidean norm, that is allowed in a layer, by type."""

NETWORK_TOLERANCES = {torch.float32: 0.2}
"""That in a network: a relative error of 1e-5 in every weight changes gradients by up to 0.05, where activations become
zero or not. What is wrong in a layer changes them by more; bfloat16 would hide it."""

Build = Callable[[], nn.Module]


class Function(nn.Module):
    """A layer without weights."""

    def __init__(self, function: Callable[[Tensor], Tensor]) -> None:
        super().__init__()
        self.function = function

    def forward(self, features: Tensor) -> Tensor:
        """Apply the function."""
        return self.function(features)


class Classifier(nn.Module):
    """Pooling, a linear layer and the cross-entropy of made-up labels."""

    def __init__(self, smoothing: float) -> None:
        super().__init__()
        self.linear = nn.Linear(CHANNELS, CLASSES)
        self.smoothing = smoothing

    def forward(self, features: Tensor) -> Tensor:
        """Return the loss."""
        labels = torch.arange(len(features), device=features.device) % CLASSES
        return functional.cross_entropy(classify(self.linear, features), labels, label_smoothing=self.smoothing)


class Network(nn.Module):
    """Two paths of a supernet: one of all kinds of operations, and that of all operations at once."""

    def __init__(self, space: TrainableSpace) -> None:
        super().__init__()
        self.supernet = space.supernet(CHANNELS, CLASSES, Construction())
        mixed = tuple((place + 1) % n for place, n in enumerate(space.choices))
        self.architectures = (mixed, (ALL,) * len(space.choices))

    def forward(self, images: Tensor) -> Tensor:
        """Return the logits of both."""
        # Images have no gradient in training; with one, the kernels for processors would be left out.
        return torch.cat([self.supernet(images.detach(), architecture) for architecture in self.architectures])


def _convolution(kernel: int, stride: int = 1, groups: int = 1, dilation: int = 1) -> Conv2d:
    padding = dilation * (kernel // 2)
    return Conv2d(CHANNELS, CHANNELS, kernel, stride, padding, dilation, groups, bias=False)


LAYERS: Mapping[str, Build] = {
    "convolution 1x1": partial(_convolution, 1),
    "convolution 3x3": partial(_convolution, 3),
    "convolution 3x3, stride 2": partial(_convolution, 3, stride=2),
    "convolution 3x3, dilated": partial(_convolution, 3, dilation=2),
    "convolution 3x3, grouped": partial(_convolution, 3, groups=4),
    "convolution 5x5, depthwise": partial(_convolution, 5, groups=CHANNELS),
    "convolution 5x5, depthwise, stride 2": partial(_convolution, 5, groups=CHANNELS, stride=2),
    "convolution, separable": lambda: nn.Sequential(_convolution(3, groups=CHANNELS), _convolution(1)),
    "convolution, centre of a larger one": lambda: CentreConv2d(_convolution(3), 1, transformed=True),
    "batch norm, training": lambda: nn.BatchNorm2d(CHANNELS),
    "batch norm, evaluation": lambda: nn.BatchNorm2d(CHANNELS).eval(),
    "batch norm without statistics": lambda: nn.BatchNorm2d(CHANNELS, track_running_stats=False),
    "average pooling 3x3": lambda: Function(mean_of_neighbours),
    "average pooling 2x2": lambda: Function(partial(functional.avg_pool2d, kernel_size=2, ceil_mode=True)),
    "max pooling 3x3": lambda: Function(partial(functional.max_pool2d, kernel_size=3, stride=1, padding=1)),
    "relu": lambda: Function(functional.relu),
    "linear and cross-entropy": lambda: Classifier(0.0),
    "linear and smoothed cross-entropy": lambda: Classifier(0.1),
}


def compare(device: torch.device) -> dict[str, float]:
    """Return how far off each layer and network is on a device, relative to what it should be; 0 if that is allowed."""
    trainable = {name: kind for name, kind in space_types().items() if issubclass(kind, TrainableSpace)}
    networks = {f"space {name}": partial(Network, kind()) for name, kind in trainable.items()}
    found = {name: _excess(build, device, TOLERANCES) for name, build in LAYERS.items()}
    return found | {name: _excess(build, device, NETWORK_TOLERANCES) for name, build in networks.items()}


def _excess(build: Build, device: torch.device, tolerances: Mapping[torch.dtype, float]) -> float:
    """Return the largest relative difference that is not allowed, 0 if all are, in all layouts and some types."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        layer = build()
        features = torch.randn(SHAPE)
        for tensor in layer.buffers():
            if tensor.is_floating_point():
                tensor.uniform_(0.5, 1.5)  # As statistics start, scaling by them would do nothing.
    worst = 0.0
    for dtype, tolerance in tolerances.items():
        given = features.to(dtype)
        expected = _computed(deepcopy(layer).double(), given.double())
        for layout in LAYOUTS:
            moved: Any = deepcopy(layer).to(device)
            moved.to(memory_format=layout)
            found = _computed(moved, given.to(device).contiguous(memory_format=layout))
            off = max(_relative(one, other) for one, other in zip(found, expected, strict=True))
            worst = max(worst, off if off > tolerance else 0.0)
    return worst


def _computed(layer: nn.Module, features: Tensor) -> list[Tensor]:
    """Return the output, the gradients with respect to features and weights, and statistics, as far as there are any.

    All weights are taken together, since the gradient of some is nothing but rounding.
    """
    features = features.detach().requires_grad_()
    output = layer(features)
    factors = torch.arange(output.numel(), dtype=torch.float64).sin().view(output.shape)
    gradient = torch.empty_like(output).copy_(factors)  # In the layout of the output, as in a network.
    output.backward(gradient)
    by_features = [] if features.grad is None else [features.grad]
    weights = [parameter.grad for parameter in layer.parameters() if parameter.grad is not None]
    statistics = [buffer for buffer in layer.buffers() if buffer.is_floating_point()]
    together = [torch.cat([tensor.flatten() for tensor in tensors]) for tensors in (weights, statistics) if tensors]
    return [output, *by_features, *together]


def _relative(found: Tensor, expected: Tensor) -> float:
    """Return the norm of the difference over that of `expected`; infinite where something is not a number."""
    found, expected = found.detach().double().cpu(), expected.detach().double()
    relative = torch.linalg.vector_norm(found - expected) / torch.linalg.vector_norm(expected).clamp_min(1e-12)
    return float(relative.nan_to_num(nan=torch.inf))
