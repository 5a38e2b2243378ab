"""What was found is read as it was written, and a damaged file is named."""

import json
import math
import shutil
from pathlib import Path

import pytest

from supernet_bench.analysis.conclude import find_in_pair, find_in_study
from supernet_bench.analysis.effects.effects import Counts
from supernet_bench.analysis.effects.estimate import compute_effects
from supernet_bench.analysis.findings import (
    VERDICTS,
    StudyFindings,
    read_pair_findings,
    read_study_findings,
    write_findings,
)
from supernet_bench.analysis.results import load_results
from supernet_bench.analysis.verdicts import Verdict, verdict
from supernet_bench.core.errors import InputError
from tests.analysis.compared import cheap_and_dear
from tests.analysis.synthetic import Scenario, grid_of_two, run_id, write_store


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    levels, cells = grid_of_two({(a, b): 0.5 + 3 * i for a in ("uniform", "pool") for i, b in enumerate("uv")})
    factors = {"grid": levels, "sampling": {"uniform": 1.0, "fair": 0.2, "gone": 1.0}}
    store = write_store(
        tmp_path_factory.mktemp("made") / "store", Scenario(factors=factors, cells=cells, epochs=(5, 10))
    )
    for seed in range(3):
        (store / "runs" / f"{run_id('sampling', 'gone', seed)}.json").unlink()
    return store


@pytest.fixture
def store(made: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(made, tmp_path / "store"))


@pytest.fixture(scope="module")
def found(made: Path) -> StudyFindings:
    return found_in(made)


def found_in(store: Path) -> StudyFindings:
    results = load_results(store, "default")
    return find_in_study(results, compute_effects(results, 100, 0))


def test_what_is_written_is_read(found: StudyFindings, tmp_path: Path) -> None:
    write_findings(found, tmp_path)
    written, read = (tmp_path / VERDICTS).read_bytes(), read_study_findings(tmp_path)
    write_findings(read, tmp_path)
    assert (tmp_path / VERDICTS).read_bytes() == written
    assert [level.verdict for level in read.levels] == [level.verdict for level in found.levels]
    assert read.levels[0].difference.value == pytest.approx(found.levels[0].difference.value, abs=1e-9)
    assert read.levels[0].standard_error == pytest.approx(found.levels[0].standard_error, abs=1e-6)
    assert 0 < read.levels[0].standard_error < (read.levels[0].difference.high - read.levels[0].difference.low) / 4
    assert read.references.keys() == found.references.keys() >= {"untrained", "parameter count", "noise ceiling"}
    assert b"NaN" not in written


def test_what_is_found_is_what_the_effects_show(made: Path) -> None:
    results = load_results(made, "default")
    effects = compute_effects(results, 100, 0)
    found = find_in_study(results, effects)
    assert [level.level for level in found.levels] == [e.level.name for e in effects.levels if e.difference]
    assert [level.verdict for level in found.levels] == [verdict(e.difference) for e in effects.levels if e.difference]
    (gone,) = found.of(Verdict.NOT_COMPARED)
    assert (gone.level, gone.counts) == ("gone", Counts(planned=3, missing=3))
    assert math.isnan(gone.path_passes)
    assert [(row.factor, row.level) for row in found.lost] == [("sampling", "gone")]
    assert (found.seeds, found.runs, found.architectures) == (3, len(set(results.runs["run_id"])), 60)


def test_levels_with_the_same_runs_are_one(store: Path, found: StudyFindings) -> None:
    path = store / "studies" / "default.json"
    manifest = json.loads(path.read_text())
    manifest["factors"].append({"factor": "again", "levels": [{"level": "fair too", "baseline": False}]})
    manifest["runs"] += [
        run | {"factor": "again", "level": "fair too"} for run in manifest["runs"] if run["level"] == "fair"
    ]
    path.write_text(json.dumps(manifest))
    assert [level.level for level in found_in(store).levels] == [level.level for level in found.levels]


def test_pairs_are_read_as_they_were_written(tmp_path: Path) -> None:
    found = find_in_pair(cheap_and_dear(tmp_path), "plots/a.png")
    write_findings([found], tmp_path)
    (read,) = read_pair_findings(tmp_path)
    assert (read.verdict, read.name, read.plot, read.seeds) == (found.verdict, found.name, found.plot, found.seeds)
    assert read.rho.value == pytest.approx(found.rho.value, abs=1e-9)


@pytest.mark.parametrize(
    "damage", ["", "{", "[]", "{}", "1", '{"study": 1}', "<<<<<<< HEAD", '"helps"', "noisier", "counts"]
)
def test_a_damaged_file_is_named_in_one_line(found: StudyFindings, tmp_path: Path, damage: str) -> None:
    write_findings(found, tmp_path)
    file = tmp_path / VERDICTS
    content = file.read_text()
    changes = {"noisier": ('"verdict": "', '"verdict": "very '), "counts": ('"planned"', '"plan"')}
    file.write_text(content.replace(*changes[damage]) if damage in changes else damage)
    with pytest.raises(InputError, match=r"verdicts\.json is damaged or not what was written there") as raised:
        read_study_findings(tmp_path)
    assert "\n" not in str(raised.value)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"verdicts\.json cannot be read: No such file"):
        read_study_findings(tmp_path)
