"""What several graphs have in common, when they are run on the same images."""

from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Any, TypeVar

T = TypeVar("T")


class Memory:
    """Values by what they were computed from.

    Parameters
    ----------
    capacity : int
        Bytes of maps that are kept; what was not used for the longest time goes first.
    """

    def __init__(self, capacity: int = 1 << 27) -> None:
        self._capacity, self._taken = capacity, 0
        self._numbers: dict[Hashable, int] = {}
        self._kept: OrderedDict[Hashable, tuple[Any, int]] = OrderedDict()

    def number(self, expression: Hashable) -> int:
        """Return a number for an expression; equal numbers are equal expressions."""
        return self._numbers.setdefault(expression, len(self._numbers))

    def recall(self, key: Hashable, compute: Callable[[], T], size: Callable[[T], int]) -> T:
        """Return what was computed for `key`, now or before; `size` tells its bytes."""
        if key in self._kept:
            self._kept.move_to_end(key)
            return self._kept[key][0]
        value = compute()
        self._kept[key] = value, size(value)
        self._taken += self._kept[key][1]
        while self._taken > self._capacity:
            self._taken -= self._kept.popitem(last=False)[1][1]
        return value
