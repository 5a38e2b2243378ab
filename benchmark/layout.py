"""Where things are in a store, and what makes a record whole; shared by those who write and those who analyse."""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

SCHEMA = 1
"""Version of records and manifests."""


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


def record_checksum(record: Mapping[str, Any]) -> str:
    """Return the SHA-256 of a record without its checksum, in hexadecimal."""
    content = {key: value for key, value in record.items() if key != "checksum"}
    return hashlib.sha256(json.dumps(content, sort_keys=True, separators=(",", ":")).encode()).hexdigest()
