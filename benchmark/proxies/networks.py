"""What a proxy is given: a stand-alone network as it is built, and a batch of the study's training images."""

from dataclasses import dataclass

import torch
from torch import nn

from supernet_bench.core.generators import SharedGenerators
from supernet_bench.core.streams import stream, stream_seed
from supernet_bench.images._pixels import normalise
from supernet_bench.images.base import ImageData
from supernet_bench.proxies.base import Batch
from supernet_bench.spaces.base import Construction, TrainableSpace

CPU = torch.device("cpu")


class _BatchNorm2d(nn.BatchNorm2d):
    """A type of its own: loops that run a whole path at once know PyTorch's alone, and no hook would see anything."""


CONSTRUCTION = Construction(norm=_BatchNorm2d)
"""How networks are built: as published, whatever the heuristics of a study make of its supernet."""


@dataclass(frozen=True)
class Networks:
    """The stand-alone networks of a space at initialisation.

    Every architecture is a network of its own, with initial weights that depend on the seed and its number alone; so a
    score does not depend on which others are scored. Architectures that compute the same are not scored once for all:
    some proxies count weights that nothing is computed with, and that equal architectures differ by their initial
    weights shows how much these say.

    Attributes
    ----------
    space : TrainableSpace
    channels, classes : int
        Of the images.
    seed : int
    """

    space: TrainableSpace
    channels: int
    classes: int
    seed: int

    def build(self, index: int, device: torch.device = CPU) -> nn.Module:
        """Return the network of an architecture, in training mode."""
        seed = stream_seed(self.seed, "initial weights for proxies", index)
        with SharedGenerators(CPU).seeded(seed):
            network = self.space.standalone(self.space.architecture(index), self.channels, self.classes, CONSTRUCTION)
        return network.to(device).train()


def choose_batch(data: ImageData, size: int, seed: int) -> Batch:
    """Return training images, chosen by the seed alone; all of them where there are no more than `size`."""
    order = torch.randperm(len(data.train.labels), generator=stream(seed, "images for proxies"))[:size]
    return Batch(normalise(data.train.images[order], data.mean, data.std), data.train.labels[order])
