"""Whether what was published is what the suite would run."""

from collections import defaultdict
from pathlib import Path

from supernet_bench.benchmark.study.naming import differences, listed
from supernet_bench.benchmark.study.spec import RunSpec
from supernet_bench.benchmark.study.study import load_study, shipped_studies
from supernet_bench.core.errors import InputError
from supernet_bench.records.imported import problem
from supernet_bench.records.layout import record_path
from supernet_bench.records.manifest import Place, other_levels, read_manifest
from supernet_bench.records.run import RunRecord, read_record

BASELINE: Place = ("baseline", "baseline")


def check_runs(store: Path, study: str) -> list[str]:
    """Return in one line each which records of an opened study are not of the run and the seed that they are named for.

    Parameters
    ----------
    store : Path
        What `records.archive.unpack` gives.
    study : str
    """
    seeds = defaultdict(set)
    for run in read_manifest(store, study).runs:
        seeds[run.run_id].add(run.seed)
    found = ((run_id, _problem(store, run_id, seeds[run_id])) for run_id in sorted(seeds))
    return [f"the record of run {run_id} {problem}" for run_id, problem in found if problem]


def _problem(store: Path, run_id: str, seeds: set[int]) -> str | None:
    try:
        record = read_record(record_path(store, run_id))
    except InputError as error:
        return f"cannot be used: {error}"
    return _other_spec(record, seeds) if record else None


def _other_spec(record: RunRecord, seeds: set[int]) -> str | None:
    if record.imported:
        return problem(record) or _other_seed(record.spec.get("seed"), seeds)
    try:
        spec = RunSpec.from_tables(record.spec)
    except InputError as error:
        return f"has a spec that is none: {error}"
    if spec.run_id != record.run_id:
        return f"has the spec of run {spec.run_id}"
    return _other_seed(spec.seed, seeds)


def _other_seed(seed: int | None, seeds: set[int]) -> str | None:
    return None if seeds == {seed} else f"has seed {seed}; the manifest says {listed(seeds)}"


def check_shipped(store: Path, study: str) -> list[str]:
    """Return in at most one line how the manifest of an opened study differs from the shipped study of its name."""
    if study not in shipped_studies():
        return []
    published, shipped = read_manifest(store, study), load_study(study).manifest()
    found = differences(published, shipped, "shipped")
    return [f"the manifest is not that of the shipped study {study}: {'; '.join(found)}"] if found else []


def is_redefined(store: Path, study: str) -> bool:
    """Return whether the shipped study of that name has another baseline than an opened one.

    What was published keeps its records when the study that comes with the suite is set otherwise; nothing of the two
    can be compared then.
    """
    if study not in shipped_studies():
        return False
    return BASELINE in other_levels(read_manifest(store, study), load_study(study).manifest())
