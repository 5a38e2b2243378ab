"""What the JSON files of a store have in common: a version, and a checksum that shows that they are whole."""

import hashlib
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from supernet_bench.core.errors import InputError
from supernet_bench.records.damage import Damaged

RECORD_VERSION = 3
"""Version of records and manifests, their field ``schema``; `UPGRADES` says what each one changed."""


def name_of(content: Mapping[str, Any]) -> str:
    """Return 16 hexadecimal digits that name what content determines, whatever the order of its fields."""
    return _hash(content)[:16]


def _hash(content: Mapping[str, Any]) -> str:
    return hashlib.sha256(json.dumps(content, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def checksum(content: Mapping[str, Any]) -> str:
    """Return the SHA-256 of a record or a manifest without its checksum, in hexadecimal.

    It is the same in every version, so that a newer record is told from a damaged one.
    """
    return _hash({key: value for key, value in content.items() if key != "checksum"})


def seal(content: Mapping[str, Any]) -> dict[str, Any]:
    """Return content with its checksum."""
    return {**content, "checksum": checksum(content)}


def unseal(content: bytes, path: Path, what: str, old_without_checksum: bool = False) -> dict[str, Any]:
    """Return the JSON object in a file, without its checksum, which was compared.

    Parameters
    ----------
    content : bytes
        Of the file.
    path : Path
        Where it comes from, for messages.
    what : str
        What it should be, such as ``"record"``, for messages.
    old_without_checksum : bool
        Whether it may have none, as manifests of older versions.

    Raises
    ------
    Damaged
        If it is no JSON object, or its checksum is missing or another one.
    """
    try:
        found = json.loads(content)
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict) or not ("checksum" in found or old_without_checksum):
        raise Damaged(path, f"it is no complete {what}")
    if "checksum" in found and found["checksum"] != checksum(found):
        raise Damaged(path, "its checksum differs")
    return {key: value for key, value in found.items() if key != "checksum"}


def upgrade(content: Mapping[str, Any], path: Path) -> dict[str, Any]:
    """Return a record or a manifest of this or an older version in the form of this one.

    Parameters
    ----------
    content : mapping
        As it was written.
    path : Path
        Where it comes from, for messages.

    Raises
    ------
    InputError
        If its version is a newer one, or none.
    """
    newest, version = dict(content), content.get("schema")
    if type(version) is not int or not 1 <= version <= RECORD_VERSION:
        newer = type(version) is int and version > RECORD_VERSION
        remedy = "; a newer version of supernet-bench wrote it" if newer else ""
        raise InputError(f"{path} has schema {version!r}; allowed: 1 to {RECORD_VERSION}{remedy}")
    for step in range(version, RECORD_VERSION):
        newest = {**UPGRADES[step](newest), "schema": step + 1}
    return newest


def _memory_was_not_measured(content: dict[str, Any]) -> dict[str, Any]:
    """Version 2 says how much memory a run took; manifests are the same."""
    execution = content.get("execution")
    if not execution or not isinstance(execution, dict):  # Nothing is known of a run that was killed every time.
        return content
    return {**content, "execution": {**execution, "peak_memory_bytes": None, "peak_device_bytes": None}}


def _all_were_drawn_alike(content: dict[str, Any]) -> dict[str, Any]:
    """Version 3 has scores by block of images, and strata, whose architectures do not stand for equally many."""
    return content


UPGRADES: dict[int, Callable[[dict[str, Any]], dict[str, Any]]] = {
    1: _memory_was_not_measured,
    2: _all_were_drawn_alike,
}
"""What makes content of each version one of the next."""
