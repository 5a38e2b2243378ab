"""Scoring by how much the loss depends on each weight being there."""

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import nn

from supernet_bench.proxies._layers import weights_with_gradients
from supernet_bench.proxies.base import Batch, Proxy


@dataclass(frozen=True)
class Snip(Proxy):
    """Sum over the weights of convolutions and linear layers of the absolute weight times the gradient of the loss.

    Lee, Ajanthan and Torr (SNIP, ICLR 2019) prune weights by it; the sum over all of a network is of the source.
    """

    name: ClassVar[str] = "snip"
    source: ClassVar[str] = (
        "Abdelfattah, Mehrotra, Dudziak and Lane, Zero-Cost Proxies for Lightweight NAS, ICLR 2021, arXiv 2101.08134"
    )

    def score(self, network: nn.Module, batch: Batch, generator: torch.Generator) -> float:
        """Return the sum of saliencies."""
        pairs = weights_with_gradients(network, batch)
        return float(sum((weight * gradient).abs().sum().item() for weight, gradient in pairs))
