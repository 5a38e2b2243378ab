"""A name that stands for two studies: what a store has under it, and the one that is given."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from supernet_bench.benchmark.study.study import Study
from supernet_bench.core.errors import InputError
from supernet_bench.core.output import say
from supernet_bench.records.damage import unless_damaged
from supernet_bench.records.manifest import Level, Manifest, Place, PlannedRun, other_levels, without_cells
from supernet_bench.records.store import Store

SHOWN = 5
"""Levels that are named of each kind."""


def check_continued(study: Study, store: Store) -> None:
    """Refuse to replace another study of the same name; of the same study, say on standard error what changes.

    It is the same if all levels that both have are the same runs, the baseline among them, whatever their seeds.

    Raises
    ------
    InputError
        If the store has another study of that name, or of one that only its case tells from it.
    """
    store.check_name(study.name)
    path = store.manifest_path(study.name)
    stored = unless_damaged(store.folder, lambda: store.read_manifest(study.name))
    if stored is None:
        return
    other = other_levels(stored, replace(study, seeds=stored.seeds).manifest())
    if other:
        raise InputError(
            f"study {study.name!r} has other runs of {shortened(other)} than what was run under its name, {path}; "
            "allowed: another name, another --store, or to remove that manifest"
        )
    found = differences(stored, study.manifest(), "now")
    if found:
        say(f"{path} is replaced: {'; '.join(found)}")


def check_stored(study: Study, folder: Path, where: Path | None = None) -> None:
    """Raise InputError if a store has something else than the given study under its name; to have nothing is allowed.

    Parameters
    ----------
    study : Study
    folder : Path
        Folder of the store.
    where : Path, optional
        Where the store comes from, for the message.
    """
    store = Store(folder)
    stored = store.read_manifest(study.name)
    found = differences(stored, study.manifest(), "given") if stored else []
    if found:
        raise InputError(
            f"{where or store.manifest_path(study.name)} is not study {study.name!r} as it is given: "
            f"{'; '.join(found)}; allowed: what was run last under that name, or the name alone for what is there"
        )


def differences(one: Manifest, other: Manifest, whose: str) -> list[str]:
    """Return in words how a manifest differs from another one, in what matters to a report.

    Parameters
    ----------
    one, other : Manifest
    whose : str
        What the other is, such as ``"shipped"``.
    """
    one, other = one.on_one_line(), other.on_one_line()
    found = [
        f"{name} {mine!r}, {whose} {theirs!r}"
        for name in ("title", "space", "images", "target")
        for mine, theirs in [(getattr(one, name), getattr(other, name))]
        if mine != theirs
    ]
    found += [
        f"{name} {listed(mine)}, {whose} {listed(theirs)}"
        for name, mine, theirs in (
            ("seeds", one.seeds, other.seeds),
            ("baseline_seeds", one.baseline_seeds, other.baseline_seeds),
        )
        if sorted(mine) != sorted(theirs)
    ]
    ours, theirs, seeds = _described(one), _described(other), _seeds(one.runs)
    changed = {level for level in ours if level in theirs and ours[level] != theirs[level]}
    changed |= set(other_levels(one, other))
    lists = {
        f"levels that are not {whose}": [level for level in ours if level not in theirs],
        "levels that are missing": [level for level in theirs if level not in ours],
        "levels that are other runs": [level for level in ours if level in changed],
        "levels without a run for each seed": [
            level for level in ours if level in theirs and not seeds[level] >= set(one.seeds)
        ],
    }
    return found + [f"{name}: {shortened(levels)}" for name, levels in lists.items() if levels]


def shortened(levels: list[Place]) -> str:
    """Return factors and levels as a text that fits a line."""
    more = [f"{len(levels) - SHOWN} more"] if len(levels) > SHOWN else []
    return ", ".join([*map(" ".join, levels[:SHOWN]), *more])


def listed(seeds: Iterable[int]) -> str:
    """Return seeds as a text."""
    return " ".join(map(str, sorted(seeds))) or "none"


def _described(manifest: Manifest) -> dict[Place, Level | None]:
    """Return what a manifest says of each factor and level; nothing of the baseline and the untrained supernet."""
    described: dict[Place, Level | None] = dict.fromkeys(_seeds(manifest.runs))
    return described | {(level.factor, level.name): level for level in without_cells(manifest.levels)}


def _seeds(runs: Iterable[PlannedRun]) -> defaultdict[Place, set[int]]:
    seeds: defaultdict[Place, set[int]] = defaultdict(set)
    for run in runs:
        seeds[run.factor, run.level].add(run.seed)
    return seeds
