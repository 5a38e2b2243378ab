"""The size of the images."""

import math
from dataclasses import dataclass, field, fields, replace
from typing import Any

from supernet_bench.core.errors import InputError
from supernet_bench.heuristics.base import Heuristic
from supernet_bench.heuristics.setup import Setup
from supernet_bench.images.base import ImageSource


@dataclass
class Resolution(Heuristic):
    """The side of the images, and so of all feature maps, in training and in scoring, is the study's times `scale`.

    The padding for random crops shrinks with the images, rounded up, so that they are varied about as much.
    """

    name = "resolution"
    source = "Zhou et al. 2020, EcoNAS: Finding Proxies for Economical NAS, arXiv 2001.01233"
    levels = ({"scale": 1.0}, {"scale": 0.5})
    labels = {"scale": "{} x the resolution"}
    default = True

    scale: float = field(
        default=1.0, metadata={"help": "height and width, as a multiple of the study's", "low": 0.01, "high": 1.0}
    )

    def revise(self, setup: Setup) -> Setup:
        if self.scale == 1:
            return setup
        images: Any = setup.images
        allowed = _resolutions(images)
        if not allowed:
            raise InputError(
                f"heuristics.resolution.scale is {self.scale}; allowed: 1.0, since {images.name} have one resolution"
            )
        resolution = images.resolution * self.scale
        if resolution not in allowed:
            raise InputError(
                f"heuristics.resolution.scale is {self.scale}, which makes images.resolution {resolution:g}; "
                f"allowed: what makes it one of {', '.join(map(str, allowed))}"
            )
        crop = math.ceil(images.crop * self.scale)
        return replace(setup, images=replace(images, resolution=int(resolution), crop=crop))


def _resolutions(images: ImageSource) -> tuple[int, ...]:
    """Return in which resolutions the images can be had."""
    settings = fields(images)  # type: ignore[arg-type]  # every source of images is a dataclass
    return next((tuple(each.metadata.get("choices", ())) for each in settings if each.name == "resolution"), ())
