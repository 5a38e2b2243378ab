"""What programs call: a study run, read and checked as the command line does it, without what that prints."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from supernet_bench.analysis.results import Results
    from supernet_bench.benchmark.plugins.plugin_file import PluginFile
    from supernet_bench.benchmark.study.study import Study


def run(
    study: "Study", store: Path | str = "store", *, retry_failed: bool = False, redo: bool = False, **resources: Any
) -> list[str]:
    """Execute the runs of a study that have no record yet; a line on standard error tells of each.

    Parameters
    ----------
    study : Study
        As `load_study` returns it.
    store : Path or str
        Folder of the records.
    retry_failed, redo : bool
        Also execute runs again that failed, or whose records were made by other code of a plug-in.
    **resources
        The fields of `supernet_bench.benchmark.execution.Resources` other than the store, such as ``device``,
        ``jobs`` and ``threads``.

    Returns
    -------
    list of str
        The ids of the runs that failed.

    Raises
    ------
    InputError
        If something does not exist or fit; nothing has been trained then.
    """
    from supernet_bench.benchmark.execution import Resources, failed_runs, run_study
    from supernet_bench.commands._progress import Lines

    with _own_main():
        run_study(
            study,
            Resources(store=Path(store), **resources),
            Lines(study.name, Path(store)),
            retry_failed=retry_failed,
            redo=redo,
        )
    return failed_runs(study, Path(store))


@contextmanager
def _own_main() -> Iterator[None]:
    """Hide the caller's script from processes that are started: each would execute it again, this call included."""
    script = sys.modules["__main__"]
    sys.modules["__main__"] = ModuleType("__main__")
    try:
        yield
    finally:
        sys.modules["__main__"] = script


def load_results(
    study: str, store: Path | str = "store", target: str | None = None, data: Path | str | None = None
) -> "Results":
    """Read what a store has of a study, as tidy frames.

    Parameters
    ----------
    study : str
        Its name.
    store : Path or str
        Folder of the records; the published accuracies are written there as well, unless it has them.
    target : str, optional
        Column of published accuracies to compare with; otherwise the study's own.
    data : Path or str, optional
        Folder with published tables.

    Raises
    ------
    InputError
        If the store has no such study, or something in it is damaged.
    """
    from supernet_bench.analysis.results import load_results as load
    from supernet_bench.benchmark.study.reference import ensure_reference
    from supernet_bench.records.manifest import read_manifest

    folder = Path(store)
    ensure_reference(folder, read_manifest(folder, study).space, None if data is None else Path(data))
    return load(folder, study, target)


def check_plugin(file: Path | str) -> Iterator[str]:
    """Examine the plug-ins in a file of Python, run them on small tasks, and yield a line for each fault.

    The plug-ins of this file alone are in use meanwhile; afterwards, those are that were before.

    Raises
    ------
    InputError
        If it cannot be read.
    """
    from supernet_bench.benchmark.plugins.plugin_file import read_plugin_file

    return _faults(read_plugin_file(Path(file)))


def _faults(file: "PluginFile") -> Iterator[str]:
    from supernet_bench.benchmark.plugins.registry import admit_files, files_in_use
    from supernet_bench.testing.check import findings

    before = files_in_use()
    try:
        yield from admit_files([file])
        yield from findings(file)
    finally:
        admit_files(before)
