"""What imported scores are compared with: the table of their space, in a store or in memory."""

from pathlib import Path

import pandas as pd

from supernet_bench.benchmark.plugins.registry import find, space_types
from supernet_bench.benchmark.study.reference import reference_table
from supernet_bench.records.layout import reference_path
from supernet_bench.records.reference import choose_target, read_reference, write_table
from supernet_bench.spaces.base import Space


def spaces_for(name: str) -> tuple[Space, dict[str, Space]]:
    """Return the space of a name, and all others by theirs; raise InputError if there is none."""
    space = find("space", name, space_types())()
    return space, {other: kind() for other, kind in space_types().items() if other != name}


def store_reference(space: Space, store: Path, target: str | None, data: Path | None) -> None:
    """Have a store hold the published accuracies of a space, if they have the column that is wanted."""
    path = reference_path(store, space.name)
    if path.exists():
        choose_target(read_reference(store, space.name), target)
        return
    table = reference_table(space, data)
    choose_target(table, target)
    write_table(store, table)


def reference_of(space: Space, data: Path | None = None) -> pd.DataFrame:
    """Return the published accuracies of a space, indexed by the number of the architecture, without a store."""
    return reference_table(space, data).set_index("index")
