"""What a set of images must hold to: types, shapes and labels as they say, and the same images each time."""

import torch

from supernet_bench.benchmark.plugins.contracts import Mistake
from supernet_bench.core.errors import InputError
from supernet_bench.images.base import ImageData, ImageSource, Split


def check_images(source: ImageSource) -> None:
    """Look at what is loaded; the images may not be at hand."""
    try:
        data = source.load()
    except InputError:
        return
    for name in ("train", "valid"):
        _check_split(name, getattr(data, name), data)
        said, found = getattr(source, name, None), len(getattr(data, name).labels)
        if type(said) is int and said != found:
            raise Mistake("load", f"gives {found} images in {name}; allowed: as many as it says, {said}")
    for name, statistics in (("mean", data.mean), ("std", data.std)):
        if statistics.shape != (data.channels,) or statistics.dtype != torch.float32:
            raise Mistake("load", f"gives a {name} that is no float32 per channel; allowed: such, of pixels in [0, 1]")
    again = source.load()
    if not all(torch.equal(*pair) for pair in zip(_tensors(data), _tensors(again), strict=True)):
        raise Mistake("load", "gives other images the second time; allowed: the same for the same settings")


def _check_split(name: str, split: Split, data: ImageData) -> None:
    images, labels = split.images, split.labels
    if images.dtype != torch.uint8 or images.dim() != 4 or images.shape[1:] != data.train.images.shape[1:]:
        raise Mistake("load", f"gives images in {name} of another form; allowed: uint8 [n, channels, height, width]")
    if images.shape[-1] != images.shape[-2]:
        raise Mistake("load", f"gives images in {name} that are no squares; allowed: equal height and width")
    if labels.dtype != torch.int64 or labels.shape != images.shape[:1]:
        raise Mistake("load", f"gives labels in {name} of another form; allowed: int64 [n]")
    if len(labels) and not 0 <= int(labels.min()) <= int(labels.max()) < data.classes:
        raise Mistake("load", f"gives labels in {name} beyond its classes; allowed: 0 to {data.classes - 1}")


def _tensors(data: ImageData) -> list[torch.Tensor]:
    return [data.train.images, data.train.labels, data.valid.images, data.valid.labels, data.mean, data.std]
