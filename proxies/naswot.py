"""Scoring by how differently a network treats images: codes of rectifiers."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import torch
from torch import Tensor, nn

from supernet_bench.proxies._layers import Rectified
from supernet_bench.proxies.base import Batch, Proxy


@dataclass(frozen=True)
class Naswot(Proxy):
    """Logarithm of the determinant of the matrix of how many rectified units treat two images alike.

    The code of an image says of each unit whether it is active; the matrix has the number of units less the Hamming
    distance of two codes. This is the score of the second version of the paper; the first version's is `jacov`. A map
    that several convolutions rectify counts for each of them, as in the published networks, whose operations each have
    a rectifier. Two images with one code, such as an image that is there twice, make the matrix singular: minus
    infinity.
    """

    name: ClassVar[str] = "naswot"
    source: ClassVar[str] = (
        "Mellor, Turner, Storkey and Crowley, Neural Architecture Search without Training, ICML 2021, arXiv 2006.04647"
    )

    def score(self, network: nn.Module, batch: Batch, generator: torch.Generator) -> float:
        """Return the logarithm of the determinant."""
        kernel = _Kernel()
        with torch.no_grad(), Rectified(kernel.add):
            network(batch.images)
        return kernel.log_determinant()


class _Kernel:
    """Sums up how many units treat two images alike."""

    def __init__(self) -> None:
        self._alike: Tensor | int = 0

    def add(self, rectified: Tensor, times: int) -> None:
        """Add the units of what a rectifier gave, [n, ...], each as often as it is read."""
        active = (rectified > 0).flatten(1).to(torch.float32)
        both = active @ active.T
        own = both.diagonal()
        # Units that are inactive for both: all, less those active for either.
        neither = active.shape[1] - own[:, None] - own[None, :] + both
        self._alike = self._alike + times * (both + neither).double()

    def log_determinant(self) -> float:
        """Return the logarithm, or minus infinity where the matrix is singular."""
        if not isinstance(self._alike, Tensor):
            return -np.inf
        sign, logarithm = np.linalg.slogdet(self._alike.cpu().numpy())
        return float(logarithm) if sign > 0 else -np.inf
