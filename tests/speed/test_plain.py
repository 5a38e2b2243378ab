"""The reference of all comparisons is the published network, by way of the stand-alone networks of the space."""

import pytest
import torch

from speed.fidelities import CHANNELS, CLASSES
from speed.names import plain_name
from speed.plain import PlainSupernet
from supernet_bench.heuristics.batch_norm import BatchNorm
from supernet_bench.spaces.base import Construction
from supernet_bench.spaces.nasbench201.space import NasBench201

SPACE = NasBench201(width=4, cells=2)


@pytest.mark.parametrize(
    "architecture", [(0,) * 6, (2,) * 6, (4, 3, 2, 1, 0, 3), (0, 0, 2, 0, 3, 1), (1, 2, 3, 4, 3, 2)]
)
def test_a_path_is_the_standalone_network(architecture: tuple[int, ...]) -> None:
    construction = BatchNorm().construct(Construction())
    torch.manual_seed(0)
    network = SPACE.standalone(architecture, CHANNELS, CLASSES, construction).double()
    plain = PlainSupernet(SPACE.width, SPACE.cells, CHANNELS, CLASSES).double()
    own = dict(plain.named_parameters())
    with torch.no_grad():
        for name, weight in network.named_parameters():
            weight.uniform_(-0.5, 0.5)
            own[plain_name(name, SPACE.cells)].copy_(weight)
    images = torch.rand(6, CHANNELS, 8, 8, dtype=torch.float64)
    torch.testing.assert_close(plain(images, architecture), network(images))
