"""Finding plug-ins."""

from types import ModuleType

import pytest

from benchmark import registry
from benchmark.errors import InputError
from heuristics.base import Heuristic


def module(name: str, *plugins: str) -> ModuleType:
    made = ModuleType(name)
    for plugin in plugins:
        setattr(made, plugin.title(), type(plugin.title(), (Heuristic,), {"name": plugin, "__module__": name}))
    return made


def test_what_ships_is_found() -> None:
    assert set(registry.space_types()) >= {"nasbench201", "nasbench_macro", "toy"}
    assert set(registry.image_types()) >= {"cifar10", "digits"}
    assert set(registry.heuristic_types()) >= {
        "uniform", "fairnas", "proportional", "batch_norm", "learning_rate", "path_dropout", "independence"
    }  # fmt: skip


def test_a_name_defined_twice_names_both_modules() -> None:
    with pytest.raises(InputError, match=r"heuristic 'same' is defined twice: in one and in two"):
        registry.collect(Heuristic, "heuristic", [module("one", "same"), module("two", "same")])


def test_the_same_class_imported_elsewhere_counts_once() -> None:
    first, second = module("one", "thing"), ModuleType("two")
    second.Thing = first.Thing  # type: ignore[attr-defined]
    assert list(registry.collect(Heuristic, "heuristic", [first, second, first])) == ["thing"]


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
