"""Settings from text."""

from dataclasses import dataclass, field

import pytest

from supernet_bench.core.errors import InputError
from supernet_bench.core.settings import build, values_of


@dataclass
class Settings:
    count: int = field(default=3, metadata={"low": 1, "high": 9})
    rate: float = field(default=0.5, metadata={"low": 0.0})
    kind: str = field(default="a", metadata={"choices": ("a", "b")})
    on: bool = False
    free: int = 0


@dataclass
class Needed:
    size: int


@dataclass
class WholeDefault:
    rate: float = 1


def test_defaults_and_given_values() -> None:
    assert values_of(build(Settings, {"count": 4}, "table")) == {
        "count": 4,
        "rate": 0.5,
        "kind": "a",
        "on": False,
        "free": 0,
    }


def test_a_whole_number_is_a_number() -> None:
    assert build(Settings, {"rate": 2}, "table").rate == 2.0
    assert type(build(Settings, {"rate": 2}, "table").rate) is float
    assert type(build(WholeDefault, {}, "table").rate) is float


@pytest.mark.parametrize(
    ("key", "value", "allowed"),
    [
        ("count", 0, "a whole number from 1 to 9"),
        ("count", 10, "a whole number from 1 to 9"),
        ("count", 1.5, "a whole number from 1 to 9"),
        ("count", True, "a whole number from 1 to 9"),
        ("count", "3", "a whole number from 1 to 9"),
        ("rate", -0.1, "a number, at least 0.0"),
        ("rate", float("nan"), "a number, at least 0.0"),
        ("rate", float("inf"), "a number, at least 0.0"),
        ("kind", "c", "'a', 'b'"),
        ("on", 1, "true or false"),
    ],
)
def test_a_bad_value_names_field_value_and_what_is_allowed(key: str, value: object, allowed: str) -> None:
    with pytest.raises(InputError) as caught:
        build(Settings, {key: value}, "table")
    assert str(caught.value) == f"table.{key} is {value!r}; allowed: {allowed}"


@pytest.mark.parametrize("key", ["rate", "free"])
@pytest.mark.parametrize("value", [2**63, -(2**64), 10**30])
def test_a_whole_number_fits_a_column_of_a_table(key: str, value: int) -> None:
    words = {"rate": "a number, at least 0.0", "free": "a whole number"}[key]
    with pytest.raises(InputError) as caught:
        build(Settings, {key: value}, "table")
    assert str(caught.value) == f"table.{key} is {value}; allowed: {words}, that fits 64 bits"


def test_the_largest_whole_number_is_one() -> None:
    assert build(Settings, {"free": 2**63 - 1}, "table").free == 2**63 - 1


def test_an_unknown_key_suggests_the_nearest() -> None:
    with pytest.raises(InputError, match="unknown setting of table 'cuont'; did you mean 'count'"):
        build(Settings, {"cuont": 1}, "table")


def test_a_missing_value_without_default_is_named() -> None:
    with pytest.raises(InputError, match=r"table\.size is missing"):
        build(Needed, {}, "table")
