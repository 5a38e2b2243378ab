"""Finding plug-ins."""

from dataclasses import dataclass
from types import ModuleType

import pytest

from supernet_bench.benchmark.plugins import registry
from supernet_bench.core.errors import InputError
from supernet_bench.heuristics.base import Heuristic


def module(name: str, *plugins: str) -> ModuleType:
    made = ModuleType(name)
    for plugin in plugins:
        members = {"name": plugin, "factor": plugin, "source": "nobody", "default": True, "neutral": {}}
        setattr(made, plugin.title(), dataclass(type(plugin.title(), (Heuristic,), {**members, "__module__": name})))
    return made


def collect(*modules: ModuleType) -> registry.Plugins:
    return registry.collect(Heuristic, "heuristic", list(modules), "supernet_bench.heuristics")


def test_what_ships_is_found() -> None:
    assert set(registry.space_types()) >= {"nasbench201", "nasbench_macro", "toy"}
    assert set(registry.image_types()) >= {"cifar10", "digits"}
    assert set(registry.heuristic_types()) >= {
        "uniform", "fairnas", "proportional", "batch_norm", "learning_rate", "path_dropout", "independence"
    }  # fmt: skip


def test_nothing_that_ships_is_left_out() -> None:
    """Tests of all plug-ins that exist would pass over it."""
    ours = ("supernet_bench.",)
    assert not [str(broken) for broken in registry.broken_plugins() if broken.module.startswith(ours)]


def test_a_name_defined_twice_names_both_modules() -> None:
    found = collect(module("one", "same", "other"), module("two", "same"))
    assert list(found.types) == ["other"]
    lines = [str(broken) for broken in found.broken]
    assert "plug-in one: Same.name is 'same', which is defined twice: also in two; allowed: one of each name" in lines
    assert len(lines) == 2


def test_the_same_class_imported_elsewhere_counts_once() -> None:
    first, second = module("one", "thing"), ModuleType("two")
    second.Thing = first.Thing  # type: ignore[attr-defined]
    assert list(collect(first, second, first).types) == ["thing"]


def test_an_unknown_name_lists_what_exists_and_the_nearest() -> None:
    with pytest.raises(InputError, match=r"unknown space 'nasbench210'; did you mean 'nasbench201'\? known: .*toy"):
        registry.find("space", "nasbench210", registry.space_types())


def test_installed_packages_may_add_heuristics(monkeypatch: pytest.MonkeyPatch) -> None:
    class Entry:
        module = "outside"

    monkeypatch.setitem(__import__("sys").modules, "outside", module("outside", "outsider"))
    monkeypatch.setattr(registry, "entry_points", lambda group: [Entry()] if group.endswith("heuristics") else [])
    registry._plugins.cache_clear()
    try:
        assert "outsider" in registry.heuristic_types()
        assert "outsider" not in registry.space_types()
    finally:
        registry._plugins.cache_clear()
