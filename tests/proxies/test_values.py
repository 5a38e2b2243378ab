"""Proxies have the values that a second implementation, written otherwise, computes from the same networks."""

import numpy as np
import pytest
import torch
from scipy.stats import kendalltau

from supernet_bench.benchmark.plugins.registry import proxy_types, space_types
from supernet_bench.benchmark.proxies.networks import Networks
from supernet_bench.proxies.base import Batch
from tests.proxies import second

WIDTH = 4
SPACE = space_types()["nasbench201"](width=WIDTH, cells=1)
NETWORKS = Networks(SPACE, channels=3, classes=10, seed=3)
CELLS = (
    (3, 3, 3, 3, 3, 3),  # Every node is rectified for several convolutions.
    (2, 3, 1, 4, 2, 3),
    (3, 0, 2, 0, 3, 1),  # Convolutions of a node that is zero.
    (3, 2, 0, 1, 0, 0),  # Convolutions that nothing is computed with.
    *(SPACE.architecture(index) for index in (11, 404, 5_000, 7_777, 9_999, 15_000)),
)


def batch() -> Batch:
    generator = torch.Generator().manual_seed(1)
    return Batch(torch.randn(16, 3, 8, 8, generator=generator), torch.arange(16) % 10)


def values(name: str) -> tuple[list[float], list[float]]:
    """Return what the suite and the second implementation give for each cell."""
    ours, theirs = [], []
    for cell in CELLS:
        index = SPACE.index(cell)
        ours.append(proxy_types()[name]().score(NETWORKS.build(index), batch(), torch.Generator()))
        path = second.PlainPath(NETWORKS.build(index), cell, WIDTH, 3, 10)
        theirs.append(getattr(second, name)(path, batch()))
    return ours, theirs


@pytest.mark.parametrize("name", ["l2_norm", "grad_norm", "snip", "fisher", "synflow", "jacov", "naswot"])
def test_two_implementations_agree(name: str) -> None:
    ours, theirs = values(name)
    np.testing.assert_allclose(ours, theirs, rtol=2e-3 if name == "jacov" else 1e-4)
    assert len(set(ours)) == len(CELLS)
    assert kendalltau(ours, theirs).statistic > 0.99
