"""Scoring by the size of the initial weights."""

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import nn

from supernet_bench.proxies._layers import weighted
from supernet_bench.proxies.base import Batch, Proxy


@dataclass(frozen=True)
class L2Norm(Proxy):
    """Sum over convolutions and linear layers of the Euclidean norm of their weights.

    Neither images nor connections have a part in it: at initialisation it says which layers there are, and so it is
    what other proxies have to be better than. It is in the published code of the source, not in its text.
    """

    name: ClassVar[str] = "l2_norm"
    source: ClassVar[str] = (
        "Abdelfattah, Mehrotra, Dudziak and Lane, Zero-Cost Proxies for Lightweight NAS, ICLR 2021, arXiv 2101.08134"
    )

    def score(self, network: nn.Module, batch: Batch, generator: torch.Generator) -> float:
        """Return the sum of norms."""
        return float(sum(layer.weight.detach().norm().item() for layer in weighted(network)))
