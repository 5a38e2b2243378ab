"""Where things are in a store."""

import re
from pathlib import Path

RUN_ID = re.compile(r"\w+")
"""An id of a run is one word; copies that other programs make of its files have names of several."""


def record_path(store: Path, run_id: str) -> Path:
    """Return where the record of a run is."""
    return store / "runs" / f"{run_id}.json"


def manifest_path(store: Path, study: str) -> Path:
    """Return where it is written which runs make up a study."""
    return store / "studies" / f"{study}.json"


def reference_path(store: Path, space: str) -> Path:
    """Return where the published accuracies and the costs of a space are."""
    return store / "spaces" / f"{space}.parquet"


def checkpoint_path(store: Path, run_id: str) -> Path:
    """Return where the latest state of an unfinished run is."""
    return store / "checkpoints" / f"{run_id}.pt"


def lease_path(store: Path, run_id: str, generation: int) -> Path:
    """Return where it is written who executes a run; whoever takes over from another is the next generation."""
    return store / "leases" / f"{run_id}.{generation}.json"


def damaged_path(store: Path, name: str) -> Path:
    """Return where a damaged file is kept under a new name."""
    return store / "damaged" / name


def superseded_path(store: Path, name: str) -> Path:
    """Return where a record is kept under a new name whose run is done again with other code."""
    return store / "superseded" / name


def proxy_path(store: Path, key: str) -> Path:
    """Return where the scores of a proxy are, by the key of what determines them."""
    return store / "proxies" / f"{key}.json"
