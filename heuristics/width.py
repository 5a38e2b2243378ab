"""The number of channels."""

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, ClassVar

from supernet_bench.heuristics._scaling import scaled_space
from supernet_bench.heuristics.base import Heuristic

if TYPE_CHECKING:
    from supernet_bench.benchmark.study.spec import RunSpec


@dataclass
class Width(Heuristic):
    """The channels of the supernet, in training and in scoring, are those of the study times `scale`, rounded.

    The architectures stay those of the space, and so do the published accuracies that they are compared with.
    """

    name: ClassVar[str] = "width"
    factor: ClassVar[str] = "width"
    source: ClassVar[str] = "Yu et al. 2020, How to Train Your Super-Net, arXiv 2003.04276"
    levels = tuple({"scale": scale} for scale in (0.5, 1.0, 2.0))
    default = True
    neutral = {"scale": 1.0}

    scale: float = field(
        default=1.0, metadata={"help": "channels, as a multiple of the study's", "low": 0.01, "high": 100.0}
    )

    def revise(self, spec: "RunSpec") -> "RunSpec":
        return replace(spec, space=scaled_space(spec.space, "width", self.scale, self.name))
