"""From stored pixels to what a network sees: random crops, mirror images and normalisation."""

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.functional import avg_pool2d, interpolate, pad


@dataclass(frozen=True)
class PixelAugmentation:
    """Random variation of training pictures, drawn for each picture anew.

    Attributes
    ----------
    crop : int
        Pixels of zero padding on each side, from which a window of the original size is cut at random.
    flip : bool
        Whether half of the pictures are mirrored left to right.
    """

    crop: int
    flip: bool

    def __call__(self, images: Tensor, generator: torch.Generator) -> Tensor:
        """Vary a batch of pictures.

        Parameters
        ----------
        images : Tensor of uint8, [batch, channels, height, width]
            Before normalisation, so that the padding is black, as published.
        generator : torch.Generator
            On the device of `images`; the draws are made there.

        Returns
        -------
        Tensor of uint8, [batch, channels, height, width]
            `images` itself where nothing is varied.
        """
        if self.crop > 0:
            images = _random_crop(images, self.crop, generator)
        if self.flip:
            images = _random_flip(images, generator)
        return images


def normalise(images: Tensor, mean: Tensor, std: Tensor) -> Tensor:
    """Bring pixels to zero mean and unit variance.

    Parameters
    ----------
    images : Tensor of uint8, [batch, channels, height, width]
    mean, std : Tensor of float32, [channels]
        Of pixels scaled to [0, 1], on the device of `images`.

    Returns
    -------
    Tensor of float32, [batch, channels, height, width]
    """
    return (images.float() / 255 - mean[:, None, None]) / std[:, None, None]


def shrink(images: Tensor, resolution: int) -> Tensor:
    """Return images of `resolution` x `resolution` pixels, means of squares of the old ones.

    Parameters
    ----------
    images : Tensor of uint8, [n, channels, height, width]
    resolution : int
        A divisor of height and width.
    """
    side = images.shape[-1]
    if resolution == side:
        return images
    return avg_pool2d(images.float(), side // resolution).round().to(torch.uint8)


def enlarge(images: Tensor, resolution: int) -> Tensor:
    """Return images of `resolution` x `resolution` pixels, interpolated between the centres of the old ones.

    Parameters
    ----------
    images : Tensor of uint8, [n, channels, height, width]
    resolution : int
        Height and width times a power of two: the weights are then fractions of a power of two and the sums exact, so
        that the pixels are the same on every computer.
    """
    larger = interpolate(images.float(), size=(resolution, resolution), mode="bilinear", align_corners=False)
    return larger.round().to(torch.uint8)


def channel_statistics(images: Tensor) -> tuple[Tensor, Tensor]:
    """Return the mean and the standard deviation of each channel, of pixels scaled to [0, 1].

    They come from counts of the 256 values, so they do not depend on the number of threads.

    Parameters
    ----------
    images : Tensor of uint8, [n, channels, height, width]

    Returns
    -------
    mean, std : Tensor of float32, [channels]
    """
    counts = torch.stack([torch.bincount(channel.flatten(), minlength=256) for channel in images.unbind(1)])
    weights = counts.double() / counts.sum(1, keepdim=True)
    values = torch.arange(256, device=images.device).double() / 255
    mean = weights @ values
    variance = weights @ values**2 - mean**2
    return mean.float(), variance.sqrt().float()


def _random_crop(images: Tensor, padding: int, generator: torch.Generator) -> Tensor:
    batch, _, height, width = images.shape
    device = images.device
    top, left = torch.randint(2 * padding + 1, (2, batch), generator=generator, device=device)
    windows = pad(images, (padding,) * 4).unfold(2, height, 1).unfold(3, width, 1)
    return windows[torch.arange(batch, device=device), :, top, left]


def _random_flip(images: Tensor, generator: torch.Generator) -> Tensor:
    mirrored = torch.rand(len(images), generator=generator, device=images.device) < 0.5
    return torch.where(mirrored[:, None, None, None], images.flip(-1), images)
