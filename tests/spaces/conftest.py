"""Every space that exists, at small settings, and the ways in which its networks can be built."""

import pytest

from supernet_bench.benchmark.plugins.registry import space_types
from supernet_bench.spaces.base import TrainableSpace
from supernet_bench.testing.networks import constructions
from supernet_bench.testing.spaces import small

QUICK = ("batch", "wsbn+node+transform")
"""The usual one, and all mappings at once; the others are for those who change a space, or what spaces rest on."""

SPACES = [small(kind) for kind in space_types().values()]
TRAINABLE = [space for space in SPACES if isinstance(space, TrainableSpace)]


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run a test for every space, every one with networks, or each of these and all constructions that it declares."""
    if "trainable" in metafunc.fixturenames:
        metafunc.parametrize("trainable", TRAINABLE, ids=lambda space: space.name)
    if "space" not in metafunc.fixturenames or hasattr(metafunc.module, "space"):  # It may have a space of its own.
        return
    if "construction" not in metafunc.fixturenames:
        metafunc.parametrize("space", SPACES, ids=lambda space: space.name)
        return
    cases = [
        pytest.param(space, construction, id=f"{space.name}-{name}", marks=() if name in QUICK else pytest.mark.full)
        for space in TRAINABLE
        for name, construction in constructions(space).items()
    ]
    metafunc.parametrize(("space", "construction"), cases)
