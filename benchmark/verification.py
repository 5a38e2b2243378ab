"""Whether what was published is what the suite would run."""

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from benchmark.errors import InputError
from benchmark.layout import manifest_path, record_path
from benchmark.spec import RunSpec
from benchmark.study import load_study, shipped_studies


def check_runs(store: Path, study: str) -> list[str]:
    """Return in one line each which records of an opened study are not of the run and the seed that they are named for.

    Parameters
    ----------
    store : Path
        What `benchmark.published.opened` gives.
    study : str
    """
    seeds = defaultdict(set)
    for run in _manifest(store, study)["runs"]:
        seeds[run["run_id"]].add(run["seed"])
    paths = (record_path(store, run_id) for run_id in sorted(seeds))
    found = ((path.stem, _problem(path, seeds[path.stem])) for path in paths if path.exists())
    return [f"the record of run {run_id} {problem}" for run_id, problem in found if problem]


def _problem(record: Path, seeds: set[int]) -> str | None:
    try:
        spec = RunSpec.from_tables(json.loads(record.read_bytes()).get("spec", {}))
    except (AttributeError, TypeError, InputError) as error:
        return f"has a spec that is none: {error}"
    if spec.run_id != record.stem:
        return f"has the spec of run {spec.run_id}"
    if seeds != {spec.seed}:
        return f"has seed {spec.seed}; the manifest says {_listed(seeds)}"
    return None


def check_shipped(store: Path, study: str) -> list[str]:
    """Return in at most one line how the manifest of an opened study differs from the shipped study of its name."""
    if study not in shipped_studies():
        return []
    published, shipped = _manifest(store, study), load_study(study).manifest()
    differences = [
        f"{key} {published.get(key)!r}, shipped {shipped[key]!r}"
        for key in ("title", "space", "images", "target")
        if published.get(key) != shipped[key]
    ]
    if sorted(published["seeds"]) != sorted(shipped["seeds"]):
        differences.append(f"seeds {_listed(published['seeds'])}, shipped {_listed(shipped['seeds'])}")
    differences += _of_levels(published, shipped)
    return [f"the manifest is not that of the shipped study {study}: {'; '.join(differences)}"] if differences else []


def _of_levels(published: Mapping[str, Any], shipped: Mapping[str, Any]) -> list[str]:
    """Return which levels only one manifest has, and which are described otherwise or are other runs."""
    (ours, runs), (theirs, their_runs) = _levels(published), _levels(shipped)
    common = [level for level in ours if level in theirs]
    other = [
        level
        for level in common
        if ours[level] != theirs[level]
        or any(runs[level][seed] != their_runs[level][seed] for seed in runs[level].keys() & their_runs[level].keys())
    ]
    holes = [level for level in common if set(runs[level]) != set(published["seeds"])]
    lists = {
        "levels that are not shipped": [level for level in ours if level not in theirs],
        "levels that are missing": [level for level in theirs if level not in ours],
        "levels that are other runs": other,
        "levels without a run for each seed": holes,
    }
    return [f"{name}: {', '.join(' '.join(level) for level in found)}" for name, found in lists.items() if found]


def _levels(
    manifest: Mapping[str, Any],
) -> tuple[dict[tuple[str, str], Any], dict[tuple[str, str], dict[int, str]]]:
    """Return what a manifest says of each factor and level, and the run of each seed; without what grids combine."""
    runs: dict[tuple[str, str], dict[int, str]] = defaultdict(dict)
    for run in manifest["runs"]:
        runs[run["factor"], run["level"]][run["seed"]] = run["run_id"]
    levels: dict[tuple[str, str], Any] = dict.fromkeys(runs)
    for factor in manifest["factors"]:
        for level in factor["levels"]:
            described = {key: value for key, value in level.items() if key != "cell"}
            levels[factor["factor"], level["level"]] = described
    return levels, runs


def _manifest(store: Path, study: str) -> dict[str, Any]:
    return dict(json.loads(manifest_path(store, study).read_bytes()))


def _listed(seeds: Iterable[int]) -> str:
    return " ".join(map(str, sorted(seeds))) or "none"
