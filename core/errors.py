"""The one exception for bad input, and how its message is worded."""

from collections.abc import Iterable
from difflib import get_close_matches


class InputError(ValueError):
    """Something the user gave is wrong.

    The message is one line that names the file or field, the value, and what is allowed. The command line prints
    it without a traceback and exits with code 2.
    """


def in_one_line(error: BaseException) -> str:
    """Return the type and the message of an error on one line, to be part of another message."""
    return " ".join(f"{type(error).__name__}: {error}".split())


def unknown(kind: str, name: object, known: Iterable[str]) -> InputError:
    """Return the error for a name that does not exist, with the nearest name and all names.

    Parameters
    ----------
    kind : str
        What the name should name, such as ``"space"``.
    name : object
        The name as given.
    known : iterable of str
        The names that exist.

    Returns
    -------
    InputError
        To be raised by the caller.
    """
    names = sorted(known)
    nearest = get_close_matches(str(name), names, n=1)
    suggestion = f"; did you mean {nearest[0]!r}?" if nearest else ";"
    return InputError(f"unknown {kind} {str(name)!r}{suggestion} known: {', '.join(names) or 'none'}")
