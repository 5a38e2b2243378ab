"""CIFAR-10 in the split that NAS-Bench-201 was measured with."""

import random
import tarfile
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar

import numpy as np
import torch

from supernet_bench.core.downloads import PublishedFile, cache_folder, check, fetch, find, unpickle
from supernet_bench.core.errors import InputError
from supernet_bench.images._pixels import channel_statistics, shrink
from supernet_bench.images.base import ImageData, ImageSource, Split

ARCHIVE = PublishedFile(
    name="cifar-10-python.tar.gz",
    url="https://www.cs.toronto.edu/~kriz/cifar-10-python.tar.gz",
    checksum="md5:c58f30108f718f92721af3b95e74349a",
)
FOLDER = "cifar-10-batches-py"
TRAINING_BATCHES = {
    "data_batch_1": "md5:c99cafc152244af753f735de768cd75f",
    "data_batch_2": "md5:d4bba439e000b95fd0a9bffe97cbabec",
    "data_batch_3": "md5:54ebc095f3ab1f0389bbae665268c751",
    "data_batch_4": "md5:634d18415352ddfa80567beed471001a",
    "data_batch_5": "md5:482c414d41f54cd18b22e5b47cb7c3cb",
}
ARRAY_GLOBALS = {
    "numpy.core.multiarray._reconstruct": np.empty(0).__reduce__()[0],
    "numpy.ndarray": np.ndarray,
    "numpy.dtype": np.dtype,
}
IMAGES = 50_000
RESOLUTION = 32


@dataclass(frozen=True)
class Cifar10(ImageSource):
    """The 50,000 training images of CIFAR-10, half of them for validation; the test images are never read.

    Mean and standard deviation are those of the training images as they are used: at 32 pixels they agree
    with the published constants, but averaging over areas lowers the deviation.
    """

    name: ClassVar[str] = "cifar10"
    source: ClassVar[str] = (
        "Krizhevsky, Learning Multiple Layers of Features from Tiny Images, 2009; "
        "split of Dong and Yang, NAS-Bench-201, ICLR 2020"
    )

    resolution: int = field(
        default=RESOLUTION, metadata={"help": "pixels; smaller ones average areas", "choices": (8, 16, 32)}
    )
    train: int = field(default=25_000, metadata={"help": "training images", "low": 100, "high": IMAGES // 2})
    valid: int = field(default=25_000, metadata={"help": "validation images", "low": 100, "high": IMAGES // 2})
    crop: int = field(default=4, metadata={"help": "zero padding for random crops, pixels", "low": 0, "high": 32})
    flip: bool = field(default=True, metadata={"help": "random mirror images"})

    def load(self, folder: Path | None = None) -> ImageData:
        """Read the images, after a download if they are nowhere.

        Parameters
        ----------
        folder : Path, optional
            Holds the official archive, or the folder ``cifar-10-batches-py``, or is that folder.

        Raises
        ------
        InputError
            If the images cannot be had, or a file is damaged.
        """
        pixels, labels = _read(_batches(folder))
        train, valid = (self._split(pixels, labels, chosen) for chosen in published_split(self.train, self.valid))
        mean, std = channel_statistics(train.images)
        return ImageData(train, valid, 10, mean, std)

    def _split(self, pixels: np.ndarray, labels: np.ndarray, chosen: np.ndarray) -> Split:
        images = torch.from_numpy(pixels[chosen]).view(-1, 3, RESOLUTION, RESOLUTION)
        return Split(shrink(images, self.resolution), torch.from_numpy(labels[chosen]))


def published_split(train: int, valid: int) -> tuple[np.ndarray, np.ndarray]:
    """Return which of the 50,000 images are for training and which for validation.

    The halves are those of NAS-Bench-201 (``configs/nas-benchmark/cifar-split.txt`` of
    D-X-Y/AutoDL-Projects), which were made by shuffling all images with Python's generator seeded by 1021 and
    cutting in the middle. Fewer images are the first of that order, so a smaller subset is part of every
    larger one.

    Parameters
    ----------
    train, valid : int
        Number of images, up to 25,000 each.

    Returns
    -------
    train, valid : ndarray of int64, [train] and [valid]
        Ascending positions in the five training batches.
    """
    order = list(range(IMAGES))
    random.Random(1021).shuffle(order)
    middle = IMAGES // 2
    return np.sort(order[:middle][:train]), np.sort(order[middle:][:valid])


def _batches(folder: Path | None) -> Path:
    first = next(iter(TRAINING_BATCHES))
    found = find(folder, f"{FOLDER}/{first}", first)
    return found.parent if found else _unpack(fetch(ARCHIVE, folder))


def _unpack(archive: Path) -> Path:
    destination = cache_folder() / FOLDER
    try:
        destination.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=destination.parent) as temporary, tarfile.open(archive) as tar:
            members = [tar.getmember(f"{FOLDER}/{batch}") for batch in TRAINING_BATCHES]
            for member in members:
                if not member.isreg():  # No link, and nothing that a filter of some version of Python lets through.
                    raise tarfile.ExtractError(f"{member.name} is no plain file")
            tar.extractall(temporary, members, filter="data")
            Path(temporary, FOLDER).replace(destination)
    except (OSError, KeyError, EOFError, tarfile.TarError) as error:
        if destination.is_dir():  # another process was faster; every file is checked when it is read
            return destination
        raise InputError(f"{archive} cannot be unpacked to {destination} ({error})") from error
    return destination


def _read(folder: Path) -> tuple[np.ndarray, np.ndarray]:
    pixels, labels = [], []
    for batch, checksum in TRAINING_BATCHES.items():
        path = folder / batch
        check(path, checksum)
        content = unpickle(path.read_bytes(), path, ARRAY_GLOBALS)
        pixels.append(content["data"])
        labels.append(content["labels"])
    return np.concatenate(pixels), np.concatenate(labels)
