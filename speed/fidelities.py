"""What is timed: three sizes of NAS-Bench-201, made-up pictures of those sizes, and sampled architectures."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from supernet_bench.benchmark.study.spec import RunSpec
from supernet_bench.core.streams import stream
from supernet_bench.images._pixels import channel_statistics
from supernet_bench.images.base import ImageData, ImageSource, Split
from supernet_bench.spaces.base import Architecture, Space
from supernet_bench.spaces.nasbench201.space import NasBench201

CHANNELS, CLASSES = 3, 10
SCORED_IMAGES = 250
"""One scoring batch of the default size."""


@dataclass(frozen=True)
class Fidelity:
    """One size of supernet and images.

    Attributes
    ----------
    name : str
    width, cells : int
        Channels of the first stage, and cells per stage.
    resolution : int
        Height and width of the images, pixels.
    batch_size : int
        Training images per step.
    steps : int
        Timed training steps.
    sample : int
        Architectures that are scored by implementations that share nothing between architectures.
    """

    name: str
    width: int
    cells: int
    resolution: int
    batch_size: int
    steps: int
    sample: int

    @property
    def space(self) -> Space:
        """The space whose supernet is trained."""
        return NasBench201(width=self.width, cells=self.cells)

    def spec(self, heuristics: Mapping[str, Mapping[str, Any]], epochs: int, seed: int = 0) -> RunSpec:
        """Return a run on images that are given to the trainer; they are not augmented."""
        return RunSpec.from_tables(
            {
                "space": {"name": "nasbench201", "width": self.width, "cells": self.cells},
                "images": {"name": "digits", "crop": 0, "flip": False},
                "training": {"epochs": epochs, "batch_size": self.batch_size},
                "heuristics": {"learning_rate": {"schedule": "constant"}, **heuristics},
                "scoring": {"architectures": 1, "checkpoints": 1},
                "seed": seed,
            }
        )

    def pictures(self, train: int, valid: int) -> ImageData:
        """Return random pixels and labels; speed does not depend on what pictures show."""
        generator = stream(0, f"pictures of {self.name}")
        pixels = torch.empty(train + valid, CHANNELS, self.resolution, self.resolution, dtype=torch.uint8)
        pixels.random_(256, generator=generator)
        labels = torch.randint(CLASSES, (train + valid,), generator=generator)
        mean, std = channel_statistics(pixels[:train])
        return ImageData(
            Split(pixels[:train], labels[:train]), Split(pixels[train:], labels[train:]), CLASSES, mean, std
        )


@dataclass(frozen=True)
class Given(ImageSource):
    """Images that are there already; they are not augmented."""

    data: ImageData
    crop: int = 0
    flip: bool = False

    def load(self, folder: Path | None = None) -> ImageData:
        """Return the images."""
        return self.data


FIDELITIES = {
    fidelity.name: fidelity
    for fidelity in (
        Fidelity("paper", width=16, cells=5, resolution=32, batch_size=64, steps=40, sample=20),
        Fidelity("reduced", width=16, cells=1, resolution=16, batch_size=64, steps=120, sample=100),
        Fidelity("digits", width=8, cells=1, resolution=8, batch_size=32, steps=300, sample=300),
    )
}


def draw(architectures: list[Architecture], count: int, name: str) -> list[Architecture]:
    """Return `count` uniform draws with repetition; the same for the same name."""
    picks = torch.randint(len(architectures), (count,), generator=stream(0, name))
    return [architectures[pick] for pick in picks.tolist()]


def whole(space: Space) -> list[Architecture]:
    """Return every architecture."""
    return [space.architecture(index) for index in range(space.size)]
