"""A study of imported scores, in a store."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime

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
    one and has none.
    """
    places = [(record.spec["level"], record.spec["seed"], record.run_id) for record in records]
    levels = list(dict.fromkeys(level for level, _, _ in places))
    runs = [PlannedRun("baseline", "baseline", seed, run) for level, seed, run in places if level == baseline]
    if levels == [ONLY_LEVEL]:
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


def check_import(manifest: Manifest, store: Store, shipped: Sequence[str]) -> Manifest:
    """Return what is to be written under a name: the study, with what a store has of it already.

    Raises
    ------
    InputError
        If no study can have that name, or another one has it.
    """
    name = manifest.study
    check_name(name)
    if name.casefold() in (each.casefold() for each in shipped):
        raise InputError(f"study is {name!r}, which comes with the suite; allowed: another name")
    store.check_name(name)
    stored = unless_damaged(store.folder, lambda: store.read_manifest(name))
    if stored is None:
        return manifest
    path = store.manifest_path(name)
    if not stored.imported:
        raise InputError(f"study is {name!r}, and {path} is a study that was run; allowed: another name or --store")
    if (stored.space, stored.target) != (manifest.space, manifest.target):
        raise InputError(
            f"study {name!r} is of space {stored.space} and target {stored.target or 'default'} in {path}; allowed: "
            "the same, another name or --store"
        )
    if _baseline(stored) != _baseline(manifest):
        raise InputError(
            f"study {name!r} has baseline {_baseline(stored)!r} in {path}, here {_baseline(manifest)!r}; allowed: "
            f"--baseline '{_baseline(stored)}', another name or --store"
        )
    other = dict.fromkeys(level for _, level in other_levels(stored, manifest))
    if other:
        raise InputError(
            f"study {name!r} has other scores of {', '.join(other)} in {path}; allowed: the same scores, another name "
            "or --store"
        )
    return _united(stored, manifest)


def _baseline(manifest: Manifest) -> str:
    return next((level.name for level in manifest.levels if level.baseline), ONLY_LEVEL)


def _united(stored: Manifest, new: Manifest) -> Manifest:
    """Return a study with the levels and the seeds of both."""
    runs = {(run.factor, run.level, run.seed): run for run in (*stored.runs, *new.runs)}
    levels = {level.name: level for level in (*stored.levels, *new.levels)}
    seeds = tuple(sorted({*stored.seeds, *new.seeds}))
    return replace(new, levels=tuple(levels.values()), runs=tuple(runs.values()), seeds=seeds)


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
