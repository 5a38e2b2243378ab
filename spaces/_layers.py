"""Building blocks that several spaces share, and what they cost."""

from collections.abc import Callable, Sequence

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from supernet_bench.engines.graph import Branch
from supernet_bench.spaces.base import Costs, FeatureHook


class Conv2d(nn.Conv2d):
    """A convolution in the type of the features, whatever the type of its weight."""

    def forward(self, features: Tensor) -> Tensor:
        """Map [batch, in_channels, height, width] to [batch, out_channels, height/stride, width/stride]."""
        return self._conv_forward(features, self.weight.to(features.dtype), self.bias)


def centre(weight: Tensor, kernel: int, transform: Tensor | None = None) -> Tensor:
    """Return the centre of the kernels of a convolution.

    Parameters
    ----------
    weight : Tensor
        [out, in, size, size].
    kernel : int
        Edge length of the centre; smaller than `size` by an even number.
    transform : Tensor, optional
        [kernel**2, kernel**2]; every centre, flattened, is multiplied by it.

    Returns
    -------
    Tensor
        [out, in, kernel, kernel], contiguous in the channels-last format.
    """
    margin = (weight.shape[-1] - kernel) // 2
    cropped = weight[..., margin : margin + kernel, margin : margin + kernel]
    if transform is not None:
        cropped = functional.linear(cropped.flatten(-2), transform).unflatten(-1, (kernel, kernel))
    return cropped.contiguous(memory_format=torch.channels_last)


class CentreConv2d(nn.Module):
    """A convolution, without bias, with the centre of the kernels of a larger one, whose weight both train.

    Parameters
    ----------
    whole : Conv2d or CentreConv2d
        The larger one; where it is itself the centre of a third, transforms follow one another.
    kernel : int
        Edge length, odd as that of `whole`; padded so that height and width are those that `whole` gives.
    transformed : bool
        Whether the centre is multiplied by a learned matrix, [kernel**2, kernel**2], the same for all channels; it
        starts as the identity.
    """

    transform: nn.Parameter | None

    def __init__(self, whole: "Conv2d | CentreConv2d", kernel: int, *, transformed: bool) -> None:
        super().__init__()
        self.whole = whole
        self.kernel = kernel
        self.stride: tuple[int, ...] = whole.stride
        self.groups: int = whole.groups
        self.register_parameter("transform", nn.Parameter(torch.eye(kernel**2)) if transformed else None)

    @property
    def weight(self) -> Tensor:
        """The kernels as they are now, [out, in, kernel, kernel]."""
        return centre(self.whole.weight, self.kernel, self.transform)

    def forward(self, features: Tensor) -> Tensor:
        """Map [batch, in, height, width] to [batch, out, height/stride, width/stride]."""
        weight = self.weight.to(features.dtype)
        return functional.conv2d(features, weight, None, self.stride, self.kernel // 2, groups=self.groups)


class NormedConv(nn.Module):
    """A convolution without bias, then a normalisation layer.

    Parameters
    ----------
    conv : Conv2d or CentreConv2d
    channels : int
        That it gives.
    norm : callable
        Makes a normalisation layer.
    configurations : sequence of int
        If there are any, each has a norm of its own, in the place of one for all.
    """

    def __init__(
        self,
        conv: Conv2d | CentreConv2d,
        channels: int,
        norm: Callable[[int], nn.Module],
        configurations: Sequence[int] = (),
    ) -> None:
        super().__init__()
        self.conv = conv
        self.norm = (
            nn.ModuleDict({str(number): norm(channels) for number in configurations})
            if configurations
            else norm(channels)
        )

    def norm_of(self, configuration: int) -> nn.Module:
        """Return the norm that is used in a configuration."""
        norm = self.norm
        return norm[str(configuration)] if isinstance(norm, nn.ModuleDict) else norm

    def norms(self) -> list[nn.Module]:
        """Return the norms of all configurations."""
        return list(self.norm.values()) if isinstance(self.norm, nn.ModuleDict) else [self.norm]

    def forward(self, features: Tensor, configuration: int = 0) -> Tensor:
        """Map [batch, in_channels, height, width] to [batch, out_channels, height/stride, width/stride]."""
        return self.norm_of(configuration)(self.conv(features))

    def branch(self, source: int, configuration: int = 0, *, rectified: bool = False) -> Branch:
        """Return this layer as a branch of a graph."""
        return Branch(source, self.conv, self.norm_of(configuration), rectified)


class ConvNorm(NormedConv):
    """A convolution with weights of its own, without bias, then a normalisation layer.

    Parameters
    ----------
    in_channels, out_channels : int
    kernel : int
        Odd edge length; padded so that height and width are divided by `stride`, rounding up.
    norm : callable
        Makes a normalisation layer.
    stride, groups : int
        As in ``nn.Conv2d``.
    configurations : sequence of int
        As in `NormedConv`.
    """

    conv: Conv2d

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel: int,
        norm: Callable[[int], nn.Module],
        *,
        stride: int = 1,
        groups: int = 1,
        configurations: Sequence[int] = (),
    ) -> None:
        conv = Conv2d(in_channels, out_channels, kernel, stride, padding=kernel // 2, groups=groups, bias=False)
        super().__init__(conv, out_channels, norm, configurations)


def classify(classifier: nn.Linear, features: Tensor, on_features: FeatureHook | None = None) -> Tensor:
    """Return the logits of the mean over all pixels, in the type of the classifier, [batch, classes]."""
    return classify_pooled(classifier, features.to(classifier.weight.dtype).mean((2, 3)), on_features)


def classify_pooled(classifier: nn.Linear, pooled: Tensor, on_features: FeatureHook | None = None) -> Tensor:
    """Return the logits of features that are pooled already, [batch, channels]."""
    return classifier(pooled if on_features is None else on_features(pooled))


def conv_cost(in_channels: int, out_channels: int, kernel: int, side: int, *, groups: int = 1) -> np.ndarray:
    """Return (parameters, MACs) of a convolution without bias whose output is `side` x `side`, int64 [2]."""
    weights = out_channels * (in_channels // groups) * kernel**2
    return np.array([weights, weights * side**2])


def norm_cost(channels: int) -> np.ndarray:
    """Return (parameters, MACs) of an affine normalisation, int64 [2]; no benchmark counts its operations."""
    return np.array([2 * channels, 0])


def conv_norm_cost(in_channels: int, out_channels: int, kernel: int, side: int, *, groups: int = 1) -> np.ndarray:
    """Return (parameters, MACs) of a `ConvNorm` whose output is `side` x `side`, int64 [2]."""
    return conv_cost(in_channels, out_channels, kernel, side, groups=groups) + norm_cost(out_channels)


def linear_cost(in_features: int, out_features: int) -> np.ndarray:
    """Return (parameters, MACs) of a linear layer with bias, int64 [2]."""
    return np.array([(in_features + 1) * out_features, in_features * out_features])


def additive_costs(architectures: np.ndarray, fixed: np.ndarray, per_choice: np.ndarray) -> Costs:
    """Add up what every architecture costs.

    Parameters
    ----------
    architectures : ndarray of int, [n, decisions]
    fixed : ndarray of int64, [2]
        (parameters, MACs) of what every network has.
    per_choice : ndarray of int64, [decisions, choices, 2]
        (parameters, MACs) that each choice of each decision adds.

    Returns
    -------
    Costs
        Of all n networks.
    """
    decisions = np.arange(architectures.shape[1])
    total = fixed + per_choice[decisions, architectures].sum(axis=1)
    return Costs(parameters=total[:, 0], macs=total[:, 1])
