"""Scoring by how much the loss depends on each channel being there."""

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor, nn
from torch.nn import functional

from supernet_bench.proxies._layers import weighted, with_gradients
from supernet_bench.proxies.base import Batch, Proxy


@dataclass(frozen=True)
class Fisher(Proxy):
    """Sum over the channels that convolutions and linear layers give of half the mean squared saliency.

    The saliency of a channel for an image is the sum over its pixels of the activation times the gradient of the loss
    in it. Activations are the outputs of the layers themselves, before any norm. Theis, Korshunova, Tejani and Huszár
    (Faster gaze prediction, 2018) prune channels by it; the sum over all of a network is of the source.
    """

    name: ClassVar[str] = "fisher"
    source: ClassVar[str] = (
        "Abdelfattah, Mehrotra, Dudziak and Lane, Zero-Cost Proxies for Lightweight NAS, ICLR 2021, arXiv 2101.08134"
    )

    def score(self, network: nn.Module, batch: Batch, generator: torch.Generator) -> float:
        """Return the sum of saliencies."""
        outputs: list[Tensor] = []
        for layer in weighted(network):
            layer.register_forward_hook(lambda module, inputs, output: outputs.append(output))
        loss = functional.cross_entropy(network(batch.images), batch.labels)
        return float(sum(_saliency(output, gradient) for output, gradient in with_gradients(loss, outputs)))


def _saliency(output: Tensor, gradient: Tensor) -> float:
    """Return the sum over channels of half the mean squared saliency of [n, channels, ...]."""
    by_channel = (output * gradient).flatten(2).sum(2) if output.dim() > 2 else output * gradient
    return by_channel.square().mean(0).sum().item() / 2
