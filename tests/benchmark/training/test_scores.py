"""Scoring architectures together gives the scores of each alone."""

from collections.abc import Iterator

import pytest
import torch
from torch import Tensor

from supernet_bench.benchmark.plugins.composition import Composition
from supernet_bench.benchmark.training.scores import BLOCKS, CHUNK, Batch, CheckpointScores, score
from supernet_bench.heuristics.base import Heuristic
from supernet_bench.spaces.base import NO_HOOKS, Architecture, Construction, Hooks, Space, Supernet
from supernet_bench.spaces.nasbench201.space import NasBench201
from supernet_bench.spaces.nasbench_macro.space import NasBenchMacro
from supernet_bench.spaces.toy import Toy

CLASSES = 3
SPACES = (Toy(), NasBench201(width=2, cells=1), NasBenchMacro(width=1))


class Prepare(Heuristic):
    """Prepares nothing, but keeps what it was called for."""

    name, factor = "prepare", "prepare"

    def __init__(self) -> None:
        self.calls: list[Architecture] = []

    def before_scoring(self, supernet: Supernet, architecture: Architecture) -> None:
        self.calls.append(architecture)


def batches() -> list[Batch]:
    generator = torch.Generator().manual_seed(0)
    images = torch.rand(20, 1, 8, 8, generator=generator)
    labels = torch.arange(20) % CLASSES
    return list(zip(images.split(8), labels.split(8), strict=True))


def supernet_of(space: Space) -> Supernet:
    torch.manual_seed(0)
    return space.supernet(1, CLASSES, Construction())


def some(space: Space, n: int) -> list[Architecture]:
    return [space.architecture(index) for index in torch.linspace(0, space.size - 1, n).long().tolist()]


def equal(first: CheckpointScores, second: CheckpointScores) -> bool:
    return torch.equal(first.accuracy, second.accuracy) and torch.equal(first.cross_entropy, second.cross_entropy)


@pytest.mark.parametrize("space", SPACES, ids=lambda space: space.name)
def test_together_as_one_by_one(space: Space) -> None:
    """Bit for bit, with more architectures than are compared at once, and some of them twice."""
    architectures = some(space, CHUNK + 7)
    supernet, prepare = supernet_of(space), Prepare()
    together = score(supernet, Composition([]), architectures, batches())
    alone = score(supernet, Composition([prepare]), architectures, batches())
    assert prepare.calls == architectures
    assert equal(together, alone)
    assert len(together.accuracy) == len(architectures)
    assert len(set(together.cross_entropy.tolist())) > 10


@pytest.mark.parametrize("space", SPACES, ids=lambda space: space.name)
def test_order_and_company_do_not_matter(space: Space) -> None:
    architectures = some(space, 20)
    supernet = supernet_of(space)
    scores = score(supernet, Composition([]), architectures, batches())
    some_reversed = score(supernet, Composition([]), architectures[::-2], batches())
    assert torch.equal(scores.accuracy.flip(0)[::2], some_reversed.accuracy)
    assert torch.equal(scores.cross_entropy.flip(0)[::2], some_reversed.cross_entropy)


def test_batches_of_unequal_size_count_by_their_images() -> None:
    supernet, architecture = supernet_of(Toy()), (1, 2, 1)
    supernet.train()
    for images, _ in batches():
        supernet(images, architecture)  # So that its running statistics are not the initial ones.
    scores = score(supernet, Composition([]), [architecture], batches())
    images, labels = (torch.cat(parts) for parts in zip(*batches(), strict=True))
    with torch.no_grad():
        logits = supernet(images, architecture).double()
    assert scores.accuracy.item() == pytest.approx((logits.argmax(1) == labels).double().mean().item(), abs=1e-12)
    expected = torch.nn.functional.cross_entropy(logits, labels).item()
    assert scores.cross_entropy.item() == pytest.approx(expected, rel=1e-6)


class Keeping(Supernet):
    """Keeps what it computes from its weights for later, as a network that folds its norms may."""

    def __init__(self) -> None:
        super().__init__()
        self.classifier = torch.nn.Linear(64, CLASSES)
        self.kept: Tensor | None = None

    def forward(self, images: Tensor, architecture: Architecture, hooks: Hooks = NO_HOOKS) -> Tensor:
        if self.kept is None:
            self.kept = torch.ones(64) * 2
        return self.classifier(images.flatten(1) * self.kept)


@pytest.mark.parametrize("heuristics", [[], [Prepare()]], ids=["together", "alone"])
@pytest.mark.parametrize(("n", "most"), [(9, 27), (1500, 1000)])
def test_progress_grows_to_one_in_not_too_many_parts(heuristics: list[Heuristic], n: int, most: int) -> None:
    shares: list[float] = []
    score(Keeping(), Composition(heuristics), [(0,)] * n, batches(), shares.append)
    assert shares == sorted(set(shares))
    assert shares[-1] == 1.0
    assert len(shares) == most


class Choose(Heuristic):
    """CheckpointScores every architecture on images of its own: number k on the images k to k + n."""

    name, factor = "choose", "choose"

    def __init__(self, n: int) -> None:
        self.n, self.k = n, 0

    def scored_images(self, images: int) -> Tensor | None:
        assert images == 20
        self.k += 1
        return torch.arange(self.k - 1, self.k - 1 + self.n)


@pytest.mark.parametrize("space", SPACES, ids=lambda space: space.name)
def test_an_architecture_may_be_scored_on_images_of_its_own(space: Space) -> None:
    supernet, architectures, n = supernet_of(space), some(space, 5), 7
    scores = score(supernet, Composition([Choose(n)]), architectures, batches())
    images, labels = (torch.cat(parts) for parts in zip(*batches(), strict=True))
    for k, architecture in enumerate(architectures):
        own = [(images[k : k + n], labels[k : k + n])]
        alone = score(supernet, Composition([]), [architecture], own)
        assert scores.accuracy[k] == alone.accuracy[0]
        assert scores.cross_entropy[k].item() == pytest.approx(alone.cross_entropy[0].item(), rel=1e-6)


@pytest.mark.parametrize("n", [1, 8, 9, 12])
def test_images_of_its_own_come_in_batches_no_larger_than_those_of_all(n: int) -> None:
    sizes: list[int] = []
    shares: list[float] = []

    class Sizes(Keeping):
        def forward(self, images: Tensor, architecture: Architecture, hooks: Hooks = NO_HOOKS) -> Tensor:
            sizes.append(len(images))
            return super().forward(images, architecture, hooks)

    score(Sizes(), Composition([Choose(n)]), [(0,)] * 3, batches(), shares.append)
    assert sum(sizes) == 3 * n
    assert max(sizes) <= 8
    assert max(sizes) - min(sizes) <= 1
    assert shares[-1] == 1.0


def test_what_a_network_keeps_while_it_is_scored_can_be_trained_with() -> None:
    supernet = Keeping()
    score(supernet, Composition([]), [(0,)], batches())
    images, labels = batches()[0]
    images.requires_grad_()
    torch.nn.functional.cross_entropy(supernet(images, (0,)), labels).backward()
    assert supernet.classifier.weight.grad is not None


def test_scores_keep_no_graph() -> None:
    class Watched(Keeping):
        def all_logits(self, images: Tensor, architectures: list[Architecture]) -> Iterator[tuple[list[int], Tensor]]:
            assert not torch.is_grad_enabled()
            assert not self.training
            yield from super().all_logits(images, architectures)

    scores = score(Watched(), Composition([]), [(0,), (1,)], batches())
    assert not scores.cross_entropy.requires_grad


@pytest.mark.parametrize(("images", "sizes"), [(47, [3] * 7 + [2] * 13), (40, [2] * 20), (7, [1] * 7)])
def test_blocks_are_consecutive_images_of_nearly_equal_number(images: int, sizes: list[int]) -> None:
    """Whatever the batches are: an image is in the block that its place says."""
    space, labels = Toy(), torch.arange(images) % CLASSES
    pixels = torch.rand(images, 1, 8, 8, generator=torch.Generator().manual_seed(0))
    supernet, architectures = supernet_of(space), some(space, 5)
    cut = list(zip(pixels.tensor_split(3), labels.tensor_split(3), strict=True))
    scores = score(supernet, Composition([]), architectures, cut)
    blocks = scores.blocks
    assert blocks is not None
    assert blocks.images == sizes
    assert len(sizes) == min(BLOCKS, images)
    for row, architecture in enumerate(architectures):
        with torch.no_grad():
            logits = torch.cat([supernet(part, architecture) for part, _ in cut])
        correct = (logits.argmax(1) == labels).split(sizes)
        losses = torch.nn.functional.cross_entropy(logits.double(), labels, reduction="none").split(sizes)
        assert blocks.correct[row].tolist() == [int(part.sum()) for part in correct]
        torch.testing.assert_close(blocks.cross_entropy[row], torch.stack([part.mean() for part in losses]))
    shares = torch.tensor(sizes, dtype=torch.float64) / images
    torch.testing.assert_close(blocks.correct.sum(1).double() / images, scores.accuracy)
    torch.testing.assert_close((blocks.cross_entropy * shares).sum(1), scores.cross_entropy)


def test_different_numbers_of_images_have_no_common_blocks() -> None:
    class More(Heuristic):
        name, factor, called = "more", "more", 0

        def before_scoring(self, supernet: Supernet, architecture: Architecture) -> None:
            self.called += 1

        def scored_images(self, images: int) -> Tensor | None:
            return torch.arange(4 + self.called)

    space = Toy()
    assert score(supernet_of(space), Composition([More()]), some(space, 2), batches()).blocks is None
    assert score(supernet_of(space), Composition([More()]), some(space, 1), batches()).blocks is not None
