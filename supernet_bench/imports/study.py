"""A study of imported scores, in a store."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from supernet_bench.core.errors import InputError
from supernet_bench.core.versions import code_version
from supernet_bench.imports.collect import ONLY_LEVEL, Brought
from supernet_bench.records.archive import check_name
from supernet_bench.records.damage import unless_damaged
from supernet_bench.records.imported import UNKNOWN_IMAGES, digest, imported_id, imported_spec
from supernet_bench.records.leases import Held, take
from supernet_bench.records.manifest import Level, Manifest, PlannedRun, other_levels
from supernet_bench.records.run import Checkpoint, ExecutionRecord, RunRecord, SourceFile
from supernet_bench.records.store import Store

FACTOR = "scores"
"""The factor of all levels of imported scores, so that studies of them can be compared."""


def records_of(brought: Sequence[Brought], space: str, lower_is_better: bool) -> list[RunRecord]:
    """Return a record for each level and seed; scores are as they are ranked, higher is better."""
    started = datetime.now(UTC).isoformat(timespec="seconds")
    return [_record(each, space, lower_is_better, started) for each in brought]


def _record(each: Brought, space: str, lower_is_better: bool, started: str) -> RunRecord:
    scores = digest(each.architectures, each.checkpoints)
    spec = imported_spec(space, each.level, each.seed, lower_is_better, scores)
    last = max(each.checkpoints)
    return RunRecord(
        run_id=imported_id(spec),
        status="finished",
        error=None,
        spec=spec,
        revised={},
        heuristics={},
        architectures=each.architectures,
        curve=(),
        checkpoints=tuple(
            Checkpoint(epoch, epoch == last, (), (), score=score) for epoch, score in sorted(each.checkpoints.items())
        ),
        counts={},
        execution=ExecutionRecord(
            code_version=code_version(),
            code={},
            started=started,
            seconds={},
            environment={},
            resumed=0,
            truth=None,
            peak_memory_bytes=None,
            peak_device_bytes=None,
            files=tuple(SourceFile(*file) for file in each.files),
        ),
    )


def manifest_of(
    name: str, title: str | None, space: str, target: str | None, baseline: str, records: Sequence[RunRecord]
) -> Manifest:
    """Return the manifest of a study of imported scores.

    The baseline is a level of the factor like any other, so that its own name is in the tables, unless it is the only
    one and has none. It need not be among the records if a store has it.
    """
    places = [(record.spec["level"], record.spec["seed"], record.run_id) for record in records]
    levels = list(dict.fromkeys(level for level, _, _ in places))
    runs = [PlannedRun("baseline", "baseline", seed, run) for level, seed, run in places if level == baseline]
    if levels == [ONLY_LEVEL] == [baseline]:
        levels = []
    return Manifest(
        study=name,
        title=title or f"{name}, imported scores",
        space=space,
        images=UNKNOWN_IMAGES,
        seeds=tuple(sorted({seed for _, seed, _ in places})),
        target=target,
        levels=tuple(Level(FACTOR, level, level == baseline, uses_truth=False) for level in levels),
        runs=(*runs, *(PlannedRun(FACTOR, *place) for place in places if levels)),
        imported=True,
    ).on_one_line()


def stored_import(name: str, store: Store, shipped: Sequence[str]) -> Manifest | None:
    """Return the study of imported scores that a store has under a name, or None.

    Raises
    ------
    InputError
        If no study can have that name, or one that was run has it.
    """
    check_name(name)
    if name.casefold() in (each.casefold() for each in shipped):
        raise InputError(f"study is {name!r}, which comes with the suite; allowed: another name")
    store.check_name(name)
    stored = unless_damaged(store.folder, lambda: store.read_manifest(name))
    if stored and not stored.imported:
        path = store.manifest_path(name)
        raise InputError(f"study is {name!r}, and {path} is a study that was run; allowed: another name or --store")
    return stored


def united(stored: Manifest, manifest: Manifest, baseline: str, path: Path) -> Manifest:
    """Return a study with the levels and the seeds of what a store has of it, and of what is brought.

    Parameters
    ----------
    stored, manifest : Manifest
    baseline : str
        The level that the others are to be compared with.
    path : Path
        Of the stored manifest, for messages.

    Raises
    ------
    InputError
        If they cannot be one study.
    """
    name = manifest.study
    if (stored.space, stored.target) != (manifest.space, manifest.target):
        raise InputError(
            f"study {name!r} is of space {stored.space} and target {stored.target or 'default'} in {path}; allowed: "
            "the same, another name or --store"
        )
    if baseline_of(stored) != baseline:
        raise InputError(
            f"study {name!r} has baseline {baseline_of(stored)!r} in {path}, here {baseline!r}; allowed: "
            f"--baseline '{baseline_of(stored)}', another name or --store"
        )
    other = dict.fromkeys(level for _, level in other_levels(stored, manifest))
    if other:
        raise InputError(
            f"study {name!r} has other scores of {', '.join(other)} in {path}; allowed: the same scores, another name "
            "or --store"
        )
    runs = {(run.factor, run.level, run.seed): run for run in (*stored.runs, *manifest.runs)}
    levels = {level.name: level for level in (*stored.levels, *manifest.levels)}
    seeds = tuple(sorted({*stored.seeds, *manifest.seeds}))
    return replace(manifest, levels=tuple(levels.values()), runs=tuple(runs.values()), seeds=seeds)


def baseline_of(manifest: Manifest) -> str:
    """Return the level of a study of imported scores that the others are compared with."""
    return next((level.name for level in manifest.levels if level.baseline), ONLY_LEVEL)


def write_import(manifest: Manifest, records: Sequence[RunRecord], store: Store) -> None:
    """Write records, each as the holder of its lease, and then the manifest that names them."""
    for record in records:
        try:
            with take(store.folder, record.run_id):
                if store.usable_record(record.run_id) is None:
                    store.write_record(record)
        except Held as error:
            raise InputError(f"{error}; allowed: to import again when that has ended") from error
    if store.read_manifest(manifest.study) != manifest:
        store.write_manifest(manifest)
