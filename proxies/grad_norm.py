"""Scoring by the size of the first gradient."""

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import nn

from supernet_bench.proxies._layers import weights_with_gradients
from supernet_bench.proxies.base import Batch, Proxy


@dataclass(frozen=True)
class GradNorm(Proxy):
    """Sum over convolutions and linear layers of the Euclidean norm of the gradient of the loss in their weights.

    As in the published code norms of layers are added, not squared; biases and batch norms do not count.
    """

    name: ClassVar[str] = "grad_norm"
    source: ClassVar[str] = (
        "Abdelfattah, Mehrotra, Dudziak and Lane, Zero-Cost Proxies for Lightweight NAS, ICLR 2021, arXiv 2101.08134"
    )

    def score(self, network: nn.Module, batch: Batch, generator: torch.Generator) -> float:
        """Return the sum of norms."""
        return float(sum(gradient.norm().item() for _, gradient in weights_with_gradients(network, batch)))
