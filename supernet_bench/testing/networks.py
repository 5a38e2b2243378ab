"""What the networks of a space must hold to: a path of the supernet is the stand-alone network of its architecture.

All is looked at in float64 and at small settings, for each construction that the space declares.
"""

from collections.abc import Callable, Iterator, Mapping
from copy import deepcopy
from dataclasses import fields, replace
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from supernet_bench.benchmark.plugins.contracts import Mistake
from supernet_bench.spaces.base import ALL, Architecture, Construction, Hooks, Space, Supernet, TrainableSpace
from supernet_bench.testing.pooling import NoPaddedPooling
from supernet_bench.testing.spaces import is_refused, refuse, sample

CHANNELS, CLASSES, SIDE = 2, 5, 8
"""Of the images."""

CONSTRUCTIONS: Mapping[str, Construction] = {
    "tracked": Construction(),
    "batch": Construction(partial(nn.BatchNorm2d, track_running_stats=False)),
    "wsbn": Construction(norm_per_input=True),
    "node": Construction(operations_per="node"),
    "crop": Construction(kernels="centre"),
    "transform": Construction(kernels="transformed"),
    "wsbn+node+transform": Construction(norm_per_input=True, operations_per="node", kernels="transformed"),
}
"""Two kinds of batch norm, and the mappings from architecture to weights."""


def constructions(space: TrainableSpace) -> dict[str, Construction]:
    """Return the ways in which the networks of a space can be built, as far as it declares them."""
    return {name: each for name, each in CONSTRUCTIONS.items() if _mappings(each) <= set(space.mappings)}


def _mappings(construction: Construction) -> set[str]:
    every = {field.name: field.default for field in fields(Construction) if field.name not in ("norm", "dtype")}
    return {name for name, default in every.items() if getattr(construction, name) != default}


def check_paths(space: TrainableSpace, construction: Construction) -> None:
    """Look whether a path is the stand-alone network with inherited weights: logits, gradients and statistics."""
    for training in (True, False):
        supernet = build(space, construction).train(training)
        images, labels = batch()
        for architecture in sample(space, 12):
            network = inherited(space, supernet, architecture, construction)
            expected, found = network(images), supernet(images, architecture)
            same = "allowed: those of the stand-alone network with the weights that it inherits"
            _compare(found, expected, "supernet", f"gives {architecture} other logits; {same}")
            wanted, trained = gradients(network, expected, labels), gradients(supernet, found, labels)
            own = space.inherit(supernet, architecture)
            trained = {name: gradient for name, gradient in trained.items() if name in own}
            _compare(trained, wanted, "supernet", f"gives {architecture} other gradients; {same}")
            _compare(own, dict(network.state_dict()), "supernet", f"leaves {architecture} other statistics; {same}")


def check_only_paths_are_trained(space: TrainableSpace, construction: Construction) -> None:
    """Look whether a step changes weights and statistics of the sampled path alone."""
    supernet = build(space, construction)
    images, labels = batch()
    for architecture in sample(space, 12):
        path = names_of_path(space, supernet, architecture)
        before = deepcopy(supernet.state_dict())
        trained = gradients(supernet, supernet(images, architecture), labels)
        torch.optim.SGD(supernet.parameters(), lr=0.1, weight_decay=0.1).step()
        changed = {key for key, value in supernet.state_dict().items() if not torch.equal(before[key], value)}
        if not changed:
            raise Mistake("supernet", f"has nothing that {architecture} trains; allowed: the weights of its path")
        if others := sorted((changed | trained.keys()) - path):
            raise Mistake("supernet", f"has {others[0]}, which {architecture} trains; allowed: what it inherits alone")
        supernet.load_state_dict(before)


def check_untrained_is_unread(space: TrainableSpace, construction: Construction) -> None:
    """Look whether weights of a path without a gradient are such that nothing depends on."""
    supernet = build(space, construction)
    images, labels = batch()
    for architecture in sample(space, 12):
        logits = supernet(images, architecture)
        trained = gradients(supernet, logits, labels).keys()
        network = inherited(space, supernet, architecture, construction)
        with torch.no_grad():
            for name, weight in parameters(network).items():
                if name not in trained:
                    weight.normal_()
            _compare(
                network(images), logits, "supernet", f"gives no gradient to what {architecture} reads; allowed: one"
            )


def check_all_logits(space: TrainableSpace, construction: Construction) -> None:
    """Look whether scoring many architectures at once gives what each alone gives."""
    supernet = build(space, construction).eval()
    images, _ = batch()
    architectures = sample(space, 60)
    architectures += architectures[::3]
    found: dict[int, Tensor] = {}
    with torch.no_grad():
        for positions, logits in supernet.all_logits(images, architectures):
            if not positions or found.keys() & set(positions):
                raise Mistake("supernet", "yields a position of all_logits not exactly once; allowed: each once")
            found.update(dict.fromkeys(positions, logits))
        if found.keys() != set(range(len(architectures))):
            raise Mistake("supernet", "leaves a position of all_logits out; allowed: each once")
        for position, architecture in enumerate(architectures):
            alone = supernet(images, architecture)
            _compare(
                found[position], alone, "supernet", f"has all_logits differ for {architecture}; allowed: forward's"
            )


def check_inheritance(space: TrainableSpace, construction: Construction) -> None:
    """Look whether stand-alone networks inherit the supernet's own tensors, under their own names."""
    supernet = build(space, construction)
    own = supernet.state_dict()
    for architecture in sample(space, 3):
        state = space.inherit(supernet, architecture)
        names = space.standalone(architecture, CHANNELS, CLASSES, construction).state_dict().keys()
        if state.keys() != names:
            raise Mistake("inherit", f"of {architecture} has other names; allowed: those of its stand-alone network")
        if any(key not in own or value.data_ptr() != own[key].data_ptr() for key, value in state.items()):
            raise Mistake("inherit", f"of {architecture} has copies; allowed: the tensors of the supernet themselves")


def check_each_weight_is_used(space: TrainableSpace, construction: Construction) -> None:
    """Look whether each weight belongs to some architecture."""
    supernet = build(space, construction)
    unused = set(supernet.state_dict())
    for architecture in [*_uniform(space), *sample(space, 250 if construction.norm_per_input else 0)]:
        unused -= space.inherit(supernet, architecture).keys()
    if unused:
        raise Mistake("supernet", f"has {min(unused)}, which no architecture inherits; allowed: weights of some")


def check_norms(space: TrainableSpace, construction: Construction) -> None:
    """Look whether all norms come from the construction, and none has a state of its own beside it."""
    made: list[nn.Module] = []

    def norm(channels: int) -> nn.Module:
        made.append(nn.GroupNorm(1, channels))
        return made[-1]

    grouped = replace(construction, norm=norm)
    networks: list[nn.Module] = [space.supernet(CHANNELS, CLASSES, grouped)]
    networks += [space.standalone(each, CHANNELS, CLASSES, grouped) for each in sample(space, 3)]
    modules = [module for network in networks for module in network.modules()]
    found = {id(module) for module in modules if isinstance(module, nn.GroupNorm)}
    others = any(isinstance(module, nn.modules.batchnorm._BatchNorm) for module in modules)
    if others or found != {id(module) for module in made}:
        raise Mistake("supernet", "has norms that are not those of the construction; allowed: all that it makes")
    untracked = replace(construction, norm=CONSTRUCTIONS["batch"].norm)
    if any(True for _ in build(space, untracked).buffers()):
        raise Mistake("supernet", "has buffers though its norms track nothing; allowed: none")


def check_modes(space: TrainableSpace, construction: Construction) -> None:
    """Look whether a path differs between training and evaluation by its norms alone."""
    supernet = build(space, replace(construction, norm=CONSTRUCTIONS["batch"].norm))
    images, _ = batch()
    for architecture in sample(space, 3):
        evaluated, trained = supernet.eval()(images, architecture), supernet.train()(images, architecture)
        _compare(evaluated, trained, "supernet", f"evaluates {architecture} otherwise; allowed: norms that do so")


def check_hooks(space: TrainableSpace, construction: Construction) -> None:
    """Look whether hooks see operations, from early to late ones, and what the classifier is given."""
    supernet = build(space, construction).eval()
    images, _ = batch()
    depths: list[float] = []

    def observe(output: Tensor, depth: float) -> Tensor:
        if output.dim() != 4 or len(output) != len(images):
            raise Mistake("supernet", f"gives a hook {tuple(output.shape)}; allowed: the output for each image")
        depths.append(depth)
        return output

    for architecture in sample(space, 8):
        plain, watched = supernet(images, architecture), supernet(images, architecture, Hooks(observe))
        if not torch.equal(watched, plain):
            raise Mistake("supernet", "gives other logits with a hook that returns its input; allowed: the same")
        zero = supernet(images, architecture, Hooks(features=torch.zeros_like))
        _compare(zero, zero[:1].expand_as(zero), "supernet", "does not apply a hook to all features; allowed: to all")
    if not 0 < min(depths, default=0) < max(depths, default=0) == 1:
        raise Mistake("supernet", f"gives hooks depths {sorted(set(depths))}; allowed: from above 0 to 1, increasing")


def check_layouts(space: TrainableSpace, construction: Construction) -> None:
    """Look whether the layout in memory changes nothing."""
    supernet = build(space, construction).eval()
    images, _ = batch()
    architectures = sample(space, 4)
    expected = [supernet(images, architecture) for architecture in architectures]
    _channels_last(supernet)
    images = images.to(memory_format=torch.channels_last)
    found = [supernet(images, architecture) for architecture in architectures]
    _compare(found, expected, "supernet", "gives other logits for channels-last images; allowed: the same")


def check_pooling(space: TrainableSpace, construction: Construction) -> None:
    """Look whether a gradient is one that PyTorch computes wrongly on GPUs."""
    supernet = build(space, construction)
    _channels_last(supernet)
    images, labels = batch()
    images = images.contiguous(memory_format=torch.channels_last)
    try:
        with NoPaddedPooling():
            for architecture in _uniform(space):
                network = inherited(space, supernet, architecture, construction)
                gradients(network, network(images), labels)
                gradients(supernet, supernet(images, architecture), labels)
            gradients(supernet, supernet(images, (ALL,) * len(space.choices)), labels)
    except AssertionError as error:
        raise Mistake("supernet", f"has padded average pooling; allowed: {error}") from error


def check_network_refusals(space: TrainableSpace, construction: Construction) -> None:
    """Look whether networks of what is no architecture are refused."""
    supernet = space.supernet(CHANNELS, CLASSES, construction)
    wrong = (*space.choices[1:], 99)
    refuse(space, "standalone", wrong, CHANNELS, CLASSES, construction)
    if not is_refused(lambda: space.inherit(supernet, wrong)):
        raise Mistake("inherit", f"takes {wrong!r}; allowed: what space.check accepts")


def check_open_choices(space: TrainableSpace, construction: Construction) -> None:
    """Look whether `ALL` trains every choice of a decision, and no other."""
    supernet = build(space, construction)
    images, _ = batch()
    architecture = sample(space, 1)[-1]
    supernet(images, (ALL,) * len(space.choices)).sum().backward()
    unused = [name for name, parameter in supernet.named_parameters() if parameter.grad is None]
    # With open decisions, every predecessor is active, so norms for other sets of them have nothing to do.
    if left := [name for name in unused if not (construction.norm_per_input and ".norm." in name)]:
        raise Mistake("supernet", f"has {left[0]}, which open choices do not train; allowed: all choices are run")
    supernet.zero_grad(set_to_none=True)
    supernet(images, (*architecture[:-1], ALL)).sum().backward()
    reached = {name for name, parameter in parameters(supernet).items() if parameter.grad is not None}
    paths = ((*architecture[:-1], choice) for choice in range(space.choices[-1]))
    used = {name for path in paths for name in names_of_path(space, supernet, path)}
    if not reached <= used:
        raise Mistake("supernet", f"has {min(reached - used)}, which another open choice trains; allowed: its own")


def check_costs(space: TrainableSpace, construction: Construction) -> None:
    """Look whether costs are those of networks that are built as they are by default."""
    costs = space.costs(CHANNELS, CLASSES, SIDE)
    for architecture in sample(space, 5):
        index = space.index(architecture)
        network = space.standalone(architecture, CHANNELS, CLASSES, Construction()).eval()
        weights = sum(weight.numel() for weight in network.parameters())
        macs = count_macs(network, torch.zeros(1, CHANNELS, SIDE, SIDE))
        if (costs.parameters[index], costs.macs[index]) != (weights, macs):
            found = f"{costs.parameters[index]} parameters and {costs.macs[index]} MACs"
            raise Mistake("costs", f"of {architecture} is {found}; allowed: {weights} and {macs}, as it is built")


def count_macs(network: nn.Module, images: Tensor) -> int:
    """Return the multiply-accumulates of convolutions and linear layers in one forward pass, per image."""
    counts: list[int] = []

    def count(layer: Any, inputs: tuple[Tensor], output: Tensor) -> None:
        counts.append(output[0].numel() * layer.weight[0].numel())

    for layer in network.modules():
        if isinstance(layer, nn.Conv2d | nn.Linear):
            layer.register_forward_hook(count)
    network(images)
    return sum(counts)


OF_NETWORKS: tuple[Callable[[TrainableSpace, Construction], None], ...] = (
    check_inheritance,
    check_network_refusals,
    check_paths,
    check_only_paths_are_trained,
    check_untrained_is_unread,
    check_each_weight_is_used,
    check_all_logits,
    check_norms,
    check_modes,
    check_hooks,
    check_layouts,
    check_pooling,
    check_open_choices,
    check_costs,
)
"""What is looked at for each construction of a space that can be trained."""


def build(space: TrainableSpace, construction: Construction) -> Supernet:
    """Return a supernet in float64, each of whose weights and statistics has a value of its own."""
    supernet = space.supernet(CHANNELS, CLASSES, construction).double()
    # No initial value may hide a term.
    generator = torch.Generator().manual_seed(0)
    for tensor in supernet.state_dict().values():
        if tensor.is_floating_point():
            tensor.copy_(torch.rand(tensor.shape, generator=generator, dtype=tensor.dtype) + 0.1)
            if tensor.dim() > 1:
                tensor.sub_(0.6)
    return supernet


def batch() -> tuple[Tensor, Tensor]:
    """Return six images and their labels."""
    generator = torch.Generator().manual_seed(1)
    images = torch.rand(6, CHANNELS, SIDE, SIDE, generator=generator, dtype=torch.float64)
    return images, torch.arange(6) % CLASSES


def inherited(
    space: TrainableSpace, supernet: Supernet, architecture: Architecture, construction: Construction
) -> nn.Module:
    """Return the stand-alone network with the weights of its path."""
    network = space.standalone(architecture, CHANNELS, CLASSES, construction).double()
    network.load_state_dict(space.inherit(supernet, architecture), strict=True)
    return network.train(supernet.training)


def parameters(network: nn.Module) -> dict[str, nn.Parameter]:
    """Return every parameter under all its names: shared ones have several."""
    return dict(network.named_parameters(remove_duplicate=False))


def gradients(network: nn.Module, logits: Tensor, labels: Tensor) -> dict[str, Tensor]:
    """Return the gradients of the cross-entropy, of the parameters that have one."""
    network.zero_grad(set_to_none=True)
    functional.cross_entropy(logits, labels).backward()
    return {name: weight.grad for name, weight in parameters(network).items() if weight.grad is not None}


def names_of_path(space: TrainableSpace, supernet: Supernet, architecture: Architecture) -> set[str]:
    """Return all names in the supernet of the tensors of a path, those of places included that share them."""
    used = {value.data_ptr() for value in space.inherit(supernet, architecture).values()}
    return {name for name, value in supernet.state_dict().items() if value.data_ptr() in used}


def _uniform(space: Space) -> Iterator[Architecture]:
    """Yield architectures that together have all choices of all decisions."""
    for choice in range(max(space.choices)):
        yield tuple(min(choice, n - 1) for n in space.choices)


def _channels_last(network: nn.Module) -> None:
    network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # missing in PyTorch's types


def _compare(found: Any, expected: Any, attribute: str, reason: str) -> None:
    """Raise Mistake unless all tensors are equal up to rounding."""
    try:
        torch.testing.assert_close(found, expected)
    except AssertionError as error:
        raise Mistake(attribute, reason) from error
