"""Which weights paths have in common, as the construction says."""

from dataclasses import fields
from itertools import product
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from supernet_bench.benchmark.plugins.composition import Composition
from supernet_bench.benchmark.plugins.registry import space_types
from supernet_bench.benchmark.study.spec import RunSpec
from supernet_bench.core.errors import InputError
from supernet_bench.heuristics.base import Heuristic
from supernet_bench.heuristics.batch_norm import BatchNorm
from supernet_bench.heuristics.kernel_sharing import KernelSharing
from supernet_bench.heuristics.op_location import OpLocation
from supernet_bench.spaces import toy
from supernet_bench.spaces.base import ALL, Construction, Hooks
from supernet_bench.spaces.nasbench201 import cell
from supernet_bench.spaces.nasbench201.space import NasBench201
from tests.spaces.cells import run_cell

WIDTH = 2
SPACE = NasBench201(width=WIDTH, cells=1)
CHANNELS = (WIDTH, 2 * WIDTH, 4 * WIDTH)
NONE, SKIP, CONV_1X1, CONV_3X3, POOL = range(5)
SETTINGS = {
    "norm_per_input": BatchNorm(wsbn=True),
    "operations_per": OpLocation(per="node"),
    "kernels": KernelSharing(mode="crop"),
}


def supernet(space: Any = SPACE, **mapping: Any) -> Any:
    torch.manual_seed(0)
    return space.supernet(1, 3, Construction(**mapping))


def norms(network: nn.Module) -> int:
    return sum(isinstance(module, nn.BatchNorm2d) for module in network.modules())


def parameters(network: nn.Module) -> int:
    return sum(parameter.numel() for parameter in network.parameters())


def test_every_field_has_a_heuristic_here() -> None:
    assert SETTINGS.keys() == {field.name for field in fields(Construction)} - {"norm", "dtype"}
    for name, heuristic in SETTINGS.items():
        changed = Composition([heuristic]).fold(Heuristic.construct, Construction())
        assert getattr(changed, name) != getattr(Construction(), name)


@pytest.mark.parametrize("field", SETTINGS)
@pytest.mark.parametrize("name", space_types())
def test_a_space_obeys_a_field_or_its_heuristic_is_refused(name: str, field: str) -> None:
    heuristic = SETTINGS[field]
    tables = {
        "space": {"name": name},
        "images": {"name": "digits"},
        "scoring": {"architectures": 8},
        "heuristics": {heuristic.name: {f.name: getattr(heuristic, f.name) for f in fields(heuristic)}},
    }
    space = space_types()[name]()
    if field not in space.mappings:
        with pytest.raises(InputError, match=rf"^heuristics\.{heuristic.name}\.\w+ is .*; allowed: .* {name} "):
            RunSpec.from_tables(tables)
        return
    heuristics = Composition(RunSpec.from_tables(tables).active_heuristics())
    construction = heuristics.fold(Heuristic.construct, Construction())
    changed, plain = (space.supernet(1, 3, each).state_dict() for each in (construction, Construction()))
    names_and_tensors = [(state.keys(), len({v.data_ptr() for v in state.values()})) for state in (changed, plain)]
    assert names_and_tensors[0] != names_and_tensors[1]


@pytest.mark.parametrize(
    ("mapping", "expected"),
    [
        ({}, 6 * 2),
        ({"operations_per": "node"}, 3 * 2),
        ({"kernels": "centre"}, 6 * 2),
        ({"norm_per_input": True}, (1 + 1 + 2 + 1 + 2 + 4) * 2),
        # Edges into a node share a convolution, but what comes from different nodes has different norms.
        ({"norm_per_input": True, "operations_per": "node"}, (1 + 1 + 2 + 1 + 2 + 4) * 2),
    ],
    ids=str,
)
def test_number_of_norms(mapping: dict[str, Any], expected: int) -> None:
    skeleton = 1 + 2 * 2 + 1
    assert norms(supernet(**mapping)) == 3 * expected + skeleton


@pytest.mark.parametrize(
    ("mapping", "kernels", "matrices"),
    [
        ({}, 6 * (1 + 9), 0),
        ({"operations_per": "node"}, 3 * (1 + 9), 0),
        ({"kernels": "centre"}, 6 * 9, 0),
        ({"kernels": "transformed"}, 6 * 9, 6),
        ({"kernels": "transformed", "operations_per": "node"}, 3 * 9, 3),
        ({"norm_per_input": True}, 6 * (1 + 9), 0),
    ],
    ids=str,
)
def test_number_of_parameters(mapping: dict[str, Any], kernels: int, matrices: int) -> None:
    """Of the cells: kernel values per pair of channels, learned matrices of one number, scales and shifts."""
    cells = supernet(**mapping).cells
    found = sum(parameters(each) for each in cells) - 2 * sum(
        module.num_features for module in cells.modules() if isinstance(module, nn.BatchNorm2d)
    )
    assert found == sum(kernels * channels**2 + matrices for channels in CHANNELS)


@pytest.mark.parametrize(
    ("architecture", "expected"),
    [
        # In the order (0,1), (0,2), (1,2), (0,3), (1,3), (2,3); the numbers count from 0, 1, 3 and 7.
        ((NONE,) * 6, (0, 1, 3, 7)),
        ((CONV_3X3,) * 6, (0, 2, 6, 14)),
        ((ALL,) * 6, (0, 2, 6, 14)),
        ((NONE, NONE, SKIP, POOL, SKIP, POOL), (0, 1, 3, 7 + 1)),  # nodes 1 and 2 are zero
        ((NONE, NONE, CONV_1X1, NONE, NONE, SKIP), (0, 1, 3 + 2, 7 + 4)),  # a convolution of zeros is not zero
        ((NONE, NONE, ALL, NONE, POOL, ALL), (0, 1, 3 + 2, 7 + 4)),
        ((SKIP, NONE, POOL, NONE, CONV_1X1, NONE), (0, 2, 3 + 2, 7 + 2)),
        ((POOL, CONV_1X1, NONE, SKIP, NONE, SKIP), (0, 2, 3 + 1, 7 + 1 + 4)),
    ],
    ids=str,
)
def test_input_configurations_of_cells(architecture: tuple[int, ...], expected: tuple[int, ...]) -> None:
    assert cell.input_configurations(architecture) == expected


def test_input_configurations_of_nodes_are_what_the_network_adds_up() -> None:
    """A node of zeros is one that no output reaches in the network itself."""
    network = supernet(NasBench201(width=2, cells=1)).eval()
    for norm in network.modules():
        if isinstance(norm, nn.BatchNorm2d):
            nn.init.uniform_(norm.bias, 1, 2)
    first = network.cells[0]
    features = torch.rand(2, 2, 4, 4) + 1
    for architecture in product((NONE, SKIP, CONV_1X1), repeat=6):
        active = cell.input_configurations(architecture)[-1] - 7
        assert bool(active) == bool(run_cell(first, features, architecture).abs().sum() > 0)


def test_input_configurations_of_the_toy_space() -> None:
    assert toy.input_configurations((0, 0, 0)) == [0, 1, 3]
    assert toy.input_configurations((1, 2, 0)) == [0, 2, 6]
    assert toy.input_configurations((2, 0, 1)) == [0, 2, 4]
    assert toy.input_configurations((0, ALL, 1)) == [0, 1, 5]
    assert norms(supernet(toy.Toy(), norm_per_input=True)) == 2 + 2 * (1 + 2 + 4)


def test_a_path_uses_the_norms_of_its_configurations() -> None:
    network = supernet(norm_per_input=True)
    images, generator = torch.randn(4, 1, 8, 8), np.random.default_rng(0)
    used: list[str] = []
    for name, module in network.named_modules():
        if isinstance(module, nn.BatchNorm2d) and name.startswith("cells.2"):
            module.register_forward_hook(lambda *_, name=name: used.append(name))
    for index in generator.choice(SPACE.size, 20, replace=False):
        architecture = SPACE.architecture(int(index))
        configurations = cell.input_configurations(architecture)
        used.clear()
        network(images, architecture, Hooks(lambda output, depth: output))  # a hook, so that it runs layer by layer
        assert used == [
            f"cells.2.edges.{edge}.{cell.OPERATIONS[choice]}.norm.{configurations[source]}"
            for edge, (choice, (source, _)) in enumerate(zip(architecture, cell.EDGES, strict=True))
            if choice in (CONV_1X1, CONV_3X3)
        ]


def test_edges_into_a_node_share_and_others_do_not() -> None:
    edges = supernet(operations_per="node").cells[0].edges
    for name in cell.KERNELS:
        operations = [edge[name] for edge in edges]
        assert operations[1] is operations[2]
        assert operations[3] is operations[4] is operations[5]
        assert len({*operations}) == 3


def test_shared_operations_add_up_their_gradients() -> None:
    """Two edges that do the same to the same input train one weight twice."""
    torch.manual_seed(0)
    network = supernet(NasBench201(width=2, cells=1), operations_per="node")
    first = network.cells[0]
    features = torch.randn(4, 2, 6, 6)
    weight = first.edges[1]["nor_conv_3x3"].conv.weight

    def gradient(architecture: tuple[int, ...]) -> Tensor:
        network.zero_grad()
        run_cell(first, features, architecture)[:, 0].square().mean().sqrt().backward()
        return weight.grad.clone()

    # Node 1 is the input; node 2 adds up one or two equal convolutions of it, so the output doubles.
    once, twice = (gradient((SKIP, CONV_3X3, again, NONE, NONE, SKIP)) for again in (NONE, CONV_3X3))
    torch.testing.assert_close(twice, 2 * once)


def test_transforms_start_as_the_identity_and_learn() -> None:
    images, architecture = torch.randn(8, 1, 8, 8), (CONV_1X1, CONV_3X3, CONV_1X1, SKIP, POOL, CONV_1X1)
    crop, transform = supernet(kernels="centre"), supernet(kernels="transformed")
    for one, other in zip(crop.cells[0].edges, transform.cells[0].edges, strict=True):
        assert torch.equal(one["nor_conv_1x1"].conv.weight, other["nor_conv_1x1"].conv.weight)
    torch.testing.assert_close(crop(images, architecture), transform(images, architecture))
    optimiser = torch.optim.SGD(transform.parameters(), lr=1.0)
    transform(images, architecture).square().sum().backward()
    optimiser.step()
    matrix = transform.cells[2].edges[5]["nor_conv_1x1"].conv.transform
    assert matrix.shape == (1, 1)
    assert matrix.item() != 1
    assert transform.cells[2].edges[5]["nor_conv_1x1"].conv.weight.shape == (4 * WIDTH, 4 * WIDTH, 1, 1)


def test_a_1x1_convolution_trains_the_centre_of_the_3x3() -> None:
    network = supernet(kernels="centre")
    network(torch.randn(8, 1, 8, 8), (NONE, NONE, NONE, CONV_1X1, NONE, NONE)).square().sum().backward()
    gradient = network.cells[0].edges[3]["nor_conv_3x3"].conv.weight.grad
    assert gradient[..., 1, 1].abs().min() > 0
    assert torch.count_nonzero(gradient) == gradient.numel() // 9
