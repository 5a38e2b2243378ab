"""How errors are worded."""

import pytest

from supernet_bench.core.errors import in_one_line


@pytest.mark.parametrize(
    ("error", "line"),
    [(ValueError("first\n  second\t third"), "ValueError: first second third"), (KeyError("a"), "KeyError: 'a'")],
)
def test_an_error_is_told_in_one_line(error: Exception, line: str) -> None:
    assert in_one_line(error) == line
