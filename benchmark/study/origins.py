"""Which code made a record, and whether it is the present one."""

from collections import defaultdict
from collections.abc import Iterable

from supernet_bench.benchmark.plugins.digests import digest
from supernet_bench.benchmark.plugins.registry import KINDS, plugin_types
from supernet_bench.benchmark.study.spec import RunSpec
from supernet_bench.records.run import RunRecord


def code_of(spec: RunSpec) -> dict[str, str]:
    """Return the digest of each plug-in that has a part in a run, by what it is and its name."""
    kinds: dict[str, type] = {f"heuristic {each.name}": type(each) for each in spec.active_heuristics()}
    kinds |= {f"space {spec.space.name}": type(spec.space), f"images {spec.images.name}": type(spec.images)}
    return {name: digest(kinds[name]) for name in sorted(kinds)}


def changed(record: RunRecord) -> list[str]:
    """Return which plug-ins that had a part in a record have other code now, or are no longer there."""
    code = record.execution.code if record.execution else None
    return [name for name, made_by in (code or {}).items() if made_by != _present(name)]


def notes(records: Iterable[RunRecord], study: str) -> list[str]:
    """Return a line for each plug-in whose code made records and is another now, and one for records that do not say.

    Parameters
    ----------
    records : iterable of RunRecord
        Those of a study.
    study : str
        What to execute to make them again.
    """
    total, silent = 0, 0
    of: defaultdict[str, int] = defaultdict(int)
    for record in records:
        total += 1
        # Nothing at all is known of a run that was killed each time.
        silent += record.execution is not None and record.execution.code is None
        for name in changed(record):
            of[name] += 1
    again = f"`supernet-bench run {study} --redo` makes them again"
    lines = [
        f"{count} of {total} records were made by other code of {name}; {again}"
        if _present(name)
        else f"{count} of {total} records were made by code of {name}, which is not there now; if it is in a file of "
        "your own, name that by --plugin"
        for name, count in sorted(of.items())
    ]
    if silent:
        lines.append(f"{silent} of {total} records do not say which code of plug-ins made them")
    return lines


def _present(name: str) -> str | None:
    """Return the digest of the plug-in of a name in a record, or None if there is none."""
    what, _, own = name.partition(" ")
    kind = plugin_types(what).get(own) if what in KINDS else None
    return None if kind is None else digest(kind)
