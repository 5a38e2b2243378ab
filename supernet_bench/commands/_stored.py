"""Studies in a store, as commands name them."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from supernet_bench.analysis.publishing.api import WriteReference


def stored(study: str, store: Path) -> str:
    """Return the name of a study in a store; one that is given as a file must be what the store has."""
    from supernet_bench.benchmark.study.naming import check_stored
    from supernet_bench.benchmark.study.study import is_study_file, load_study

    if not is_study_file(study):
        return study
    loaded = load_study(study)
    check_stored(loaded, store)
    return loaded.name


def reference_from(data: Path | None) -> "WriteReference":
    """Return what writes the published accuracies of a study's space to its store, unless it has them."""
    from supernet_bench.benchmark.study.reference import ensure_reference
    from supernet_bench.records.manifest import read_manifest

    return lambda store, study: ensure_reference(store, read_manifest(store, study).space, data)


def warn_of_other_code(store: Path, study: str, given: str) -> None:
    """Say which records of a study were made by other code of a plug-in than the present one.

    Parameters
    ----------
    store : Path
    study, given : str
        Its name, and what the user called it.
    """
    from supernet_bench.analysis.results import read_records
    from supernet_bench.benchmark.study.origins import notes
    from supernet_bench.records.manifest import read_manifest

    records, _ = read_records(store, read_manifest(store, study))
    for line in notes(records.values(), given):
        print(f"warning: {line}", file=sys.stderr)
