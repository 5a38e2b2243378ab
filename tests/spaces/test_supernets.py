"""Every space that exists holds to what is asked of one, and each thing asked is one that a space can fail."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from supernet_bench.benchmark.plugins.contracts import Mistake
from supernet_bench.core.errors import InputError
from supernet_bench.spaces import toy
from supernet_bench.spaces.base import (
    ALL,
    NO_HOOKS,
    Architecture,
    Construction,
    Costs,
    Hooks,
    Space,
    Supernet,
    TrainableSpace,
    Truth,
)
from supernet_bench.testing import networks, spaces


def named(check: Callable[..., None]) -> str:
    return check.__name__


@pytest.mark.parametrize("check", spaces.OF_SPACES, ids=named)
def test_spaces(check: Callable[[Space], None], space: Space) -> None:
    check(space)


@pytest.mark.parametrize("check", networks.OF_NETWORKS, ids=named)
def test_networks(
    check: Callable[[TrainableSpace, Construction], None], space: TrainableSpace, construction: Construction
) -> None:
    check(space, construction)


def test_features_of_zeros_leave_the_bias(space: Any, construction: Construction) -> None:
    supernet: Any = networks.build(space, construction).eval()
    images, _ = networks.batch()
    for architecture in spaces.sample(space, 4):
        logits = supernet(images, architecture, Hooks(features=torch.zeros_like))
        torch.testing.assert_close(logits, supernet.classifier.bias.expand_as(logits))


def test_impossible_architectures_are_named(trainable: Any) -> None:
    supernet = trainable.supernet(1, 5, Construction())
    wrong = (*trainable.choices[1:], 99)
    for call in (lambda: trainable.standalone(wrong, 1, 5, Construction()), lambda: trainable.inherit(supernet, wrong)):
        with pytest.raises(InputError, match=f"^architecture of {trainable.name} is "):
            call()


class Faulty(toy.ToySupernet):
    """A supernet of the toy space that a fault is put into."""

    def __init__(self, construction: Construction, width: int = 2) -> None:
        super().__init__(width, [toy.OPERATIONS] * toy.STEPS, networks.CHANNELS, networks.CLASSES, construction)


class Louder(Faulty):
    def forward(self, images: Tensor, architecture: Architecture, hooks: Hooks = NO_HOOKS) -> Tensor:
        return 2 * super().forward(images, architecture, hooks)


class WithoutGradient(Faulty):
    def forward(self, images: Tensor, architecture: Architecture, hooks: Hooks = NO_HOOKS) -> Tensor:
        for weight in self.stem.parameters():
            weight.requires_grad_(False)
        return super().forward(images, architecture, hooks)


class TrainsOthers(Faulty):
    def forward(self, images: Tensor, architecture: Architecture, hooks: Hooks = NO_HOOKS) -> Tensor:
        logits = super().forward(images, architecture, hooks)
        return logits + 0 * sum(weight.sum() for weight in self.parameters())


class ForgetsSome(Faulty):
    def all_logits(self, images: Tensor, architectures: Any) -> Iterator[tuple[list[int], Tensor]]:
        yield from list(super().all_logits(images, architectures))[1:]


class RepeatsSome(Faulty):
    def all_logits(self, images: Tensor, architectures: Any) -> Iterator[tuple[list[int], Tensor]]:
        yield from [*super().all_logits(images, architectures)] * 2


class ScoresOthers(Faulty):
    def all_logits(self, images: Tensor, architectures: Any) -> Iterator[tuple[list[int], Tensor]]:
        for positions, logits in super().all_logits(images, architectures):
            yield positions, logits + 1


class OwnNorms(Faulty):
    def __init__(self, construction: Construction) -> None:
        super().__init__(construction)
        self.norm = nn.BatchNorm2d(2)


class OtherModes(Faulty):
    def forward(self, images: Tensor, architecture: Architecture, hooks: Hooks = NO_HOOKS) -> Tensor:
        return super().forward(images, architecture, hooks) * (2 if self.training else 1)


class NoHooks(Faulty):
    def forward(self, images: Tensor, architecture: Architecture, hooks: Hooks = NO_HOOKS) -> Tensor:
        return super().forward(images, architecture)


class HookedLogits(Faulty):
    def forward(self, images: Tensor, architecture: Architecture, hooks: Hooks = NO_HOOKS) -> Tensor:
        logits = super().forward(images, architecture, hooks)
        return logits + 1e-12 if hooks.operation else logits


class ReadsLayout(Faulty):
    def forward(self, images: Tensor, architecture: Architecture, hooks: Hooks = NO_HOOKS) -> Tensor:
        return super().forward(images, architecture, hooks) + float(images.is_contiguous())


class Padded(Faulty):
    def forward(self, images: Tensor, architecture: Architecture, hooks: Hooks = NO_HOOKS) -> Tensor:
        logits = super().forward(images, architecture, hooks)
        return logits + functional.avg_pool2d(logits[None], 3, 1, 1)[0]


class OpenIsFirst(Faulty):
    def forward(self, images: Tensor, architecture: Architecture, hooks: Hooks = NO_HOOKS) -> Tensor:
        return super().forward(images, tuple(max(choice, 0) for choice in architecture), hooks)


class OpenTogether(Faulty):
    def forward(self, images: Tensor, architecture: Architecture, hooks: Hooks = NO_HOOKS) -> Tensor:
        whole = (ALL,) * 3 if ALL in architecture else architecture
        return super().forward(images, whole, hooks)


NETWORKS = {
    Louder: (networks.check_paths, "other logits"),
    WithoutGradient: (networks.check_untrained_is_unread, "gives no gradient"),
    TrainsOthers: (networks.check_only_paths_are_trained, "which .* trains"),
    ForgetsSome: (networks.check_all_logits, "leaves a position"),
    RepeatsSome: (networks.check_all_logits, "not exactly once"),
    ScoresOthers: (networks.check_all_logits, "all_logits differ"),
    OwnNorms: (networks.check_norms, "not those of the construction"),
    OtherModes: (networks.check_modes, "evaluates"),
    NoHooks: (networks.check_hooks, "does not apply a hook to all features"),
    HookedLogits: (networks.check_hooks, "a hook that returns its input"),
    ReadsLayout: (networks.check_layouts, "channels-last"),
    Padded: (networks.check_pooling, "padded average pooling"),
    OpenIsFirst: (networks.check_open_choices, "do not train"),
    OpenTogether: (networks.check_open_choices, "another open choice trains"),
}


@dataclass(frozen=True)
class WithFault(toy.Toy):
    """The toy space with another supernet."""

    kind: ClassVar[type[Supernet]]

    def supernet(self, in_channels: int, classes: int, construction: Construction) -> Any:
        return self.kind(construction)


@pytest.mark.parametrize("kind", NETWORKS, ids=lambda kind: kind.__name__)
def test_each_fault_of_a_supernet_is_found(kind: type[Faulty]) -> None:
    check, reason = NETWORKS[kind]
    with pytest.raises(Mistake, match=reason):
        check(type("Mine", (WithFault,), {"kind": kind})(width=2), Construction())


ROWS = np.indices((3, 3, 3)).reshape(3, -1).T.copy()
MEMBERS: dict[str, tuple[str, Any, Callable[..., None], str]] = {
    "rows twice": ("architectures", property(lambda self: ROWS[[0, *range(26)]]), spaces.check_encodings, "once"),
    "rows that can be edited": ("architectures", property(lambda self: ROWS), spaces.check_encodings, "edited"),
    "another row": ("index", lambda self, each: (toy.Toy.index(self, each) + 1) % 27, spaces.check_encodings, "row"),
    "another text": ("parse", lambda self, text: (0, 0, 0), spaces.check_encodings, "inverse"),
    "takes all": ("check", lambda self, each: None, spaces.check_refusals, "takes"),
    "takes any text": ("parse", lambda self, text: (0, 0, 0), spaces.check_refusals, "takes"),
    "a gap": ("isomorphism", lambda self: np.arange(27) * 2, spaces.check_isomorphism, "gaps"),
    "few costs": ("published_costs", lambda self: Costs(np.arange(3), np.arange(27)), spaces.check_table, "values"),
    "no target": ("truth", lambda self, folder=None: Truth("x", {"a": np.ones(27)}, "b"), spaces.check_table, "target"),
    "percent": ("truth", lambda self, folder=None: Truth("x", {"a": np.ones(27) * 9}, "a"), spaces.check_table, "frac"),
    "other costs": (
        "costs",
        lambda self, *given: replace(toy.Toy.costs(self, *given), macs=np.zeros(27)),
        networks.check_costs,
        "as it is built",
    ),
    "copies": (
        "inherit",
        lambda self, *given: {name: value.clone() for name, value in toy.Toy.inherit(self, *given).items()},
        networks.check_inheritance,
        "copies",
    ),
    "all weights": ("inherit", lambda self, net, each: net.state_dict(), networks.check_inheritance, "other names"),
    "a weight for nobody": (
        "inherit",
        lambda self, *given: {k: v for k, v in toy.Toy.inherit(self, *given).items() if k != "classifier.bias"},
        networks.check_each_weight_is_used,
        "has classifier.bias, which no architecture inherits",
    ),
    "inherits by anything": ("inherit", lambda self, net, each: {}, networks.check_network_refusals, "takes"),
}


@pytest.mark.parametrize(("name", "member", "check", "reason"), MEMBERS.values(), ids=MEMBERS)
def test_each_fault_of_a_space_is_found(name: str, member: Any, check: Callable[..., None], reason: str) -> None:
    space = type("Mine", (toy.Toy,), {name: member})(width=2)
    with pytest.raises(Mistake, match=reason):
        check(space, *([Construction()] if check in networks.OF_NETWORKS else []))


def test_every_check_has_a_fault() -> None:
    checks = {check for check, _ in NETWORKS.values()} | {check for _, _, check, _ in MEMBERS.values()}
    assert checks == {*spaces.OF_SPACES, *networks.OF_NETWORKS}


def test_a_table_that_is_not_at_hand_is_no_fault() -> None:
    def truth(self: Space, folder: Path | None = None) -> Truth:
        raise InputError("it is not here")

    spaces.check_table(type("Mine", (toy.Toy,), {"truth": truth})())
