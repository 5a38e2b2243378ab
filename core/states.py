"""What a checkpoint may hold, so that it can be read again without executing code from it."""

from collections import OrderedDict
from collections.abc import Iterator, Mapping
from typing import Any

import torch
from torch import Tensor, nn

from supernet_bench.core.errors import InputError

STORABLE = "tensors, and numbers, strings, lists, tuples and dictionaries of Python's own"

_PLAIN = (bool, float, complex, str, bytes, type(None))
_LARGEST = 2**2000
"""PyTorch reads no whole numbers that are much larger."""

_SEQUENCES = (list, tuple, set, torch.Size)
_MAPPINGS = (dict, OrderedDict)


def check_state(state: object, owner: str) -> None:
    """Raise InputError that names the first value of a state that a checkpoint cannot hold.

    Parameters
    ----------
    state : object
    owner : str
        Whose it is, for the message.
    """
    for place, value in _unstorable(state, ""):
        raise InputError(
            f"{owner}: {place or 'the state'} is {value!r:.80} ({type(value).__module__}.{type(value).__qualname__}); "
            f"allowed: {STORABLE}"
        )


def _unstorable(value: object, place: str) -> Iterator[tuple[str, Any]]:
    """Yield each value that cannot be stored, and where it is.

    Subclasses are refused, such as NumPy's double: they are pickled by a function of their own.
    """
    kind = type(value)
    if isinstance(value, Mapping) and kind in _MAPPINGS:
        for key, item in value.items():
            yield from _unstorable(key, f"{place}, key {key!r}".removeprefix(", "))
            yield from _unstorable(item, f"{place}[{key!r}]")
    elif isinstance(value, list | tuple | set) and kind in _SEQUENCES:
        for index, item in enumerate(value):
            yield from _unstorable(item, f"{place}[{index}]")
    elif kind in (Tensor, nn.Parameter):
        yield from _unstorable(vars(value), f"{place}.__dict__")
    elif not (kind in _PLAIN or (isinstance(value, int) and kind is int and abs(value) < _LARGEST)):
        yield place, value
