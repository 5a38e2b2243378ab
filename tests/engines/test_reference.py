"""The reference is what PyTorch's layers compute, written out, to the last bit."""

import weakref

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from supernet_bench.engines.base import Engine
from supernet_bench.engines.choice import ENGINES, engine_for
from supernet_bench.engines.graph import IMAGES, Branch, Graph, Shape
from supernet_bench.engines.reference import ReferenceEngine, last_map

IN, OUT = Shape(3, 5, 6), Shape(8, 5, 6)


def conv(channels: int = 8, kernel: int = 3, stride: int = 1) -> nn.Conv2d:
    return nn.Conv2d(channels, 8, kernel, stride, padding=kernel // 2, bias=False)


def images(dtype: torch.dtype = torch.float32) -> Tensor:
    return torch.randn(4, *IN, generator=torch.Generator().manual_seed(0)).to(dtype)


@pytest.fixture(autouse=True)
def _seed() -> None:
    torch.manual_seed(0)


def test_every_kind_of_branch() -> None:
    stem, own, strided, norm = conv(3), conv(kernel=1), conv(stride=2), nn.BatchNorm2d(8)
    graph = Graph(IN)
    first = graph.add(OUT, [Branch(IMAGES, stem, norm)])
    second = graph.add(OUT, [Branch(first), Branch(first, averaged=3), Branch(first, own, rectified=True)])
    halved = OUT.halved()
    graph.add(halved, [Branch(second, averaged=2), Branch(second, strided, norm, rectified=True)])
    assert halved == (8, 3, 3)
    x = norm(stem(images()))
    y = x + functional.avg_pool2d(x, 3, 1, 1, count_include_pad=False) + own(functional.relu(x))
    expected = functional.avg_pool2d(y, 2, ceil_mode=True) + norm(strided(functional.relu(y)))
    assert torch.equal(last_map(graph, images()), expected)
    assert torch.equal(ReferenceEngine().run(graph, images()), functional.relu(expected).mean((2, 3)))


def test_a_sum_may_be_a_mean() -> None:
    stem, own = conv(3), conv()
    graph = Graph(IN)
    first = graph.add(OUT, [Branch(IMAGES, stem)])
    graph.add(OUT, [Branch(first), Branch(first, own)], over=5)
    x = stem(images())
    assert torch.equal(last_map(graph, images()), torch.stack([x, own(x)]).sum(0) / 5)


def test_a_sum_of_nothing_is_zero_and_goes_through_layers() -> None:
    stem, norm = conv(3), nn.BatchNorm2d(8)
    nn.init.uniform_(norm.bias)
    graph = Graph(IN)
    graph.add(OUT, [Branch(IMAGES, stem)])
    zero = graph.add(OUT, [])
    graph.add(OUT, [Branch(zero, norm=norm), Branch(zero), Branch(zero, averaged=3)])
    assert torch.equal(last_map(graph, images()), norm.bias[:, None, None].expand(4, *OUT))


def test_hooks_are_called_in_order_and_replace_what_a_branch_gives() -> None:
    stem, seen = conv(3), []

    def hook(name: str, factor: float):
        return lambda output: seen.append(name) or output * factor

    graph = Graph(IN)
    first = graph.add(OUT, [Branch(IMAGES, stem)])
    unread = graph.add(OUT, [Branch(first, hook=hook("unread", 1.0))])
    graph.add(OUT, [Branch(first, hook=hook("one", 2.0)), Branch(first, hook=hook("other", 3.0))])
    assert unread == 2
    x = stem(images())
    assert torch.equal(last_map(graph, images()), x * 2 + x * 3)
    assert seen == ["unread", "one", "other"]


def test_the_result_has_the_type_of_the_weights() -> None:
    class Conv(nn.Conv2d):
        def forward(self, features: Tensor) -> Tensor:
            return self._conv_forward(features, self.weight.to(features.dtype), None)

    graph = Graph(IN)
    graph.add(OUT, [Branch(IMAGES, Conv(3, 8, 1, bias=False))])
    assert ReferenceEngine().run(graph, images(torch.bfloat16)).dtype == torch.float32


def test_maps_are_dropped_after_their_last_use() -> None:
    alive: list[int] = []
    maps: list[weakref.ref[Tensor]] = []

    def watch(output: Tensor) -> Tensor:
        maps.append(weakref.ref(output))
        alive.append(sum(each() is not None for each in maps))
        return output

    graph = Graph(IN)
    number = graph.add(OUT, [Branch(IMAGES, conv(3), hook=watch)])
    for _ in range(5):
        number = graph.add(OUT, [Branch(number, conv(), rectified=True, hook=watch)])
    with torch.no_grad():
        last_map(graph, images())
    assert max(alive) <= 2


def test_many_graphs_one_after_the_other() -> None:
    stem = conv(3)

    def make(copies: int) -> Graph:
        graph = Graph(IN)
        graph.add(OUT, [Branch(IMAGES, stem)] * copies)
        return graph

    graphs = [lambda copies=copies: make(copies) for copies in (1, 2)]
    found = list(ReferenceEngine().run_many(graphs, [1, 1], images(), lambda pooled: pooled + 1))
    assert [position for position, _ in found] == [0, 1]
    for (_, result), graph in zip(found, graphs, strict=True):
        assert torch.equal(result, ReferenceEngine().run(graph(), images()) + 1)


def test_the_last_engine_accepts_what_no_other_does(monkeypatch) -> None:
    class Never(Engine):
        def accepts(self, graph: Graph, images: Tensor) -> bool:
            return False

        def run(self, graph: Graph, images: Tensor) -> Tensor:
            raise AssertionError

    graph = Graph(IN)
    graph.add(OUT, [Branch(IMAGES, conv(3))])
    monkeypatch.setattr("supernet_bench.engines.choice.ENGINES", (Never(), *ENGINES))
    assert isinstance(engine_for(graph, images().double()), ReferenceEngine)
