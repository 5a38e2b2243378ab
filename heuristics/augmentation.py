"""How training images are varied."""

from dataclasses import dataclass, field, replace
from typing import Any

import torch
from torch import Tensor

from supernet_bench.core.errors import InputError
from supernet_bench.heuristics.base import Heuristic, Step
from supernet_bench.heuristics.setup import Setup


def cut_out(images: Tensor, side: int, generator: torch.Generator) -> Tensor:
    """Return images in each of which a square is zero.

    Parameters
    ----------
    images : Tensor, [batch, channels, height, width]
    side : int
        Of the square, pixels. Its centre is uniform over all pixels, and what reaches over the border is cut off, as
        published; an odd one is made even by leaving out a pixel.
    generator : torch.Generator
        On the device of `images`.
    """
    batch, _, height, width = images.shape
    rows = _stretches(batch, height, side // 2, generator)
    columns = _stretches(batch, width, side // 2, generator)
    hole = rows[:, None, :, None] & columns[:, None, None, :]
    return images.clone().masked_fill_(hole, 0)  # The version that is not in place loses the memory format.


def _stretches(batch: int, length: int, half: int, generator: torch.Generator) -> Tensor:
    """Return which of `length` pixels lie in a stretch of 2 `half` around a random one, bool [batch, length]."""
    device = generator.device
    centre = torch.randint(length, (batch, 1), generator=generator, device=device)
    distance = torch.arange(length, device=device) - centre
    return (distance >= -half) & (distance < half)


@dataclass
class Augmentation(Heuristic):
    """Random crops, mirror images and cutout, for training images only.

    `policy` says which crops and mirror images there are:

    * ``own``: what the settings `crop` and `flip` of the images say;
    * ``none``: neither;
    * ``crop_flip``: zero padding of an eighth of the side (4 of 32 pixels, at least 1) all around, from which a window
      of the original size is cut, and half of the images mirrored.

    With `cutout`, a square of half the side (16 of 32 pixels) is then set to zero in each normalised image. Its
    centre is uniform over all pixels, so part of it may lie outside the image.
    """

    name = "augmentation"
    source = (
        "Yu et al. 2020, How to Train Your Super-Net, arXiv 2003.04276; "
        "DeVries and Taylor 2017, Improved Regularization of Convolutional Neural Networks with Cutout, "
        "arXiv 1708.04552"
    )
    levels = (
        {"policy": "none"},
        {"policy": "crop_flip"},
        {"policy": "own", "cutout": True},
        {"policy": "crop_flip", "cutout": True},
    )
    labels = {
        "policy=own": "the augmentation of the images",
        "policy=none": "no augmentation",
        "policy=crop_flip": "crops and flips",
        "cutout=true": "cutout",
        "cutout=false": "",
    }
    default = True
    order = 100  # The padding follows from the resolution, which others may have revised.

    policy: str = field(
        default="own",
        metadata={"help": "crops and mirror images; own is as the images say", "choices": ("own", "none", "crop_flip")},
    )
    cutout: bool = field(default=False, metadata={"help": "zero a square of half the side in each image"})

    def revise(self, setup: Setup) -> Setup:
        if self.policy == "own":
            return setup
        images: Any = setup.images
        varied = self.policy == "crop_flip"
        crop = self._padding(setup) if varied else 0
        return replace(setup, images=replace(images, crop=crop, flip=varied))

    def _padding(self, setup: Setup) -> int:
        side = getattr(setup.images, "resolution", None)
        if side is None:
            raise InputError(
                f"heuristics.augmentation.policy is {self.policy!r}; "
                f"allowed for images {setup.images.name}, which have no setting 'resolution': 'own', 'none'"
            )
        return max(1, side // 8)

    def on_images(self, images: Tensor, step: Step) -> Tensor:
        if not self.cutout:
            return images
        return cut_out(images, images.shape[-1] // 2, step.generator("cutout", images.device))
