"""From a study to records: what is left to do, and doing it."""

import json
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import torch

from supernet_bench.benchmark.execution.executors.base import Executor, Watcher, find_executor, share_devices
from supernet_bench.benchmark.execution.worker import Execution
from supernet_bench.benchmark.plugins.registry import files_in_use
from supernet_bench.benchmark.study.naming import check_continued
from supernet_bench.benchmark.study.origins import changed, notes
from supernet_bench.benchmark.study.spec import RunSpec
from supernet_bench.benchmark.study.study import Study
from supernet_bench.benchmark.training.trainer import check_images
from supernet_bench.core.downloads import existing
from supernet_bench.core.errors import InputError
from supernet_bench.core.output import say
from supernet_bench.core.processors import cores
from supernet_bench.core.settings import MOST_AT_ONCE, values_of
from supernet_bench.engines.cpu.library import why_none
from supernet_bench.records.damage import Damaged
from supernet_bench.records.layout import manifest_path
from supernet_bench.records.leases import TTL_S, Held, holder, latest, take
from supernet_bench.records.run import RunRecord
from supernet_bench.records.store import Store

POLL_S = TTL_S / 60
"""How often it is looked whether others have finished their runs, seconds."""


@dataclass(frozen=True)
class Resources:
    """What a study may use.

    Attributes
    ----------
    store : Path
    data : Path or None
        Where the user keeps images and tables.
    device : str
    jobs, threads : int or None
        Runs at once and threads of each; None shares the cores evenly.
    engine : str
        Name of the executor.
    runs_per_gpu : int or None
        Runs at once on each GPU, instead of `jobs`; None is one.
    scheduler : str or None
        Address of an existing dask scheduler.
    slurm : tuple of str
        What Slurm is asked for, each as ``KEY=VALUE``.
    """

    store: Path
    data: Path | None = None
    device: str = "auto"
    jobs: int | None = None
    threads: int | None = None
    engine: str = "local"
    runs_per_gpu: int | None = None
    scheduler: str | None = None
    slurm: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Refuse numbers that no machine has."""
        for option, value in (("jobs", self.jobs), ("threads", self.threads), ("runs-per-gpu", self.runs_per_gpu)):
            if value is not None and not 1 <= value <= MOST_AT_ONCE:
                raise InputError(f"{option} is {value}; allowed: a whole number from 1 to {MOST_AT_ONCE}")

    def executor(self, runs: int) -> Executor:
        """Return the executor for a study of `runs` runs.

        The number of threads depends on the whole study, not on what is left of it, since it may change the last
        bits of a result.
        """
        for option, value, engine in (("scheduler", self.scheduler, "dask"), ("slurm", self.slurm, "slurm")):
            if value and self.engine != engine:
                raise InputError(f"{option} is given with executor {self.engine!r}; allowed: with executor {engine!r}")
        if self.jobs is not None and self.runs_per_gpu is not None:
            raise InputError(f"runs-per-gpu is {self.runs_per_gpu} and jobs is {self.jobs}; allowed: one of them")
        executor: Executor = find_executor(self.engine).make(self, runs)
        return executor

    def execution(self, threads: int) -> Execution:
        """Return how a run with that many threads is executed."""
        return Execution(self.store, self.data, self.device, threads, plugins=files_in_use())

    def places(self, runs: int) -> tuple[str, ...]:
        """Return the device of each of the runs that this machine executes at once."""
        device = self.execution(1).torch_device()
        if device.type == "cpu":
            if self.runs_per_gpu is not None:
                raise InputError(f"runs-per-gpu is {self.runs_per_gpu}; allowed with a GPU only, and the device is cpu")
            return share_devices(["cpu"], self.jobs or max(1, min(cores(), runs)))
        if device.index is not None:
            gpus = [str(device)]
        else:
            gpus = [f"cuda:{index}" for index in range(torch.cuda.device_count())]
        return share_devices(gpus, self.jobs or len(gpus) * (self.runs_per_gpu or 1))

    def threads_for(self, places: int) -> int:
        """Return the threads of each of `places` runs at once on this machine."""
        return self.threads or max(1, cores() // places)

    def say_if_slow(self) -> None:
        """Say, once for all processes, that training on processors is slower here than it might be, and why."""
        elsewhere = self.engine == "slurm" or self.scheduler is not None
        if not elsewhere and self.execution(1).torch_device().type == "cpu":
            why = why_none()
            if why is not None:
                say(f"training is slower without compiled kernels: {why}")


def run_study(
    study: Study,
    resources: Resources,
    watch: Callable[[int, int], Watcher],
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
    watch : callable
        Given the number of runs and of those already recorded, returns who is told how runs get on.
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
    executor = resources.executor(len(specs))
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
        resources.say_if_slow()
        _execute(pending, store, executor, _Once(watch(len(specs), len(specs) - len(pending))))
    for spec in specs:
        _tidy(store, spec.run_id)
    if not manifest_path(store.folder, study.name).exists():  # Somebody emptied the store meanwhile.
        store.write_manifest(study.manifest())


def failed_runs(study: Study, store: Path) -> list[str]:
    """Return the runs of a study whose records say that they failed."""
    kept = Store(store)
    return [spec.run_id for spec in study.runs() if _status(kept, spec.run_id) == "failed"]


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


def _execute(pending: list[RunSpec], store: Store, executor: Executor, watcher: "_Once") -> None:
    """Execute runs until all have a record, whoever wrote it."""
    free = pending
    while pending:
        executor.run(free, watcher)
        pending, free = _wait_for_others(pending, store, watcher)


def _wait_for_others(pending: list[RunSpec], store: Store, watcher: "_Once") -> tuple[list[RunSpec], list[RunSpec]]:
    """Wait while all runs without a record are held; return these runs and those of them that are free."""
    told = False
    while True:
        statuses = {spec: _status(store, spec.run_id) for spec in pending}
        for spec, status in statuses.items():
            if status is not None:
                watcher.ended(spec, status)
        pending = [spec for spec, status in statuses.items() if status is None]
        holders = {spec: holder(store.folder, spec.run_id) for spec in pending}
        free = [spec for spec in pending if holders[spec] is None]
        if free or not pending:
            return pending, free
        if not told:
            told = True
            names = ", ".join(sorted({str(name) for name in holders.values()}))
            say(f"waiting for {len(pending)} runs that are executed by {names}")
        time.sleep(POLL_S)


class _Once:
    """Passes on how runs get on, and that each has ended once, be it recorded here or elsewhere."""

    def __init__(self, watcher: Watcher) -> None:
        self._watcher = watcher
        self._ended: set[str] = set()

    def advanced(self, spec: RunSpec, share: float) -> None:
        self._watcher.advanced(spec, share)

    def ended(self, spec: RunSpec, status: str) -> None:
        if spec.run_id not in self._ended:
            self._ended.add(spec.run_id)
            self._watcher.ended(spec, status)


def _record(store: Store, run_id: str) -> RunRecord | None:
    """Return the record of a run if there is a good one; report what is damaged, also in its checkpoint."""
    try:
        record = store.read_record(run_id)
        if record is None:
            store.check_checkpoint(run_id)
        return record
    except Damaged:
        # Nobody else may be about to mend it; if somebody is, he reports it.
        with suppress(Held), take(store.folder, run_id):
            record = store.usable_record(run_id)
            if record is None:
                store.usable_checkpoint(run_id)
            return record
    return None


def _has_failed(record: RunRecord) -> bool:
    return record.status == "failed"


def _tidy(store: Store, run_id: str) -> None:
    """Remove the lease and the checkpoint of whoever was killed right after he had recorded a run."""
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
    """Remove the record of a run to be done again, unless somebody is at it or has already done it again."""
    with suppress(Held), take(store.folder, run_id):
        record = store.usable_record(run_id)
        if record is not None and still(record):
            remove(run_id)
