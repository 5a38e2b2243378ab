"""From a study to records: what is left to do, and doing it."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from benchmark.data import existing
from benchmark.executors import Executor, LocalExecutor, Watcher, cores
from benchmark.store import Store
from benchmark.study import Study
from benchmark.trainer import check_images
from benchmark.worker import Execution


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
        Processes at once and threads of each; None shares the cores evenly.
    """

    store: Path
    data: Path | None = None
    device: str = "auto"
    jobs: int | None = None
    threads: int | None = None

    def executor(self, runs: int) -> Executor:
        """Return the executor for a study of `runs` runs.

        The number of threads depends on the whole study, not on what is left of it, since it may change the last
        bits of a result.
        """
        on_gpu = Execution(self.store, device=self.device).torch_device().type != "cpu"
        jobs = self.jobs or (1 if on_gpu else max(1, min(cores(), runs)))
        threads = self.threads or max(1, cores() // jobs)
        return LocalExecutor(Execution(self.store, self.data, self.device, threads), jobs)


def run_study(
    study: Study, resources: Resources, watch: Callable[[int, int], Watcher], retry_failed: bool = False
) -> None:
    """Execute the runs of a study that have no record yet.

    Parameters
    ----------
    study : Study
    resources : Resources
    watch : callable
        Given the number of runs and of those already recorded, returns who is told how runs get on.
    retry_failed : bool
        Also execute runs again that failed.

    Raises
    ------
    InputError
        If images cannot be had or do not fit the study, or a record or checkpoint is damaged.
    """
    if resources.data is not None:
        existing(resources.data, "the data folder")
    store, specs = Store(resources.store), study.runs()
    executor = resources.executor(len(specs))
    records = {spec.run_id: store.read_record(spec.run_id) for spec in specs}
    again = [run for run, record in records.items() if retry_failed and record and record["status"] == "failed"]
    pending = [spec for spec in specs if records[spec.run_id] is None or spec.run_id in again]
    if pending:
        # Missing or unfit images are found, and downloaded, once and before any process starts.
        check_images(study.baseline, study.baseline.images.load(resources.data))
    for spec in pending:
        store.checkpoint_content(spec.run_id)
    for run_id in again:
        store.remove_record(run_id)
    store.write_manifest(study.name, study.manifest())
    if pending:
        executor.run(pending, watch(len(specs), len(specs) - len(pending)))
