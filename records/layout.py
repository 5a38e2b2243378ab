"""Where things are in a store, what makes a record whole, and how older ones are read.

Shared by those who write and those who analyse.
"""

import hashlib
import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from supernet_bench.core.errors import InputError

SCHEMA = 2
"""Version of records and manifests; `STEPS` says what each one changed."""


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


def record_checksum(record: Mapping[str, Any]) -> str:
    """Return the SHA-256 of a record or a manifest without its checksum, in hexadecimal.

    It is the same in every schema, so that a newer record is told from a damaged one.
    """
    content = {key: value for key, value in record.items() if key != "checksum"}
    return hashlib.sha256(json.dumps(content, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def upgrade(content: Mapping[str, Any], path: Path) -> dict[str, Any]:
    """Return a record or a manifest of this or an older schema in the form of this one.

    Parameters
    ----------
    content : mapping
        As it was written.
    path : Path
        Where it comes from, for messages.

    Raises
    ------
    InputError
        If its schema is a newer one, or none.
    """
    upgraded, schema = dict(content), content.get("schema")
    if type(schema) is not int or not 1 <= schema <= SCHEMA:
        newer = type(schema) is int and schema > SCHEMA
        remedy = "; a newer version of supernet-bench wrote it" if newer else ""
        raise InputError(f"{path} has schema {schema!r}; allowed: 1 to {SCHEMA}{remedy}")
    for step in range(schema, SCHEMA):
        upgraded = {**STEPS[step](upgraded), "schema": step + 1}
    return upgraded


def _memory_was_not_measured(content: dict[str, Any]) -> dict[str, Any]:
    """Schema 2 says how much memory a run took; manifests are the same."""
    execution = content.get("execution")
    if not execution or not isinstance(execution, dict):  # Nothing is known of a run that was killed every time.
        return content
    return {**content, "execution": {**execution, "peak_memory_bytes": None, "peak_device_bytes": None}}


STEPS = {1: _memory_was_not_measured}
"""What makes content of each schema one of the next."""
