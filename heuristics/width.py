"""The number of channels."""

from dataclasses import dataclass, field, replace

from supernet_bench.heuristics._scaling import scaled_space
from supernet_bench.heuristics.base import Heuristic
from supernet_bench.heuristics.setup import Setup


@dataclass
class Width(Heuristic):
    """The channels of the supernet, in training and in scoring, are those of the study times `scale`, rounded.

    The architectures stay those of the space, and so do the published accuracies that they are compared with.
    """

    name = "width"
    source = "Yu et al. 2020, How to Train Your Super-Net, arXiv 2003.04276"
    levels = tuple({"scale": scale} for scale in (0.5, 1.0, 2.0))
    labels = {"scale": "{} x the width"}
    default = True

    scale: float = field(
        default=1.0, metadata={"help": "channels, as a multiple of the study's", "low": 0.01, "high": 100.0}
    )

    def revise(self, setup: Setup) -> Setup:
        return replace(setup, space=scaled_space(setup.space, "width", self.scale, self.name))
