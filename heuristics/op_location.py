"""Where in a cell the weights of an operation belong."""

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, ClassVar

from supernet_bench.core.errors import InputError
from supernet_bench.heuristics.base import Heuristic

if TYPE_CHECKING:
    from supernet_bench.benchmark.study.spec import RunSpec
    from supernet_bench.spaces.base import Construction


@dataclass
class OpLocation(Heuristic):
    """Operations belong to edges, or to nodes.

    * ``edge``: each edge of a cell has weights of its own for each operation;
    * ``node``: all edges into a node share those of an operation, a convolution with its norm, whatever node they come
      from. Two edges into a node that do the same then add up their gradients in one weight. The norms that
      batch_norm.wsbn keeps apart by input configuration stay apart.
    """

    name: ClassVar[str] = "op_location"
    factor: ClassVar[str] = "op_location"
    source: ClassVar[str] = "Yu et al. 2020, How to Train Your Super-Net, arXiv 2003.04276"
    levels = ({"per": "edge"}, {"per": "node"})
    default = True
    neutral = {"per": "edge"}

    per: str = field(
        default="edge", metadata={"help": "what has weights of its own for each operation", "choices": ("edge", "node")}
    )

    def check(self, spec: "RunSpec") -> None:
        if self.per != "edge" and "operations_per" not in spec.space.mappings:
            raise InputError(
                f"heuristics.op_location.per is {self.per!r}; allowed: 'edge', "
                f"since space {spec.space.name} has no operations that could be shared"
            )

    def construct(self, construction: "Construction") -> "Construction":
        return replace(construction, operations_per=self.per)
