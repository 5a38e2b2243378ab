"""Reading JSON field by field."""

import pytest

from supernet_bench.core.fields import Fields, Malformed


def test_a_field_is_read_once_and_the_others_are_left() -> None:
    fields = Fields({"a": 1, "b": "text", "more": [1]})
    assert (fields.read("a", int), fields.read("b", str), fields.read("c", int, default=7)) == (1, "text", 7)
    assert fields.rest() == {"more": [1]}


def test_places_are_named_from_the_outside_in() -> None:
    (inner,) = Fields({"runs": [{"levels": {"a": "b", "c": 3}}]}).objects("runs")
    with pytest.raises(Malformed, match=r"^runs\[0\]\.levels\.c is 3; allowed: a text$"):
        inner.texts("levels")
    with pytest.raises(Malformed, match=r"^runs\[0\]\.seed is missing$"):
        inner.read("seed", int)


@pytest.mark.parametrize("content", [None, 3, [], "text"])
def test_what_is_no_object_is_named(content: object) -> None:
    with pytest.raises(Malformed, match=r"^the whole is .*; allowed: an object$"):
        Fields(content)


def test_truth_values_are_no_numbers() -> None:
    with pytest.raises(Malformed, match=r"^seed is True; allowed: a whole number$"):
        Fields({"seed": True}).read("seed", int)
    with pytest.raises(Malformed, match=r"^late is 1; allowed: true or false$"):
        Fields({"late": 1}).read("late", bool)


def test_a_long_value_is_shortened() -> None:
    with pytest.raises(Malformed) as caught:
        Fields({"name": list(range(1000))}).read("name", str)
    assert len(str(caught.value)) < 100


@pytest.mark.parametrize("content", [{}, {"error": None}, {"error": {}}])
def test_an_object_that_says_nothing_is_none(content: dict) -> None:
    assert Fields(content).object("error") is None
