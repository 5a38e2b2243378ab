"""The command line where typer is not installed, as on a machine that only trains: the same commands, by argparse."""

import argparse
import inspect
from collections.abc import Sequence
from typing import Any

from supernet_bench.commands._command import Parameter, execute
from supernet_bench.commands._table import ABOUT, COMMANDS, GROUPS
from supernet_bench.core.versions import code_version


def main(arguments: Sequence[str] | None = None) -> int:
    """Do what is typed after the name of the program and return the exit code."""
    given = vars(_parser().parse_args(arguments))
    command = given.pop("command")
    return execute(command, {name: value for name, value in given.items() if value not in (None, [])})


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="supernet-bench", description=ABOUT)
    parser.add_argument("--version", action="version", version=f"supernet-bench {code_version()}")
    groups = {"": parser.add_subparsers(required=True, metavar="COMMAND")}
    for name, purpose in GROUPS.items():
        group = groups[""].add_parser(name, help=purpose, description=purpose)
        groups[name] = group.add_subparsers(required=True, metavar="WHAT")
    for command in COMMANDS:
        where, _, name = command.name.rpartition(" ")
        text = inspect.cleandoc(command.help)
        own = groups[where].add_parser(name, help=text.partition("\n")[0], description=text)
        own.set_defaults(command=command)
        for parameter in command.parameters():
            _add(own, parameter)
    return parser


def _add(parser: argparse.ArgumentParser, parameter: Parameter) -> None:
    """Have a parser take one thing; what is not typed stays None or empty, and the default is that of the options."""
    known: dict[str, Any] = {"help": parameter.help}
    if parameter.type is bool:
        action = argparse.BooleanOptionalAction if parameter.default else "store_true"
        parser.add_argument(parameter.flag, action=action, default=None, **known)
        return
    known |= {"type": parameter.type, "metavar": parameter.metavar.partition(" ")[0].removesuffix("...") or None}
    if not parameter.positional:
        parser.add_argument(parameter.flag, action="append" if parameter.repeated else "store", **known)
    elif parameter.repeated:
        parser.add_argument(parameter.name, nargs="+" if parameter.is_needed else "*", default=None, **known)
    else:
        parser.add_argument(parameter.name, **known)
