"""The search space of NAS-Bench-201: encodings, isomorphism, networks and costs."""

import random
import re
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import ClassVar

import numpy as np
from torch import Tensor, nn

from supernet_bench.core.errors import InputError
from supernet_bench.spaces._layers import additive_costs
from supernet_bench.spaces.base import Architecture, Construction, Costs, Supernet, TrainableSpace, Truth, lexicographic
from supernet_bench.spaces.nasbench201.cell import CHOICES, EDGES, OPERATIONS, input_configurations
from supernet_bench.spaces.nasbench201.liveness import canonical
from supernet_bench.spaces.nasbench201.network import CellSupernet, StandaloneNetwork, operation_costs, skeleton_cost

OPERATION_KEY = re.compile(r"cells\.\d+\.edges\.(\d+)\.(\w+)\.(?:norm\.(\d+)\.)?")
"""Begins the keys of an operation in a state: its edge, its name and, of a norm of its own, the configuration."""


@cache
def official_order() -> np.ndarray:
    """Return the lexicographic position of each published row, int64 [15625].

    The benchmark shuffles the lexicographic list of all combinations with Python's generator, seed 88.
    """
    order = list(range(len(OPERATIONS) ** len(EDGES)))
    random.Random(88).shuffle(order)
    return np.array(order)


@cache
def official_rows() -> np.ndarray:
    """Return the published row of each lexicographic position, int64 [15625]."""
    return np.argsort(official_order())


@cache
def official_architectures() -> np.ndarray:
    """Return the architectures in the order of the published rows, read-only int64 [15625, 6]."""
    architectures = lexicographic(CHOICES)[official_order()]
    architectures.flags.writeable = False
    return architectures


def cell_expression(architecture: Architecture) -> str:
    """Return what a cell computes, as the benchmark writes it to count unique cells.

    ``0`` is the input and ``#`` is zero, which `none` gives and every operation passes on (although the norm
    after a convolution of zeros has a bias, once trained); a skip passes on the expression of its source.

    Zero terms and nested sums are not simplified, and terms are sorted as text, so which equal sums are
    recognised depends on the notation. The published one is kept because another would not give the published
    6,466 classes; some of these still compute the same function.
    """
    incoming: list[list[str]] = [["0"], [], [], []]
    for choice, (source, target) in zip(architecture, EDGES, strict=True):
        operation = OPERATIONS[choice]
        node = "+".join(sorted(incoming[source]))
        if operation == "none" or node == "#":
            incoming[target].append("#")
        elif operation == "skip_connect":
            incoming[target].append(node)
        else:
            incoming[target].append(f"({node})@{operation}")
    return "+".join(sorted(incoming[-1]))


@cache
def isomorphism_classes() -> np.ndarray:
    """Return the number of the class of each published row, read-only int64 [15625]."""
    expressions = [cell_expression(architecture) for architecture in official_architectures().tolist()]
    classes = np.unique(expressions, return_inverse=True)[1]
    classes.flags.writeable = False
    return classes


@dataclass(frozen=True)
class NasBench201(TrainableSpace):
    """The 15,625 cells of NAS-Bench-201; a decision is the operation of an edge, in string order.

    Attributes
    ----------
    width : int
        Channels of the first stage.
    cells : int
        Cells per stage.
    """

    name: ClassVar[str] = "nasbench201"
    source: ClassVar[str] = (
        "Dong and Yang, NAS-Bench-201: Extending the Scope of Reproducible Neural Architecture Search, "
        "ICLR 2020, arXiv 2001.00326"
    )
    mappings: ClassVar[frozenset[str]] = frozenset({"norm_per_input", "operations_per", "kernels"})

    width: int = field(default=16, metadata={"help": "channels of the first stage", "low": 1, "high": 10_000})
    cells: int = field(default=5, metadata={"help": "cells per stage", "low": 1, "high": 1000})

    @property
    def choices(self) -> tuple[int, ...]:
        """Number of operations of each edge."""
        return CHOICES

    @property
    def architectures(self) -> np.ndarray:
        """Every architecture in the order of the published benchmark, read-only int64 [15625, 6]."""
        return official_architectures()

    def index(self, architecture: Architecture) -> int:
        """Return the row of `architecture` in the published benchmark."""
        return int(official_rows()[super().index(architecture)])

    def text(self, architecture: Architecture) -> str:
        """Return the published string, such as ``|none~0|+|none~0|none~1|+|none~0|none~1|none~2|``."""
        self.check(architecture)
        incoming: dict[int, str] = {}
        for choice, (source, target) in zip(architecture, EDGES, strict=True):
            incoming[target] = f"{incoming.get(target, '|')}{OPERATIONS[choice]}~{source}|"
        return "+".join(incoming.values())

    def parse(self, text: str) -> Architecture:
        """Return the architecture of a published string; the inverse of `text`."""
        names = re.findall(r"(\w+)~", text)
        if len(names) == len(EDGES) and set(names) <= set(OPERATIONS):
            architecture = tuple(OPERATIONS.index(name) for name in names)
            if self.text(architecture) == text:
                return architecture
        raise InputError(
            f"architecture string of {self.name} is {text!r}; allowed: |op~0|+|op~0|op~1|+|op~0|op~1|op~2| "
            f"with op one of {', '.join(OPERATIONS)}"
        )

    def isomorphism(self) -> np.ndarray:
        """Return the class of each architecture among the published 6,466, int64 [15625]."""
        return isomorphism_classes()

    def alike(self) -> np.ndarray:
        """Return the number of the representative of each architecture; see `liveness.canonical`."""
        return np.ravel_multi_index(tuple(canonical(self.architectures).T), CHOICES)

    def supernet(self, in_channels: int, classes: int, construction: Construction) -> CellSupernet:
        """Build the network with all operations on all edges."""
        return CellSupernet(self.width, self.cells, in_channels, classes, construction)

    def standalone(
        self, architecture: Architecture, in_channels: int, classes: int, construction: Construction
    ) -> nn.Module:
        """Build the network of one architecture alone."""
        self.check(architecture)
        return StandaloneNetwork(architecture, self.width, self.cells, in_channels, classes, construction)

    def inherit(self, supernet: Supernet, architecture: Architecture) -> dict[str, Tensor]:
        """Return the state of the stand-alone network: all but the operations and norms that are not used."""
        self.check(architecture)
        configurations = input_configurations(architecture)

        def used(key: str) -> bool:
            match = OPERATION_KEY.match(key)
            if match is None:
                return True
            edge, name, configuration = match.groups()
            source, _ = EDGES[int(edge)]
            return name == OPERATIONS[architecture[int(edge)]] and configuration in (None, str(configurations[source]))

        return {key: value for key, value in supernet.state_dict().items() if used(key)}

    def costs(self, in_channels: int, classes: int, resolution: int) -> Costs:
        """Return the costs of all stand-alone networks with affine normalisation."""
        fixed = skeleton_cost(self.width, in_channels, classes, resolution)
        operations = operation_costs(self.width, self.cells, resolution)
        return additive_costs(self.architectures, fixed, np.broadcast_to(operations, (len(EDGES), *operations.shape)))

    def published(self) -> "NasBench201":
        """Return the space with 16 channels and 5 cells per stage."""
        return NasBench201()

    def published_costs(self) -> Costs:
        """Return the costs of the networks for CIFAR-10."""
        return self.published().costs(in_channels=3, classes=10, resolution=32)

    def truth(self, folder: Path | None = None) -> Truth:
        """Read the published accuracies; see `Space.truth`."""
        from supernet_bench.spaces.nasbench201.truth import truth

        return truth(self, folder)
