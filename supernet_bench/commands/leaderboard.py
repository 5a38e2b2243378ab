"""``supernet-bench leaderboard``: what ranks architectures best, over several studies."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from supernet_bench.commands._command import Command, argument
from supernet_bench.commands._options import (
    DATA_HELP,
    PLUGIN_HELP,
    REPORTS,
    REPORTS_HELP,
    STORE,
    STORE_HELP,
)
from supernet_bench.commands._plugins import use
from supernet_bench.commands._progress import progress_shown
from supernet_bench.commands._stored import reference_from
from supernet_bench.core.errors import InputError
from supernet_bench.core.files import is_litter

if TYPE_CHECKING:
    from supernet_bench.analysis.effects.pairs import ComparedStudy
    from supernet_bench.core.progress import Progress

FOLDER = "leaderboard"


@dataclass(frozen=True)
class Options:
    """Which studies are brought together."""

    studies: list[str] | None = field(
        default=None,
        metadata=argument("Studies of the store, or folders of published ones; all of the store.", "STUDY..."),
    )
    store: Path = field(default=STORE, metadata=STORE_HELP)
    reports: Path = field(default=REPORTS, metadata=REPORTS_HELP)
    data: Path | None = field(default=None, metadata=DATA_HELP)
    plugin: list[Path] | None = field(default=None, metadata=PLUGIN_HELP)


def leaderboard(options: Options) -> None:
    """Put levels, imported scores and references of several studies in one table and one picture, the best first."""
    from supernet_bench.analysis.effects.leaderboard import boards
    from supernet_bench.analysis.pages.leaderboard import leaderboard_text, write_leaderboard

    use(options.plugin)
    names = list(dict.fromkeys(options.studies or _stored(options.store)))
    with progress_shown() as progress:
        found = boards([study for name in names for study in _read(name, options, progress)])
        written = write_leaderboard(found, options.reports / FOLDER)
    print(leaderboard_text(found), end="\n\n")
    print(f"wrote {len(written)} files to {options.reports / FOLDER}")


COMMAND = Command("leaderboard", Options, leaderboard)


def _stored(store: Path) -> list[str]:
    """Return the names of all studies in a store; raise InputError if there is none."""
    from supernet_bench.records.layout import manifest_path

    found = (path for path in manifest_path(store, "").parent.glob("*.json") if not is_litter(path.name))
    names = sorted(path.stem for path in found if path.stem)
    if not names:
        raise InputError(f"store {store} has no study; allowed: a store with studies, or folders of published ones")
    return names


def _read(name: str, options: Options, progress: "Progress") -> "Iterator[ComparedStudy]":
    """Yield a study, from the folder that it was published in or from the store."""
    from supernet_bench.analysis.effects.pairs import read_study
    from supernet_bench.records.archive import MANIFEST, is_published, unpack
    from supernet_bench.records.manifest import read_published_manifest

    write_reference, folder = reference_from(options.data), Path(name)
    if is_published(folder):
        with unpack(folder) as store:
            study = read_published_manifest(folder / MANIFEST).study
            write_reference(store, study)
            yield read_study(store, study, progress)
        return
    write_reference(options.store, name)
    yield read_study(options.store, name, progress)
