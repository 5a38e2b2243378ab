"""Cells with one representative compute one function, and those with different ones do not."""

from collections import Counter
from functools import partial
from itertools import combinations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from supernet_bench.spaces.base import Architecture, Construction
from supernet_bench.spaces.nasbench201.cell import EDGES, OPERATIONS
from supernet_bench.spaces.nasbench201.liveness import canonical
from supernet_bench.spaces.nasbench201.network import CellSupernet
from supernet_bench.spaces.nasbench201.space import NasBench201

NONE, SKIP, CONV_1X1, CONV_3X3, POOL = range(5)
SPACE = NasBench201(width=2, cells=1)
NORMS = {
    "tracked": nn.BatchNorm2d,
    "tracked, not affine": partial(nn.BatchNorm2d, affine=False),
    "batch": partial(nn.BatchNorm2d, track_running_stats=False),
    "batch, not affine": partial(nn.BatchNorm2d, affine=False, track_running_stats=False),
}

# Uniform choices seldom leave a node without inputs.
choices = st.one_of(st.just(NONE), st.sampled_from([SKIP, POOL]), st.integers(0, len(OPERATIONS) - 1))
architectures = st.tuples(*[choices] * len(EDGES))


def representative(architecture: Architecture) -> Architecture:
    return tuple(canonical(np.array([architecture]))[0].tolist())


def supernet(norm: object) -> CellSupernet:
    """A supernet in which no two weights, biases or statistics are equal."""
    network = SPACE.supernet(2, 3, Construction(norm)).double().eval()  # type: ignore[arg-type]
    generator = torch.Generator().manual_seed(0)
    for name, tensor in network.state_dict().items():
        if tensor.is_floating_point():
            tensor.copy_(torch.randn(tensor.shape, generator=generator, dtype=tensor.dtype))
            if name.endswith("running_var"):
                tensor.abs_().add_(0.1)
    return network


SUPERNETS = {name: supernet(norm) for name, norm in NORMS.items()}
IMAGES = torch.randn(4, 2, 8, 8, generator=torch.Generator().manual_seed(1), dtype=torch.float64)


def logits(architecture: Architecture, norm: str = "tracked") -> Tensor:
    with torch.no_grad():
        return SUPERNETS[norm](IMAGES, architecture)


def in_exact_numbers(architecture: Architecture) -> frozenset[tuple[object, int]]:
    """What a cell computes if rounding is ignored: sums have no order, and pooling a sum adds up the pooled."""
    nodes: list[Counter[object]] = [Counter({"input": 1}), Counter(), Counter(), Counter()]
    for edge, (choice, (source, target)) in enumerate(zip(architecture, EDGES, strict=True)):
        terms = nodes[source]
        if choice == SKIP:
            nodes[target] += terms
        elif choice == POOL:
            nodes[target] += Counter({("pool", term): count for term, count in terms.items()})
        elif choice != NONE:
            nodes[target][(edge, choice, frozenset(terms.items()))] += 1
    return frozenset(nodes[-1].items())


@pytest.mark.parametrize(
    ("architecture", "expected"),
    [
        # In the order (0,1), (0,2), (1,2), (0,3), (1,3), (2,3).
        ((CONV_3X3, SKIP, NONE, CONV_1X1, NONE, POOL), (NONE, SKIP, NONE, CONV_1X1, NONE, POOL)),  # node 1 is unread
        ((CONV_3X3, CONV_3X3, CONV_3X3, SKIP, NONE, NONE), (NONE, NONE, NONE, SKIP, NONE, NONE)),  # nor 2, so nor 1
        ((NONE, NONE, POOL, SKIP, SKIP, POOL), (NONE, NONE, NONE, SKIP, NONE, NONE)),  # nodes 1 and 2 are zero
        ((CONV_3X3, NONE, NONE, NONE, NONE, SKIP), (NONE,) * 6),  # zero reaches the output
        ((NONE, NONE, CONV_3X3, NONE, NONE, SKIP), (NONE, NONE, CONV_3X3, NONE, NONE, SKIP)),  # of zero, but not zero
        ((SKIP, NONE, POOL, NONE, NONE, CONV_1X1), (NONE, POOL, NONE, NONE, NONE, CONV_1X1)),  # node 1 is the input
        ((SKIP, NONE, CONV_3X3, NONE, NONE, SKIP), (SKIP, NONE, CONV_3X3, NONE, NONE, SKIP)),  # weights of their own
    ],
    ids=str,
)
def test_known_cells(architecture: Architecture, expected: Architecture) -> None:
    assert representative(architecture) == expected


@pytest.mark.parametrize("norm", NORMS)
@settings(max_examples=60, deadline=None)
@given(architecture=architectures)
def test_representative_computes_the_same_bit_for_bit(norm: str, architecture: Architecture) -> None:
    assert torch.equal(logits(architecture, norm), logits(representative(architecture), norm))


def test_representatives_are_their_own_and_the_simplest() -> None:
    everything = SPACE.architectures
    found = canonical(everything)
    assert found.dtype == np.int64
    np.testing.assert_array_equal(canonical(found), found)
    assert ((found != NONE).sum(axis=1) <= (everything != NONE).sum(axis=1)).all()


def test_number_of_representatives() -> None:
    """Of 15,625; dead branches and zeros alone leave 10,405."""
    assert len(np.unique(canonical(SPACE.architectures), axis=0)) == 9088


def test_nothing_unread_or_zero_is_left() -> None:
    """Every operation of a representative lies on a way to the output, and begins at what is not zero."""
    found = np.unique(canonical(SPACE.architectures), axis=0)
    active = found != NONE
    for edge, (source, target) in enumerate(EDGES):
        out_of_target = [other for other, (start, _) in enumerate(EDGES) if start == target]
        into_source = [other for other, (_, end) in enumerate(EDGES) if end == source]
        if target != 3:
            assert active[active[:, edge]][:, out_of_target].any(axis=1).all()
        if source != 0:
            weightless = np.isin(found[:, edge], (SKIP, POOL))
            assert active[weightless][:, into_source].any(axis=1).all()


def test_different_representatives_compute_different_functions() -> None:
    """Except where only rounding keeps them apart."""
    random = np.random.default_rng(0)
    sparse = random.choice(5, size=(400, len(EDGES)), p=[0.35, 0.25, 0.1, 0.1, 0.2])
    found = [tuple(row) for row in np.unique(canonical(sparse), axis=0).tolist()]
    outputs = torch.stack([logits(architecture) for architecture in found]).flatten(1)
    functions = [in_exact_numbers(architecture) for architecture in found]
    same_output = (outputs - outputs[:, None]).abs().amax(-1) < 1e-9
    pairs = list(combinations(range(len(found)), 2))
    assert len(found) > 200
    assert sum(functions[a] == functions[b] for a, b in pairs) > 0
    for a, b in pairs:
        assert bool(same_output[a, b]) == (functions[a] == functions[b]), (found[a], found[b])
