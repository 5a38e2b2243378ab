"""Whether what was published is what the suite would run."""

import json
from collections import defaultdict
from pathlib import Path
from typing import Any

from supernet_bench.benchmark.study.spec import RunSpec
from supernet_bench.benchmark.study.study import load_study, shipped_studies
from supernet_bench.core.errors import InputError
from supernet_bench.records.layout import manifest_path, record_path
from supernet_bench.records.manifests import differences, listed


def check_runs(store: Path, study: str) -> list[str]:
    """Return in one line each which records of an opened study are not of the run and the seed that they are named for.

    Parameters
    ----------
    store : Path
        What `records.archive.opened` gives.
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
        return f"has seed {spec.seed}; the manifest says {listed(seeds)}"
    return None


def check_shipped(store: Path, study: str) -> list[str]:
    """Return in at most one line how the manifest of an opened study differs from the shipped study of its name."""
    if study not in shipped_studies():
        return []
    published, shipped = _manifest(store, study), load_study(study).manifest()
    found = differences(published, shipped, "shipped")
    return [f"the manifest is not that of the shipped study {study}: {'; '.join(found)}"] if found else []


def _manifest(store: Path, study: str) -> dict[str, Any]:
    return dict(json.loads(manifest_path(store, study).read_bytes()))
