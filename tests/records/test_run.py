"""The record of a run: written and read as one thing, whatever version wrote it."""

import json
import lzma
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from supernet_bench.benchmark.execution.worker import Execution, execute
from supernet_bench.core.errors import InputError
from supernet_bench.core.fields import Malformed
from supernet_bench.records.archive import RECORDS
from supernet_bench.records.damage import Damaged
from supernet_bench.records.form import RECORD_VERSION, seal
from supernet_bench.records.run import Blocks, Failure, RunRecord, Strata, parse_record, read_record
from supernet_bench.records.store import Store
from tests.records.made import executed, run_record, write_sealed

OLD_RECORD = Path(__file__).parent / "data" / "record_schema_1.json"
"""Written by the first version of the suite."""

PATH = Path("ab12.json")


def old_record() -> RunRecord:
    content = OLD_RECORD.read_bytes()
    return parse_record(content, Path(f"{json.loads(content)['run_id']}.json"))


def with_blocks() -> RunRecord:
    record = run_record()
    (checkpoint,) = record.checkpoints
    blocks = Blocks((2, 3), ((1, 2), (0, 3)), ((0.25, 1.5), (None, 0.1)))
    return replace(record, checkpoints=(replace(checkpoint, blocks=blocks),))


def content_of(record: RunRecord) -> bytes:
    return json.dumps(seal(record.to_json())).encode()


@pytest.mark.parametrize(
    "record",
    [
        run_record(),
        run_record(status="failed", error=Failure("Diverged", "loss is NaN", "..."), curve=(), checkpoints=()),
        run_record(status="failed", error=Failure("Killed", "three times", ""), checkpoints=(), execution=None),
        run_record(strata=Strata("truth", (4, 5), (1, 0))),
        with_blocks(),
        run_record(execution=executed(code=None, truth={"table": "t", "column": "c"}, peak_device_bytes=5)),
    ],
    ids=["finished", "failed", "killed", "strata", "blocks", "of older code"],
)
def test_what_is_written_is_read(record: RunRecord) -> None:
    assert parse_record(content_of(record), PATH) == record


def test_the_order_of_the_fields_is_that_of_all_records() -> None:
    """Published records are compared byte by byte."""
    content = run_record().to_json()
    assert list(content) == [
        "schema", "run_id", "status", "error", "spec", "revised", "heuristics", "architectures", "curve", "checkpoints",
        "counts", "execution",
    ]  # fmt: skip
    assert list(content["curve"][0]) == ["epoch", "loss", "accuracy", "learning_rate"]
    assert list(content["checkpoints"][0]) == ["epoch", "late", "accuracy", "cross_entropy"]


def test_what_a_newer_version_adds_is_kept() -> None:
    content = run_record(error=Failure("Diverged", "loss is NaN", "...")).to_json()
    content["mood"] = "good"
    content["error"]["mood"] = "bad"
    content["curve"][0]["mood"] = "worse"
    content["checkpoints"][0]["mood"] = "better"
    content["execution"]["mood"] = {"best": [1]}
    assert RunRecord.from_json(content).to_json() == content


def test_parts_that_older_records_lack_are_empty() -> None:
    content = run_record(execution=None).to_json()
    for name in ("error", "spec", "revised", "heuristics", "curve", "counts", "execution"):
        del content[name]
    record = RunRecord.from_json(content)
    assert record == replace(run_record(execution=None), spec={}, curve=())
    assert record.part("training") == {}


@pytest.mark.parametrize("name", ["code", "truth"])
def test_what_a_record_does_not_say_of_its_execution_is_not_written(name: str) -> None:
    assert name not in run_record(execution=executed(**{name: None})).to_json()["execution"]
    assert run_record(execution=executed(**{name: {}})).to_json()["execution"][name] == {}


def without(name: str) -> Any:
    def remove(content: dict[str, Any]) -> None:
        del content[name]

    return remove


def wrong(*names: str | int, value: object = "wrong") -> Any:
    def change(content: Any) -> None:
        for name in names[:-1]:
            content = content[name]
        content[names[-1]] = value

    return change


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        (without("status"), "status is missing"),
        (without("architectures"), "architectures is missing"),
        (without("checkpoints"), "checkpoints is missing"),
        (wrong("run_id", value=3), "run_id is 3; allowed: a text"),
        (wrong("status"), "status is 'wrong'; allowed: finished, failed"),
        (wrong("error"), "error is 'wrong'; allowed: an object"),
        (wrong("error", value={"type": "Killed"}), "error.message is missing"),
        (wrong("spec", value=None), "spec is None; allowed: an object"),
        (wrong("spec", "training", value=None), "spec.training is None; allowed: an object"),
        (wrong("heuristics", "sampling"), "heuristics.sampling is 'wrong'; allowed: an object"),
        (wrong("architectures", 1), r"architectures\[1\] is 'wrong'; allowed: a whole number"),
        (wrong("architectures", 1, value=True), r"architectures\[1\] is True; allowed: a whole number"),
        (wrong("architectures", value=[3, 3]), "an architecture appears twice"),
        (wrong("curve", 0), r"curve\[0\] is 'wrong'; allowed: an object"),
        (wrong("curve", 0, "loss"), r"curve\[0\].loss is 'wrong'; allowed: a number"),
        (wrong("checkpoints", value={}), r"checkpoints is \{\}; allowed: a list"),
        (wrong("checkpoints", 0, "late", value=1), r"checkpoints\[0\].late is 1; allowed: true or false"),
        (
            wrong("checkpoints", 0, "accuracy", 0, value=None),
            r"checkpoints\[0\].accuracy\[0\] is None; allowed: a",
        ),
        (wrong("checkpoints", 0, "accuracy", 0, value=43.0), r"an accuracy of epoch 1 is outside \[0, 1\]"),
        (wrong("checkpoints", 0, "cross_entropy", 0), r"cross_entropy\[0\] is 'wrong'; allowed: a number or null"),
        (wrong("checkpoints", 0, "cross_entropy", value=[1.0]), "epoch 1 does not have one score per architecture"),
        (wrong("checkpoints", 0, "late", value=False), "it is finished but has no late checkpoint"),
        (wrong("counts", value=None), "counts is None; allowed: an object"),
        (wrong("execution"), "execution is 'wrong'; allowed: an object"),
        (wrong("execution", "resumed"), "execution.resumed is 'wrong'; allowed: a whole number"),
    ],
)
def test_a_malformed_field_is_named(change: Any, problem: str) -> None:
    content = json.loads(json.dumps(run_record().to_json()))
    change(content)
    with pytest.raises(Malformed, match=problem):
        RunRecord.from_json(content)
    with pytest.raises(Damaged, match=rf"ab12\.json is damaged: it is no complete record: .*{problem}") as caught:
        parse_record(json.dumps(seal(content)).encode(), PATH)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "damage",
    [
        lambda content: content[:-10],
        lambda content: content.replace(b"finished", b"finishes"),
        lambda content: b"",
        lambda content: b"[1, 2]",
        lambda content: b'{"results": []}',
        lambda content: b"\x00" * 50,
    ],
    ids=["truncated", "changed", "empty", "a list", "foreign", "zeros"],
)
def test_a_damaged_record_is_named(damage: Any) -> None:
    with pytest.raises(InputError, match=r"ab12\.json is damaged: .* sets it aside") as caught:
        parse_record(damage(content_of(run_record())), PATH)
    assert "\n" not in str(caught.value)


def test_the_record_of_another_run_is_refused() -> None:
    with pytest.raises(InputError, match=r"cd34\.json is damaged: it is the record of run ab12"):
        parse_record(content_of(run_record()), Path("cd34.json"))


def test_a_record_that_is_not_there_is_none(tmp_path: Path) -> None:
    assert read_record(tmp_path / "runs" / "ab12.json") is None


def test_a_record_of_a_newer_version_is_named(tmp_path: Path) -> None:
    newer = RECORD_VERSION + 1
    path = write_sealed(tmp_path / "ab12.json", run_record().to_json() | {"schema": newer})
    with pytest.raises(
        InputError, match=rf"ab12\.json has schema {newer}; allowed: 1 to {RECORD_VERSION}; a newer"
    ) as caught:
        read_record(path)
    assert not isinstance(caught.value, Damaged)


@pytest.mark.parametrize("version", [0, None, "2", True])
def test_a_record_of_no_version_is_refused(tmp_path: Path, version: object) -> None:
    path = write_sealed(tmp_path / "ab12.json", run_record().to_json() | {"schema": version})
    with pytest.raises(InputError, match=rf"has schema {version!r}; allowed: 1 to"):
        read_record(path)


def test_a_record_of_the_first_version_reads_as_one_of_today() -> None:
    old, record = json.loads(OLD_RECORD.read_bytes()), old_record()
    content = record.to_json()
    assert (old["schema"], content["schema"]) == (1, RECORD_VERSION)
    assert (record.execution.peak_memory_bytes, record.execution.peak_device_bytes) == (None, None)
    for key in old.keys() - {"schema", "checksum", "execution"}:
        assert content[key] == old[key]
    for key in old["execution"]:
        assert content["execution"][key] == old["execution"][key]


def test_the_first_version_is_executed_as_it_was(toy_spec, tmp_path: Path) -> None:
    """The old record equals that of a run of today, but for rounding of other processors."""
    old, spec = old_record(), toy_spec()
    execute(spec, Execution(tmp_path, device="cpu"))
    new = Store(tmp_path).read_record(spec.run_id)
    assert new.architectures == old.architectures
    losses = [[epoch.loss for epoch in record.curve] for record in (old, new)]
    assert losses[0] == pytest.approx(losses[1], rel=1e-3)


def test_a_new_record_equals_what_is_read_of_it(toy_spec, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    spec, written, write = toy_spec(), [], Store.write_record

    def keep(store: Store, record: RunRecord, *guard: Any) -> None:
        written.append(record)
        write(store, record, *guard)

    monkeypatch.setattr(Store, "write_record", keep)
    execute(spec, Execution(tmp_path, device="cpu"))
    assert written == [Store(tmp_path).read_record(spec.run_id)]


def test_a_record_says_how_much_memory_its_run_took(toy_spec, tmp_path: Path) -> None:
    spec = toy_spec()
    execute(spec, Execution(tmp_path, device="cpu"))
    execution = Store(tmp_path).read_record(spec.run_id).execution
    # PyTorch alone takes a hundred megabytes; kilobytes taken for bytes would be far less.
    assert 100e6 < execution.peak_memory_bytes < 100e9
    assert execution.peak_device_bytes is None


RESULTS = Path(__file__).resolve().parents[2] / "results"


@pytest.mark.parametrize("study", sorted(path.parent.name for path in RESULTS.glob(f"*/{RECORDS}")))
def test_published_records_are_read_and_would_be_written_as_they_are(study: str) -> None:
    """But for the version, and for what says how they were executed, which newer versions say more of."""
    for line in lzma.decompress((RESULTS / study / RECORDS).read_bytes()).splitlines():
        content = json.loads(line)
        written = parse_record(line, Path(f"{content['run_id']}.json")).to_json()
        assert list(written) == [name for name in content if name != "checksum"]
        assert json.dumps(written | {"schema": 0, "execution": 0}) == json.dumps(
            {name: content[name] for name in written} | {"schema": 0, "execution": 0}
        )
        assert content["execution"].items() <= written["execution"].items()


BLOCKS = ("checkpoints", 0, "blocks")


@pytest.mark.parametrize(
    ("place", "value", "problem"),
    [
        ((*BLOCKS, "correct", 0, 0), 3, "a block has more correct labels than images"),
        ((*BLOCKS, "images", 0), 0, "a block has more correct labels than images, or no image"),
        ((*BLOCKS, "correct", 1), [], "a block does not have one score per architecture"),
        ((*BLOCKS, "images"), [5], "blocks do not have one row of scores each"),
        (
            (*BLOCKS, "correct", 0, 0),
            0.5,
            r"blocks\.correct\.0\[0\] is 0\.5; allowed: a whole number",
        ),
        (("strata",), {"by": "truth", "sizes": [9], "of": []}, "strata do not have one number per architecture"),
        (("strata",), {"by": "truth", "sizes": [9], "of": [1, 0]}, "stratum 1 is none, or has fewer"),
        (("strata",), {"by": "truth", "sizes": [1], "of": [0, 0]}, "stratum 0 is none, or has fewer"),
    ],
)
def test_blocks_and_strata_must_fit_the_architectures(place: tuple, value: object, problem: str) -> None:
    content = json.loads(content_of(with_blocks()))
    part = content
    for name in place[:-1]:
        part = part[name]
    part[place[-1]] = value
    with pytest.raises(Damaged, match=problem):
        parse_record(json.dumps(seal(content)).encode(), PATH)
