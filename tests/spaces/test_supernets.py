"""A path of a supernet is the stand-alone network of its architecture: outputs, gradients and statistics."""

import copy

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from supernet_bench.core.errors import InputError
from supernet_bench.spaces.base import ALL, Architecture, Construction, Hooks, Space, Supernet
from tests.spaces.pooling import NoPaddedPooling

CLASSES = 5


def sample(space: Space, n: int) -> list[Architecture]:
    """Random architectures, always with the first combination (all zero, all identity) and the last."""
    ends = [(0,) * len(space.choices), tuple(n - 1 for n in space.choices)]
    indices = np.random.default_rng(0).choice(space.size, size=n, replace=False)
    return ends + [space.architecture(int(index)) for index in indices]


def randomise(network: nn.Module) -> None:
    """Give every parameter and statistic a value of its own, so that no initial value hides a term."""
    generator = torch.Generator().manual_seed(0)
    for tensor in network.state_dict().values():
        if tensor.is_floating_point():
            tensor.copy_(torch.rand(tensor.shape, generator=generator, dtype=tensor.dtype) + 0.1)
            if tensor.dim() > 1:
                tensor.sub_(0.6)


def build(space: Space, construction: Construction) -> Supernet:
    supernet = space.supernet(2, CLASSES, construction).double()
    randomise(supernet)
    return supernet


def batch(n: int = 6) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(1)
    images = torch.rand(n, 2, 8, 8, generator=generator, dtype=torch.float64)
    return images, torch.arange(n) % CLASSES


def inherited(space: Space, supernet: Supernet, architecture: Architecture, construction: Construction) -> nn.Module:
    network = space.standalone(architecture, 2, CLASSES, construction).double()
    network.load_state_dict(space.inherit(supernet, architecture), strict=True)
    return network.train(supernet.training)


def parameters(network: nn.Module) -> dict[str, nn.Parameter]:
    """Every parameter under all its names: shared ones have several."""
    return dict(network.named_parameters(remove_duplicate=False))


def gradients(network: nn.Module, logits: Tensor, labels: Tensor) -> dict[str, Tensor]:
    network.zero_grad(set_to_none=True)
    functional.cross_entropy(logits, labels).backward()
    return {name: weight.grad for name, weight in parameters(network).items() if weight.grad is not None}


def names_of_path(space: Space, supernet: Supernet, architecture: Architecture) -> set[str]:
    """All names in the supernet of the tensors of a path, those of places included that share them."""
    used = {value.data_ptr() for value in space.inherit(supernet, architecture).values()}
    return {name for name, value in supernet.state_dict().items() if value.data_ptr() in used}


@pytest.mark.parametrize("training", [True, False], ids=["train", "eval"])
def test_path_equals_standalone_network(space: Space, construction: Construction, training: bool) -> None:
    supernet = build(space, construction).train(training)
    images, labels = batch()
    for architecture in sample(space, 12):
        network = inherited(space, supernet, architecture, construction)
        expected, found = network(images), supernet(images, architecture)
        assert found.shape == (len(images), CLASSES)
        torch.testing.assert_close(found, expected)
        expected_gradients = gradients(network, expected, labels)
        found_gradients = gradients(supernet, found, labels)
        assert found_gradients.keys() <= names_of_path(space, supernet, architecture)
        own = space.inherit(supernet, architecture).keys()
        found_gradients = {name: gradient for name, gradient in found_gradients.items() if name in own}
        torch.testing.assert_close(found_gradients, expected_gradients)
        torch.testing.assert_close(space.inherit(supernet, architecture), dict(network.state_dict()))


def test_all_logits_are_those_of_each_path(space: Space, construction: Construction) -> None:
    supernet = build(space, construction).eval()
    images, _ = batch()
    architectures = sample(space, min(60, space.size))
    architectures += architectures[::3]
    found: dict[int, Tensor] = {}
    with torch.no_grad():
        for positions, logits in supernet.all_logits(images, architectures):
            assert positions
            assert not found.keys() & set(positions)
            found.update(dict.fromkeys(positions, logits))
        assert found.keys() == set(range(len(architectures)))
        for position, architecture in enumerate(architectures):
            torch.testing.assert_close(found[position], supernet(images, architecture))


def test_only_the_sampled_path_is_trained(space: Space, construction: Construction) -> None:
    supernet = build(space, construction)
    images, labels = batch()
    for architecture in sample(space, 12):
        logits = supernet(images, architecture)
        trained = gradients(supernet, logits, labels).keys()
        assert trained <= names_of_path(space, supernet, architecture)
        # The path's other parameters are those that nothing behind them reads.
        unread = inherited(space, supernet, architecture, construction)
        with torch.no_grad():
            for name, weight in parameters(unread).items():
                if name not in trained:
                    weight.normal_()
            torch.testing.assert_close(unread(images), logits)


def test_a_step_leaves_all_other_weights_and_statistics(space: Space, construction: Construction) -> None:
    supernet = build(space, construction)
    images, labels = batch()
    for architecture in sample(space, 4):
        before = copy.deepcopy(supernet.state_dict())
        gradients(supernet, supernet(images, architecture), labels)
        torch.optim.SGD(supernet.parameters(), lr=0.1, weight_decay=0.1).step()
        after = supernet.state_dict()
        changed = {key for key, value in before.items() if not torch.equal(after[key], value)}
        assert changed
        assert changed <= names_of_path(space, supernet, architecture)


def test_inherited_tensors_are_the_supernets_own(space: Space, construction: Construction) -> None:
    supernet = build(space, construction)
    own = supernet.state_dict()
    for architecture in sample(space, 3):
        state = space.inherit(supernet, architecture)
        assert all(value.data_ptr() == own[key].data_ptr() for key, value in state.items())
        assert state.keys() == space.standalone(architecture, 2, CLASSES, construction).state_dict().keys()


def test_each_weight_belongs_to_some_architecture(space: Space, construction: Construction) -> None:
    supernet = build(space, construction)
    unused = set(supernet.state_dict())
    uniform = [tuple(min(choice, n - 1) for n in space.choices) for choice in range(max(space.choices))]
    for architecture in uniform + (sample(space, min(250, space.size)) if construction.norm_per_input else []):
        unused -= space.inherit(supernet, architecture).keys()
    assert unused == set()


def test_every_norm_comes_from_the_construction(space: Space) -> None:
    made: list[nn.Module] = []

    def norm(channels: int) -> nn.Module:
        made.append(nn.GroupNorm(1, channels))
        return made[-1]

    construction = Construction(norm, norm_per_input="norm_per_input" in space.mappings)
    networks: list[nn.Module] = [space.supernet(1, CLASSES, construction)]
    networks += [space.standalone(a, 1, CLASSES, construction) for a in sample(space, 3)]
    found = [m for network in networks for m in network.modules() if isinstance(m, nn.GroupNorm)]
    assert {id(module) for module in found} == {id(module) for module in made}
    layers = {type(module) for network in networks for module in network.modules()}
    assert not any(issubclass(layer, nn.modules.batchnorm._BatchNorm) for layer in layers)


def test_batch_statistics_leave_no_state_behind(space: Space) -> None:
    supernet = build(space, Construction(lambda channels: nn.BatchNorm2d(channels, track_running_stats=False)))
    assert not list(supernet.buffers())
    images, _ = batch()
    architecture = sample(space, 1)[-1]
    torch.testing.assert_close(supernet.eval()(images, architecture), supernet.train()(images, architecture))


def test_hook_that_returns_its_input_changes_nothing(space: Space, construction: Construction) -> None:
    supernet = build(space, construction).eval()
    images, _ = batch()
    depths: list[float] = []

    def observe(output: Tensor, depth: float) -> Tensor:
        assert output.shape[0] == len(images)
        assert output.dim() == 4
        depths.append(depth)
        return output

    for architecture in sample(space, 8):
        torch.testing.assert_close(
            supernet(images, architecture, Hooks(observe)), supernet(images, architecture), rtol=0, atol=0
        )
    assert 0 < min(depths) < max(depths) == 1


def test_memory_format_changes_nothing(space: Space, construction: Construction) -> None:
    supernet = build(space, construction).eval()
    images, _ = batch()
    architectures = sample(space, 4)
    expected = [supernet(images, architecture) for architecture in architectures]
    supernet.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    images = images.to(memory_format=torch.channels_last)
    found = [supernet(images, architecture) for architecture in architectures]
    torch.testing.assert_close(found, expected)


def test_no_gradient_is_one_that_gpus_compute_wrongly(space: Space) -> None:
    supernet = build(space, Construction())
    images, labels = batch()
    supernet.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    images = images.contiguous(memory_format=torch.channels_last)
    uniform = [tuple(min(choice, n - 1) for n in space.choices) for choice in range(max(space.choices))]
    with NoPaddedPooling():
        for architecture in uniform:
            network = inherited(space, supernet, architecture, Construction())
            gradients(network, network(images), labels)
            gradients(supernet, supernet(images, architecture), labels)
        gradients(supernet, supernet(images, (ALL,) * len(space.choices)), labels)


def test_impossible_architectures_are_refused(space: Space) -> None:
    supernet = space.supernet(1, CLASSES, Construction())
    message = f"^architecture of {space.name} is "
    wrong = (*space.choices[1:], 99)
    with pytest.raises(InputError, match=message):
        space.standalone(wrong, 1, CLASSES, Construction())
    with pytest.raises(InputError, match=message):
        space.inherit(supernet, wrong)


def test_features_may_be_replaced_before_the_classifier(space: Space, construction: Construction) -> None:
    supernet = build(space, construction).eval()
    images, _ = batch()
    for architecture in sample(space, 4):
        logits = supernet(images, architecture, Hooks(features=torch.zeros_like))
        torch.testing.assert_close(logits, supernet.classifier.bias.expand_as(logits))


def test_all_choices_of_one_decision_are_averaged(space: Space, construction: Construction) -> None:
    """Seen at the last decision, whose outputs the hook leaves in the order of the choices."""
    supernet = build(space, construction).train()
    images, _ = batch()
    architecture = sample(space, 1)[-1]
    everything = (ALL,) * len(space.choices)
    supernet(images, everything).sum().backward()
    unused = [name for name, parameter in supernet.named_parameters() if parameter.grad is None]
    # With open decisions, every predecessor is active, so norms for other sets of them have nothing to do.
    assert [name for name in unused if not (construction.norm_per_input and ".norm." in name)] == []
    supernet.zero_grad(set_to_none=True)
    supernet(images, (*architecture[:-1], ALL)).sum().backward()
    reached = {name for name, parameter in parameters(supernet).items() if parameter.grad is not None}
    paths = ((*architecture[:-1], choice) for choice in range(space.choices[-1]))
    used = {name for path in paths for name in names_of_path(space, supernet, path)}
    assert reached <= used
