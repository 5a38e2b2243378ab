"""NAS-Bench-201 is the published space: order, strings, classes, costs, and a network written plainly."""

import re
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from supernet_bench.core.errors import InputError
from supernet_bench.engines.graph import IMAGES
from supernet_bench.engines.pooling import mean_of_neighbours
from supernet_bench.spaces.base import ALL, Architecture, Construction, Hooks, OperationHook
from supernet_bench.spaces.nasbench201.cell import EDGES, NODES, OPERATIONS, Cell, input_configurations
from supernet_bench.spaces.nasbench201.space import NasBench201
from tests.spaces.cells import run_cell

SPACE = NasBench201(width=2, cells=2)
OPTIMUM = "|nor_conv_3x3~0|+|nor_conv_3x3~0|nor_conv_3x3~1|+|skip_connect~0|nor_conv_3x3~1|nor_conv_1x1~2|"
CONV_OF_ZERO = "|none~0|+|skip_connect~0|nor_conv_3x3~1|+|none~0|nor_conv_1x1~1|avg_pool_3x3~2|"
DEAD_NODE = "|nor_conv_3x3~0|+|skip_connect~0|none~1|+|nor_conv_1x1~0|none~1|avg_pool_3x3~2|"
ZERO_OUTPUT = "|nor_conv_3x3~0|+|none~0|none~1|+|none~0|none~1|skip_connect~2|"
POOL_OF_ZERO = "|none~0|+|avg_pool_3x3~0|avg_pool_3x3~1|+|skip_connect~0|skip_connect~1|nor_conv_3x3~2|"
SPECIAL = (CONV_OF_ZERO, DEAD_NODE, ZERO_OUTPUT, POOL_OF_ZERO)


@pytest.fixture(scope="module")
def published(shared_data: Path) -> dict[str, np.ndarray]:
    """The published rows."""
    with np.load(shared_data / "nb201.npz") as file:
        return {key: file[key] for key in file.files}


def reference(state: dict[str, Tensor], text: str, images: Tensor, training: bool) -> Tensor:
    """The network of the paper as a formula over named weights: no zero is skipped, nothing is reused."""

    def norm(x: Tensor, name: str) -> Tensor:
        mean, variance = state[f"{name}.running_mean"].clone(), state[f"{name}.running_var"].clone()
        return functional.batch_norm(x, mean, variance, state[f"{name}.weight"], state[f"{name}.bias"], training)

    def relu_conv_norm(x: Tensor, name: str, kernel: int, stride: int = 1) -> Tensor:
        weight = state[f"{name}.conv.weight"]
        assert weight.shape[2:] == (kernel, kernel)
        y = functional.conv2d(functional.relu(x), weight, stride=stride, padding=kernel // 2)
        return norm(y, f"{name}.norm")

    def cell(x: Tensor, number: int) -> Tensor:
        nodes, edge = [x], 0
        for node in text.split("+"):
            total = torch.zeros_like(x)
            for operation, source in re.findall(r"(\w+)~(\d)", node):
                y = nodes[int(source)]
                if operation == "none":
                    y = y * 0
                elif operation == "avg_pool_3x3":
                    y = functional.avg_pool2d(y, 3, 1, 1, count_include_pad=False)
                elif operation != "skip_connect":
                    y = relu_conv_norm(y, f"cells.{number}.edges.{edge}.{operation}", int(operation[-1]))
                total = total + y
                edge += 1
            nodes.append(total)
        return nodes[-1]

    def residual(x: Tensor, name: str) -> Tensor:
        branch = relu_conv_norm(relu_conv_norm(x, f"{name}.conv_a", 3, stride=2), f"{name}.conv_b", 3)
        return branch + functional.conv2d(functional.avg_pool2d(x, 2), state[f"{name}.shortcut.weight"])

    x = norm(functional.conv2d(images, state["stem.conv.weight"], padding=1), "stem.norm")
    x = cell(cell(x, 0), 1)
    x = cell(cell(residual(x, "reductions.0"), 2), 3)
    x = cell(cell(residual(x, "reductions.1"), 4), 5)
    x = functional.adaptive_avg_pool2d(functional.relu(norm(x, "norm")), 1).flatten(1)
    return functional.linear(x, state["classifier.weight"], state["classifier.bias"])


@pytest.mark.parametrize("training", [True, False], ids=["train", "eval"])
def test_network_is_the_published_one(training: bool) -> None:
    torch.manual_seed(0)
    supernet = SPACE.supernet(3, 4, Construction()).double().train(training)
    for name, value in supernet.state_dict().items():
        if "norm." in name and value.is_floating_point():
            value.copy_(torch.rand_like(value) + 0.1)
    images = torch.rand(5, 3, 8, 8, dtype=torch.float64)
    labels = torch.tensor([0, 1, 2, 3, 0])
    texts = [SPACE.text(SPACE.architecture(i)) for i in np.random.default_rng(1).integers(0, SPACE.size, 12)]
    for text in [OPTIMUM, *SPECIAL, *texts]:
        state = {key: value.clone() for key, value in SPACE.inherit(supernet, SPACE.parse(text)).items()}
        weights = {name for name, _ in supernet.named_parameters()} & state.keys()
        for name in weights:
            state[name].requires_grad_()
        expected = reference(state, text, images, training)
        found = supernet(images, SPACE.parse(text))
        torch.testing.assert_close(found, expected)
        functional.cross_entropy(expected, labels).backward()
        supernet.zero_grad()
        functional.cross_entropy(found, labels).backward()
        for name in weights:
            zeros = torch.zeros_like(state[name])
            expected_grad, found_grad = state[name].grad, supernet.get_parameter(name).grad
            torch.testing.assert_close(
                zeros if found_grad is None else found_grad,
                zeros if expected_grad is None else expected_grad,
            )


def trained(text: str) -> set[str]:
    """Edges of the last cell whose weights a backward pass reaches."""
    space = NasBench201(width=2, cells=1)
    supernet = space.supernet(1, 3, Construction())
    supernet(torch.rand(4, 1, 8, 8), space.parse(text)).sum().backward()
    reached = {name for name, weight in supernet.named_parameters() if weight.grad is not None}
    return {name.removesuffix(".conv.weight") for name in reached if re.match(r"cells\.2\.edges.*conv\.weight", name)}


def test_dead_branches_get_no_gradient() -> None:
    assert trained(DEAD_NODE) == {"cells.2.edges.3.nor_conv_1x1"}
    assert trained(ZERO_OUTPUT) == set()
    assert trained(CONV_OF_ZERO) == {"cells.2.edges.2.nor_conv_3x3", "cells.2.edges.4.nor_conv_1x1"}


def test_convolution_of_zeros_gives_the_bias_of_its_norm() -> None:
    # A trained norm's running statistics keep what batch statistics would subtract again.
    supernet = SPACE.supernet(1, 3, Construction()).eval()
    architecture = SPACE.parse(CONV_OF_ZERO)
    images = torch.rand(4, 1, 8, 8)
    before = supernet(images, architecture)
    with torch.no_grad():
        supernet.get_parameter("cells.5.edges.4.nor_conv_1x1.norm.bias").add_(torch.arange(8.0))
    assert not torch.allclose(supernet(images, architecture), before)


def expected_depths(architecture: Architecture) -> list[float]:
    """Depths of the convolutions and of the poolings of nodes that are not zero, in order."""
    operations = [OPERATIONS[choice] for choice in architecture]
    edge_01, edge_02, edge_12 = operations[:3]
    convolutions = ("nor_conv_1x1", "nor_conv_3x3")
    is_1 = edge_01 != "none"
    is_2 = edge_02 != "none" or edge_12 in convolutions or (edge_12 != "none" and is_1)
    readable = (True, True, is_1, True, is_1, is_2)
    active = sum(
        operation in convolutions or (operation == "avg_pool_3x3" and source)
        for operation, source in zip(operations, readable, strict=True)
    )
    cells = 3 * SPACE.cells
    return [(cell + 1) / cells for cell in range(cells) for _ in range(active)]


def test_hook_sees_active_operations_and_may_replace_them() -> None:
    supernet = SPACE.supernet(1, 3, Construction()).eval()
    images = torch.rand(2, 1, 8, 8)
    skip = OPERATIONS.index("skip_connect")
    random = [SPACE.architecture(i) for i in np.random.default_rng(2).integers(0, SPACE.size, 30).tolist()]
    for architecture in [*map(SPACE.parse, (OPTIMUM, *SPECIAL)), *random]:
        depths: list[float] = []

        def drop(output: Tensor, depth: float, depths: list[float] = depths) -> Tensor:
            depths.append(depth)
            return torch.zeros_like(output)

        only_skips = tuple(choice if choice == skip else 0 for choice in architecture)
        torch.testing.assert_close(supernet(images, architecture, Hooks(drop)), supernet(images, only_skips))
        assert depths == expected_depths(architecture)


def test_number_of_norms() -> None:
    norms = [m for m in SPACE.supernet(1, 3, Construction()).modules() if isinstance(m, nn.BatchNorm2d)]
    cells = 3 * SPACE.cells
    assert len(norms) == 1 + cells * 6 * 2 + 2 * 2 + 1


def test_every_cell_has_weights_of_its_own() -> None:
    keys = SPACE.supernet(1, 3, Construction()).state_dict().keys()
    assert {key for key in keys if key.endswith("edges.2.nor_conv_3x3.conv.weight")} == {
        f"cells.{cell}.edges.2.nor_conv_3x3.conv.weight" for cell in range(6)
    }


def test_optimum_is_row_6111() -> None:
    assert SPACE.index(SPACE.parse(OPTIMUM)) == 6111
    costs = SPACE.published_costs()
    assert costs.parameters[6111] == 1_073_466
    assert costs.macs[6111] == 153_272_960


@pytest.mark.parametrize(
    "text",
    [
        OPTIMUM.replace("nor_conv_1x1", "nor_conv_5x5"),
        OPTIMUM.replace("~2", "~1"),
        OPTIMUM.replace("+", ""),
        OPTIMUM.replace("|+|", "|+\n|"),
        "|none~0|",
        "",
    ],
)
def test_damaged_string_is_refused(text: str) -> None:
    with pytest.raises(InputError, match=r"^architecture string of nasbench201 is .*nor_conv_1x1.*$"):
        SPACE.parse(text)


def test_rows_and_strings_are_the_published_ones(published: dict[str, np.ndarray]) -> None:
    assert [name.decode() for name in published["op_names"]] == list(OPERATIONS)
    np.testing.assert_array_equal(SPACE.architectures, published["ops"])
    texts = [SPACE.text(SPACE.architecture(index)) for index in range(SPACE.size)]
    assert texts == [text.decode() for text in published["arch_str"]]


def test_classes_are_the_published_ones(published: dict[str, np.ndarray]) -> None:
    classes = SPACE.isomorphism()
    pairs = np.unique(np.stack([classes, published["iso_id"]]), axis=1)
    assert classes.max() + 1 == len(np.unique(published["iso_id"])) == pairs.shape[1] == 6466


def test_number_of_classes() -> None:
    assert len(np.unique(SPACE.isomorphism())) == 6466


@pytest.mark.parametrize(("prefix", "classes", "resolution"), [("c10", 10, 32), ("c100", 100, 32), ("in16", 120, 16)])
def test_costs_are_the_published_ones(
    published: dict[str, np.ndarray], prefix: str, classes: int, resolution: int
) -> None:
    costs = NasBench201().costs(3, classes, resolution)
    np.testing.assert_array_equal(costs.parameters, published[f"{prefix}_params"])
    np.testing.assert_array_equal(costs.macs, published[f"{prefix}_macs"])


def test_an_open_edge_averages_its_choices() -> None:
    """The cell is linear in the output of its last edge."""
    torch.manual_seed(0)
    cell = SPACE.supernet(1, 3, Construction()).cells[0]
    features = torch.randn(4, SPACE.width, 6, 6)
    last = len(SPACE.choices) - 1
    for text in (OPTIMUM, *SPECIAL):
        architecture = SPACE.parse(text)[:last]
        for hook in (None, lambda output, depth: depth * output + 1):
            choices = [run_cell(cell, features, (*architecture, choice), hook) for choice in range(len(OPERATIONS))]
            torch.testing.assert_close(
                run_cell(cell, features, (*architecture, ALL), hook), torch.stack(choices).mean(0)
            )


def test_hook_sees_each_operation_of_an_open_edge() -> None:
    supernet = SPACE.supernet(1, 3, Construction())
    images = torch.rand(2, 1, 8, 8)
    depths: list[float] = []

    def drop(output: Tensor, depth: float) -> Tensor:
        depths.append(depth)
        return torch.zeros_like(output)

    architecture = (0, 0, 0, ALL, 0, 0)
    fifth_of_a_skip = supernet(images, architecture, Hooks(drop))
    cells = 3 * SPACE.cells
    assert depths == [(cell + 1) / cells for cell in range(cells) for _ in range(3)]
    # Nothing but a skip over five is left in each cell, and so no trace of what the convolutions and the pooling gave.
    with torch.no_grad():
        for name, weight in supernet.named_parameters():
            if ".edges." in name:
                weight.normal_()
    torch.testing.assert_close(supernet(images, architecture, Hooks(drop)), fifth_of_a_skip)


def test_gradients_reach_all_choices_of_open_edges() -> None:
    supernet = SPACE.supernet(1, 3, Construction())
    supernet(torch.rand(4, 1, 8, 8), (ALL,) * 6).square().sum().backward()
    assert all(parameter.grad.abs().max() > 0 for parameter in supernet.parameters())


def _one_after_the_other(
    cell: Cell, features: Tensor, architecture: Architecture, hook: OperationHook | None
) -> Tensor:
    """Run a cell as its definition says, each output added before the next is computed."""
    configurations, nodes = input_configurations(architecture), [features]
    rectified = cache(lambda start: torch.relu(nodes[start]))

    def output(edge: Any, choice: int, start: int) -> Tensor:
        name = OPERATIONS[choice]
        if name == "skip_connect":
            return nodes[start]
        if name == "avg_pool_3x3":
            found = mean_of_neighbours(nodes[start])
        else:
            branch = getattr(edge, name).branch(IMAGES, configurations[start], rectified=True)
            found = branch.norm(branch.conv(rectified(start)))
        return found if hook is None else hook(found, cell.depth)

    for target in range(1, NODES):
        total: Tensor | None = None
        for edge, choice, (start, end) in zip(cell.edges, architecture, EDGES, strict=True):
            if end == target and choice != OPERATIONS.index("none"):
                every = [output(edge, one, start) for one in range(1, len(OPERATIONS))] if choice == ALL else []
                found = torch.stack(every).sum(0) / len(OPERATIONS) if every else output(edge, choice, start)
                total = found if total is None else total + found
        nodes.append(torch.zeros_like(features) if total is None else total)
    return nodes[-1]


@pytest.mark.parametrize("architecture", [(1, 0, 1, 1, 1, 3), (1, 1, 0, 1, 1, 2), (1, 0, 1, 1, 1, ALL)])
def test_gradients_are_added_in_the_order_of_edges_to_the_last_bit(architecture: Architecture) -> None:
    """Several skips pass on one map: one that is summed at once would add its gradients in another order."""
    cell = NasBench201(width=8, cells=1).supernet(1, 10, Construction()).cells[0].train()
    generator = torch.Generator().manual_seed(0)
    given = torch.randn(8, 8, 8, 8, generator=generator)
    weights = torch.randn(8, 8, 8, 8, generator=generator)
    hook = None if ALL in architecture else lambda output, depth: output * 1.0
    gradients = []
    for run in (run_cell, _one_after_the_other):
        features = given.clone().requires_grad_()
        torch.sum(run(cell, features, architecture, hook) * weights).backward()
        gradients.append(features.grad)
    assert torch.equal(*gradients)
