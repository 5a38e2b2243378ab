"""Scoring by how much a network of random weights moves with its input."""

import math
from dataclasses import dataclass, field
from typing import ClassVar

import torch
from torch import Tensor, nn

from supernet_bench.proxies._layers import Rectified, weighted
from supernet_bench.proxies.base import Batch, Proxy


@dataclass(frozen=True)
class Zen(Proxy):
    """Logarithm of how far features move with a small change of the input, and of what batch norms divided out.

    All weights are drawn from a standard normal distribution, and so are inputs x and e; d is the mean over inputs of
    the summed absolute difference of the last features before pooling, of x and of x + 0.01 e. The score is log d plus
    the sum over batch norms of log s, s squared the mean variance of the channels that a norm is given; the mean of
    that over repetitions.

    Where the definition ends: the paper is about plain chains of convolutions and takes residual links away before it
    scores. In a space where links and poolings are choices that would make different architectures equal, so here
    networks are as they are. A norm that is given nothing but constants divides nothing out and is left out, and
    features that do not move, as behind a cell that gives zero, have minus infinity. Networks without rectified feature
    maps have none either.
    """

    name: ClassVar[str] = "zen"
    source: ClassVar[str] = (
        "Lin, Wang, Sun, Chen, Sun, Qian, Li and Jin, Zen-NAS: A Zero-Shot NAS for High-Performance Deep Image "
        "Recognition, ICCV 2021, arXiv 2102.01063"
    )

    repeats: int = field(default=4, metadata={"help": "repetitions; 32 in the source", "low": 1, "high": 10_000})
    inputs: int = field(default=16, metadata={"help": "random inputs of each", "low": 2, "high": 10_000})
    change: float = field(default=0.01, metadata={"help": "size of the change", "low": 1e-6, "high": 1e6})

    def score(self, network: nn.Module, batch: Batch, generator: torch.Generator) -> float:
        """Return the mean over repetitions."""
        shape = (self.inputs, *batch.images.shape[1:])
        norms = [module for module in network.modules() if isinstance(module, nn.BatchNorm2d)]
        for norm in norms:
            norm.momentum = 1.0  # What it keeps is the variance of the batch alone.
        scores = []
        with torch.no_grad():
            for _ in range(self.repeats):
                _draw_weights(network, generator)
                inputs, noise = (torch.randn(shape, generator=generator).to(batch.images) for _ in range(2))
                before = _features(network, inputs)
                scales = sum(map(_log_scale, norms))
                moved = (
                    (_features(network, inputs + self.change * noise) - before).abs().flatten(1).sum(1).mean().item()
                )
                if moved == 0:
                    return -math.inf
                scores.append(math.log(moved) + scales)
        return math.fsum(scores) / len(scores)


def _draw_weights(network: nn.Module, generator: torch.Generator) -> None:
    for layer in weighted(network):
        layer.weight.copy_(torch.randn(layer.weight.shape, generator=generator))
        if layer.bias is not None:
            layer.bias.zero_()


def _features(network: nn.Module, inputs: Tensor) -> Tensor:
    """Return the last rectified maps, [n, channels, height, width]; zeros where there are none."""
    maps = [inputs.new_zeros(len(inputs), 1)]
    with Rectified(lambda rectified, readers: maps.append(rectified) if rectified.dim() == 4 else None):
        network(inputs)
    return maps[-1]


def _log_scale(norm: nn.BatchNorm2d) -> float:
    """Return the logarithm of what a norm has just divided by; 0 where it was given constants, or nothing at all."""
    if norm.running_var is None:
        return 0.0
    variance = norm.running_var.mean().item()
    return math.log(variance) / 2 if variance > 0 else 0.0
