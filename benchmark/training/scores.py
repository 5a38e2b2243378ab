"""What a supernet predicts for each architecture: accuracy and cross-entropy on validation images."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import islice

import torch
from torch import Tensor
from torch.nn import functional

from supernet_bench.benchmark.plugins.composition import Composition
from supernet_bench.core.progress import Shares
from supernet_bench.heuristics.base import Heuristic
from supernet_bench.spaces.base import Architecture, Supernet

Batch = tuple[Tensor, Tensor]
"""Normalised images, [batch, channels, height, width], and labels, [batch]."""

CHUNK = 64
"""Logits that are compared with the labels at once: each alone costs as much as a layer of a small network."""


BLOCKS = 20
"""Blocks of images whose scores are kept apart, so that it can be told what other images would have given."""


@dataclass(frozen=True)
class BlockScores:
    """The same scores by block of images: a sufficient statistic of a delete-a-group jackknife.

    Blocks are consecutive images, of nearly equal number.

    Attributes
    ----------
    images : list of int, [blocks]
        In each.
    correct : Tensor of int64, [n, blocks]
        Images whose label has the largest logit.
    cross_entropy : Tensor of float64, [n, blocks]
        Mean over the images of a block, nats.
    """

    images: list[int]
    correct: Tensor
    cross_entropy: Tensor


@dataclass(frozen=True)
class CheckpointScores:
    """One value per architecture.

    Attributes
    ----------
    accuracy : Tensor of float64, [n]
        Fraction of images whose label has the largest logit.
    cross_entropy : Tensor of float64, [n]
        Mean over images, nats.
    blocks : BlockScores or None
        None where architectures were scored on different numbers of images.
    """

    accuracy: Tensor
    cross_entropy: Tensor
    blocks: BlockScores | None


def batches_for(images: int, batch_size: int) -> int:
    """Return into how many batches of nearly equal size some images are cut.

    Batches have at most `batch_size` images, but never one alone if there are more: statistics of a batch need two.
    """
    return max(1, min(-(-images // batch_size), images // 2))


# Not inference mode: a network may keep what it computes here for training, and tensors of that mode cannot be.
@torch.no_grad()
def score(
    supernet: Supernet,
    heuristics: Composition,
    architectures: Sequence[Architecture],
    batches: Sequence[Batch],
    advance: Callable[[float], None] = lambda share: None,
) -> CheckpointScores:
    """Score architectures on the same images: all at once, or one after the other if a heuristic prepares for each.

    Parameters
    ----------
    supernet : Supernet
        Left in evaluation mode.
    heuristics : Composition
        May prepare the supernet before each architecture.
    architectures : sequence of Architecture, [n]
    batches : sequence of Batch
    advance : callable
        Told the share that is done, in (0, 1], about every thousandth of it.
    """
    supernet.eval()
    progress = Shares(len(architectures) * len(batches), advance)
    if not heuristics.prepares_scoring():
        return _means([_sums(supernet, architectures, batches, progress)])
    rows, pool = [], _Pool(batches)
    for architecture in architectures:
        heuristics.call(Heuristic.before_scoring, supernet, architecture)
        chosen = heuristics.first(Heuristic.scored_images, pool.size)
        own = batches if chosen is None else pool.pick(chosen)
        rows.append(_sums(supernet, [architecture], own, progress))
        progress.add(len(batches) - len(own))
    return _means(rows)


@dataclass(frozen=True)
class _Sums:
    """Number of correct labels and summed cross-entropy, float64 [n, blocks, 2], and the images of each block."""

    values: Tensor
    images: list[int]


def _means(rows: Sequence[_Sums]) -> CheckpointScores:
    totals = torch.cat([row.values.sum(1) / sum(row.images) for row in rows]).cpu()
    return CheckpointScores(accuracy=totals[:, 0], cross_entropy=totals[:, 1], blocks=_by_block(rows))


def _by_block(rows: Sequence[_Sums]) -> BlockScores | None:
    images = rows[0].images
    if any(row.images != images for row in rows):
        return None
    correct, losses = torch.cat([row.values for row in rows]).cpu().unbind(-1)
    return BlockScores(images, correct.long(), losses / torch.tensor(images))


class _Pool:
    """All scoring images, to choose from."""

    def __init__(self, batches: Sequence[Batch]) -> None:
        self._batches = batches
        self.size = sum(len(labels) for _, labels in batches)

    @cached_property
    def _joined(self) -> Batch:
        images, labels = zip(*self._batches, strict=True)
        return torch.cat(images), torch.cat(labels)

    def pick(self, chosen: Tensor) -> list[Batch]:
        """Return some of the images, in batches like those of all."""
        images, labels = self._joined
        largest = max(len(labels) for _, labels in self._batches)
        parts = chosen.to(labels.device).tensor_split(batches_for(len(chosen), largest))
        return [(images[part].contiguous(memory_format=torch.channels_last), labels[part]) for part in parts]


def _sums(
    supernet: Supernet, architectures: Sequence[Architecture], batches: Sequence[Batch], progress: Shares
) -> _Sums:
    count = sum(len(labels) for _, labels in batches)
    blocks = torch.arange(count).tensor_split(min(BLOCKS, count))
    images = [len(block) for block in blocks]
    block_of = torch.repeat_interleave(torch.arange(len(images)), torch.tensor(images))
    sums = torch.zeros(len(architectures), len(images), 2, dtype=torch.float64, device=batches[0][1].device)
    for batch, part in zip(batches, block_of.split([len(labels) for _, labels in batches]), strict=True):
        found, lengths = part.unique_consecutive(return_counts=True)
        values = _batch_values(supernet, architectures, batch, progress).split(lengths.tolist(), dim=1)
        for block, images_of_block in zip(found.tolist(), values, strict=True):
            sums[:, block] += images_of_block.sum(1)
    return _Sums(sums, images)


def _batch_values(supernet: Supernet, architectures: Sequence[Architecture], batch: Batch, progress: Shares) -> Tensor:
    """Return what `_compare` says of every architecture and image, float64 [n, batch, 2]."""
    images, labels = batch
    row_of: dict[int, int] = {}

    def distinct_logits() -> Iterator[Tensor]:
        for row, (positions, logits) in enumerate(supernet.all_logits(images, architectures)):
            row_of.update(dict.fromkeys(positions, row))
            progress.add(len(positions))
            yield logits

    logits = distinct_logits()
    rows: list[Tensor] = []
    while chunk := list(islice(logits, CHUNK)):
        rows.append(_compare(torch.stack(chunk), labels))
    return torch.cat(rows)[[row_of[position] for position in range(len(architectures))]]


def _compare(logits: Tensor, labels: Tensor) -> Tensor:
    """Return whether each label is correct, and its cross-entropy, float64 [n, batch, 2]; logits [n, batch, classes].

    In double precision: on some devices the order in which losses are summed depends on how many are compared at once.
    """
    correct = logits.argmax(-1) == labels
    losses = functional.cross_entropy(logits.double().flatten(0, 1), labels.repeat(len(logits)), reduction="none")
    return torch.stack([correct.double(), losses.view(len(logits), -1)], dim=-1)
