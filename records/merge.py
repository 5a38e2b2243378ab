"""Bringing stores together that were filled apart, on machines that share no folder."""

import json
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import TypeVar

from supernet_bench.core.errors import InputError
from supernet_bench.core.files import is_litter, read_if_there, resolved, write_atomically
from supernet_bench.core.output import say
from supernet_bench.records import layout
from supernet_bench.records.archive import is_published, unpack
from supernet_bench.records.damage import Damaged, unless_damaged
from supernet_bench.records.imported import without_seed
from supernet_bench.records.leases import Held, take
from supernet_bench.records.manifest import Manifest, parse_stored_manifest
from supernet_bench.records.proxies import parse_scores, write_scores
from supernet_bench.records.reference import parse_reference
from supernet_bench.records.run import RunRecord, parse_record
from supernet_bench.records.store import Store, parse_checkpoint

T = TypeVar("T")

OUTCOMES = ("new", "updated", "known", "different", "skipped")
"""What may become of a file: ``different`` means that the destination's was kept, ``skipped`` that it is unusable."""


def merge(sources: Sequence[Path], destination: Path) -> dict[str, Counter[str]]:
    """Copy into one store what others have that it lacks.

    Every file is checked before it is copied, and appears whole or not at all; what cannot be used is named on
    standard error and skipped. To merge again changes nothing. Sources are never changed. The destination may be in
    use; what belongs to a run that is being executed there is skipped.

    A finished record replaces a failed one. Of two finished records whose results differ, which should not be but on
    other hardware or versions can, the destination's stays, and the run is named; how and where a run was executed is
    no result. A checkpoint is taken only where there is no record, if it is further than the one that is there.

    Manifests of one study that differ in their seeds only are united, since that is how machines share a study: each
    takes some of the seeds. If by the records a level is not the same for all seeds, or manifests differ otherwise,
    the destination's stays; ``supernet-bench run`` writes the one that belongs to its study file.

    Parameters
    ----------
    sources : sequence of Path
        Folders of stores, or of published studies.
    destination : Path
        Folder of a store; made if it does not exist.

    Returns
    -------
    dict of str to Counter
        For records, checkpoints, manifests, tables and proxies, how many files of the sources had each of `OUTCOMES`.

    Raises
    ------
    InputError
        If a source is no store, or is the destination, or a published study is damaged.
    OSError
        If a source cannot be read, or the destination cannot be written.
    """
    for source in sources:
        _check_source(source, destination)
    with ExitStack() as stack:
        stores = [stack.enter_context(unpack(source)) if is_published(source) else source for source in sources]
        return _merge_stores(stores, Store(destination))


def _merge_stores(sources: Sequence[Path], store: Store) -> dict[str, Counter[str]]:
    counts = {}
    # Records come first: they make checkpoints needless, and tell whether manifests belong together.
    for kind, folder, merge_one in (
        ("records", "runs/*.json", _merge_record),
        ("checkpoints", "checkpoints/*.pt", _merge_checkpoint),
        ("manifests", "studies/*.json", _merge_manifest),
        ("tables", "spaces/*.parquet", _merge_table),
        ("proxies", "proxies/*.json", _merge_proxy),
    ):
        files = [path for source in sources for path in sorted(source.glob(folder)) if not is_litter(path.name)]
        counts[kind] = Counter(_outcome(path, store, merge_one) for path in files)
    return counts


def _check_source(source: Path, destination: Path) -> None:
    if resolved(source) == resolved(destination):
        raise InputError(f"source is {str(source)!r}, which is the destination; allowed: another store")
    folders = ("runs", "checkpoints", "studies")
    if not any((source / folder).is_dir() for folder in folders) and not is_published(source):
        raise InputError(
            f"source is {str(source)!r}, which is no store; allowed: a folder with {', '.join(folders)}, "
            "or a published study"
        )


def _outcome(path: Path, store: Store, merge_one: Callable[[bytes, Path, Store], str]) -> str:
    try:
        outcome = merge_one(path.read_bytes(), path, store)
    except Damaged as damage:
        _say(f"{damage.path} is damaged: {damage.reason}; it was skipped")
    except (InputError, Held) as error:
        _say(f"{error}; {path} was skipped")
    except FileNotFoundError:
        if path.exists():
            raise
        _say(f"{path} is no longer there; merge again")  # The source is in use.
    else:
        if outcome == "different":
            _say(f"{path} differs from what {store.folder} has, which was kept")
        return outcome
    return "skipped"


def _say(line: str) -> None:
    say(f"warning: {line}")


def _merge_record(content: bytes, path: Path, store: Store) -> str:
    run_id, theirs = path.stem, parse_record(content, path)
    with suppress(Damaged):
        outcome = _compare(store.read_record(run_id), theirs)
        if outcome in ("known", "different"):
            return outcome
    with take(store.folder, run_id):
        outcome = _compare(store.usable_record(run_id), theirs)
        if outcome in ("new", "updated"):
            store.put_record(run_id, content)
    return outcome


def _compare(mine: RunRecord | None, theirs: RunRecord) -> str:
    if mine is None:
        return "new"
    if mine.status != "finished" and theirs.status == "finished":
        return "updated"
    both_finished = mine.status == theirs.status == "finished"
    return "different" if both_finished and _result(mine) != _result(theirs) else "known"


def _result(record: RunRecord) -> str:
    """Return what the spec of a run determines, as a text: numbers that are none are not equal to themselves."""
    return json.dumps(record.result(), sort_keys=True)


def _merge_checkpoint(content: bytes, path: Path, store: Store) -> str:
    run_id, theirs = path.stem, parse_checkpoint(content, path)
    with take(store.folder, run_id):
        if store.usable_record(run_id) is not None:
            return "known"
        mine = store.usable_checkpoint(run_id)
        if mine is not None and mine.get("epoch", 0) >= theirs.get("epoch", 0):
            return "known"
        write_atomically(store.checkpoint_path(run_id), content)
    return "new" if mine is None else "updated"


def _merge_manifest(content: bytes, path: Path, store: Store) -> str:
    theirs, mine_path = parse_stored_manifest(content, path), layout.manifest_path(store.folder, path.stem)
    store.check_name(path.stem)
    mine = _usable(mine_path, store, parse_stored_manifest)
    if mine is None:
        write_atomically(mine_path, content)
        return "new"
    united = mine.unite(theirs)
    if united is None or (united.runs != mine.runs and not _has_same_levels(united, store)):
        return "different"
    if united == mine:
        return "known"
    store.write_manifest(united)
    return "updated"


def _has_same_levels(manifest: Manifest, store: Store) -> bool:
    """Return whether by the records every level has one spec, but for the seed."""
    specs = defaultdict(set)
    for run in manifest.runs:
        with suppress(InputError):
            record = store.read_record(run.run_id)
            if record is not None:
                specs[run.factor, run.level].add(json.dumps(without_seed(record.spec), sort_keys=True))
    return all(len(found) == 1 for found in specs.values())


def _merge_table(content: bytes, path: Path, store: Store) -> str:
    mine_path = layout.reference_path(store.folder, path.stem)
    theirs, mine = parse_reference(content, path), _usable(mine_path, store, parse_reference)
    if mine is None:
        write_atomically(mine_path, content)
        return "new"
    return "known" if mine.equals(theirs) and mine.attrs == theirs.attrs else "different"


def _merge_proxy(content: bytes, path: Path, store: Store) -> str:
    """Take over scores of architectures that the destination lacks; of those that both have, its own stay."""
    theirs = parse_scores(content, path)
    mine_path = layout.proxy_path(store.folder, theirs.task.key)
    if path.stem != theirs.task.key:
        raise Damaged(path, f"it has the scores of task {theirs.task.key}")
    mine = _usable(mine_path, store, parse_scores)
    if mine is not None and mine.code != theirs.code:
        return "different"
    if mine is not None and theirs.scores.keys() <= mine.scores.keys():
        return "known"
    write_scores(store.folder, theirs if mine is None else theirs.with_scores(mine.scores))
    return "new" if mine is None else "updated"


def _usable(path: Path, store: Store, parse: Callable[[bytes, Path], T]) -> T | None:
    """Return the destination's own file, or None if there is none or a damaged one was set aside."""
    content = read_if_there(path)
    return None if content is None else unless_damaged(store.folder, lambda: parse(content, path))
