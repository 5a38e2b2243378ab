"""Running one cell of NAS-Bench-201 by itself."""

from torch import Tensor

from supernet_bench.engines.graph import IMAGES, Graph, Shape
from supernet_bench.engines.reference import last_map
from supernet_bench.spaces.base import Architecture, OperationHook
from supernet_bench.spaces.nasbench201.cell import Cell


def run_cell(cell: Cell, features: Tensor, architecture: Architecture, hook: OperationHook | None = None) -> Tensor:
    shape = Shape(*features.shape[1:])
    graph = Graph(shape)
    cell.extend(graph, IMAGES, shape, architecture, hook)
    return last_map(graph, features)
