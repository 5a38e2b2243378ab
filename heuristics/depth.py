"""The number of cells."""

from dataclasses import dataclass, field, replace

from supernet_bench.heuristics._scaling import scaled_space
from supernet_bench.heuristics.base import Heuristic
from supernet_bench.heuristics.setup import Setup


@dataclass
class Depth(Heuristic):
    """The cells per stage of the supernet, in training and in scoring, are those of the study times `scale`, rounded.

    Spaces whose networks have a fixed number of layers, and so no setting `cells`, allow no scale but 1.
    """

    name = "depth"
    source = "Yu et al. 2020, How to Train Your Super-Net, arXiv 2003.04276"
    levels = tuple({"scale": scale} for scale in (1.0, 2.0, 3.0))
    labels = {"scale": "{} x the cells"}
    default = True

    scale: float = field(
        default=1.0, metadata={"help": "cells per stage, as a multiple of the study's", "low": 0.01, "high": 100.0}
    )

    def revise(self, setup: Setup) -> Setup:
        return replace(setup, space=scaled_space(setup.space, "cells", self.scale, self.name))
