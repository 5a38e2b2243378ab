"""Publishing, checking and comparing studies, for whoever calls it: the command line, or a program."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from supernet_bench.analysis.pages.agreement import compared, read_study, write_agreement
from supernet_bench.analysis.pages.index import check_index, index, write_index
from supernet_bench.analysis.publishing.check import differences
from supernet_bench.analysis.publishing.provenance import check_table, other_versions
from supernet_bench.analysis.publishing.publish import publish, write_pages
from supernet_bench.analysis.results import load_results
from supernet_bench.core.errors import InputError
from supernet_bench.core.folders import check_sums
from supernet_bench.records.archive import AGREEMENT, opened

Tell = Callable[[str], None]

WriteReference = Callable[[Path, str], object]
"""Given a store and the name of a study in it, has the store hold the published accuracies that it is compared with."""


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


def publish_study(store: Path, study: str, results: Path, on_progress: Tell | None = None) -> tuple[Path, ...]:
    """Write a study with all its records and its report below `results`, and the index of all; return what was written.

    Raises
    ------
    InputError
        If something in the store or among what is published is damaged, or another study is published by that name.
    """
    index(results, without=study)  # What is damaged there is refused before anything is replaced.
    return (*publish(store, study, results, on_progress=on_progress), write_index(results))


def check_study(
    study: str,
    results: Path,
    write_reference: WriteReference,
    verify: Callable[[Path], Iterable[str]],
    on_progress: Tell | None = None,
) -> Comparison:
    """Rebuild the pages of a published study from its records, and compare; write nothing.

    Parameters
    ----------
    study : str
    results : Path
        Folder of the published studies.
    write_reference : callable
    verify : callable
        Given a store with the records, yields a line for each run that is not what the suite would run.
    on_progress : callable, optional
        Given one line now and then.
    """
    with _opened(results, study, write_reference) as store, TemporaryDirectory() as temporary:
        lines = [f"{results / study}: {line}" for line in verify(store)]
        write_pages(load_results(store, study), Path(temporary), on_progress=on_progress, pictures=False)
        return _compare(results / study, Path(temporary), results, [study], lines)


def compare_studies(
    studies: Sequence[str], results: Path, write_reference: WriteReference, on_progress: Tell | None = None
) -> tuple[Path, ...]:
    """Say whether the effects in one published study predict those in another; return what was written."""
    _check_several(studies)
    index(results, without=AGREEMENT)
    return (
        *_write_agreement(studies, results, results / AGREEMENT, write_reference, on_progress),
        write_index(results),
    )


def check_comparison(
    studies: Sequence[str], results: Path, write_reference: WriteReference, on_progress: Tell | None = None
) -> Comparison:
    """Compare studies again, all that were compared where none is named, and compare that; write nothing."""
    names = studies or compared(results / AGREEMENT)
    _check_several(names)
    with TemporaryDirectory() as temporary:
        _write_agreement(names, results, Path(temporary) / AGREEMENT, write_reference, on_progress)
        return _compare(results / AGREEMENT, Path(temporary) / AGREEMENT, results, names)


def _check_several(studies: Sequence[str]) -> None:
    if len(set(studies)) < 2:
        raise InputError(f"studies are {', '.join(studies) or 'none'}; allowed: at least two published ones")


@contextmanager
def _opened(results: Path, study: str, write_reference: WriteReference) -> Iterator[Path]:
    """Give a store with a published study and the published accuracies that it was published with."""
    with opened(results / study) as store:
        write_reference(store, study)
        check_table(results / study, store, study)
        yield store


def _write_agreement(
    studies: Sequence[str], results: Path, folder: Path, write_reference: WriteReference, on_progress: Tell | None
) -> tuple[Path, ...]:
    read = []
    for study in dict.fromkeys(studies):
        with _opened(results, study, write_reference) as store:
            read.append(read_study(store, study, on_progress=on_progress))
    return write_agreement(read, folder, on_progress=on_progress)


def _compare(
    committed: Path, rebuilt: Path, results: Path, studies: Sequence[str], others: Sequence[str] = ()
) -> Comparison:
    """Return what differs, also in the index, and which versions may be why."""
    lines = [*check_sums(committed), *others, *differences(committed, rebuilt)]
    try:
        lines += check_index(results)
    except InputError as error:
        lines.append(f"the index cannot be checked: {error}")
    hints = (other_versions(results / study) for study in dict.fromkeys(studies)) if lines else ()
    files = sum(path.is_file() and path.suffix in (".md", ".csv") for path in rebuilt.rglob("*"))
    return Comparison(tuple(dict.fromkeys(lines)), tuple(dict.fromkeys(filter(None, hints))), files + 1)
