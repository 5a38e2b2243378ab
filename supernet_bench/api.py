"""What programs call: a study run, read and checked as the command line does it, without what that prints."""

import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd

    from supernet_bench.analysis.results import Results
    from supernet_bench.benchmark.plugins.plugin_file import PluginFile
    from supernet_bench.benchmark.study.study import Study
    from supernet_bench.images.base import ImageSource
    from supernet_bench.spaces.base import TrainableSpace


def run(
    study: "Study", store: Path | str = "store", *, retry_failed: bool = False, redo: bool = False, **resources: Any
) -> list[str]:
    """Execute the runs of a study that have no record yet, a line on standard error each, and score by its proxies.

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
    from supernet_bench.benchmark.proxies.study import ensure_proxies
    from supernet_bench.commands._progress import Lines

    given, progress = Resources(store=Path(store), **resources), Lines(study.name, Path(store))
    with _own_main():
        run_study(study, given, progress, retry_failed=retry_failed, redo=redo)
        ensure_proxies(study, given, progress)
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


def proxy_scores(
    space: "TrainableSpace",
    images: "ImageSource",
    proxies: Iterable[str] | None = None,
    store: Path | str = "store",
    architectures: Iterable[int] | None = None,
    data: Path | str | None = None,
    jobs: int | None = None,
) -> "pd.DataFrame":
    """Score architectures by zero-cost proxies, which the store keeps: what it has is not computed again.

    Parameters
    ----------
    space : TrainableSpace
        With the settings of its networks, as in ``NasBench201(width=8, cells=1)``.
    images : ImageSource
        Of whose training images networks are looked at with 64.
    proxies : iterable of str, optional
        Names; all that there are unless given.
    store : Path or str
        Folder of the records.
    architectures : iterable of int, optional
        Their numbers; the whole space unless given.
    data : Path or str, optional
        Folder with images.
    jobs : int, optional
        Processes at once; as many as there are cores unless given.

    Returns
    -------
    DataFrame
        A column per proxy, higher is better, by the number of the architecture; minus infinity is worse than all.

    Raises
    ------
    InputError
        If there is no such proxy or architecture, or the images cannot be had.
    """
    import pandas as pd

    from supernet_bench.benchmark.plugins.registry import find, proxy_types
    from supernet_bench.benchmark.proxies.study import score_space
    from supernet_bench.commands._progress import progress_shown

    known = proxy_types()
    made = [find("proxy", name, known)() for name in (known if proxies is None else proxies)]
    numbers = None if architectures is None else sorted(set(architectures))
    folder = None if data is None else Path(data)
    with _own_main(), progress_shown() as progress:
        found = score_space(space, images, made, Path(store), numbers, data=folder, processes=jobs, progress=progress)
    columns = {each.task.name: pd.Series(each.scores, dtype=float) for each in found}
    return pd.DataFrame(columns).rename_axis("architecture").sort_index()


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
