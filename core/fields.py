"""Reading JSON: fields of an object, each checked, with a line that names the one that is wrong."""

from reprlib import repr as shortened
from typing import Any

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

    def rows(self, name: str, *kinds: type, allowed: str = "") -> tuple[tuple[Any, ...], ...]:
        """Return a list of lists, each entry of which is of one of these kinds; see `read`."""
        rows = self.entries(name, list)
        return tuple(
            Fields({str(place): row}, f"{self._prefix}{name}").entries(str(place), *kinds, allowed=allowed)
            for place, row in enumerate(rows)
        )

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
