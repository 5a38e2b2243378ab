"""Scoring by what flows through a network of positive weights."""

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm

from supernet_bench.proxies._layers import weighted, with_gradients
from supernet_bench.proxies.base import Batch, Proxy


@dataclass(frozen=True)
class Synflow(Proxy):
    """Sum over the weights of convolutions and linear layers of weight times gradient of the sum of all logits.

    All weights are made positive first, the image is one of ones, and batch norms do nothing, as in the published code
    of the source: with them the sum would not tell how much flows. It is computed in double precision, since it is a
    product over layers, which single precision does not hold. Images do not count but for their shape. Tanaka, Kunin,
    Yamins and Ganguli (Pruning neural networks without any data, NeurIPS 2020) prune weights by it.
    """

    name: ClassVar[str] = "synflow"
    source: ClassVar[str] = (
        "Abdelfattah, Mehrotra, Dudziak and Lane, Zero-Cost Proxies for Lightweight NAS, ICLR 2021, arXiv 2101.08134"
    )

    def score(self, network: nn.Module, batch: Batch, generator: torch.Generator) -> float:
        """Return the sum."""
        network.double()
        _silence_norms(network)
        with torch.no_grad():
            for parameter in network.parameters():
                parameter.abs_()
        weights = [layer.weight for layer in weighted(network)]
        total = network(torch.ones_like(batch.images[:1], dtype=torch.float64)).sum()
        return float(sum((weight * gradient).sum().item() for weight, gradient in with_gradients(total, weights)))


def _silence_norms(network: nn.Module) -> None:
    """Have every batch norm give what it is given, exactly."""
    for norm in network.modules():
        if isinstance(norm, _BatchNorm):
            norm.reset_parameters()  # Running statistics 0 and 1, weight 1, bias 0.
            norm.eps = 0.0
            norm.eval()
