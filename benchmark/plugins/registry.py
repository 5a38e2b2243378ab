"""What exists by name: the plug-ins of a package folder, those of installed packages, and those in a user's files."""

import importlib
import inspect
import pkgutil
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from importlib.metadata import entry_points
from importlib.util import find_spec
from types import ModuleType
from typing import Any

from supernet_bench.benchmark.plugins.contracts import Broken, examine, with_line
from supernet_bench.benchmark.plugins.plugin_file import PluginFile, import_plugin_file
from supernet_bench.benchmark.plugins.rivals import NEEDED, settle_defaults, settle_names, ships
from supernet_bench.core.errors import InputError, unknown
from supernet_bench.core.output import say
from supernet_bench.heuristics.base import Heuristic
from supernet_bench.images.base import ImageSource
from supernet_bench.proxies.base import Proxy
from supernet_bench.spaces.base import Space

KINDS: dict[str, tuple[str, type]] = {
    "heuristic": ("supernet_bench.heuristics", Heuristic),
    "space": ("supernet_bench.spaces", Space),
    "images": ("supernet_bench.images", ImageSource),
    "proxy": ("supernet_bench.proxies", Proxy),
}
"""Of each kind of plug-in, the package of those that ship, and what a plug-in is a subclass of."""

FOLDERS = {"benchmark", "heuristics", "images", "proxies", "spaces"}
"""What can be imported by its bare name where the working directory is a checkout, and has other classes then."""


@dataclass(frozen=True)
class Plugins:
    """The plug-ins of a kind.

    Attributes
    ----------
    types : dict of str to type
        Those that can be used, by name.
    broken : tuple of Broken
        Those that are left out.
    """

    types: dict[str, Any]
    broken: tuple[Broken, ...]


def plugin_types(kind: str) -> dict[str, Any]:
    """Return every plug-in of one of the `KINDS` by name."""
    return _plugins(kind, files_in_use()).types


def heuristic_types() -> dict[str, type[Heuristic]]:
    """Return every heuristic by name; each factor has exactly one default, which is neutral as it stands."""
    return plugin_types("heuristic")


def space_types() -> dict[str, type[Space]]:
    """Return every search space by name."""
    return plugin_types("space")


def image_types() -> dict[str, type[ImageSource]]:
    """Return every set of images by name."""
    return plugin_types("images")


def proxy_types() -> dict[str, type[Proxy]]:
    """Return every zero-cost proxy by name."""
    return plugin_types("proxy")


def files_in_use() -> tuple[PluginFile, ...]:
    """Return the user's files whose plug-ins exist in this process; another one that executes a run needs them too."""
    return tuple(_files)


def use_files(files: Iterable[PluginFile]) -> None:
    """Have the plug-ins of these files exist in this process, and of no others.

    Raises
    ------
    InputError
        If any of them cannot be used, or a file has none: who names a file wants what is in it. Those in use before
        stay then.
    """
    before = files_in_use()
    found = admit_files(files)
    if found:
        admit_files(before)
        raise InputError("; ".join(found))


def admit_files(files: Iterable[PluginFile]) -> list[str]:
    """Have what is right in these files exist, and return a line for each plug-in in them that is left out."""
    _files[:] = files
    return list(dict.fromkeys(line for file in _files for line in _mistakes_in(file)))


def _mistakes_in(file: PluginFile) -> list[str]:
    """Return a line for each plug-in of a file in use that is left out, or one if it has none at all."""
    broken = [str(each) for each in broken_plugins() if each.module == str(file.path)]
    if broken or plugins_of(file):
        return broken
    bases = " or ".join(base.__name__ for _, base in KINDS.values())
    return [f"plug-in {file.path}: defines none; allowed: a {bases} of its own, not imported"]


def plugins_of(file: PluginFile) -> dict[str, list[Any]]:
    """Return the plug-ins of a file in use that can be used, by kind."""
    own = {kind: [each for each in plugin_types(kind).values() if each.__module__ == file.module] for kind in KINDS}
    return {kind: plugins for kind, plugins in own.items() if plugins}


def broken_plugins() -> list[Broken]:
    """Return what is left out of all kinds, each once."""
    return list(dict.fromkeys(broken for kind in KINDS for broken in _broken(kind)))


def warn_of_broken_plugins() -> None:
    """Say on standard error what is left out; studies that do not use it go on."""
    for line in dict.fromkeys(str(broken) for broken in broken_plugins()):
        say(f"warning: {line}; it is left out")


def find(kind: str, name: object, types: dict[str, type]) -> Any:
    """Return the type of that name.

    Parameters
    ----------
    kind : str
        What the name should name; its first word is the kind of plug-in.
    name : object
        As given.
    types : dict of str to type
        Those that can be used.

    Raises
    ------
    InputError
        If there is none, with the nearest and all names, or with what is wrong with it.
    """
    if not isinstance(name, str) or name not in types:
        broken = [each for each in broken_plugins() if each.kind == kind.split()[0]]
        raise _missing(kind, name, types, [each for each in broken if each.name == name], broken)
    return types[name]


def missing_factor(factor: str) -> InputError:
    """Return the error for a factor that no heuristic varies."""
    broken = _broken("heuristic")
    known = {kind.factor for kind in heuristic_types().values()}
    return _missing("factor", factor, known, [each for each in broken if factor in (each.factor, each.name)], broken)


def check_needed(factors: Collection[str]) -> None:
    """Raise InputError unless there is a heuristic of each factor that training cannot be without."""
    for factor, default in NEEDED.items():
        if factor not in factors:
            broken = _broken("heuristic")
            meant = [each for each in broken if each.name == default] or broken
            raise InputError(f"factor {factor!r} has no usable default heuristic: {_lines(meant)}")


def _missing(
    kind: str, name: object, known: Iterable[str], meant: Collection[Broken], broken: Iterable[Broken]
) -> InputError:
    """Return the error for a name that cannot be used, with those it may mean of what is broken."""
    if meant:
        return InputError(f"{kind} {name!r} cannot be used: {_lines(meant)}")
    nameless = [each for each in broken if not each.name]
    error = unknown(kind, name, known)
    return InputError(f"{error}; left out: {_lines(nameless)}") if nameless else error


def _lines(broken: Iterable[Broken]) -> str:
    return "; ".join(dict.fromkeys(map(str, broken))) or "it is not there"


_files: list[PluginFile] = []


def _broken(kind: str) -> tuple[Broken, ...]:
    return _plugins(kind, files_in_use()).broken


@cache
def _plugins(kind: str, files: tuple[PluginFile, ...]) -> Plugins:
    package, base = KINDS[kind]
    shipped = list(_modules(package, kind))
    installed = list(_installed(kind, f"supernet_bench.{package.rpartition('.')[2]}"))
    own = [_import_file(file, kind) for file in files]
    loaded = list(dict.fromkeys([*shipped, *installed, *own]))
    found = collect(base, kind, [each for each in loaded if isinstance(each, ModuleType)], package)
    broken = [each for each in loaded if isinstance(each, Broken)]
    doubles = list(_doubles(kind, base, loaded))
    told = {each.module for each in doubles}
    strangers = (each for each in _strangers(kind, base, shipped, installed) if each.module not in told)
    return Plugins(found.types, (*broken, *doubles, *strangers, *found.broken))


def collect(base: type, kind: str, modules: list[ModuleType], package: str) -> Plugins:
    """Return the subclasses of `base` that `modules` define.

    Parameters
    ----------
    base : type
    kind : {"heuristic", "space", "images", "proxy"}
    modules : list of ModuleType
    package : str
        The package of those that ship with the suite.
    """
    defined = list(dict.fromkeys(plugin for module in modules for plugin in _defined(module, base)))
    faults = {plugin: fault for plugin in defined if (fault := examine(kind, plugin, base))}
    # What ships keeps its place while it is broken: another one there would be taken for it, also in records.
    rivals = [each for each in defined if each not in faults or (ships(each, package) and faults[each].name)]
    lost = settle_names(kind, rivals, package)
    if kind == "heuristic":
        rivals = [each for each in rivals if each not in lost and (each not in faults or faults[each].factor)]
        lost |= settle_defaults(rivals, package, faults)
    broken = {**lost, **faults}
    usable = [each for each in defined if each not in broken]
    return Plugins({each.name: each for each in sorted(usable, key=lambda each: each.name)}, tuple(broken.values()))


def _defined(module: ModuleType, base: type) -> Iterator[Any]:
    """Yield the plug-ins of a module, be they usable or not; what others only inherit from is none."""
    for member in _classes(module):
        if issubclass(member, base) and member is not base:
            unfinished = not hasattr(member, "name") or inspect.isabstract(member)
            if not (unfinished and (member.__subclasses__() or member.__name__.startswith("_"))):
                yield member


def _strangers(kind: str, base: type, shipped: list[Any], installed: list[Any]) -> Iterator[Broken]:
    """Yield what was meant to be a plug-in and is none; a module among those that ship may also be of use to others."""
    for module in dict.fromkeys(installed):
        if isinstance(module, ModuleType) and not list(_defined(module, base)):
            yield Broken(kind, module.__name__, f"defines no {base.__name__}; allowed: one of its own, not imported")
    for module in shipped:
        for member in _classes(module) if isinstance(module, ModuleType) else ():
            if {"name", "source"} <= vars(member).keys() and not issubclass(member, base):
                yield Broken.of(kind, member, "", f"is no {base.__name__}; allowed: a subclass")


def _doubles(kind: str, base: type, loaded: list[Any]) -> Iterator[Broken]:
    """Yield what derives from a second class of the name of `base`, which Python makes for another import path."""
    for module in loaded:
        for member in _classes(module) if isinstance(module, ModuleType) else ():
            for each in member.__mro__ if not issubclass(member, base) else ():
                if each.__name__ == base.__name__ and each.__module__.partition(".")[0] in FOLDERS:
                    reason = f"derives from that of {each.__module__}; allowed: import it from {base.__module__}"
                    yield Broken.of(kind, member, "", reason)


def _classes(module: ModuleType) -> list[type]:
    return [each for each in vars(module).values() if inspect.isclass(each) and each.__module__ == module.__name__]


def _modules(package: str, kind: str) -> Iterator[ModuleType | Broken]:
    """Yield each module of a package, and of each package in it the module named after the kind, or else all."""
    folder = importlib.import_module(package)
    for module in pkgutil.iter_modules(folder.__path__, prefix=f"{package}."):
        own = module.name.rpartition(".")[2]
        if own.startswith("_") or not own.isidentifier():
            continue  # What plug-ins share; or a copy that a sync program made, such as "pool 2.py".
        if not module.ispkg:
            yield _import(module.name, kind)
        elif isinstance(parent := _import(module.name, kind), Broken):
            yield parent
        elif find_spec(f"{module.name}.{kind}"):
            yield _import(f"{module.name}.{kind}", kind)
        else:
            yield from _modules(module.name, kind)


def _installed(kind: str, group: str) -> Iterator[ModuleType | Broken]:
    for entry in entry_points(group=group):
        try:
            name = entry.module
        except Exception:  # What a package says of itself may be anything.
            yield Broken(kind, entry.name, f"is the entry point {entry.value!r}; allowed: the name of a module")
        else:
            yield _import(name, kind)


def _import(name: str, kind: str) -> ModuleType | Broken:
    return _attempt(lambda: importlib.import_module(name), name, kind)


@cache
def _import_file(file: PluginFile, kind: str) -> ModuleType | Broken:
    return _attempt(lambda: import_plugin_file(file), str(file.path), kind)


def _attempt(load: Callable[[], ModuleType], where: str, kind: str) -> ModuleType | Broken:
    try:
        return load()
    except (Exception, SystemExit) as error:  # A plug-in may fail to import in any way, also as a script that ends.
        return Broken(kind, where, f"cannot be imported: {with_line(error)}")
