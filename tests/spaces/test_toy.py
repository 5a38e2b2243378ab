"""The toy space is small, fair to sample, exercises every hook, and says that its accuracies are made up."""

import numpy as np
import torch
from torch import Tensor

from supernet_bench.spaces.base import ALL, Construction, Hooks
from supernet_bench.spaces.toy import OPERATIONS, Toy

SPACE = Toy()


def test_decisions_have_equally_many_choices() -> None:
    assert SPACE.choices == (3, 3, 3)
    assert SPACE.size == 27


def test_classes_ignore_where_none_stands() -> None:
    classes = SPACE.isomorphism()
    assert len(np.unique(classes)) == 1 + 2 + 4 + 8
    one, other, reverse = (classes[SPACE.index(SPACE.parse(text))] for text in ("012", "102", "021"))
    assert one == other != reverse


def test_architectures_of_one_class_cost_the_same() -> None:
    costs = SPACE.published_costs()
    for number in np.unique(SPACE.isomorphism()):
        assert len(np.unique(costs.macs[SPACE.isomorphism() == number])) == 1


def test_accuracies_are_labelled_as_made_up_and_always_the_same() -> None:
    truth = SPACE.truth()
    assert truth.table == "toy table, made up"
    assert "made up" in SPACE.source
    assert truth.columns.keys() == {"toy_valid", "toy_valid_run0", "toy_valid_run1"}
    runs = np.stack([truth.columns["toy_valid_run0"], truth.columns["toy_valid_run1"]])
    np.testing.assert_allclose(truth.columns[truth.target], runs.mean(axis=0))
    assert runs.shape == (2, 27)
    assert 0 < runs.min() < runs.max() < 1
    assert not np.array_equal(*runs)
    for column, values in SPACE.truth().columns.items():
        np.testing.assert_array_equal(values, truth.columns[column])


def test_hook_sees_active_operations_of_both_cells_and_may_replace_them() -> None:
    supernet = SPACE.supernet(1, 3, Construction()).eval()
    images = torch.rand(2, 1, 8, 8)
    for index in range(SPACE.size):
        architecture = SPACE.architecture(index)
        depths: list[float] = []

        def drop(output: Tensor, depth: float, depths: list[float] = depths) -> Tensor:
            depths.append(depth)
            return torch.zeros_like(output)

        torch.testing.assert_close(supernet(images, architecture, Hooks(drop)), supernet(images, (0, 0, 0)))
        active = sum(OPERATIONS[choice] != "none" for choice in architecture)
        assert depths == [0.5] * active + [1.0] * active


def test_an_open_step_averages_its_choices() -> None:
    """The cell is linear in the output of its last step."""
    torch.manual_seed(0)
    cell = SPACE.supernet(1, 3, Construction()).cells[0]
    features = torch.randn(4, SPACE.width, 6, 6)
    for hook in (None, lambda output, depth: depth * output + 1):
        choices = [cell(features, (1, 2, choice), hook) for choice in range(3)]
        torch.testing.assert_close(cell(features, (1, 2, ALL), hook), torch.stack(choices).mean(0))


def test_hook_sees_each_operation_of_an_open_step() -> None:
    supernet = SPACE.supernet(1, 3, Construction())
    images = torch.rand(4, 1, 8, 8)
    depths: list[float] = []

    def drop(output: Tensor, depth: float) -> Tensor:
        depths.append(depth)
        return torch.zeros_like(output)

    torch.testing.assert_close(supernet(images, (0, ALL, 1), Hooks(drop)), supernet(images, (0, 0, 0)))
    assert depths == [0.5] * 3 + [1.0] * 3


def test_gradients_reach_all_choices_of_open_steps() -> None:
    supernet = SPACE.supernet(1, 3, Construction())
    supernet(torch.rand(4, 1, 8, 8), (ALL, ALL, ALL)).square().sum().backward()
    assert all(parameter.grad.abs().max() > 0 for parameter in supernet.parameters())


def test_only_the_marked_decisions_are_left_open() -> None:
    assert SPACE.soften((0, 1, 2), [False, True, False]) == (0, ALL, 2)
    assert SPACE.soften((0, 1, 2), [False] * 3) == (0, 1, 2)
