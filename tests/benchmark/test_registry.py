"""Finding plug-ins."""

from types import ModuleType

import pytest

from benchmark import registry
from benchmark.errors import InputError
from heuristics.base import Heuristic


def module(name: str, *plugins: str) -> ModuleType:
    made = ModuleType(name)
    for plugin in plugins:
        setattr(
            made,
            plugin.title(),
            type(
                plugin.title(),
                (Heuristic,),
                {"name": plugin, "factor": plugin, "default": True, "neutral": {}, "__module__": name},
            ),
        )
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


def heuristic(**members) -> type[Heuristic]:
    return type("Made", (Heuristic,), {"name": "made", "factor": "made", **members})


@pytest.mark.parametrize(
    ("kinds", "message"),
    [
        ([heuristic()], "factor 'made' has as default heuristics: none; allowed: exactly one"),
        ([heuristic(default=True, neutral={}), heuristic(name="too", default=True, neutral={})], "'made', 'too'"),
        ([heuristic(default=True)], "'made' is a default; allowed: one that is neutral"),
        ([heuristic(default=True, neutral={"rate": 0}, rate=1)], "'made' is a default; allowed: one that is neutral"),
    ],
)
def test_what_ids_of_runs_rest_on_is_checked(kinds: list[type[Heuristic]], message: str) -> None:
    with pytest.raises(InputError, match=message):
        registry.check_defaults({kind.name: kind for kind in kinds})


def test_a_plug_in_that_cannot_be_imported_is_named(tmp_path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "brokenplugin.py").write_text("import no_such_module")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(InputError, match=r"plug-in brokenplugin cannot be imported: ModuleNotFoundError: .*no_such"):
        registry._import("brokenplugin")


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
