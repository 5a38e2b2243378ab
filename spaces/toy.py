"""A space for tests and first steps: 27 tiny networks, and accuracies that nobody measured."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import product
from pathlib import Path
from typing import ClassVar

import numpy as np
from torch import Tensor, nn
from torch.nn import functional

from supernet_bench.engines.pooling import mean_of_neighbours
from supernet_bench.spaces._layers import (
    ConvNorm,
    additive_costs,
    classify,
    conv_norm_cost,
    linear_cost,
    norm_cost,
)
from supernet_bench.spaces.base import (
    ALL,
    NO_HOOKS,
    Architecture,
    Construction,
    Costs,
    Hooks,
    OperationHook,
    Supernet,
    TrainableSpace,
    Truth,
)

OPERATIONS = ("none", "conv_3x3", "avg_pool_3x3")
STEPS = 3
CELLS = 2

CONVOLUTION_KEY = re.compile(r"cells\.\d+\.steps\.(\d+)\.conv_3x3\.(?:norm\.(\d+)\.)?")
"""Begins the keys of a convolution in a state: its step and, of a norm of its own, the configuration."""


def input_configurations(architecture: Architecture) -> list[int]:
    """Return the number of the input of each step: of the set of earlier steps whose operation is not `none`.

    Numbers of different steps are different: 0 for the first, then 1 and 2, then 3 to 6.
    """
    earlier, numbers = 0, []
    for step, choice in enumerate(architecture):
        numbers.append((1 << step) - 1 + earlier)
        if choice == ALL or OPERATIONS[choice] != "none":
            earlier |= 1 << step
    return numbers


def possible_configurations(candidates: Sequence[Sequence[str]]) -> list[list[int]]:
    """Return for each step the numbers of the inputs that it has in some path of these candidates."""
    paths = product(*([OPERATIONS.index(name) for name in names] for names in candidates))
    return [sorted(set(of_step)) for of_step in zip(*map(input_configurations, paths), strict=True)]


class Cell(nn.Module):
    """Steps in a row, each of which adds the output of one operation to its input."""

    def __init__(
        self,
        channels: int,
        depth: float,
        candidates: Sequence[Sequence[str]],
        construction: Construction,
    ) -> None:
        super().__init__()
        self.depth = depth
        configurations = possible_configurations(candidates) if construction.norm_per_input else [[]] * STEPS

        def build(step: int) -> ConvNorm:
            return ConvNorm(channels, channels, 3, construction.norm, configurations=configurations[step])

        self.steps = nn.ModuleList(
            nn.ModuleDict({name: build(step) for name in names if name == "conv_3x3"})
            for step, names in enumerate(candidates)
        )

    def forward(self, features: Tensor, architecture: Architecture, on_operation: OperationHook | None) -> Tensor:
        """Map [batch, channels, height, width] to the same shape."""
        configurations = input_configurations(architecture)
        for step, choice, configuration in zip(self.steps, architecture, configurations, strict=True):
            inputs, choices = features, range(len(OPERATIONS)) if choice == ALL else (choice,)
            for operation in (OPERATIONS[each] for each in choices if OPERATIONS[each] != "none"):
                output = _operate(step, operation, inputs, configuration)
                output = output if on_operation is None else on_operation(output, self.depth)
                features = features + output / len(choices)
        return features


def _operate(step: nn.Module, operation: str, features: Tensor, configuration: int) -> Tensor:
    if operation == "conv_3x3":
        return getattr(step, operation)(functional.relu(features), configuration)
    return mean_of_neighbours(features)


class ToyNetwork(nn.Module):
    """Stem, two cells with a pooling between them, and a classifier."""

    def __init__(
        self,
        width: int,
        candidates: Sequence[Sequence[str]],
        in_channels: int,
        classes: int,
        construction: Construction,
    ) -> None:
        super().__init__()
        norm = construction.norm
        self.stem = ConvNorm(in_channels, width, 3, norm)
        self.cells = nn.ModuleList(Cell(width, (cell + 1) / CELLS, candidates, construction) for cell in range(CELLS))
        self.norm = norm(width)
        self.classifier = nn.Linear(width, classes)

    def path(self, images: Tensor, architecture: Architecture, hooks: Hooks = NO_HOOKS) -> Tensor:
        """Return the logits of one architecture, [batch, classes]."""
        first, second = self.cells
        features = functional.avg_pool2d(first(self.stem(images), architecture, hooks.operation), 2)
        features = second(features, architecture, hooks.operation)
        return classify(self.classifier, functional.relu(self.norm(features)), hooks.features)


class ToySupernet(ToyNetwork, Supernet):
    """All operations in every step."""

    def forward(self, images: Tensor, architecture: Architecture, hooks: Hooks = NO_HOOKS) -> Tensor:
        """Return the logits of one path, [batch, classes]."""
        return self.path(images, architecture, hooks)


class ToyStandalone(ToyNetwork):
    """The network of one architecture."""

    def __init__(
        self,
        architecture: Architecture,
        width: int,
        in_channels: int,
        classes: int,
        construction: Construction,
    ) -> None:
        candidates = [(OPERATIONS[choice],) for choice in architecture]
        super().__init__(width, candidates, in_channels, classes, construction)
        self.architecture = architecture

    def forward(self, images: Tensor) -> Tensor:
        """Return logits, [batch, classes]."""
        return self.path(images, self.architecture)


@dataclass(frozen=True)
class Toy(TrainableSpace):
    """27 tiny networks; a decision is the operation of a step, the same in both cells.

    Attributes
    ----------
    width : int
        Channels of the network.
    """

    name: ClassVar[str] = "toy"
    source: ClassVar[str] = "none: made up for tests"
    mappings: ClassVar[frozenset[str]] = frozenset({"norm_per_input"})

    width: int = field(default=4, metadata={"help": "channels", "low": 1, "high": 10_000})

    @property
    def choices(self) -> tuple[int, ...]:
        """Number of operations of each step."""
        return (len(OPERATIONS),) * STEPS

    def isomorphism(self) -> np.ndarray:
        """Return the class of each architecture: equal operations in equal order, wherever `none` stands."""
        performed = ["".join(str(choice) for choice in row if choice) for row in self.architectures]
        return np.unique(performed, return_inverse=True)[1]

    def supernet(self, in_channels: int, classes: int, construction: Construction) -> ToySupernet:
        """Build the network with all operations in every step."""
        return ToySupernet(self.width, [OPERATIONS] * STEPS, in_channels, classes, construction)

    def standalone(
        self, architecture: Architecture, in_channels: int, classes: int, construction: Construction
    ) -> nn.Module:
        """Build the network of one architecture alone."""
        self.check(architecture)
        return ToyStandalone(architecture, self.width, in_channels, classes, construction)

    def inherit(self, supernet: Supernet, architecture: Architecture) -> dict[str, Tensor]:
        """Return the state of the stand-alone network: all but the convolutions and norms that are not used."""
        self.check(architecture)
        configurations = input_configurations(architecture)

        def used(key: str) -> bool:
            match = CONVOLUTION_KEY.match(key)
            if match is None:
                return True
            step, configuration = int(match[1]), match[2]
            chosen = OPERATIONS[architecture[step]] == "conv_3x3"
            return chosen and configuration in (None, str(configurations[step]))

        return {key: value for key, value in supernet.state_dict().items() if used(key)}

    def costs(self, in_channels: int, classes: int, resolution: int) -> Costs:
        """Return the costs of all stand-alone networks with affine normalisation."""
        width = self.width
        stem = conv_norm_cost(in_channels, width, 3, resolution)
        per_choice = np.zeros((STEPS, len(OPERATIONS), 2), dtype=np.int64)
        for side in (resolution, resolution // 2):
            per_choice[:, OPERATIONS.index("conv_3x3")] += conv_norm_cost(width, width, 3, side)
        return additive_costs(self.architectures, stem + norm_cost(width) + linear_cost(width, classes), per_choice)

    def published(self) -> "Toy":
        """Return the space with 4 channels; nothing is published of it."""
        return Toy()

    def published_costs(self) -> Costs:
        """Return the costs of the networks for grey images of 8 x 8 with 10 labels."""
        return self.published().costs(in_channels=1, classes=10, resolution=8)

    def truth(self, folder: Path | None = None) -> Truth:
        """Return accuracies made up from the operations and a little noise, with two made-up runs."""
        convolutions = (self.architectures == OPERATIONS.index("conv_3x3")).sum(axis=1)
        poolings = (self.architectures == OPERATIONS.index("avg_pool_3x3")).sum(axis=1)
        expected = 0.5 + 0.1 * convolutions + 0.03 * poolings
        first, second = expected + np.random.default_rng(0).normal(0, 0.01, size=(2, self.size))
        columns = {"toy_valid": (first + second) / 2, "toy_valid_run0": first, "toy_valid_run1": second}
        return Truth(table="toy table, made up", columns=columns, target="toy_valid")
