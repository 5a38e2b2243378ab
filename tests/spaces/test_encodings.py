"""Indices, architectures and strings of every space are three names of the same thing."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from supernet_bench.core.errors import InputError
from supernet_bench.spaces.base import Space


@settings(deadline=None)
@given(data=st.data())
def test_index_architecture_and_text_round_trip(space: Space, data: st.DataObject) -> None:
    index = data.draw(st.integers(0, space.size - 1))
    architecture = space.architecture(index)
    assert space.index(architecture) == index
    assert space.parse(space.text(architecture)) == architecture


@settings(deadline=None)
@given(data=st.data())
def test_every_combination_of_choices_is_an_architecture(space: Space, data: st.DataObject) -> None:
    architecture = data.draw(st.tuples(*(st.integers(0, n - 1) for n in space.choices)))
    assert space.architecture(space.index(architecture)) == architecture


def test_rows_are_all_architectures_once(space: Space) -> None:
    assert space.architectures.shape == (space.size, len(space.choices))
    assert len(np.unique(space.architectures, axis=0)) == space.size
    assert space.architecture(space.size // 2) == tuple(space.architectures[space.size // 2])


def test_architectures_cannot_be_edited_in_place(space: Space) -> None:
    architecture = space.architecture(1)
    assert type(architecture) is tuple
    assert {type(choice) for choice in architecture} == {int}
    with pytest.raises(ValueError, match="read-only"):
        space.architectures[0, 0] = 1


def test_index_out_of_range(space: Space) -> None:
    for index in (-1, space.size):
        with pytest.raises(InputError, match=rf"^architecture index of {space.name} is {index}; allowed: .*$"):
            space.architecture(index)


def test_impossible_architecture(space: Space) -> None:
    valid = space.architecture(0)
    for architecture in (valid[1:], (*valid, 0), (-1, *valid[1:]), (*valid[:-1], space.choices[-1]), ()):
        for use in (space.index, space.text, space.check):
            with pytest.raises(InputError, match=rf"^architecture of {space.name} is \(.*; allowed: .*$"):
                use(architecture)


def refusal(space: Space, text: str) -> str | None:
    """What `parse` says against the text, if anything."""
    try:
        space.parse(text)
    except InputError as error:
        return str(error)
    return None


@settings(deadline=None)
@given(text=st.text() | st.text("0123", min_size=1, max_size=9))
def test_text_is_parsed_to_what_it_says_or_refused_in_one_line(space: Space, text: str) -> None:
    message = refusal(space, text)
    if message is None:
        assert space.text(space.parse(text)) == text
    else:
        assert len(message.splitlines()) == 1
        assert repr(text) in message


def test_text_with_something_before_or_after_is_refused(space: Space) -> None:
    text = space.text(space.architecture(1))
    for wrong in (text + "\n", " " + text, text[:-1], text + text, text.replace("0", "7")):
        with pytest.raises(InputError, match="allowed: "):
            space.parse(wrong)


def test_isomorphism_numbers_classes_from_zero(space: Space) -> None:
    classes = space.isomorphism()
    assert classes.shape == (space.size,)
    assert set(classes.tolist()) == set(range(classes.max() + 1))
