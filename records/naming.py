"""A name that stands for two studies: what a store has under it, and the one that is given."""

from dataclasses import replace
from pathlib import Path

from supernet_bench.benchmark.study.study import Study
from supernet_bench.core.errors import InputError
from supernet_bench.core.output import say
from supernet_bench.records.damage import unless_damaged
from supernet_bench.records.manifests import differences, other_runs, shortened
from supernet_bench.records.store import Store


def check_continued(study: Study, store: Store) -> None:
    """Refuse to replace another study of the same name; of the same study, say on standard error what changes.

    It is the same if all levels that both have are the same runs, the baseline among them, whatever their seeds.

    Raises
    ------
    InputError
        If the store has another study of that name, or of one that only its case tells from it.
    """
    store.check_name(study.name)
    path = store.manifest_path(study.name)
    stored = unless_damaged(store.folder, lambda: store.read_manifest(study.name))
    if stored is None:
        return
    other = other_runs(stored, replace(study, seeds=tuple(stored["seeds"])).manifest())
    if other:
        raise InputError(
            f"study {study.name!r} has other runs of {shortened(other)} than what was run under its name, {path}; "
            "allowed: another name, another --store, or to remove that manifest"
        )
    found = differences(stored, study.manifest(), "now")
    if found:
        say(f"{path} is replaced: {'; '.join(found)}")


def check_stored(study: Study, folder: Path, where: Path | None = None) -> None:
    """Raise InputError if a store has something else than the given study under its name; to have nothing is allowed.

    Parameters
    ----------
    study : Study
    folder : Path
        Folder of the store.
    where : Path, optional
        Where the store comes from, for the message.
    """
    store = Store(folder)
    stored = store.read_manifest(study.name)
    found = differences(stored, study.manifest(), "given") if stored else []
    if found:
        raise InputError(
            f"{where or store.manifest_path(study.name)} is not study {study.name!r} as it is given: "
            f"{'; '.join(found)}; allowed: what was run last under that name, or the name alone for what is there"
        )
