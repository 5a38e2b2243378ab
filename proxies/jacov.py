"""Scoring by how differently a network treats images: correlations of Jacobians."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import torch
from torch import nn

from supernet_bench.proxies.base import Batch, Proxy

FLOOR = 1e-5
"""Added to each eigenvalue, as published."""


@dataclass(frozen=True)
class Jacov(Proxy):
    """How near to uncorrelated the gradients of the summed logits in the images are.

    With the eigenvalues v of the correlation matrix of these gradients, one row per image, the score is minus the sum
    of log(v + k) + 1 / (v + k), k = 1e-5. This is the score of the first version of the paper; the second version's is
    `naswot`. In a batch norm the gradient of an image passes through the other images of the batch too, as published.
    A network that does not depend on an image has no correlation, and minus infinity.

    More images than an image has numbers cannot be uncorrelated: each further eigenvalue is zero, and adds -100,000
    and the noise of its rounding. So of small images no more are looked at than half of these numbers; of larger ones,
    as the published ones are, all of the batch.
    """

    name: ClassVar[str] = "jacov"
    source: ClassVar[str] = (
        "Mellor, Turner, Storkey and Crowley, Neural Architecture Search without Training, 2020, arXiv 2006.04647"
    )

    def score(self, network: nn.Module, batch: Batch, generator: torch.Generator) -> float:
        """Return minus the divergence from uncorrelated."""
        most = max(2, batch.images[0].numel() // 2)
        images = batch.images[:most].clone().requires_grad_()
        logits = network(images)
        if not logits.requires_grad:
            return -np.inf
        (gradient,) = torch.autograd.grad(logits.sum(), images, allow_unused=True)
        if gradient is None:
            return -np.inf
        rows = gradient.flatten(1).double().cpu().numpy()
        if (rows == rows[:, :1]).all(axis=1).any():
            return -np.inf
        eigenvalues = np.linalg.eigvalsh(np.corrcoef(rows))
        # They cannot be negative, but for rounding, which the floor is smaller than in single precision only.
        floored = np.maximum(eigenvalues, 0.0) + FLOOR
        return float(-(np.log(floored) + 1 / floored).sum())
