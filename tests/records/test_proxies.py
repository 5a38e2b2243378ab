"""Files of scores of proxies: what is written is read, and nothing that cannot be trusted."""

import json
import math
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from supernet_bench.core.errors import InputError
from supernet_bench.records.archive import pack_proxies
from supernet_bench.records.damage import Damaged
from supernet_bench.records.form import seal
from supernet_bench.records.layout import proxy_path
from supernet_bench.records.merge import merge
from supernet_bench.records.proxies import (
    ProxyScores,
    ProxyTask,
    pack_scores,
    parse_scores,
    read_scores,
    write_scores,
)

TASK = ProxyTask({"name": "zen", "repeats": 4}, {"name": "toy", "width": 8}, {"name": "digits"}, seed=0, batch=64)
SCORES = ProxyScores(TASK, "code", {3: 1.5, 0: -math.inf, 7: -2.25e-9})

numbers = st.floats(allow_nan=False, allow_infinity=False, width=32)


@given(scores=st.dictionaries(st.integers(0, 20_000), st.one_of(numbers, st.just(-math.inf))))
def test_what_is_written_is_read(scores: dict[int, float]) -> None:
    written = ProxyScores(TASK, "code").with_scores(scores)
    assert parse_scores(pack_scores(written), Path("file")) == written
    assert all(written.scores[index] == pytest.approx(score, rel=1e-8) for index, score in scores.items())


def test_a_store_keeps_them_by_what_determines_them(tmp_path: Path) -> None:
    write_scores(tmp_path, SCORES)
    assert read_scores(tmp_path, TASK.key) == SCORES
    others = [
        ProxyTask({**TASK.proxy, "repeats": 5}, TASK.space, TASK.images, 0, 64),
        ProxyTask(TASK.proxy, {**TASK.space, "width": 9}, TASK.images, 0, 64),
        ProxyTask(TASK.proxy, TASK.space, {"name": "cifar10"}, 0, 64),
        ProxyTask(TASK.proxy, TASK.space, TASK.images, 1, 64),
        ProxyTask(TASK.proxy, TASK.space, TASK.images, 0, 32),
    ]
    assert len({TASK.key, *(other.key for other in others)}) == 6
    assert [read_scores(tmp_path, other.key) for other in others] == [None] * 5


def test_the_order_of_settings_does_not_count() -> None:
    turned = ProxyTask({"repeats": 4, "name": "zen"}, {"width": 8, "name": "toy"}, TASK.images, 0, 64)
    assert turned.key == TASK.key


def changed(**fields: Any) -> bytes:
    return json.dumps(seal({**SCORES.to_json(), **fields})).encode()


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (pack_scores(SCORES)[:-5], "it is no complete file of a proxy's scores"),
        (pack_scores(SCORES).replace(b"1.5", b"2.5"), "its checksum differs"),
        (changed(scores=[1.0]), "it has not one score of each architecture"),
        (changed(architectures=[0, 3, 3]), "it has not one score of each architecture"),
        (changed(scores=[1.0, "2", 3.0]), "scores[1] is '2'"),
        (changed(scores=[1.0, math.nan, 3.0]), "a score is no number"),
        (changed(proxy={"repeats": 4}), "it has not one score of each architecture"),
        (changed(seed=None), "seed is None"),
        (b"[]", "it is no complete file of a proxy's scores"),
    ],
)
def test_what_cannot_be_trusted_is_named(content: bytes, reason: str, tmp_path: Path) -> None:
    path = proxy_path(tmp_path, TASK.key)
    path.parent.mkdir()
    path.write_bytes(content)
    with pytest.raises(Damaged) as error:
        read_scores(tmp_path, TASK.key)
    assert reason in str(error.value)
    assert str(path) in str(error.value)


def test_a_file_of_another_task_is_damaged(tmp_path: Path) -> None:
    path = proxy_path(tmp_path, "0" * 16)
    path.parent.mkdir()
    path.write_bytes(pack_scores(SCORES))
    with pytest.raises(Damaged, match=f"scores of task {TASK.key}"):
        read_scores(tmp_path, "0" * 16)


def test_a_newer_file_is_refused_and_not_damaged(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="schema 2; allowed: 1") as error:
        parse_scores(changed(schema=2), tmp_path / "file")
    assert not isinstance(error.value, Damaged)


def test_stores_are_merged_architecture_by_architecture(tmp_path: Path) -> None:
    for folder, scores in (("a", {1: 1.0, 2: 2.0}), ("b", {2: 9.0, 3: 3.0})):
        (tmp_path / folder / "runs").mkdir(parents=True)
        write_scores(tmp_path / folder, ProxyScores(TASK, "code", scores))
    assert merge([tmp_path / "a"], tmp_path / "c")["proxies"] == {"new": 1}
    assert merge([tmp_path / "b"], tmp_path / "c")["proxies"] == {"updated": 1}
    assert merge([tmp_path / "b"], tmp_path / "c")["proxies"] == {"known": 1}
    found = read_scores(tmp_path / "c", TASK.key)
    assert found is not None
    assert found.scores == {1: 1.0, 2: 2.0, 3: 3.0}


def test_scores_by_other_code_are_not_mixed(tmp_path: Path) -> None:
    for folder, code in (("a", "code"), ("b", "other")):
        (tmp_path / folder / "runs").mkdir(parents=True)
        write_scores(tmp_path / folder, ProxyScores(TASK, code, {1: 1.0}))
    merge([tmp_path / "a"], tmp_path / "c")
    assert merge([tmp_path / "b"], tmp_path / "c")["proxies"] == {"different": 1}


def test_those_of_a_study_are_small() -> None:
    many = ProxyScores(TASK, "code").with_scores({index: math.sin(index) * 100 for index in range(400)})
    assert len(pack_proxies([many] * 8)) < 40_000
