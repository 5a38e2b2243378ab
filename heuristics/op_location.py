"""Where in a cell the weights of an operation belong."""

from dataclasses import dataclass, field, replace

from supernet_bench.core.errors import InputError
from supernet_bench.heuristics.base import Heuristic
from supernet_bench.heuristics.setup import Setup
from supernet_bench.spaces.base import Construction


@dataclass
class OpLocation(Heuristic):
    """Operations belong to edges, or to nodes.

    * ``edge``: each edge of a cell has weights of its own for each operation;
    * ``node``: all edges into a node share those of an operation, a convolution with its norm, whatever node they come
      from. Two edges into a node that do the same then add up their gradients in one weight. The norms that
      batch_norm.wsbn keeps apart by input configuration stay apart.
    """

    name = "op_location"
    source = "Yu et al. 2020, How to Train Your Super-Net, arXiv 2003.04276"
    levels = ({"per": "edge"}, {"per": "node"})
    labels = {"per=edge": "weights per edge", "per=node": "weights per node"}
    default = True

    per: str = field(
        default="edge", metadata={"help": "what has weights of its own for each operation", "choices": ("edge", "node")}
    )

    def check(self, setup: Setup) -> None:
        if self.per != "edge" and "operations_per" not in setup.space.mappings:
            raise InputError(
                f"heuristics.op_location.per is {self.per!r}; allowed: 'edge', "
                f"since space {setup.space.name} has no operations that could be shared"
            )

    def construct(self, construction: Construction) -> Construction:
        return replace(construction, operations_per=self.per)
