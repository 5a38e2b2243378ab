"""Handwritten digits, small enough for a laptop."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar

import numpy as np
import torch

from supernet_bench.core.errors import InputError
from supernet_bench.images._order import ends
from supernet_bench.images._pixels import channel_statistics, enlarge, shrink
from supernet_bench.images.base import ImageData, ImageSource, Split

IMAGES = 1797
RESOLUTION = 8
LARGEST_VALUE = 16


@dataclass(frozen=True)
class Digits(ImageSource):
    """The 1,797 grey pictures of 8x8 pixels that come with scikit-learn; nothing is downloaded.

    Training pictures are taken from the start and validation pictures from the end of one fixed order in
    which every stretch holds all digits about equally often; so neither depends on a seed, nor, while there
    are enough, the latter on `train`.
    """

    name: ClassVar[str] = "digits"
    source: ClassVar[str] = (
        "Alpaydin and Kaynak, Optical Recognition of Handwritten Digits, UCI Machine Learning Repository, "
        "1998, as copied in scikit-learn"
    )

    train: int = field(default=1297, metadata={"help": "training images", "low": 10, "high": IMAGES - 10})
    valid: int = field(
        default=500,
        metadata={"help": "validation images; with `train` at most 1,797", "low": 10, "high": IMAGES},
    )
    resolution: int = field(
        default=RESOLUTION,
        metadata={"help": "pixels; smaller ones average areas, larger ones interpolate", "choices": (4, 8, 16, 32)},
    )
    crop: int = field(default=1, metadata={"help": "zero padding for random crops, pixels", "low": 0, "high": 8})
    flip: bool = field(default=False, metadata={"help": "random mirror images, which of digits are other shapes"})

    def load(self, folder: Path | None = None) -> ImageData:
        """Read the images from scikit-learn; `folder` is not used."""
        try:
            from sklearn.datasets import load_digits
        except ImportError as error:
            raise InputError(
                f"the images 'digits' come with scikit-learn, which cannot be imported ({error})"
            ) from None
        if self.train + self.valid > IMAGES:
            raise InputError(f"images.valid is {self.valid}; allowed: 10 to what train leaves, {IMAGES - self.train}")
        bunch = load_digits()
        pixels = np.rint(bunch.images * (255 / LARGEST_VALUE)).astype(np.uint8)[:, None]
        parts = ends(bunch.target, self.train, self.valid)
        train, valid = (_split(pixels, bunch.target, chosen, self.resolution) for chosen in parts)
        mean, std = channel_statistics(train.images)
        return ImageData(train, valid, 10, mean, std)


def _split(pixels: np.ndarray, labels: np.ndarray, chosen: np.ndarray, resolution: int) -> Split:
    resize = enlarge if resolution > RESOLUTION else shrink
    images = resize(torch.from_numpy(pixels[chosen]), resolution)
    return Split(images, torch.from_numpy(labels[chosen].astype(np.int64)))
