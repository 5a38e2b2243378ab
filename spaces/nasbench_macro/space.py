"""The search space of NAS-Bench-Macro: networks and costs."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar

from torch import Tensor, nn

from supernet_bench.spaces._layers import additive_costs
from supernet_bench.spaces.base import Architecture, Construction, Costs, Supernet, TrainableSpace, Truth
from supernet_bench.spaces.nasbench_macro.network import (
    LAYERS,
    OPERATIONS,
    ChainSupernet,
    StandaloneNetwork,
    layer_costs,
    skeleton_cost,
)


@dataclass(frozen=True)
class NasBenchMacro(TrainableSpace):
    """The 6,561 chains of NAS-Bench-Macro; a decision is the choice of a layer, and rows are lexicographic.

    The published `flops` are multiply-accumulates of the convolutions and the classifier for an image of 32 x
    32: normalisation, activations, pooling, additions and biases are not counted. The published `params`
    include the affine normalisation.

    Attributes
    ----------
    width : int
        Channels of the stem.
    """

    name: ClassVar[str] = "nasbench_macro"
    source: ClassVar[str] = (
        "Su et al., Prioritized Architecture Sampling with Monto-Carlo Tree Search, CVPR 2021, arXiv 2103.11922"
    )

    width: int = field(default=32, metadata={"help": "channels of the stem", "low": 1, "high": 10_000})

    @property
    def choices(self) -> tuple[int, ...]:
        """Number of choices of each layer."""
        return (len(OPERATIONS),) * LAYERS

    def supernet(self, in_channels: int, classes: int, construction: Construction) -> ChainSupernet:
        """Build the network with all choices of all layers."""
        return ChainSupernet(self.width, in_channels, classes, construction)

    def standalone(
        self, architecture: Architecture, in_channels: int, classes: int, construction: Construction
    ) -> nn.Module:
        """Build the network of one architecture alone."""
        self.check(architecture)
        return StandaloneNetwork(architecture, self.width, in_channels, classes, construction)

    def inherit(self, supernet: Supernet, architecture: Architecture) -> dict[str, Tensor]:
        """Return the state of the stand-alone network: all but the choices that are not made."""
        self.check(architecture)
        others = tuple(
            f"layers.{layer}.{name}."
            for layer, choice in enumerate(architecture)
            for name in OPERATIONS
            if name != OPERATIONS[choice]
        )
        return {key: value for key, value in supernet.state_dict().items() if not key.startswith(others)}

    def costs(self, in_channels: int, classes: int, resolution: int) -> Costs:
        """Return the costs of all stand-alone networks with affine normalisation."""
        fixed = skeleton_cost(self.width, in_channels, classes, resolution)
        return additive_costs(self.architectures, fixed, layer_costs(self.width, resolution))

    def published(self) -> "NasBenchMacro":
        """Return the space with 32 channels."""
        return NasBenchMacro()

    def published_costs(self) -> Costs:
        """Return the costs of the networks for CIFAR-10."""
        return self.published().costs(in_channels=3, classes=10, resolution=32)

    def truth(self, folder: Path | None = None) -> Truth:
        """Read the published accuracies; see `Space.truth`."""
        from supernet_bench.spaces.nasbench_macro.truth import truth

        return truth(folder)
