"""What a set of images is: two labelled splits in memory and how training pictures are varied."""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from torch import Tensor


@dataclass(frozen=True)
class Split:
    """Labelled images.

    Attributes
    ----------
    images : Tensor of uint8, [n, channels, height, width]
    labels : Tensor of int64, [n]
    """

    images: Tensor
    labels: Tensor


@dataclass(frozen=True)
class ImageData:
    """Images in memory.

    Attributes
    ----------
    train, valid : Split
        What supernets are trained on, and what architectures are scored on. Test images are never used.
    classes : int
        Number of labels.
    mean, std : Tensor of float32, [channels]
        Statistics of the training images in [0, 1], for normalisation.
    """

    train: Split
    valid: Split
    classes: int
    mean: Tensor
    std: Tensor

    @property
    def channels(self) -> int:
        """Number of image channels."""
        return self.train.images.shape[1]

    @property
    def resolution(self) -> int:
        """Height and width of the images, pixels."""
        return self.train.images.shape[-1]


class ImageSource(ABC):
    """A set of images that a study can name.

    A subclass is a frozen dataclass in a module of its own; its fields are its settings, and a field's metadata may
    hold ``help``, ``low``, ``high`` and ``choices``. Two settings exist in every set: ``crop``, the pixels of zero
    padding for random crops, and ``flip``, whether images are mirrored at random. Settings named ``train``,
    ``valid`` and ``resolution``, where they are whole numbers, are how many images are loaded and of what size.
    """

    name: ClassVar[str]
    source: ClassVar[str]
    crop: int
    flip: bool

    @abstractmethod
    def load(self, folder: Path | None = None) -> ImageData:
        """Read the images.

        Parameters
        ----------
        folder : Path, optional
            Where the user keeps data; searched before any download.

        Raises
        ------
        InputError
            If the images cannot be had, or a file is damaged.
        """
