"""From a study to records: what is left to do, and doing it."""

import json
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from supernet_bench.benchmark.execution.attempts import Attempts
from supernet_bench.benchmark.execution.environment import find_device
from supernet_bench.benchmark.execution.executors.base import Executor, make_executor
from supernet_bench.benchmark.execution.resources import Resources
from supernet_bench.benchmark.study.naming import check_continued
from supernet_bench.benchmark.study.origins import changed, notes
from supernet_bench.benchmark.study.spec import RunSpec
from supernet_bench.benchmark.study.study import Study
from supernet_bench.benchmark.training.trainer import check_images
from supernet_bench.core.downloads import existing
from supernet_bench.core.output import say
from supernet_bench.core.progress import SILENT, Progress
from supernet_bench.core.settings import values_of
from supernet_bench.engines.cpu.library import why_none
from supernet_bench.records.damage import Damaged
from supernet_bench.records.layout import manifest_path
from supernet_bench.records.leases import TTL_S, Held, holder, latest, take
from supernet_bench.records.run import RunRecord
from supernet_bench.records.store import Store

POLL_S = TTL_S / 60
"""How often it is looked whether others have finished their runs, seconds."""


def run_study(
    study: Study,
    resources: Resources,
    progress: Progress = SILENT,
    *,
    retry_failed: bool = False,
    redo: bool = False,
    given: str | None = None,
) -> None:
    """Execute the runs of a study that have no record yet; return when all have one.

    Any number of processes may do this with the same store at once: each run is executed by one of them, and all wait
    for the last. Damaged files are set aside, and their runs are done again.

    Parameters
    ----------
    study : Study
    resources : Resources
    progress : Progress
        Told how the runs get on, those of them that others execute at the same time included.
    retry_failed : bool
        Also execute runs again that failed.
    redo : bool
        Also execute runs again whose records were made by other code of a plug-in.
    given : str, optional
        What the user called the study, for messages.

    Raises
    ------
    InputError
        If another study was run under its name, images cannot be had or do not fit the study, or a record is of a newer
        version of the suite.
    OSError
        If the store cannot be read or written.
    """
    if resources.data is not None:
        existing(resources.data, "the data folder")
    store, specs = Store(resources.store), study.runs()
    check_continued(study, store)
    executor = make_executor(resources, len(specs))
    records = {spec.run_id: _record(store, spec.run_id) for spec in specs}
    recorded = {run_id: record for run_id, record in records.items() if record is not None}
    failed = [run_id for run_id, record in recorded.items() if retry_failed and _has_failed(record)]
    outdated = [run_id for run_id, record in recorded.items() if redo and changed(record)]
    again = {*failed, *outdated}
    pending = [spec for spec in specs if spec.run_id not in recorded or spec.run_id in again]
    for line in notes((record for run_id, record in recorded.items() if run_id not in again), given or study.name):
        say(f"warning: {line}")
    _check_all_images(pending, resources.data)
    for run_id in outdated:
        _unless_held(store, run_id, changed, store.supersede_record)
    for run_id in failed:
        _unless_held(store, run_id, _has_failed, store.remove_record)
    store.write_manifest(study.manifest())
    if pending:
        say_if_slow(resources)
        progress.started(len(specs), len(specs) - len(pending))
        _execute(pending, store, executor, Attempts(store, progress))
    for spec in specs:
        _tidy(store, spec.run_id)
    if not manifest_path(store.folder, study.name).exists():  # Somebody emptied the store meanwhile.
        store.write_manifest(study.manifest())


def failed_runs(study: Study, store: Path) -> list[str]:
    """Return the runs of a study whose records say that they failed."""
    kept = Store(store)
    return [spec.run_id for spec in study.runs() if _status(kept, spec.run_id) == "failed"]


def say_if_slow(resources: Resources) -> None:
    """Say, once for all processes, that training on processors is slower here than it might be, and why."""
    if not resources.elsewhere and find_device(resources.device).type == "cpu":
        why = why_none()
        if why is not None:
            say(f"training is slower without compiled kernels: {why}")


def _check_all_images(specs: list[RunSpec], folder: Path | None) -> None:
    """Find images that are missing or do not fit a run, and download them once, before any process starts."""
    alike: dict[str, list[RunSpec]] = {}
    for spec in specs:
        images = spec.revised().images
        alike.setdefault(json.dumps([images.name, values_of(images)], sort_keys=True), []).append(spec)
    for group in alike.values():
        data = group[0].load_images(folder)
        for spec in group:
            check_images(spec, data)


def _execute(pending: list[RunSpec], store: Store, executor: Executor, attempts: Attempts) -> None:
    """Execute runs until all have a record, whoever wrote it."""
    free = pending
    while pending:
        executor.run(free, attempts)
        pending, free = _wait_for_others(pending, store, attempts)


def _wait_for_others(pending: list[RunSpec], store: Store, attempts: Attempts) -> tuple[list[RunSpec], list[RunSpec]]:
    """Wait while all runs without a record are held; return these runs and those of them that are free."""
    told = False
    while True:
        pending = [spec for spec in pending if not attempts.has_ended(spec)]
        holders = {spec: holder(store.folder, spec.run_id) for spec in pending}
        free = [spec for spec in pending if holders[spec] is None]
        if free or not pending:
            return pending, free
        if not told:
            told = True
            names = ", ".join(sorted({str(name) for name in holders.values()}))
            say(f"waiting for {len(pending)} runs that are executed by {names}")
        time.sleep(POLL_S)


def _record(store: Store, run_id: str) -> RunRecord | None:
    """Return the record of a run if there is a good one; report what is damaged, also in its checkpoint."""
    try:
        record = store.read_record(run_id)
        if record is None:
            store.check_checkpoint(run_id)
        return record
    except Damaged:
        # Another process may be about to mend it, and reports it then.
        with suppress(Held), take(store.folder, run_id):
            record = store.usable_record(run_id)
            if record is None:
                store.usable_checkpoint(run_id)
            return record
    return None


def _has_failed(record: RunRecord) -> bool:
    return record.status == "failed"


def _tidy(store: Store, run_id: str) -> None:
    """Remove the lease and the checkpoint of a process that was killed right after it had recorded a run."""
    if latest(store.folder, run_id) or store.saved_at(run_id):
        with suppress(Held), take(store.folder, run_id):
            store.tidy(run_id)


def _status(store: Store, run_id: str) -> str | None:
    """Return the status in the record of a run, or None if there is no good one; whoever executes it mends that."""
    try:
        record = store.read_record(run_id)
    except Damaged:
        return None
    return None if record is None else record.status


def _unless_held(
    store: Store, run_id: str, still: Callable[[RunRecord], object], remove: Callable[[str], None]
) -> None:
    """Remove the record of a run to be done again, unless another process is at it or has already done it again."""
    with suppress(Held), take(store.folder, run_id):
        record = store.usable_record(run_id)
        if record is not None and still(record):
            remove(run_id)
