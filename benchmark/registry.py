"""What exists by name: the plug-ins of a package folder, and those of installed packages."""

import importlib
import inspect
import pkgutil
from collections.abc import Iterator
from functools import cache
from importlib.metadata import entry_points
from types import ModuleType
from typing import TYPE_CHECKING, Any

from benchmark.errors import InputError, unknown

if TYPE_CHECKING:
    from benchmark.images.base import ImageSource
    from heuristics.base import Heuristic
    from spaces.base import Space


def heuristic_types() -> "dict[str, type[Heuristic]]":
    """Return every heuristic by name."""
    return _plugins("heuristics", "Heuristic", "heuristic", "supernet_bench.heuristics")


def space_types() -> "dict[str, type[Space]]":
    """Return every search space by name."""
    return _plugins("spaces", "Space", "space", "supernet_bench.spaces")


def image_types() -> "dict[str, type[ImageSource]]":
    """Return every set of images by name."""
    return _plugins("benchmark.images", "ImageSource", "images", "supernet_bench.images")


def find(kind: str, name: object, types: dict[str, type]) -> Any:
    """Return the type of that name, or raise InputError with the nearest and all names."""
    if not isinstance(name, str) or name not in types:
        raise unknown(kind, name, types)
    return types[name]


@cache
def _plugins(package: str, base: str, kind: str, group: str) -> dict[str, Any]:
    base_type = getattr(importlib.import_module(f"{package}.base"), base)
    return collect(base_type, kind, [*_modules(package, kind), *_installed(group)])


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
    """Yield each module of a package; of a plug-in that is a package itself, only the module named after its kind."""
    folder = importlib.import_module(package)
    for module in pkgutil.iter_modules(folder.__path__, prefix=f"{package}."):
        yield importlib.import_module(f"{module.name}.{kind}" if module.ispkg else module.name)


def _installed(group: str) -> Iterator[ModuleType]:
    for entry in entry_points(group=group):
        yield importlib.import_module(entry.module)
