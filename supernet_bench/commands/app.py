"""The command line by typer, with help, colours and completion, from the table of all commands."""

from collections.abc import Callable
from dataclasses import MISSING
from inspect import Parameter as FunctionParameter
from inspect import Signature
from typing import Annotated, Any

import typer

from supernet_bench.commands._command import Command, Parameter, execute
from supernet_bench.commands._table import ABOUT, COMMANDS, GROUPS


def _make_app() -> typer.Typer:
    made = typer.Typer(name="supernet-bench", help=ABOUT, no_args_is_help=True, pretty_exceptions_enable=False)
    made.callback()(_options)
    groups = {"": made}
    for name, purpose in GROUPS.items():
        groups[name] = typer.Typer(no_args_is_help=True, help=purpose)
        made.add_typer(groups[name], name=name)
    for command in COMMANDS:
        group, _, name = command.name.rpartition(" ")
        groups[group].command(name)(_function(command))
    return made


def _function(command: Command) -> Callable[..., None]:
    """Return what typer makes a command of: a function that says with its signature what it can be given."""

    def function(**given: Any) -> None:
        raise typer.Exit(execute(command, given))

    function.__doc__ = command.help
    signature = Signature([_function_parameter(parameter) for parameter in command.parameters()])
    function.__signature__ = signature  # type: ignore[attr-defined]
    return function


def _function_parameter(parameter: Parameter) -> FunctionParameter:
    about, metavar = parameter.help, parameter.metavar or None
    if parameter.positional:
        info = typer.Argument(help=about, metavar=metavar)
    elif parameter.type is bool and parameter.default:
        info = typer.Option(help=about)
    else:
        info = typer.Option(parameter.flag, help=about, metavar=metavar)
    return FunctionParameter(
        parameter.name,
        FunctionParameter.KEYWORD_ONLY,
        default=FunctionParameter.empty if parameter.default is MISSING else parameter.default,
        annotation=Annotated[parameter.annotation, info],
    )


def _print_version(wanted: bool) -> None:
    if wanted:
        from supernet_bench.core.versions import code_version

        print(f"supernet-bench {code_version()}")
        raise typer.Exit


def _options(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version, and stop.")
    ] = False,
) -> None:
    """Take what is said before the command."""


app = _make_app()
