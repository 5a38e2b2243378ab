"""What is rebuilt is compared by what it says."""

import json
from pathlib import Path

import pytest

from supernet_bench.analysis.publishing.check import TOLERANCE, differences

CONTENT = {"levels": [{"verdict": "noisy", "difference": {"value": 0.1, "low": None}}], "lost": [], "seeds": 3}


def said(tmp_path: Path, committed: str) -> list[str]:
    for name, text in (("committed", committed), ("rebuilt", json.dumps(CONTENT))):
        (tmp_path / name).mkdir()
        (tmp_path / name / "verdicts.json").write_text(text)
    return [line.partition(": ")[2] for line in differences(tmp_path / "committed", tmp_path / "rebuilt")]


@pytest.mark.parametrize(
    ("change", "line"),
    [
        ({}, None),
        ({"levels": [{"verdict": "noisy", "difference": {"value": 0.1 + TOLERANCE / 2, "low": None}}]}, None),
        (
            {"levels": [{"verdict": "noisy", "difference": {"value": 0.10001, "low": None}}]},
            "levels.0.difference.value is 0.10001; rebuilt: 0.1",
        ),
        (
            {"levels": [{"verdict": "helps", "difference": {"value": 0.1, "low": None}}]},
            'levels.0.verdict is "helps"; rebuilt: "noisy"',
        ),
        (
            {"levels": [{"verdict": "noisy", "difference": {"value": 0.1, "low": 0.0}}]},
            "levels.0.difference.low is 0.0; rebuilt: null",
        ),
        ({"lost": [1]}, None),
        ({"more": 1}, "more is 1; rebuilt: nothing"),
    ],
)
def test_values_are_compared_one_by_one(tmp_path: Path, change: dict[str, object], line: str | None) -> None:
    found = said(tmp_path, json.dumps(CONTENT | change))
    if change == {"lost": [1]}:
        assert found == ["lost.0 is 1; rebuilt: nothing", "lost is nothing; rebuilt: []"]
    else:
        assert found == ([line] if line else [])


def test_what_is_no_json_is_compared_by_lines(tmp_path: Path) -> None:
    (line,) = said(tmp_path, "<<<<<<<")
    assert line.startswith("'<<<<<<<'; rebuilt: ")
