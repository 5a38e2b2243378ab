"""The manifest of a study: written and read as one thing, compared and united."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from supernet_bench.benchmark.study.study import load_study, shipped_studies
from supernet_bench.core.errors import InputError
from supernet_bench.records.archive import MANIFEST
from supernet_bench.records.damage import Damaged
from supernet_bench.records.form import RECORD_VERSION, seal
from supernet_bench.records.manifest import (
    Level,
    Manifest,
    PlannedRun,
    conflict,
    other_levels,
    parse_manifest,
    read_published_manifest,
)
from tests.records.made import manifest, write_sealed

LEVEL = Level("f", "l", baseline=False, uses_truth=True)
CELL = Level("a x b", "a 1, b 2", baseline=True, uses_truth=False, cell=(("a", "1"), ("b", "2")))
PATH = Path("mine.json")


def test_what_is_written_is_read() -> None:
    made = manifest(levels=(LEVEL, replace(LEVEL, name="m"), CELL), target="column")
    content = made.to_json()
    assert parse_manifest(json.dumps(seal(content)).encode(), PATH) == made
    assert [factor["factor"] for factor in content["factors"]] == ["f", "a x b"]
    assert content["factors"][1]["levels"] == [
        {"level": "a 1, b 2", "baseline": True, "uses_truth": False, "cell": {"a": "1", "b": "2"}}
    ]


@pytest.mark.parametrize("name", shipped_studies())
def test_manifests_of_shipped_studies_are_read_back(name: str) -> None:
    made = load_study(name).manifest()
    assert Manifest.from_json(json.loads(json.dumps(made.to_json()))) == made


def test_what_levels_are_called_is_written_and_read() -> None:
    named = replace(LEVEL, labels=(("f", "half  of it"),))
    assert (LEVEL.label, named.label) == ("l", "half  of it")
    content = manifest(levels=(named,)).to_json()
    assert content["factors"][0]["levels"][0]["labels"] == {"f": "half  of it"}
    assert Manifest.from_json(content).levels[0].label == "half of it"
    cell = replace(CELL, labels=(("a", "one"), ("b", "two")))
    assert cell.label == "one, two"


def test_studies_are_one_whatever_their_levels_are_called() -> None:
    """Older manifests do not say, and a newer version of the suite may say it better."""
    named = replace(LEVEL, labels=(("f", "half"),))
    old, new = manifest(levels=(LEVEL,)), manifest(levels=(named,))
    assert old.unite(new) == new == new.unite(old)


def test_what_a_newer_version_adds_is_kept() -> None:
    content = manifest(levels=(LEVEL,)).to_json()
    content["mood"] = content["factors"][0]["levels"][0]["mood"] = content["runs"][0]["mood"] = "good"
    assert Manifest.from_json(content).to_json() == content


def test_what_older_manifests_lack() -> None:
    content = manifest(levels=(LEVEL,)).to_json() | {"schema": 1, "title": None}
    del content["target"], content["factors"][0]["levels"][0]["uses_truth"]
    made = parse_manifest(json.dumps(content).encode(), PATH)
    assert (made.title, made.target, made.levels[0].uses_truth) == ("mine", None, False)
    assert made.to_json()["schema"] == RECORD_VERSION


def test_names_are_on_one_line_once_they_are_read() -> None:
    """Whatever was written: names go into cells, labels and lists."""
    made = manifest(title="a\n title", levels=(replace(LEVEL, name="l \t1"),), runs=(PlannedRun("f", "l \t1", 0, "r"),))
    read = Manifest.from_json(made.to_json())
    assert (read.title, read.levels[0].name, read.runs[0].level) == ("a title", "l 1", "l 1")
    assert other_levels(read, made) == []


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"study": 3}, "study is 3; allowed: a text"),
        ({"seeds": ["one"]}, r"seeds\[0\] is 'one'; allowed: a whole number"),
        ({"seeds": [2**64]}, r"seeds\[0\] is 18446744073709551616; allowed: a whole number from 0 to"),
        ({"runs": 3}, "runs is 3; allowed: a list"),
        ({"runs": [3]}, r"runs\[0\] is 3; allowed: an object"),
        ({"runs": [{}]}, r"runs\[0\].factor is missing"),
        ({"factors": [{"factor": "f", "levels": [{"level": 1}]}]}, r"factors\[0\].levels\[0\].level is 1; allowed"),
        ({"factors": [{"factor": "f"}]}, r"factors\[0\].levels is missing"),
    ],
)
def test_a_malformed_field_is_named(change: dict[str, Any], problem: str) -> None:
    content = json.dumps(seal(manifest().to_json() | change)).encode()
    with pytest.raises(Damaged, match=rf"mine\.json is damaged: it is no complete manifest of a study: {problem}"):
        parse_manifest(content, PATH)


def test_a_published_manifest_that_is_damaged_is_not_said_to_be_set_aside(tmp_path: Path) -> None:
    path = write_sealed(tmp_path / MANIFEST, {"schema": RECORD_VERSION})
    with pytest.raises(InputError, match=r"manifest\.json is damaged: it is no complete .*: study is missing$"):
        read_published_manifest(path)
    path.unlink()
    with pytest.raises(InputError, match=r"manifest\.json cannot be read: .*; allowed: a published study"):
        read_published_manifest(path)


def test_a_run_that_is_another_in_both_is_a_conflict() -> None:
    one, other = manifest(seeds=(0, 1)), manifest(seeds=(1, 2))
    assert (conflict(one.runs, other.runs), other_levels(one, other)) == (None, [])
    other = replace(other, runs=(replace(other.runs[0], run_id="another"), *other.runs[1:]))
    assert conflict(one.runs, other.runs) == "f l with seed 1"
    assert other_levels(one, other) == [("f", "l")]


def test_seeds_and_runs_of_two_manifests_are_united() -> None:
    united = manifest(seeds=(0, 1)).unite(manifest(seeds=(1, 2)))
    assert united == manifest(seeds=(0, 1, 2))


@pytest.mark.parametrize(
    "change",
    [{"title": "other"}, {"target": "other"}, {"levels": (LEVEL,)}, {"extra": {"mood": "good"}}],
    ids=["title", "target", "levels", "what a newer version says"],
)
def test_manifests_of_two_studies_are_not_united(change: dict[str, Any]) -> None:
    assert manifest().unite(replace(manifest(), **change)) is None
    assert manifest().unite(replace(manifest(), runs=(PlannedRun("f", "l", 0, "another"),))) is None
