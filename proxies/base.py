"""What a zero-cost proxy is: a score of one stand-alone network at initialisation, from one batch of images."""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor, nn


@dataclass(frozen=True)
class Batch:
    """Training images that a network is looked at with.

    Attributes
    ----------
    images : Tensor of float32, [n, channels, height, width]
        Normalised, and not varied.
    labels : Tensor of int64, [n]
    """

    images: Tensor
    labels: Tensor


class Proxy(ABC):
    """A way to rank architectures without training them.

    A subclass is a frozen dataclass in a module of its own; its fields are its settings, each with a default, and a
    field's metadata may hold ``help``, ``low``, ``high`` and ``choices``.
    """

    name: ClassVar[str]
    source: ClassVar[str]

    @abstractmethod
    def score(self, network: nn.Module, batch: Batch, generator: torch.Generator) -> float:
        """Score a network, whose weights are as it was built.

        Parameters
        ----------
        network : nn.Module
            Maps images to logits, [n, classes]. It is in training mode, so that batch norms use the batch, and it is
            this call's own: weights, modes and gradients may be left as anything. Its convolutions, linear layers and
            batch norms are called as modules, one after the other, so that hooks see them; its rectifiers are not.
        batch : Batch
            On the device of the network; the same for all networks. It must be left as it is.
        generator : torch.Generator
            On the processor; what else is random comes from it. It depends on the seed and the architecture.

        Returns
        -------
        float
            The higher, the better the network should be once it is trained. Minus infinity says that it is worse than
            all that have a number; NaN and infinity are refused.
        """
