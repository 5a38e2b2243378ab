"""Fixtures that every test may use."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import torch

from supernet_bench.benchmark.plugins.registry import use_files
from supernet_bench.benchmark.study.spec import RunSpec
from supernet_bench.core.processors import cores
from supernet_bench.testing.runs import small_run

pytest_plugins = ["tests.limits", "tests.selection"]


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int:
    """Return how many processes ``-n auto`` starts: pytest-xdist looks at the affinity alone."""
    return cores()


SHARED_DATA = Path(__file__).resolve().parents[2] / "shared" / "data"


@pytest.fixture(scope="session")
def tables() -> Path:
    """Folder where the full published tables are, if they are there."""
    return Path(os.environ.get("SUPERNET_BENCH_TEST_DATA", SHARED_DATA))


@pytest.fixture(scope="session")
def shared_data(tables: Path) -> Path:
    """Folder with the full published tables; tests that compare with them are skipped where it is absent."""
    if not tables.is_dir():
        pytest.skip(f"published tables are not at {tables} (set SUPERNET_BENCH_TEST_DATA); this test compared nothing")
    return tables


@pytest.fixture(autouse=True, scope="session")
def _one_thread() -> None:
    """Small tensors are slower on many threads, and tests run side by side."""
    torch.set_num_threads(1)


@pytest.fixture(autouse=True)
def _no_files_in_use() -> Iterator[None]:
    """Leave no plug-ins of a test's own to the next."""
    yield
    use_files(())


SpecMaker = Callable[..., RunSpec]


@pytest.fixture
def toy_spec() -> SpecMaker:
    """Return a function that makes specs of runs that take a fraction of a second."""
    return small_run
