"""What exists by name: the plug-ins of a package folder, and those of installed packages."""

import importlib
import inspect
import pkgutil
from collections.abc import Iterator, Mapping
from functools import cache
from importlib.metadata import entry_points
from importlib.util import find_spec
from types import ModuleType
from typing import TYPE_CHECKING, Any

from benchmark.errors import InputError, unknown

if TYPE_CHECKING:
    from benchmark.images.base import ImageSource
    from heuristics.base import Heuristic
    from spaces.base import Space


def heuristic_types() -> "dict[str, type[Heuristic]]":
    """Return every heuristic by name.

    Raises
    ------
    InputError
        If a factor has not exactly one default that is neutral as it stands; ids of runs rest on that.
    """
    return _plugins("heuristics", "Heuristic", "heuristic", "supernet_bench.heuristics")


def space_types() -> "dict[str, type[Space]]":
    """Return every search space by name."""
    return _plugins("spaces", "Space", "space", "supernet_bench.spaces")


def image_types() -> "dict[str, type[ImageSource]]":
    """Return every set of images by name."""
    return _plugins("benchmark.images", "ImageSource", "images", "supernet_bench.images")


def check_defaults(types: "Mapping[str, type[Heuristic]]") -> None:
    """Raise InputError unless every factor has exactly one default, neutral at its default settings."""
    for factor in {kind.factor for kind in types.values()}:
        defaults = [kind for kind in types.values() if kind.factor == factor and kind.default]
        if len(defaults) != 1:
            names = ", ".join(repr(kind.name) for kind in defaults) or "none"
            raise InputError(f"factor {factor!r} has as default heuristics: {names}; allowed: exactly one")
        default = defaults[0]()
        if default.neutral is None or any(getattr(default, key) != value for key, value in default.neutral.items()):
            raise InputError(f"heuristic {default.name!r} is a default; allowed: one that is neutral as it stands")


def is_neutral(kind: "type[Heuristic]", values: Mapping[str, Any]) -> bool:
    """Return whether a heuristic with these settings is a no-op."""
    return kind.neutral is not None and all(values[key] == value for key, value in kind.neutral.items())


def find(kind: str, name: object, types: dict[str, type]) -> Any:
    """Return the type of that name, or raise InputError with the nearest and all names."""
    if not isinstance(name, str) or name not in types:
        raise unknown(kind, name, types)
    return types[name]


@cache
def _plugins(package: str, base: str, kind: str, group: str) -> dict[str, Any]:
    base_type = getattr(importlib.import_module(f"{package}.base"), base)
    found = collect(base_type, kind, [*_modules(package, kind), *_installed(group)])
    if kind == "heuristic":
        check_defaults(found)
    return found


def collect(base: type, kind: str, modules: list[ModuleType]) -> dict[str, type]:
    """Return the concrete subclasses of `base` that `modules` define, by their ``name``.

    Raises
    ------
    InputError
        If two have the same name.
    """
    found: dict[str, type] = {}
    for module in modules:
        for member in vars(module).values():
            if not _is_plugin(member, base, module):
                continue
            other = found.setdefault(member.name, member)
            if other is not member:
                raise InputError(
                    f"{kind} {member.name!r} is defined twice: in {other.__module__} and in {member.__module__}; "
                    "allowed: one of each name"
                )
    return dict(sorted(found.items()))


def _is_plugin(member: object, base: type, module: ModuleType) -> bool:
    return (
        inspect.isclass(member)
        and issubclass(member, base)
        and member.__module__ == module.__name__
        and hasattr(member, "name")
        and not inspect.isabstract(member)
    )


def _modules(package: str, kind: str) -> Iterator[ModuleType]:
    """Yield each module of a package, and of each package in it the module named after the kind, if there is one."""
    folder = importlib.import_module(package)
    for module in pkgutil.iter_modules(folder.__path__, prefix=f"{package}."):
        if not module.name.rpartition(".")[2].isidentifier():
            continue  # A copy that a sync program made, such as "pool 2.py": nothing can import it by its name.
        if not module.ispkg:
            yield _import(module.name)
        elif find_spec(f"{module.name}.{kind}"):
            yield _import(f"{module.name}.{kind}")


def _installed(group: str) -> Iterator[ModuleType]:
    for entry in entry_points(group=group):
        yield _import(entry.module)


def _import(name: str) -> ModuleType:
    try:
        return importlib.import_module(name)
    except Exception as error:  # A plug-in may fail to import in any way.
        raise InputError(f"plug-in {name} cannot be imported: {type(error).__name__}: {error}") from error
