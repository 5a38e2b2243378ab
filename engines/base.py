"""What an engine is: one way to run graphs."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence

from torch import Tensor

from supernet_bench.engines.graph import Graph


class Engine(ABC):
    """Runs graphs, forwards and backwards.

    Engines differ in where they run and how fast they are; what they compute is equal up to rounding.
    """

    @abstractmethod
    def accepts(self, graph: Graph, images: Tensor) -> bool:
        """Return whether this engine can run a graph on these images, here and now.

        That may depend on devices and types, on what is in the graph, and on whether there is autograd.
        """

    @abstractmethod
    def run(self, graph: Graph, images: Tensor) -> Tensor:
        """Run a graph that is accepted.

        Parameters
        ----------
        graph : Graph
        images : Tensor
            [batch, channels, height, width].

        Returns
        -------
        Tensor
            What the graph gives, in the type of the weights, [batch, channels of the last map]. Its gradient reaches
            the parameters of all layers that it depends on.
        """

    def run_many(
        self,
        graphs: Sequence[Callable[[], Graph]],
        costs: Sequence[int],
        images: Tensor,
        head: Callable[[Tensor], Tensor],
    ) -> Iterator[tuple[int, Tensor]]:
        """Run many graphs of one network on the same images, without autograd; the first must be accepted.

        An engine overrides this if it can compute what graphs have in common only once, or several graphs at a time.

        Parameters
        ----------
        graphs : sequence of callable
            Each makes a graph; those that have much in common stand next to each other.
        costs : sequence of int
            About how long each takes, in any unit.
        images : Tensor
            [batch, channels, height, width].
        head : callable
            Maps what a graph gives to what is wanted of it.

        Yields
        ------
        position : int
            Of a graph, in any order.
        result : Tensor
            What `head` makes of it.
        """
        for position, make in enumerate(graphs):
            yield position, head(self.run(make(), images))
