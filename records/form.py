"""What the JSON files of a store have in common: version, checksum, and how their fields are read."""

import hashlib
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from reprlib import repr as shortened
from typing import Any

from supernet_bench.core.errors import InputError
from supernet_bench.records.damage import Damaged

RECORD_VERSION = 2
"""Version of records and manifests, their field ``schema``; `UPGRADES` says what each one changed."""


def checksum(content: Mapping[str, Any]) -> str:
    """Return the SHA-256 of a record or a manifest without its checksum, in hexadecimal.

    It is the same in every version, so that a newer record is told from a damaged one.
    """
    rest = {key: value for key, value in content.items() if key != "checksum"}
    return hashlib.sha256(json.dumps(rest, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


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


UPGRADES: dict[int, Callable[[dict[str, Any]], dict[str, Any]]] = {1: _memory_was_not_measured}
"""What makes content of each version one of the next."""


REQUIRED = object()
"""The default of a field that must be there."""


class Malformed(ValueError):
    """A field is missing or not what it should be; one line that names it, its value and what is allowed."""


class Fields:
    """The fields of a JSON object, each read once and checked; those that nobody reads are kept as they are.

    Parameters
    ----------
    content : object
        What the JSON has in this place.
    where : str
        The name of that place, for messages; empty for the whole.

    Raises
    ------
    Malformed
        If it is no JSON object.
    """

    def __init__(self, content: object, where: str = "") -> None:
        self._left = dict(_checked(content, (dict,), where))
        self._prefix = f"{where}." if where else ""

    def read(self, name: str, *kinds: type, allowed: str = "", default: Any = REQUIRED) -> Any:
        """Return a field that is of one of these kinds.

        Parameters
        ----------
        name : str
        *kinds : type
            As JSON gives them; a truth value is no whole number.
        allowed : str
            What to say is allowed, if that is more than the first kind.
        default : object
            What a field that is absent counts as; without one it must be there.

        Raises
        ------
        Malformed
            If it is absent without a default, or of another kind.
        """
        if name in self._left:
            return _checked(self._left.pop(name), kinds, f"{self._prefix}{name}", allowed)
        if default is REQUIRED:
            raise Malformed(f"{self._prefix}{name} is missing")
        return default

    def entries(self, name: str, *kinds: type, allowed: str = "", default: Any = REQUIRED) -> tuple[Any, ...]:
        """Return a list, each entry of which is of one of these kinds; see `read`."""
        entries = self.read(name, list, default=default)
        wrong = next((place for place, entry in enumerate(entries) if type(entry) not in kinds), None)
        if wrong is not None:
            _checked(entries[wrong], kinds, f"{self._prefix}{name}[{wrong}]", allowed)
        return tuple(entries)

    def objects(self, name: str, default: Any = REQUIRED) -> list["Fields"]:
        """Return a list of objects; see `read`."""
        entries = self.entries(name, dict, default=default)
        return [Fields(entry, f"{self._prefix}{name}[{place}]") for place, entry in enumerate(entries)]

    def object(self, name: str) -> "Fields | None":
        """Return an object, or None if it is absent, null or empty."""
        content = self.read(name, dict, type(None), default=None)
        return Fields(content, f"{self._prefix}{name}") if content else None

    def texts(self, name: str) -> dict[str, str]:
        """Return an object of texts, empty if it is absent."""
        content = self.read(name, dict, default={})
        return {key: _checked(text, (str,), f"{self._prefix}{name}.{key}") for key, text in content.items()}

    def rest(self) -> dict[str, Any]:
        """Return what was not read: newer versions of the suite may say more."""
        return self._left


NAMES = {dict: "an object", list: "a list", str: "a text", bool: "true or false", int: "a whole number"}
"""What the kinds of JSON are called in messages."""


def _checked(value: Any, kinds: tuple[type, ...], where: str, allowed: str = "") -> Any:
    if type(value) not in kinds:
        raise Malformed(f"{where or 'the whole'} is {shortened(value)}; allowed: {allowed or NAMES[kinds[0]]}")
    return value
