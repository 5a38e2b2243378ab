"""What a command is: a table of options, from which every parser is made, and a function that takes them filled in."""

import dataclasses
import sys
from collections.abc import Callable
from dataclasses import dataclass
from types import NoneType, UnionType
from typing import Any, get_args, get_origin, get_type_hints

from supernet_bench.core.errors import InputError

BAD_INPUT, INTERRUPTED = 2, 130
"""Exit codes, beside 0 for success and 1 for something that was looked for and found."""


@dataclass(frozen=True)
class Command:
    """One command.

    Attributes
    ----------
    name : str
        As it is typed; of two words where it belongs to a group.
    options : type
        A dataclass; the metadata of its fields are those of `argument` or `option`.
    run : callable
        Given its options, does it, and returns the exit code, None for success. Its docstring is the help.
    """

    name: str
    options: type
    run: Callable[[Any], int | None]

    @property
    def help(self) -> str:
        """What it does, in paragraphs."""
        return self.run.__doc__ or ""

    def parameters(self) -> "list[Parameter]":
        """Return what it can be given."""
        hints = get_type_hints(self.options)
        return [Parameter.of(field, hints[field.name]) for field in dataclasses.fields(self.options)]


@dataclass(frozen=True)
class Parameter:
    """One thing that a command can be given.

    Attributes
    ----------
    name : str
        Of the field.
    type : type
        Of one value.
    repeated : bool
        Whether several values can be given.
    positional : bool
        Whether it stands without a name.
    default : object
        `dataclasses.MISSING` where a value is needed.
    help, metavar : str
    annotation : object
        The type of the field.
    """

    name: str
    type: type
    repeated: bool
    positional: bool
    default: Any
    help: str
    metavar: str
    annotation: Any

    @classmethod
    def of(cls, field: "dataclasses.Field[Any]", annotation: Any) -> "Parameter":
        """Return what a field of the options stands for."""
        single = annotation
        if isinstance(annotation, UnionType):
            (single,) = (part for part in get_args(annotation) if part is not NoneType)
        repeated = get_origin(single) is list
        return cls(
            name=field.name,
            type=get_args(single)[0] if repeated else single,
            repeated=repeated,
            positional=field.metadata["positional"],
            default=field.default,
            help=field.metadata["help"],
            metavar=field.metadata["metavar"],
            annotation=annotation,
        )

    @property
    def flag(self) -> str:
        """How its name is typed."""
        return f"--{self.name.replace('_', '-')}"

    @property
    def is_needed(self) -> bool:
        """Whether a value must be given."""
        return self.default is dataclasses.MISSING


def argument(about: str, metavar: str = "") -> dict[str, Any]:
    """Return the metadata of a field of options whose value stands without a name."""
    return {"positional": True, "help": about, "metavar": metavar}


def option(about: str, metavar: str = "") -> dict[str, Any]:
    """Return the metadata of a field of options whose value follows ``--name``; False or True stands alone."""
    return {"positional": False, "help": about, "metavar": metavar}


def execute(command: Command, given: dict[str, Any]) -> int:
    """Do a command and return its exit code; bad input is one line on standard error."""
    try:
        return command.run(command.options(**given)) or 0
    except ModuleNotFoundError as error:
        if (error.name or "").startswith("supernet_bench"):
            raise
        message = f"{command.name} needs the package {error.name!r}, which is not installed; allowed: pip install it"
    except (InputError, OSError) as error:
        message = " ".join(str(error).split())
    print(f"error: {message}", file=sys.stderr)
    return BAD_INPUT
