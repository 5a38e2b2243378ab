"""Which engine runs a graph: the first that accepts it, of those that there are."""

from collections.abc import Callable, Iterator, Sequence

from torch import Tensor

from supernet_bench.engines.base import Engine
from supernet_bench.engines.cpu.engine import CpuEngine
from supernet_bench.engines.graph import Graph
from supernet_bench.engines.reference import ReferenceEngine

ENGINES: tuple[Engine, ...] = (CpuEngine(), ReferenceEngine())
"""The fastest first; the last accepts every graph."""


def engine_for(graph: Graph, images: Tensor) -> Engine:
    """Return the engine that runs a graph on these images."""
    return next(engine for engine in ENGINES if engine.accepts(graph, images))


def run(graph: Graph, images: Tensor) -> Tensor:
    """Run a graph; see `Engine.run`."""
    return engine_for(graph, images).run(graph, images)


def run_many(
    graphs: Sequence[Callable[[], Graph]],
    costs: Sequence[int],
    images: Tensor,
    head: Callable[[Tensor], Tensor],
) -> Iterator[tuple[int, Tensor]]:
    """Run many graphs of one network; see `Engine.run_many`."""
    return engine_for(graphs[0](), images).run_many(graphs, costs, images, head)
