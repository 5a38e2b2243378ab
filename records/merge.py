"""Bringing stores together that were filled apart, on machines that share no folder."""

import io
import json
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any

from supernet_bench.core.errors import InputError
from supernet_bench.core.files import is_litter, read_if_there, resolved, write_atomically
from supernet_bench.core.output import say
from supernet_bench.records import layout
from supernet_bench.records.archive import is_published, opened
from supernet_bench.records.damage import Damaged, unless_damaged
from supernet_bench.records.leases import Held, take
from supernet_bench.records.manifests import other_runs, parse_manifest
from supernet_bench.records.store import Store, parse_checkpoint, parse_record

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
        For records, checkpoints, manifests and tables, how many files of the sources had each of `OUTCOMES`.

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
        stores = [stack.enter_context(opened(source)) if is_published(source) else source for source in sources]
        return _merge_stores(stores, Store(destination))


def _merge_stores(sources: Sequence[Path], store: Store) -> dict[str, Counter[str]]:
    counts = {}
    # Records come first: they make checkpoints needless, and tell whether manifests belong together.
    for kind, folder, merge_one in (
        ("records", "runs/*.json", _merge_record),
        ("checkpoints", "checkpoints/*.pt", _merge_checkpoint),
        ("manifests", "studies/*.json", _merge_manifest),
        ("tables", "spaces/*.parquet", _merge_table),
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


def _compare(mine: dict[str, Any] | None, theirs: dict[str, Any]) -> str:
    if mine is None:
        return "new"
    if mine["status"] != "finished" and theirs["status"] == "finished":
        return "updated"
    both_finished = mine["status"] == theirs["status"] == "finished"
    return "different" if both_finished and _result(mine) != _result(theirs) else "known"


def _result(record: dict[str, Any]) -> str:
    """Return what the spec of a run determines, as a text: numbers that are none are not equal to themselves."""
    return json.dumps({key: value for key, value in record.items() if key != "execution"}, sort_keys=True)


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
    theirs, mine_path = parse_manifest(content, path), layout.manifest_path(store.folder, path.stem)
    store.check_name(path.stem)
    mine = _usable(mine_path, store, parse_manifest)
    if mine is None:
        write_atomically(mine_path, content)
        return "new"
    united = _unite(mine, theirs, store)
    if united is None or united == mine:
        return "different" if united is None else "known"
    store.write_manifest(path.stem, united)
    return "updated"


def _cells(manifest: dict[str, Any]) -> dict[tuple[str, str, int], str]:
    """Return the run of each factor, level and seed."""
    return {(run["factor"], run["level"], run["seed"]): run["run_id"] for run in manifest["runs"]}


def _unite(mine: dict[str, Any], theirs: dict[str, Any], store: Store) -> dict[str, Any] | None:
    """Return the manifest of the study with the seeds of both, or None if it is not the same study."""
    one, other = _without_grids(mine), _without_grids(theirs)
    if any(one.get(key) != other.get(key) for key in {*one, *other} - {"seeds", "runs"}):
        return None
    factors = _united_factors(mine.get("factors"), theirs.get("factors"))
    if factors is None:
        return None
    cells, added = _cells(mine), _cells(theirs)
    if other_runs(mine, theirs):
        return None
    new = [run for run in theirs["runs"] if (run["factor"], run["level"], run["seed"]) not in cells]
    if new and not _same_levels({**cells, **added}, store):
        return None
    seeds = [*mine["seeds"], *(seed for seed in theirs["seeds"] if seed not in mine["seeds"])]
    return {**mine, **factors, "seeds": seeds, "runs": [*mine["runs"], *new]}


def _without_grids(manifest: dict[str, Any]) -> dict[str, Any]:
    """Return a manifest as older ones are, which do not say what a level of a grid combines."""
    factors = [
        {**factor, "levels": [{key: level[key] for key in level if key != "cell"} for level in factor["levels"]]}
        for factor in manifest.get("factors", [])
    ]
    return {**manifest, "factors": factors}


def _united_factors(mine: Any, theirs: Any) -> dict[str, Any] | None:
    """Return the factors of manifests that are else the same, with what levels combine; None if that differs."""
    ours, others = ([level for factor in part or [] for level in factor["levels"]] for part in (mine, theirs))
    if any("cell" in a and "cell" in b and a["cell"] != b["cell"] for a, b in zip(ours, others, strict=True)):
        return None
    fuller = theirs if sum("cell" in level for level in others) > sum("cell" in level for level in ours) else mine
    return {} if fuller is None else {"factors": fuller}


def _same_levels(cells: dict[tuple[str, str, int], str], store: Store) -> bool:
    """Return whether by the records every level has one spec, but for the seed."""
    specs = defaultdict(set)
    for (factor, level, _), run_id in cells.items():
        with suppress(InputError):
            record = store.read_record(run_id)
            if record is not None:
                specs[factor, level].add(json.dumps({**record["spec"], "seed": None}, sort_keys=True))
    return all(len(found) == 1 for found in specs.values())


def _merge_table(content: bytes, path: Path, store: Store) -> str:
    mine_path = layout.reference_path(store.folder, path.stem)
    theirs, mine = _parse_table(content, path), _usable(mine_path, store, _parse_table)
    if mine is None:
        write_atomically(mine_path, content)
        return "new"
    return "known" if mine.equals(theirs) and mine.attrs == theirs.attrs else "different"


def _parse_table(content: bytes, path: Path) -> Any:
    import pandas as pd

    try:
        return pd.read_parquet(io.BytesIO(content), page_checksum_verification=True)
    except (ImportError, MemoryError):  # It is not the file.
        raise
    except Exception as error:  # What a foreign file makes pyarrow raise is not specified.
        raise Damaged(path, " ".join(f"it is no Parquet ({error})".split())) from error


def _usable(path: Path, store: Store, parse: Callable[[bytes, Path], Any]) -> Any:
    """Return the destination's own file, or None if there is none or a damaged one was set aside."""
    content = read_if_there(path)
    return None if content is None else unless_damaged(store.folder, lambda: parse(content, path))
