"""What is read from a store, and what is refused."""

import json
import math
import re
from pathlib import Path
from typing import Any

import pytest

from supernet_bench.analysis.results import load_results
from supernet_bench.core.errors import InputError
from supernet_bench.records.form import checksum
from supernet_bench.records.layout import record_path
from supernet_bench.records.run import read_record
from tests.analysis.synthetic import Scenario, run_id, write_record, write_store

FAIRNAS = run_id("sampling", "fairnas accounting=compute", 1)


@pytest.fixture
def store(tmp_path: Path) -> Path:
    return write_store(tmp_path / "store", Scenario(epochs=(5, 10)))


def read(path: Path) -> dict[str, Any]:
    return json.loads(path.read_text())


def test_tables_are_tidy_and_whole(store: Path) -> None:
    results = load_results(store, "default")
    assert len(results.runs) == 3 * (2 + 3 + 2)
    assert set(results.runs["status"]) == {"finished"}
    baseline = results.runs[results.runs["factor"] == "baseline"]
    uniform = results.runs[results.runs["level"] == "uniform"]
    assert list(baseline["run_id"]) == list(uniform["run_id"])
    assert uniform["baseline"].all()
    record = read_record(record_path(store, FAIRNAS))
    scores = results.scores[results.scores["run_id"] == FAIRNAS]
    assert scores.groupby("epoch")["accuracy"].apply(list).to_dict() == {
        checkpoint.epoch: list(checkpoint.accuracy) for checkpoint in record.checkpoints
    }
    assert tuple(results.architectures) == record.architectures
    assert len(results.curve[results.curve["run_id"] == FAIRNAS]) == 10
    assert results.target == "cifar10_valid_200"


def test_failed_and_missing_runs_stay(store: Path) -> None:
    failed = read(record_path(store, FAIRNAS))
    failed |= {"status": "failed", "checkpoints": [], "curve": failed["curve"][:3]}
    failed["error"] = {"type": "Diverged", "message": "loss is NaN at step 7", "traceback": "..."}
    write_record(store, failed)
    record_path(store, run_id("batch_norm", "tracked", 0)).unlink()
    runs = load_results(store, "default").runs
    row = runs[runs["run_id"] == FAIRNAS].iloc[0]
    assert (row["status"], row["error"], row["message"]) == ("failed", "Diverged", "loss is NaN at step 7")
    assert (runs["status"] == "missing").sum() == 1


def truncated(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:1000])


def changed(path: Path) -> None:
    path.write_text(path.read_text().replace("0.4", "0.5", 1))


def foreign(path: Path) -> None:
    path.write_text('{"results": []}')


def renamed(path: Path) -> None:
    path.write_bytes(path.with_name(f"{run_id('baseline', 'baseline', 0)}.json").read_bytes())


def short(path: Path) -> None:
    content = read(path)
    content["checkpoints"][0]["accuracy"].pop()
    write_record(path.parents[1], content)


def percent(path: Path) -> None:
    content = read(path)
    content["checkpoints"][1]["accuracy"][3] = 43.0
    write_record(path.parents[1], content)


def without_scores(path: Path) -> None:
    write_record(path.parents[1], read(path) | {"checkpoints": []})


def without_status(path: Path) -> None:
    content = read(path)
    del content["status"]
    write_record(path.parents[1], content)


def without_spec(path: Path) -> None:
    write_record(path.parents[1], read(path) | {"spec": None})


def without_training(path: Path) -> None:
    content = read(path)
    content["spec"]["training"] = None
    write_record(path.parents[1], content)


@pytest.mark.parametrize(
    ("damage", "reason"),
    [
        (truncated, "it is no complete record"),
        (changed, "its checksum differs"),
        (foreign, "it is no complete record"),
        (renamed, "it is the record of run"),
        (short, "epoch 5 does not have one score per architecture"),
        (percent, r"an accuracy of epoch 10 is outside \[0, 1\]"),
        (without_scores, "it is finished but has no late checkpoint"),
        (without_spec, "spec is None; allowed: an object"),
        (without_training, "spec.training is None; allowed: an object"),
        (without_status, "it is no complete record: status is missing"),
    ],
)
def test_damage_is_named_and_shown(store: Path, damage: Any, reason: str) -> None:
    path = record_path(store, FAIRNAS)
    damage(path)
    with pytest.raises(InputError, match=f"{re.escape(str(path))}.*{reason}") as error:
        read_record(path)
    assert "\n" not in str(error.value)
    results = load_results(store, "default")
    assert list(results.runs.loc[results.runs["run_id"] == FAIRNAS, "status"]) == ["damaged"]
    assert results.warnings == (f"damaged record: {error.value}",)
    assert FAIRNAS not in set(results.scores["run_id"])


def test_the_checksum_is_that_of_the_canonical_form(store: Path) -> None:
    record = read(record_path(store, FAIRNAS))
    shuffled = dict(reversed(record.items()))
    assert checksum(shuffled) == record["checksum"]
    assert checksum(record | {"status": "failed"}) != record["checksum"]


def test_unknown_names_list_what_there_is(store: Path) -> None:
    with pytest.raises(InputError, match=r"unknown study 'defautl'; did you mean 'default'. known: default"):
        load_results(store, "defautl")
    with pytest.raises(InputError, match=r"unknown target column 'macs'.*cifar10_test_200"):
        load_results(store, "default", target="macs")
    with pytest.raises(InputError, match="nowhere does not exist"):
        load_results(store / "nowhere", "default")


def test_the_target_of_the_study_comes_before_that_of_the_space(store: Path) -> None:
    path = store / "studies" / "default.json"
    path.write_text(json.dumps(read(path) | {"target": "cifar10_test_200"}))
    assert load_results(store, "default").target == "cifar10_test_200"
    assert load_results(store, "default", "cifar10_valid_12").target == "cifar10_valid_12"


def test_a_manifest_with_a_seed_that_is_no_number_is_refused(store: Path) -> None:
    path = store / "studies" / "default.json"
    content = read(path)
    for seed in ("one", 1.5, True, -1, 2**64):
        content["runs"][0]["seed"] = seed
        path.write_text(json.dumps(content))
        with pytest.raises(
            InputError,
            match=rf"default.json is damaged: .* runs\[0\]\.seed is {seed!r}; allowed",
        ):
            load_results(store, "default")


def test_names_with_white_space_become_one_line(store: Path) -> None:
    path = store / "studies" / "default.json"
    path.write_text(path.read_text().replace("pool size=50", "pool\\n size=50"))
    results = load_results(store, "default")
    assert "pool size=50" in {level.name for level in results.manifest.levels}
    assert "pool size=50" in set(results.runs["level"])


def test_different_architectures_cannot_be_compared(store: Path) -> None:
    content = read(record_path(store, FAIRNAS))
    content["architectures"][0] = next(i for i in range(400) if i not in content["architectures"])
    write_record(store, content)
    with pytest.raises(InputError, match=f"{FAIRNAS} of one study scored different architectures"):
        load_results(store, "default")


def test_a_damaged_manifest_is_refused(store: Path) -> None:
    path = store / "studies" / "default.json"
    content = read(path)
    del content["runs"]
    path.write_text(json.dumps(content))
    with pytest.raises(InputError, match=r"default.json is damaged: .*: runs is missing"):
        load_results(store, "default")


def test_scores_that_overflowed_are_kept_as_undefined(store: Path) -> None:
    content = read(record_path(store, FAIRNAS))
    content["checkpoints"][1]["cross_entropy"][:2] = [None, math.inf]
    write_record(store, content)
    results = load_results(store, "default")
    of_run = results.scores[results.scores["run_id"] == FAIRNAS]
    assert (of_run["cross_entropy"].isna().sum(), of_run["accuracy"].isna().sum()) == (2, 0)
    assert results.warnings == (
        f"run {FAIRNAS}: 2 of its cross-entropies are not finite and are left undefined; its accuracies are used",
    )
    assert list(of_run["score"]) == list(of_run["accuracy"])


def test_a_run_may_rank_by_its_cross_entropies(store: Path) -> None:
    """What overflowed is worse than all else."""
    content = read(record_path(store, FAIRNAS))
    content["heuristics"]["scoring"] = {"name": "scoring", "score": "cross_entropy"}
    content["checkpoints"][1]["cross_entropy"][:2] = [None, math.inf]
    write_record(store, content)
    results = load_results(store, "default")
    by_run = dict(list(results.scores.groupby("run_id")))
    scores = by_run.pop(FAIRNAS).groupby("epoch")["score"].apply(list)
    assert scores[5] == [-loss for loss in content["checkpoints"][0]["cross_entropy"]]
    assert scores[10][:2] == [-math.inf] * 2
    assert scores[10][2:] == [-loss for loss in content["checkpoints"][1]["cross_entropy"][2:]]
    assert all(list(part["score"]) == list(part["accuracy"]) for part in by_run.values())
    assert results.warnings == (f"run {FAIRNAS}: 2 of its cross-entropies are not finite and rank last",)
