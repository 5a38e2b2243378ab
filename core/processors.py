"""How many processors this process may use: by its affinity, and by the quota of the container that it is in."""

import math
import os
import re
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path, PurePosixPath

ROOT = Path("/")


def cores(root: Path = ROOT) -> int:
    """Return how many processors this process can keep busy, at least 1.

    Docker and Kubernetes limit processor time rather than processors: the affinity is that of the whole machine then.

    Parameters
    ----------
    root : Path
        Where the file systems of Linux that tell of a quota are mounted.
    """
    own = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(1, min(own, math.ceil(quota(root))))


def quota(root: Path = ROOT) -> float:
    """Return the processors' worth of time that control groups leave to this process; many where nothing limits it.

    A group is held to the limits of those that it is nested in too, so that the tightest on the way counts.
    """
    limits = (_limit(group) for group in _groups(root))
    return min((limit for limit in limits if limit is not None), default=float(os.cpu_count() or 1))


def _groups(root: Path) -> Iterator[Path]:
    """Yield the folder of each control group that this process is in and that may limit its time, of either version."""
    with suppress(OSError):
        memberships = dict(_memberships(_read(root / "proc/self/cgroup")))
        for kind, mounted, point in _mounts(_read(root / "proc/self/mountinfo")):
            if kind in memberships:
                top = root / point.relative_to("/")
                group = _below(memberships[kind], mounted)
                yield from (top / parent for parent in (group, *group.parents))


def _memberships(text: str) -> Iterator[tuple[str, PurePosixPath]]:
    """Yield ``"cgroup"`` or ``"cgroup2"`` with the name of the group of this process, where one of that kind exists."""
    for line in text.splitlines():
        number, _, rest = line.partition(":")
        controllers, _, name = rest.partition(":")
        if number == "0":
            yield "cgroup2", PurePosixPath(name)
        elif "cpu" in controllers.split(","):
            yield "cgroup", PurePosixPath(name)


def _mounts(text: str) -> Iterator[tuple[str, PurePosixPath, PurePosixPath]]:
    """Yield the kind of each mounted hierarchy, its group that is mounted, and where."""
    for line in text.splitlines():
        here, _, there = line.partition(" - ")
        kind, _, options = there.partition(" ")
        if kind == "cgroup2" or (kind == "cgroup" and "cpu" in options.split(" ")[-1].split(",")):
            mounted, point = (PurePosixPath(_unescaped(field)) for field in here.split(" ")[3:5])
            yield kind, mounted, point


def _unescaped(field: str) -> str:
    """Return a path of mountinfo, in which blanks and backslashes are octal numbers."""
    return re.sub(r"\\([0-7]{3})", lambda match: chr(int(match[1], 8)), field)


def _below(name: PurePosixPath, mounted: PurePosixPath) -> PurePosixPath:
    """Return the path of a group where its hierarchy is mounted; a container may see its own group as the top."""
    inside = name.is_relative_to(mounted) and ".." not in name.parts
    return name.relative_to(mounted) if inside else PurePosixPath()


def _limit(group: Path) -> float | None:
    """Return the quota of a control group over its period; None where it has none."""
    with suppress(OSError, ValueError):  # The word max, or nothing to read.
        granted, period = map(int, _read(group / "cpu.max").split())
        return granted / period if period > 0 else None
    with suppress(OSError, ValueError):
        granted, period = (int(_read(group / f"cpu.cfs_{what}_us")) for what in ("quota", "period"))
        return granted / period if granted > 0 and period > 0 else None
    return None


def _read(file: Path) -> str:
    return file.read_text(encoding="utf-8", errors="surrogateescape")
