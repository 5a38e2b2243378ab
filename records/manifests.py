"""Manifests, and how two of one name differ: it may stand for two studies."""

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from supernet_bench.records import layout
from supernet_bench.records.damage import Damaged

SHOWN = 5
"""Levels that are named of each kind."""


def parse_manifest(content: bytes, path: Path) -> dict[str, Any]:
    """Return the manifest in the content of a file, in the form of the present schema, without its checksum.

    Raises
    ------
    Damaged
        If it is no whole manifest, or that of another study than the name of the file says.
    InputError
        If a newer version of the suite wrote it.
    """
    try:
        manifest = dict(json.loads(content))
        whole = all(type(seed) is int for seed in manifest["seeds"])
        complete = manifest["study"] == path.stem and whole and bool(_levels(manifest))
    except (AttributeError, ValueError, KeyError, TypeError, RecursionError):
        complete = False
    if not complete:
        raise Damaged(path, "it is no complete manifest of the study that it is named after")
    checksum = manifest.pop("checksum", None)
    if checksum is not None and checksum != layout.record_checksum(manifest):  # Older ones have none.
        raise Damaged(path, "its checksum differs")
    return layout.upgrade(manifest, path)


def differences(one: Mapping[str, Any], other: Mapping[str, Any], whose: str) -> list[str]:
    """Return in words how a manifest differs from another one, in what matters to a report.

    Parameters
    ----------
    one, other : mapping
        Manifests; an older one may lack what the other has.
    whose : str
        What the other is, such as ``"shipped"``.
    """
    found = [
        f"{key} {one.get(key)!r}, {whose} {other.get(key)!r}"
        for key in ("title", "space", "images", "target")
        if one.get(key) != other.get(key)
    ]
    if sorted(one["seeds"]) != sorted(other["seeds"]):
        found.append(f"seeds {listed(one['seeds'])}, {whose} {listed(other['seeds'])}")
    ours, theirs, runs = _levels(one), _levels(other), _runs(one)
    changed = {level for level in ours if level in theirs and ours[level] != theirs[level]}
    changed |= set(other_runs(one, other))
    lists = {
        f"levels that are not {whose}": [level for level in ours if level not in theirs],
        "levels that are missing": [level for level in theirs if level not in ours],
        "levels that are other runs": [level for level in ours if level in changed],
        "levels without a run for each seed": [
            level for level in ours if level in theirs and set(runs[level]) != set(one["seeds"])
        ],
    }
    return found + [f"{name}: {shortened(levels)}" for name, levels in lists.items() if levels]


def other_runs(one: Mapping[str, Any], other: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Return each factor and level that are in both manifests, with another run for a seed that is in both."""
    runs, others = _runs(one), _runs(other)
    return [
        level
        for level in runs
        if any(runs[level][seed] != others[level][seed] for seed in runs[level].keys() & others.get(level, {}).keys())
    ]


def shortened(levels: list[tuple[str, str]]) -> str:
    """Return factors and levels as a text that fits a line."""
    more = [f"{len(levels) - SHOWN} more"] if len(levels) > SHOWN else []
    return ", ".join([*map(" ".join, levels[:SHOWN]), *more])


def listed(seeds: Iterable[int]) -> str:
    """Return seeds as a text."""
    return " ".join(map(str, sorted(seeds))) or "none"


def _levels(manifest: Mapping[str, Any]) -> dict[tuple[str, str], Any]:
    """Return what a manifest says of each factor and level, without what grids combine."""
    levels: dict[tuple[str, str], Any] = dict.fromkeys(_runs(manifest))
    for factor in manifest.get("factors", []):
        for level in factor["levels"]:
            described = {key: value for key, value in level.items() if key != "cell"}
            levels[factor["factor"], level["level"]] = described
    return levels


def _runs(manifest: Mapping[str, Any]) -> dict[tuple[str, str], dict[int, str]]:
    """Return the run of each factor, level and seed."""
    runs: dict[tuple[str, str], dict[int, str]] = defaultdict(dict)
    for run in manifest["runs"]:
        runs[run["factor"], run["level"]][run["seed"]] = run["run_id"]
    return runs
