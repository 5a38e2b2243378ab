"""``supernet-bench new``: a plug-in that works, from a template, to begin from."""

import ast
import keyword
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from importlib.resources import files
from pathlib import Path
from string import Template

from supernet_bench.commands._command import Command, argument, option
from supernet_bench.core.errors import InputError
from supernet_bench.core.files import write_atomically

FOLDERS = {"heuristic": "heuristics", "space": "spaces", "images": "images", "proxy": "proxies"}
"""Of each kind of plug-in, the folder of a checkout where those that ship are."""


RESERVED = {*keyword.kwlist, *keyword.softkwlist, "base"}
"""Names that a module or a class cannot have."""


@dataclass(frozen=True)
class Options:
    """What is written where."""

    name: str = field(metadata=argument("Its name, in lower case with underscores."))
    folder: Path = field(default=Path(), metadata=option("Root of a checkout, or any folder."))


def new_heuristic(options: Options) -> None:
    """Write a heuristic, and in a checkout its test, which pass; elsewhere it is one file for --plugin."""
    _say(write_plugin("heuristic", options.name, options.folder))


def new_space(options: Options) -> None:
    """Write a search space, and in a checkout its test, which pass; elsewhere it is one file for --plugin."""
    _say(write_plugin("space", options.name, options.folder))


def new_images(options: Options) -> None:
    """Write a set of images, and in a checkout its test, which pass; elsewhere it is one file for --plugin."""
    _say(write_plugin("images", options.name, options.folder))


def new_proxy(options: Options) -> None:
    """Write a zero-cost proxy, and in a checkout its test, which pass; elsewhere it is one file for --plugin."""
    _say(write_plugin("proxy", options.name, options.folder))


COMMANDS = (
    Command("new heuristic", Options, new_heuristic),
    Command("new space", Options, new_space),
    Command("new images", Options, new_images),
    Command("new proxy", Options, new_proxy),
)


def write_plugin(kind: str, name: str, folder: Path) -> list[Path]:
    """Write a module for a plug-in called `name`, and in a checkout its test; both work as they are.

    Parameters
    ----------
    kind : {"heuristic", "space", "images", "proxy"}
    name : str
        A Python identifier in lower case.
    folder : Path
        Root of a checkout, or any other folder, which gets one file that `--plugin` takes.

    Returns
    -------
    list of Path
        The files written.

    Raises
    ------
    InputError
        If the name cannot be used or exists, or there is no such folder.
    """
    cls = "".join(part.title() for part in name.split("_"))
    texts = {path: _template(template) for path, template in _places(kind, name, folder).items()}
    if not re.fullmatch("[a-z][a-z0-9_]*", name) or {name, cls} & {*RESERVED, *_bound(texts.values())}:
        raise InputError(
            f"name is {name!r}; allowed: lower-case letters, digits and underscores, a letter first, no word of Python"
        )
    _check_new(kind, name)
    if not folder.is_dir():
        raise InputError(f"folder is {str(folder)!r}; allowed: one that exists")
    for path in texts:
        if path.exists():
            raise InputError(f"{path} exists; allowed: a new name")
    for path, text in texts.items():
        write_atomically(path, text.substitute(name=name, cls=cls).encode())
    return list(texts)


def is_checkout(folder: Path) -> bool:
    """Return whether a folder is the root of a checkout of the suite."""
    return all((folder / own / "base.py").is_file() and (folder / "tests" / own).is_dir() for own in FOLDERS.values())


def _places(kind: str, name: str, folder: Path) -> dict[Path, str]:
    """Return the files to write, and of each the template."""
    if not is_checkout(folder):
        return {folder / f"{name}.py": f"{kind}.py"}
    own = FOLDERS[kind]
    return {
        folder / own / f"{name}.py": f"{kind}.py",
        folder / "tests" / own / f"test_{name}.py": f"test_{kind}.py",
    }


def _template(name: str) -> Template:
    return Template((files("supernet_bench") / "templates" / f"{name}.tmpl").read_text(encoding="utf-8"))


def _bound(templates: Iterable[Template]) -> Iterator[str]:
    """Yield what the templates import and define, which a class of that name would hide."""
    for template in templates:
        for node in ast.parse(template.substitute(name="name", cls="cls")).body:
            if isinstance(node, ast.Import | ast.ImportFrom):
                yield from (alias.name for alias in node.names)
            elif isinstance(node, ast.ClassDef | ast.FunctionDef):
                yield node.name


def _check_new(kind: str, name: str) -> None:
    """Raise InputError if there is a plug-in of that kind and name, or a factor of that name."""
    from supernet_bench.benchmark.plugins.registry import heuristic_types, plugin_types

    factors = {each.factor for each in heuristic_types().values()} if kind == "heuristic" else set()
    if name in plugin_types(kind) or name in factors:
        raise InputError(f"name is {name!r}, which exists; see: supernet-bench list {FOLDERS[kind]}")


def _say(written: list[Path]) -> None:
    for path in written:
        print(f"wrote {path}")
    if len(written) == 1:
        print(f"next: supernet-bench check {written[0]}, then supernet-bench run STUDY --plugin {written[0]}")
