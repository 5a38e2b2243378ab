"""Plug-ins that want the same place: which of them keeps a name, and which is the default of a factor."""

from collections.abc import Callable, Container, Iterable, Sequence
from typing import Any

from supernet_bench.benchmark.plugins.contracts import Broken
from supernet_bench.benchmark.plugins.plugin_file import place

NEEDED = {
    "sampling": "uniform",
    "batch_norm": "batch_norm",
    "learning_rate": "learning_rate",
    "weight_decay": "weight_decay",
}
"""The default heuristics of the factors whose neutral level is part of training, by factor."""

Claim = Callable[[Any], Any]
"""Maps a plug-in to what is the greater, the better its claim."""


def ships(plugin: Any, package: str) -> bool:
    """Return whether a plug-in comes with the suite, in that package."""
    return plugin.__module__.startswith(f"{package}.")


def settle_names(kind: str, plugins: Iterable[Any], package: str) -> dict[Any, Broken]:
    """Return who has to give up its name.

    One that ships with the suite keeps it, best in the module that is called so; none does if none is first.

    Parameters
    ----------
    kind : {"heuristic", "space", "images", "proxy"}
    plugins : iterable of type
    package : str
        The package of those that ship.
    """

    def claim(plugin: Any) -> tuple[bool, bool]:
        return ships(plugin, package), plugin.name in plugin.__module__.split(".")

    lost = {}
    for name, rivals in _by("name", plugins).items():
        first = _first(rivals, claim)
        for plugin in rivals:
            if plugin not in first:
                others = ", ".join(place(other.__module__) for other in rivals if other is not plugin)
                reason = f"is {name!r}, which is defined twice: also in {others}; allowed: one of each name"
                lost[plugin] = Broken.of(kind, plugin, "name", reason)
    return lost


def settle_defaults(plugins: Iterable[Any], package: str, faulty: Container[Any] = ()) -> dict[Any, Broken]:
    """Return which heuristics leave their factor without exactly one default, or have none; ids of runs rest on that.

    One that ships with the suite stays it, best the one that is called like the factor; none does if none is first. Of
    the factors that training needs, only the one that ships can be it.

    Parameters
    ----------
    plugins : iterable of type
    package : str
        The package of those that ship.
    faulty : container of type
        Those of `plugins` that cannot be used, and whose place nothing takes all the same.
    """

    def claim(plugin: Any) -> tuple[bool, bool]:
        return ships(plugin, package), plugin.name == NEEDED.get(plugin.factor, plugin.factor)

    lost = {}
    for factor, rivals in _by("factor", plugins).items():
        defaults = [plugin for plugin in rivals if plugin.default is True]
        first = [plugin for plugin in _first(defaults, claim) if plugin.name == NEEDED.get(factor, plugin.name)]
        usable = [plugin for plugin in first if plugin not in faulty]
        for plugin in rivals:
            if plugin in defaults and plugin not in first:
                others = [f"in {place(other.__module__)}" for other in defaults if other is not plugin]
                as_in = ", ".join(others) or f"of heuristic {NEEDED[factor]!r}"
                reason = f"is True, as {as_in}; allowed: one default of factor {factor!r}"
                lost[plugin] = Broken.of("heuristic", plugin, "default", reason)
            elif plugin not in defaults and not usable:
                reason = f"is {factor!r}, which has no usable default; allowed: a factor that has one"
                lost[plugin] = Broken.of("heuristic", plugin, "factor", reason)
    return lost


def _first(rivals: Sequence[Any], claim: Claim) -> list[Any]:
    """Return the only one with the best claim, if there is one."""
    best = [plugin for plugin in rivals if claim(plugin) == max(map(claim, rivals))]
    return best if len(best) == 1 else []


def _by(attribute: str, plugins: Iterable[Any]) -> dict[str, list[Any]]:
    groups: dict[str, list[Any]] = {}
    for plugin in plugins:
        groups.setdefault(getattr(plugin, attribute), []).append(plugin)
    return groups
