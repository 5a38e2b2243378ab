"""What the compiled loops compute equals the reference."""

import copy
from functools import partial

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional

from supernet_bench.engines import choice
from supernet_bench.engines.cpu import maps
from supernet_bench.engines.cpu.engine import CpuEngine, parts, walks_at_once
from supernet_bench.engines.cpu.library import why_none
from supernet_bench.engines.cpu.memory import Memory
from supernet_bench.engines.cpu.plan import plan
from supernet_bench.engines.graph import IMAGES, Branch, Graph, Shape
from supernet_bench.engines.reference import ReferenceEngine
from supernet_bench.spaces.base import ALL, Construction
from supernet_bench.spaces.nasbench201.network import CellSupernet
from supernet_bench.spaces.nasbench201.space import NasBench201

pytestmark = pytest.mark.skipif(why_none() is not None, reason=f"the kernels are NOT tested: {why_none()}")

NORMS = {
    "batch": partial(nn.BatchNorm2d, track_running_stats=False),
    "not affine": partial(nn.BatchNorm2d, track_running_stats=False, affine=False),
    "tracked": nn.BatchNorm2d,
    "averaged": partial(nn.BatchNorm2d, momentum=None),
}
MAPPINGS = {
    "separate": {},
    "wsbn": {"norm_per_input": True},
    "node": {"operations_per": "node"},
    "crop": {"kernels": "centre"},
    "all": {"norm_per_input": True, "operations_per": "node", "kernels": "transformed"},
}
CASES = [("separate", norm) for norm in NORMS] + [(mapping, "tracked") for mapping in MAPPINGS if mapping != "separate"]
ARCHITECTURES = [
    *NasBench201().architectures[np.random.default_rng(0).choice(15625, 25, replace=False)].tolist(),
    [0, 0, 0, 0, 0, 0],
    [0, 0, 0, 0, 0, 3],
    [3, 3, 3, 3, 3, 3],
    [4, 4, 4, 4, 4, 4],
    [1, 1, 1, 1, 1, 1],
    [3, 2, 3, 1, 0, 0],
    [0, 3, 2, 4, 3, 1],
]


def supernet(norm: str, mapping: str = "separate") -> CellSupernet:
    torch.manual_seed(0)
    network = NasBench201(width=8, cells=2).supernet(3, 10, Construction(NORMS[norm], **MAPPINGS[mapping]))
    for parameter in network.parameters():
        if parameter.dim() == 1:
            nn.init.normal_(parameter)
    return network.to(memory_format=torch.channels_last)


def batch(dtype: torch.dtype = torch.float32) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(1)
    images = torch.randn(16, 3, 13, 12, generator=generator).to(dtype)
    return images.contiguous(memory_format=torch.channels_last), torch.randint(10, (16,), generator=generator)


def trained(network: CellSupernet, architecture, images, labels) -> tuple[torch.Tensor, dict[str, torch.Tensor | None]]:
    network.zero_grad()
    loss = functional.cross_entropy(network(images, tuple(architecture)), labels)
    loss.backward()
    gradients = {name: parameter.grad for name, parameter in network.named_parameters()}
    return loss.detach(), {name: None if grad is None else grad.clone() for name, grad in gradients.items()}


def accepts(network: CellSupernet, images: torch.Tensor, architecture=(3, 3, 3, 3, 3, 3), on_operation=None) -> bool:
    return CpuEngine().accepts(network.graph(Shape(*images.shape[1:]), architecture, on_operation), images)


@pytest.fixture
def by_reference(monkeypatch):
    """Return a function that runs another one without this engine."""

    def call(function, *arguments):
        with monkeypatch.context() as context:
            context.setattr(choice, "ENGINES", (ReferenceEngine(),))
            return function(*arguments)

    return call


@pytest.mark.parametrize(("mapping", "norm"), CASES)
def test_training_equals_the_reference_in_double_precision(mapping, norm, by_reference) -> None:
    network, (images, labels) = supernet(norm, mapping), batch()
    exact = copy.deepcopy(network).double()
    errors = []
    for architecture in ARCHITECTURES:
        assert accepts(network, images)
        loss, gradients = trained(network, architecture, images, labels)
        expected, exact_gradients = by_reference(trained, exact, architecture, images.double(), labels)
        torch.testing.assert_close(loss.double(), expected, rtol=1e-4, atol=1e-4)
        assert [name for name, grad in gradients.items() if grad is None] == [
            name for name, grad in exact_gradients.items() if grad is None
        ]
        actual, wanted = (
            torch.cat([grad.double().flatten() for grad in some.values() if grad is not None])
            for some in (gradients, exact_gradients)
        )
        errors.append(((actual - wanted).norm() / wanted.norm()).item())
    # Rounding moves a few values across the kink of a rectifier, which shows in some gradients.
    assert np.median(errors) < 1e-4
    assert max(errors) < 0.05
    for (name, buffer), other in zip(network.named_buffers(), exact.buffers(), strict=True):
        torch.testing.assert_close(buffer.double(), other.double(), rtol=1e-3, atol=1e-3, msg=name)


@pytest.mark.parametrize(("mapping", "norm"), CASES)
def test_evaluation_equals_the_reference(mapping, norm, by_reference) -> None:
    network, (images, labels) = supernet(norm, mapping), batch()
    for architecture in ARCHITECTURES:
        trained(network, architecture, images, labels)
    network.eval()
    with torch.no_grad():
        assert accepts(network, images)
        for architecture in map(tuple, ARCHITECTURES):
            expected = by_reference(network, images, architecture)
            torch.testing.assert_close(network(images, architecture), expected, rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize("fixed", ["all", "one"])
def test_gradient_through_fixed_statistics_is_left_to_the_reference(fixed: str, by_reference) -> None:
    network, (images, labels) = supernet("tracked"), batch()
    (network if fixed == "all" else network.stem.norm).eval()
    assert not accepts(network, images)
    with torch.no_grad():
        assert accepts(network, images)
    loss, gradients = trained(network, (3, 3, 3, 3, 3, 3), images, labels)
    expected, others = by_reference(trained, network, (3, 3, 3, 3, 3, 3), images, labels)
    assert torch.equal(loss, expected)
    assert torch.equal(gradients["stem.conv.weight"], others["stem.conv.weight"])


def test_bfloat16_stays_near_float32_and_gives_float32_gradients() -> None:
    (images, labels), (halves, _) = batch(), batch(torch.bfloat16)
    network = supernet("batch")
    for architecture in ([3, 3, 3, 3, 3, 3], [2, 3, 4, 1, 2, 3]):
        loss, gradients = trained(network, architecture, images, labels)
        rough, rough_gradients = trained(network, architecture, halves, labels)
        assert rough.dtype == torch.float32
        assert rough.item() == pytest.approx(loss.item(), rel=0.1)
        actual, expected = (
            torch.cat([grad.flatten() for grad in some.values() if grad is not None])
            for some in (rough_gradients, gradients)
        )
        assert actual.dtype == torch.float32
        assert functional.cosine_similarity(actual, expected, dim=0) > 0.9


def test_layouts_that_pytorch_does_not_keep() -> None:
    # With one input channel, layouts cannot be told apart, and the library's convolution keeps the other one.
    network = NasBench201(width=8, cells=1).supernet(1, 10, Construction(NORMS["batch"])).eval()
    images = torch.randn(300, 1, 32, 32, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        assert accepts(network, images)
        actual = network(images, (3, 2, 4, 1, 2, 3))
        exact = copy.deepcopy(network).double()(images.double(), (3, 2, 4, 1, 2, 3))
    torch.testing.assert_close(actual.double(), exact, rtol=1e-3, atol=1e-4)


def test_what_the_loops_cannot_do_is_not_accepted() -> None:
    network, (images, _) = supernet("batch"), batch()
    assert accepts(network, images)
    assert not accepts(network, images.clone().requires_grad_())
    assert not accepts(network, images[:, :1].contiguous(memory_format=torch.channels_last))
    assert not accepts(network, images, (3, 3, 3, 3, 3, ALL))
    assert not accepts(network, images, on_operation=lambda output, depth: output)
    assert not accepts(copy.deepcopy(network).double(), images)

    class Another(nn.BatchNorm2d):
        pass

    assert not accepts(NasBench201(width=8, cells=1).supernet(3, 10, Construction(Another)), images)


def test_maps_are_freed_by_the_gradient() -> None:
    network, (images, _) = supernet("batch"), batch()
    logits = network(images, (3, 3, 3, 3, 3, 3))
    node = logits.grad_fn
    while "_Run" not in type(node).__name__:
        node = next(after for after, _ in node.next_functions if after is not None and "Accumulate" not in str(after))
    assert node.done
    logits.sum().backward()
    assert not hasattr(node, "done")


def test_width_that_fills_no_vectors_is_left_to_the_reference() -> None:
    network = NasBench201(width=6, cells=1).supernet(3, 10, Construction(NORMS["batch"]))
    images, _ = batch()
    assert not accepts(network, images)
    assert network(images, (3, 3, 3, 3, 3, 3)).shape == (16, 10)


def test_dead_ends_and_zeros_are_not_computed(monkeypatch) -> None:
    convolved = []
    plain = maps.convolve
    monkeypatch.setattr(maps, "convolve", lambda *arguments: convolved.append(1) or plain(*arguments))
    network, (images, _) = supernet("batch").eval(), batch()
    skeleton, cells = 7, 6
    expected = {
        (0, 0, 0, 1, 0, 0): skeleton,
        (3, 3, 3, 1, 0, 0): skeleton,  # nothing reads the nodes that are convolved into
        (3, 0, 0, 0, 2, 0): skeleton + 2 * cells,
        (0, 0, 3, 0, 3, 3): 1,  # convolutions of zero are constant, so only the last cell matters
    }
    for architecture, count in expected.items():
        convolved.clear()
        with torch.no_grad():
            network(images, architecture)
        assert len(convolved) == count, architecture


def test_zeros_are_not_planned() -> None:
    graph, shape = Graph(Shape(3, 4, 4)), Shape(8, 4, 4)
    nothing = graph.add(shape, [])
    zeros = graph.add(shape, [Branch(nothing), Branch(nothing, averaged=3), Branch(nothing, nn.Conv2d(8, 8, 1))])
    bias = graph.add(shape, [Branch(zeros, norm=nn.BatchNorm2d(8))])
    graph.add(shape, [Branch(zeros), Branch(bias)])
    assert [(each.number, [part.branch.source for part in each.parts]) for each in plan(graph)] == [
        (bias, [zeros]),
        (graph.last, [bias]),
    ]


@pytest.mark.parametrize("tracked", [False, True])
def test_dead_ends_are_planned_only_for_their_statistics(tracked: bool) -> None:
    graph, shape = Graph(Shape(3, 4, 4)), Shape(8, 4, 4)
    norm = nn.BatchNorm2d(8, track_running_stats=tracked)
    first = graph.add(shape, [Branch(IMAGES, nn.Conv2d(3, 8, 1, bias=False), norm)])
    dead = graph.add(shape, [Branch(first)])
    graph.add(shape, [Branch(first, averaged=3)])
    assert [each.number for each in plan(graph)] == [first, *([dead] if tracked else []), graph.last]


def test_first_cells_share_what_they_have_in_common(monkeypatch) -> None:
    network, (images, _) = supernet("batch").eval(), batch()
    architectures = [(3, 2, 3, first, second, third) for first in (2, 3) for second in (2, 3) for third in (2, 3)]
    with torch.no_grad():
        expected = [network(images, architecture) for architecture in architectures]
        convolved = []
        plain = maps.convolve
        monkeypatch.setattr(maps, "convolve", lambda *arguments: convolved.append(1) or plain(*arguments))
        found = {position: logits for [position], logits in network.all_logits(images, architectures)}
    for position, logits in enumerate(expected):
        assert torch.equal(found[position], logits)
    # The stem and nine convolutions once; six of the skeleton and those of five cells for each.
    assert len(convolved) == 1 + 9 + 8 * (6 + 5 * 6)


@pytest.mark.parametrize("kernels", ["own", "centre", "transformed"])
def test_memory_knows_computed_weights_by_their_convolution(monkeypatch, kernels) -> None:
    network = NasBench201(width=8, cells=1).supernet(3, 10, Construction(NORMS["batch"], kernels=kernels)).eval()
    images, _ = batch()
    memories = []
    plain = Memory.__init__
    monkeypatch.setattr(Memory, "__init__", lambda self: memories.append(self) or plain(self))
    before = torch.get_num_threads()
    architecture = (2, 2, 3, 2, 2, 3)
    try:
        torch.set_num_threads(1)
        with torch.no_grad():
            list(network.all_logits(images, [architecture, (*architecture[:-1], 2)]))
    finally:
        torch.set_num_threads(before)
    # The map of the stem and two of the first cell's, whose last ones differ; their seven branches and one more.
    assert [len(memory._kept) for memory in memories] == [3 + 7 + 1]


@pytest.mark.parametrize("mapping", ["wsbn", "all"])
def test_cells_with_other_predecessors_are_not_taken_for_alike(mapping) -> None:
    network, (images, _) = supernet("batch", mapping).eval(), batch()
    architectures = list(map(tuple, ARCHITECTURES))
    with torch.no_grad():
        found = list(network.all_logits(images, architectures))
        assert len(found) == len(set(architectures))
        for [position, *_], logits in found:
            torch.testing.assert_close(logits, network(images, architectures[position]))


def test_memory_is_bounded_and_forgets_the_oldest() -> None:
    memory, computed = Memory(capacity=20), []
    for key in "abacbd":
        memory.recall(key, lambda key=key: computed.append(key), lambda _: 10)
    assert computed == ["a", "b", "c", "b", "d"]
    memory.recall("larger than all", lambda: computed.append("x"), lambda _: 21)
    memory.recall("d", lambda: computed.append("d"), lambda _: 10)
    assert computed[5:] == ["x", "d"]


def test_parts_cost_about_the_same_and_none_is_empty() -> None:
    costs = [1 + sum(choice in (2, 3) for choice in each) for each in sorted(NasBench201().architectures.tolist())]
    for count in (1, 2, 3, 4):
        found = parts(costs, count)
        assert [position for part in found for position in part] == list(range(len(costs)))
        work = [sum(costs[position] for position in part) for part in found]
        assert len(work) == count
        assert max(work) < 1.05 * min(work)
    assert parts([1, 1], 4) in ([range(1), range(1, 2)], [range(2)])
    assert parts([1], 4) == [range(1)]


def test_walks_at_once_are_bounded_by_threads_and_by_memory() -> None:
    network = supernet("batch")
    before = torch.get_num_threads()
    try:
        torch.set_num_threads(3)
        for images, count in ((torch.empty(16, 3, 13, 12), 3), (torch.empty(250, 3, 256, 256), 1)):
            graph = network.graph(Shape(*images.shape[1:]), (3, 3, 3, 3, 3, 3))
            assert walks_at_once(graph, images) == count
    finally:
        torch.set_num_threads(before)


def test_threads_score_what_one_thread_scores() -> None:
    network, (images, _) = supernet("batch").eval(), batch()
    architectures = [tuple(architecture) for architecture in ARCHITECTURES * 2]
    before, found = torch.get_num_threads(), {}
    try:
        for threads in (1, 3):
            torch.set_num_threads(threads)
            with torch.no_grad():
                found[threads] = {
                    position: logits
                    for positions, logits in network.all_logits(images, architectures)
                    for position in positions
                }
            assert torch.get_num_threads() == threads
    finally:
        torch.set_num_threads(before)
    assert found[1].keys() == found[3].keys() == set(range(len(architectures)))
    assert all(torch.equal(found[1][position], found[3][position]) for position in found[1])
