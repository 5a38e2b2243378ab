"""Publishing, checking and comparing studies, for whoever calls it: the command line, or a program."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from supernet_bench.analysis.effects.pairs import read_study
from supernet_bench.analysis.findings import read_pair_findings
from supernet_bench.analysis.pages.agreement import conclusion
from supernet_bench.analysis.publishing.agreement import compared, write_agreement
from supernet_bench.analysis.publishing.check import differences
from supernet_bench.analysis.publishing.overview import check_overview, compose, write_overview
from supernet_bench.analysis.publishing.provenance import check_table, other_versions
from supernet_bench.analysis.publishing.publish import publish, write_pages
from supernet_bench.analysis.results import load_results
from supernet_bench.core.errors import InputError
from supernet_bench.core.folders import check_sums
from supernet_bench.core.progress import SILENT, Progress
from supernet_bench.records.archive import AGREEMENT, unpack

WriteReference = Callable[[Path, str], object]
"""Given a store and the name of a study in it, has the store hold the published accuracies that it is compared with."""

COMPARED = (".md", ".csv", ".json")
"""Files that are rebuilt and compared; of plots, the checksums are."""


@dataclass(frozen=True)
class Comparison:
    """How what is published differs from what its records make now.

    Attributes
    ----------
    differences : tuple of str
        One line each.
    hints : tuple of str
        Which versions may be why.
    files : int
        How many were compared.
    """

    differences: tuple[str, ...]
    hints: tuple[str, ...]
    files: int


def publish_study(store: Path, study: str, results: Path, progress: Progress = SILENT) -> tuple[Path, ...]:
    """Write a study with all its records and its report below `results`, and the pages about all studies.

    Returns
    -------
    tuple of Path
        What was written.

    Raises
    ------
    InputError
        If something in the store or among what is published is damaged, or another study is published by that name.
    """
    compose(results, without=study)  # What is damaged there is refused before anything is replaced.
    return (*publish(store, study, results, progress), *write_overview(results))


def check_study(
    study: str,
    results: Path,
    write_reference: WriteReference,
    verify: Callable[[Path], Iterable[str]],
    progress: Progress = SILENT,
) -> Comparison:
    """Rebuild the pages of a published study from its records, and compare; write nothing.

    Parameters
    ----------
    study : str
        Its name.
    results : Path
        Folder of the published studies.
    write_reference : callable
        See `WriteReference`.
    verify : callable
        Given a store with the records, yields a line for each that is not of what the suite would run.
    progress : Progress
    """
    with _opened(results, study, write_reference) as store, TemporaryDirectory() as temporary:
        lines = [f"{results / study}: {line}" for line in verify(store)]
        write_pages(load_results(store, study), Path(temporary), progress, pictures=False)
        return _compare(results / study, Path(temporary), results, [study], lines)


def compare_studies(
    studies: Sequence[str], results: Path, write_reference: WriteReference, progress: Progress = SILENT
) -> tuple[Path, ...]:
    """Write how the effects in every published study agree with those in every later one; return what was written."""
    names = _several(studies)
    compose(results, without=AGREEMENT)
    written = _write_agreement(names, results, results / AGREEMENT, write_reference, progress)
    return (*written, *write_overview(results))


def conclusions(results: Path) -> dict[str, str]:
    """Return in one sentence each what a user may conclude from one study about another, by both names."""
    return {pair.name: conclusion(pair) for pair in read_pair_findings(results / AGREEMENT)}


def check_comparison(
    studies: Sequence[str], results: Path, write_reference: WriteReference, progress: Progress = SILENT
) -> Comparison:
    """Compare studies again, all that were compared where none is named, and compare that; write nothing."""
    names = _several(studies or compared(results / AGREEMENT))
    with TemporaryDirectory() as temporary:
        _write_agreement(names, results, Path(temporary) / AGREEMENT, write_reference, progress)
        return _compare(results / AGREEMENT, Path(temporary) / AGREEMENT, results, names)


def _several(studies: Sequence[str]) -> list[str]:
    names = list(dict.fromkeys(studies))
    if len(names) < 2:
        raise InputError(f"studies are {', '.join(names) or 'none'}; allowed: at least two published ones")
    return names


@contextmanager
def _opened(results: Path, study: str, write_reference: WriteReference) -> Iterator[Path]:
    """Give a store with a published study and the published accuracies that it was published with."""
    with unpack(results / study) as store:
        write_reference(store, study)
        check_table(results / study, store, study)
        yield store


def _write_agreement(
    studies: Sequence[str], results: Path, folder: Path, write_reference: WriteReference, progress: Progress
) -> tuple[Path, ...]:
    read = []
    for study in studies:
        with _opened(results, study, write_reference) as store:
            read.append(read_study(store, study, progress))
    return write_agreement(read, folder, progress=progress)


def _compare(
    committed: Path, rebuilt: Path, results: Path, studies: Sequence[str], others: Sequence[str] = ()
) -> Comparison:
    """Return what differs, also in the pages about all studies, and which versions may be why."""
    lines = [*check_sums(committed), *others, *differences(committed, rebuilt)]
    try:
        lines += check_overview(results)
    except InputError as error:
        lines.append(f"the index cannot be checked: {error}")
    hints = (other_versions(results / study) for study in studies) if lines else ()
    files = sum(path.is_file() and path.suffix in COMPARED for path in rebuilt.rglob("*"))
    return Comparison(tuple(dict.fromkeys(lines)), tuple(dict.fromkeys(filter(None, hints))), files + 1)
