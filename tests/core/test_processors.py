"""Runs at once follow the quota of a container, in made-up trees of control groups."""

import os
from pathlib import Path

import pytest

from supernet_bench.benchmark.execution import Resources
from supernet_bench.core import processors
from supernet_bench.core.processors import cores, quota
from tests import conftest

UNIFIED = "41 31 0:38 {mounted} {point} rw,relatime shared:9 - cgroup2 cgroup2 rw,nsdelegate"
OLD = "32 31 0:29 {mounted} {point} rw,relatime - cgroup cgroup rw,cpu,cpuacct"
OTHER = "36 31 0:33 / /sys/fs/cgroup/memory rw,relatime - cgroup cgroup rw,memory"
POINT = "/sys/fs/cgroup"


@pytest.fixture
def eight(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine with eight processors, all of which this process may use."""
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: set(range(8)), raising=False)
    monkeypatch.setattr(os, "cpu_count", lambda: 8)


def tree(root: Path, membership: str, mounts: list[str], files: dict[str, str]) -> Path:
    """Write what Linux tells of the control groups of a process."""
    content = {"proc/self/cgroup": membership + "\n", "proc/self/mountinfo": "\n".join([OTHER, *mounts]) + "\n"}
    for name, text in (content | files).items():
        path = root / name.removeprefix("/")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return root


def unified(
    root: Path, limits: dict[str, str], group: str = "/pod/box", mounted: str = "/", point: str = POINT
) -> Path:
    """Write a tree of version 2 whose groups have these limits."""
    files = {f"{point}/{name}/cpu.max": f"{limit}\n" for name, limit in limits.items()}
    mount = UNIFIED.format(mounted=mounted, point=point.replace(" ", "\\040"))
    return tree(root, f"0::{group}", [mount], files)


def old(root: Path, limits: dict[str, tuple[int, int]], group: str = "/pod/box", mounted: str = "/") -> Path:
    """Write a tree of version 1 whose groups have these quotas and periods."""
    files = {}
    for name, (granted, period) in limits.items():
        files |= {f"{POINT}/cpu,cpuacct/{name}/cpu.cfs_quota_us": f"{granted}\n"}
        files |= {f"{POINT}/cpu,cpuacct/{name}/cpu.cfs_period_us": f"{period}\n"}
    membership = f"5:memory:/elsewhere\n3:cpu,cpuacct:{group}\n1:name=systemd:/"
    return tree(root, membership, [OLD.format(mounted=mounted, point=f"{POINT}/cpu,cpuacct")], files)


@pytest.mark.usefixtures("eight")
@pytest.mark.parametrize(
    ("limits", "expected"),
    [
        ({"pod/box": "200000 100000"}, 2),
        ({"pod/box": "max 100000"}, 8),
        ({"pod/box": "max 100000", "pod": "300000 100000"}, 3),  # The tightest on the way counts.
        ({"pod/box": "600000 100000", "pod": "100000 50000", "": "max 100000"}, 2),
        ({"pod/box": "100000 100000", "pod": "400000 100000"}, 1),
        ({"other": "100000 100000"}, 8),
        ({"pod/box": "50000 100000"}, 1),
        ({"pod/box": "150000 100000"}, 2),  # Half a processor is used too.
        ({"pod/box": "6400000 100000"}, 8),
        ({"pod/box": "nonsense"}, 8),
    ],
)
def test_quota_of_version_2(tmp_path: Path, limits: dict[str, str], expected: int) -> None:
    assert cores(unified(tmp_path, limits)) == expected


@pytest.mark.usefixtures("eight")
@pytest.mark.parametrize(
    ("limits", "expected"),
    [
        ({"pod/box": (200_000, 100_000)}, 2),
        ({"pod/box": (-1, 100_000)}, 8),
        ({"pod/box": (-1, 100_000), "pod": (90_000, 30_000)}, 3),
        ({"pod/box": (400_000, 100_000), "": (100_000, 100_000)}, 1),
        ({"pod/box": (0, 0)}, 8),
    ],
)
def test_quota_of_version_1(tmp_path: Path, limits: dict[str, tuple[int, int]], expected: int) -> None:
    assert cores(old(tmp_path, limits)) == expected


@pytest.mark.usefixtures("eight")
def test_a_container_may_see_its_own_group_as_the_top(tmp_path: Path) -> None:
    assert cores(old(tmp_path / "old", {"": (200_000, 100_000)}, group="/docker/abc", mounted="/docker/abc")) == 2
    assert cores(old(tmp_path / "other", {"": (200_000, 100_000)}, group="/docker/abc", mounted="/docker/xyz")) == 2
    assert cores(unified(tmp_path / "new", {"": "300000 100000"}, group="/../../box", mounted="/")) == 3
    inner = {"box": "400000 100000", "": "max 100000"}
    assert cores(unified(tmp_path / "nested", inner, group="/docker/abc/box", mounted="/docker/abc")) == 4


@pytest.mark.usefixtures("eight")
def test_a_mount_point_may_hold_a_blank(tmp_path: Path) -> None:
    assert cores(unified(tmp_path, {"pod/box": "200000 100000"}, point="/control groups")) == 2


@pytest.mark.usefixtures("eight")
def test_both_versions_may_be_there(tmp_path: Path) -> None:
    """The time of processors is then limited by the older one; the newer one has no such file."""
    old(tmp_path, {"pod/box": (200_000, 100_000)})
    mounts = [
        OLD.format(mounted="/", point=f"{POINT}/cpu,cpuacct"),
        UNIFIED.format(mounted="/", point=f"{POINT}/unified"),
    ]
    assert cores(tree(tmp_path, "0::/\n3:cpu,cpuacct:/pod/box", mounts, {})) == 2


@pytest.mark.usefixtures("eight")
def test_without_control_groups_the_affinity_counts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert cores(tmp_path) == 8
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: {3, 5}, raising=False)
    root = unified(tmp_path, {"pod/box": "400000 100000"})
    assert (quota(root), cores(root)) == (4, 2)


@pytest.mark.usefixtures("eight")
def test_runs_at_once_and_their_threads_follow_the_quota(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = unified(tmp_path, {"pod/box": "300000 100000"})
    monkeypatch.setattr("supernet_bench.benchmark.execution.resources.cores", lambda: processors.cores(root))
    resources = Resources(store=tmp_path / "store", device="cpu")
    assert len(resources.places(10)) == 3
    assert resources.threads_for(1) == 3


def test_test_processes_follow_the_quota(monkeypatch: pytest.MonkeyPatch) -> None:
    """``-n auto`` asks this."""
    monkeypatch.setattr(conftest, "cores", lambda: 3)
    assert conftest.pytest_xdist_auto_num_workers() == 3
