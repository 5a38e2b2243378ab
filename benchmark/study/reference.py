"""Making the reference table of a space, so that reports need the store alone."""

from pathlib import Path

import pandas as pd

from supernet_bench.benchmark.plugins.registry import find, space_types
from supernet_bench.records.layout import reference_path
from supernet_bench.records.reference import write_table
from supernet_bench.spaces.base import Space


def write_reference(space: Space, store: Path, folder: Path | None = None) -> Path:
    """Write the costs and the published accuracies of all architectures to the store.

    Parameters
    ----------
    space : Space
    store : Path
        Folder of the store.
    folder : Path, optional
        Where the user keeps data.

    Returns
    -------
    Path
        ``spaces/<space>.parquet`` in the store; see `supernet_bench.records.reference`.

    Raises
    ------
    InputError
        If no table of published accuracies can be had.
    OSError
        If the store cannot be written.
    """
    return write_table(store, reference_table(space, folder))


def reference_table(space: Space, folder: Path | None = None) -> pd.DataFrame:
    """Return the costs and the published accuracies of all architectures; see `write_reference`."""
    truth, costs = space.truth(folder), space.published_costs()
    table = pd.DataFrame(
        {
            "index": range(space.size),
            "architecture": [space.text(space.architecture(index)) for index in range(space.size)],
            "isomorphism": space.isomorphism(),
            "parameters": costs.parameters,
            "macs": costs.macs,
            **truth.columns,
        }
    )
    table.attrs = {
        "space": space.name,
        "table": truth.table,
        "target": truth.target,
        "left_out": truth.left_out,
    }
    return table


def ensure_reference(store: Path, space_name: str, folder: Path | None = None) -> Path:
    """Write the reference table of a space unless the store has it, so that a report needs the store alone."""
    path = reference_path(store, space_name)
    if path.exists():
        return path
    return write_reference(find("space", space_name, space_types())(), store, folder)
