"""What a supernet predicts for each architecture: accuracy and cross-entropy on validation images."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import Tensor
from torch.nn import functional

from benchmark.composition import Composition
from benchmark.spec import Scoring
from benchmark.streams import stream

if TYPE_CHECKING:
    from spaces.base import Architecture, Space, Supernet

Batch = tuple[Tensor, Tensor]
"""Normalised images, [batch, channels, height, width], and labels, [batch]."""


@dataclass(frozen=True)
class Scores:
    """One value per architecture.

    Attributes
    ----------
    accuracy : Tensor of float64, [n]
        Fraction of images whose label has the largest logit.
    cross_entropy : Tensor of float64, [n]
        Mean over images, nats.
    """

    accuracy: Tensor
    cross_entropy: Tensor


def scored_architectures(space: "Space", scoring: Scoring) -> list[int]:
    """Return the sorted indices of the architectures that every run with this `scoring` scores."""
    count = scoring.architectures or space.size
    order = torch.randperm(space.size, generator=stream(scoring.subset, "scored architectures"))
    return sorted(order[:count].tolist())


@torch.no_grad()
def score(
    supernet: "Supernet",
    heuristics: Composition,
    architectures: "Sequence[Architecture]",
    batches: Sequence[Batch],
    on_architecture: Callable[[], None] = lambda: None,
) -> Scores:
    """Score architectures one after the other on the same images.

    Parameters
    ----------
    supernet : Supernet
        Left in evaluation mode.
    heuristics : Composition
        May prepare the supernet before each architecture.
    architectures : sequence of Architecture, [n]
    batches : sequence of Batch
    on_architecture : callable
        Called after each architecture.
    """
    supernet.eval()
    rows = []
    for architecture in architectures:
        heuristics.before_scoring(supernet, architecture)
        totals = [_totals(supernet(images, architecture), labels) for images, labels in batches]
        rows.append(torch.stack(totals).sum(0))
        on_architecture()
    images_seen = sum(len(labels) for _, labels in batches)
    correct, loss = (torch.stack(rows).cpu() / images_seen).unbind(1)
    return Scores(accuracy=correct, cross_entropy=loss)


def _totals(logits: Tensor, labels: Tensor) -> Tensor:
    """Return the number of correct labels and the summed cross-entropy, float64 [2]."""
    correct = (logits.argmax(1) == labels).sum()
    loss = functional.cross_entropy(logits, labels, reduction="sum")
    return torch.stack([correct.double(), loss.double()])
