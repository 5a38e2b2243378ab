"""A path-sampled supernet of NAS-Bench-201 as one would first write it in PyTorch: modules in a loop, no tricks."""

from itertools import count

import torch
from torch import Tensor, nn

NODES = 4


def relu_conv_norm(channels_in: int, channels_out: int, kernel: int, stride: int = 1) -> nn.Sequential:
    """Return the published sequence; statistics are those of the batch, in training as in scoring."""
    return nn.Sequential(
        nn.ReLU(),
        nn.Conv2d(channels_in, channels_out, kernel, stride, kernel // 2, bias=False),
        nn.BatchNorm2d(channels_out, track_running_stats=False),
    )


class Zero(nn.Module):
    """Nothing comes through."""

    def forward(self, features: Tensor) -> Tensor:
        """Return zeros of the same shape."""
        return torch.zeros_like(features)


class PlainCell(nn.Module):
    """Four nodes with five operations on each of the six edges."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.edges = nn.ModuleList(
            nn.ModuleList(
                [
                    Zero(),
                    nn.Identity(),
                    relu_conv_norm(channels, channels, 1),
                    relu_conv_norm(channels, channels, 3),
                    # Its gradient is right on GPUs too, since maps are not channels-last here (pytorch/pytorch#188344).
                    nn.AvgPool2d(3, stride=1, padding=1, count_include_pad=False),
                ]
            )
            for _ in range(NODES * (NODES - 1) // 2)
        )

    def forward(self, features: Tensor, architecture: tuple[int, ...]) -> Tensor:
        """Return the last node, [batch, channels, height, width]."""
        nodes, edge = [features], count()
        for _ in range(1, NODES):
            incoming = []
            for node in nodes:
                number = next(edge)
                operation = self.edges[number][architecture[number]]  # type: ignore[index]
                incoming.append(operation(node))
            nodes.append(sum(incoming[1:], incoming[0]))
        return nodes[-1]


class PlainReduction(nn.Module):
    """The residual block that halves height and width."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.branch = nn.Sequential(
            *relu_conv_norm(channels, 2 * channels, 3, stride=2), *relu_conv_norm(2 * channels, 2 * channels, 3)
        )
        self.shortcut = nn.Sequential(nn.AvgPool2d(2), nn.Conv2d(channels, 2 * channels, 1, bias=False))

    def forward(self, features: Tensor, architecture: tuple[int, ...]) -> Tensor:
        """Return [batch, 2 * channels, height / 2, width / 2]; the architecture has no say in it."""
        return self.branch(features) + self.shortcut(features)


class PlainSupernet(nn.Module):
    """Three stages of cells.

    Parameters
    ----------
    width, cells : int
        Channels of the first stage, and cells per stage.
    channels, classes : int
        Of the images.
    """

    def __init__(self, width: int, cells: int, channels: int, classes: int) -> None:
        super().__init__()
        self.stem = nn.Sequential(
            nn.Conv2d(channels, width, 3, padding=1, bias=False), nn.BatchNorm2d(width, track_running_stats=False)
        )
        blocks: list[nn.Module] = []
        for stage in (width, 2 * width, 4 * width):
            if blocks:
                blocks.append(PlainReduction(stage // 2))
            blocks += [PlainCell(stage) for _ in range(cells)]
        self.blocks = nn.ModuleList(blocks)
        self.norm = nn.BatchNorm2d(4 * width, track_running_stats=False)
        self.classifier = nn.Linear(4 * width, classes)

    def forward(self, images: Tensor, architecture: tuple[int, ...]) -> Tensor:
        """Return logits, [batch, classes]."""
        features = self.stem(images)
        for block in self.blocks:
            features = block(features, architecture)
        return self.classifier(torch.relu(self.norm(features)).mean((2, 3)))
