"""Settings of a study, scaled."""

from dataclasses import fields, replace
from typing import TypeVar

from supernet_bench.core.errors import InputError
from supernet_bench.spaces.base import Space

S = TypeVar("S", bound=Space)


def scaled(number: int, scale: float, lowest: int) -> int:
    """Return `number` times `scale`, rounded to a whole number that is at least `lowest`."""
    return max(lowest, round(number * scale))


def scaled_space(space: S, setting: str, scale: float, heuristic: str) -> S:
    """Return a space with one of its settings scaled.

    Parameters
    ----------
    space : Space
    setting : str
        Name of a setting that is a whole number, at least 1.
    scale : float
        1 leaves any space as it is.
    heuristic : str
        Whose scale it is, for the message.

    Raises
    ------
    InputError
        If the space has no such setting.
    """
    if scale == 1:
        return space
    if setting not in {field.name for field in fields(space)}:  # type: ignore[arg-type]  # every space is a dataclass
        raise InputError(
            f"heuristics.{heuristic}.scale is {scale}; "
            f"allowed: 1.0, since space {space.name} has no setting {setting!r}"
        )
    return replace(space, **{setting: scaled(getattr(space, setting), scale, 1)})  # type: ignore[type-var]
