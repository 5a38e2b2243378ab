"""Building blocks that several spaces share, and what they cost."""

from collections.abc import Callable

import numpy as np
from torch import Tensor, nn

from spaces.base import Costs, FeatureHook
from spaces.kernels.graph import Branch


class Conv2d(nn.Conv2d):
    """A convolution in the type of the features, whatever the type of its weight."""

    def forward(self, features: Tensor) -> Tensor:
        """Map [batch, in_channels, height, width] to [batch, out_channels, height/stride, width/stride]."""
        return self._conv_forward(features, self.weight.to(features.dtype), self.bias)


class ConvNorm(nn.Module):
    """A convolution without bias, then a normalisation layer.

    Parameters
    ----------
    in_channels, out_channels : int
    kernel : int
        Odd edge length; padded so that height and width are divided by `stride`, rounding up.
    norm : callable
        Makes the normalisation layer.
    stride, groups : int
        As in ``nn.Conv2d``.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel: int,
        norm: Callable[[int], nn.Module],
        *,
        stride: int = 1,
        groups: int = 1,
    ) -> None:
        super().__init__()
        self.conv = Conv2d(in_channels, out_channels, kernel, stride, padding=kernel // 2, groups=groups, bias=False)
        self.norm = norm(out_channels)

    def forward(self, features: Tensor) -> Tensor:
        """Map [batch, in_channels, height, width] to [batch, out_channels, height/stride, width/stride]."""
        return self.norm(self.conv(features))

    def branch(self, source: int, *, rectified: bool = False) -> Branch:
        """Return this layer as a branch of a graph; its norm must be an ``nn.BatchNorm2d``."""
        norm = self.norm
        assert isinstance(norm, nn.BatchNorm2d)
        return Branch.of(source, self.conv, norm, rectified=rectified)


def classify(classifier: nn.Linear, features: Tensor, on_features: FeatureHook | None = None) -> Tensor:
    """Return the logits of the mean over all pixels, in the type of the classifier, [batch, classes]."""
    pooled = features.to(classifier.weight.dtype).mean((2, 3))
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
