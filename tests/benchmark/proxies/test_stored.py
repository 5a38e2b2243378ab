"""Scores of proxies are computed once, whoever asks and however often it was interrupted."""

import math
import os
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import ClassVar

import numpy as np
import pytest
import torch
from torch import nn

from supernet_bench import proxy_scores
from supernet_bench.benchmark.execution import Resources
from supernet_bench.benchmark.plugins import registry
from supernet_bench.benchmark.plugins.registry import image_types, space_types
from supernet_bench.benchmark.proxies import compute, stored
from supernet_bench.benchmark.proxies import study as proxies_of_study
from supernet_bench.benchmark.proxies.compute import Job, score_all
from supernet_bench.benchmark.proxies.networks import Networks, choose_batch
from supernet_bench.benchmark.proxies.stored import ensure_scores
from supernet_bench.benchmark.proxies.study import ensure_proxies
from supernet_bench.benchmark.study.study import Study, parse_study
from supernet_bench.core.errors import InputError
from supernet_bench.images.digits import Digits
from supernet_bench.proxies.base import Batch, Proxy
from supernet_bench.records.layout import proxy_path
from supernet_bench.records.proxies import read_scores
from supernet_bench.spaces.toy import Toy

SEEN: list[int] = []


@dataclass(frozen=True)
class Counting(Proxy):
    """Counts networks; fails at the `fails`-th."""

    name: ClassVar[str] = "counting"
    source: ClassVar[str] = "nobody"
    fails: int = field(default=0, metadata={"help": "where to fail"})

    def score(self, network: nn.Module, batch: Batch, generator: torch.Generator) -> float:
        SEEN.append(1)
        if len(SEEN) == self.fails:
            raise KeyboardInterrupt
        return float(sum(each.detach().abs().sum() for each in network.parameters()))


@pytest.fixture(autouse=True)
def _counting(monkeypatch: pytest.MonkeyPatch) -> None:
    SEEN.clear()
    types = {**registry.proxy_types(), "counting": Counting}
    for module in (compute, stored):
        monkeypatch.setattr(module, "proxy_types", lambda: types)


def study(**tables: object) -> Study:
    small = {
        "seeds": 1,
        "space": {"name": "toy", "width": 4},
        "images": {"name": "digits", "train": 96, "valid": 32},
        "scoring": {"architectures": 8},
    }
    return parse_study("small", {**small, **tables})


def tasks(proxy: Proxy) -> list:  # type: ignore[type-arg]
    return replace(study(), proxies=(proxy,)).proxy_tasks()


def test_nothing_is_computed_twice(tmp_path: Path) -> None:
    (first,) = ensure_scores(tmp_path, tasks(Counting()), range(5))
    assert (sorted(first.scores), len(SEEN)) == ([0, 1, 2, 3, 4], 5)
    (again,) = ensure_scores(tmp_path, tasks(Counting()), range(8))
    assert len(SEEN) == 8
    assert {index: again.scores[index] for index in range(5)} == first.scores
    assert ensure_scores(tmp_path, tasks(Counting()), [7, 0])[0].scores == {i: again.scores[i] for i in (0, 7)}
    assert len(SEEN) == 8


def test_what_was_computed_before_an_interruption_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compute, "CHUNK", 2)
    (task,) = tasks(Counting(fails=6))
    with pytest.raises(KeyboardInterrupt):
        ensure_scores(tmp_path, [task], range(8))
    kept = read_scores(tmp_path, task.key)
    assert kept is not None
    assert sorted(kept.scores) == [0, 1, 2, 3]
    ensure_scores(tmp_path, [task], range(8))
    assert len(SEEN) == 6 + 4
    unbroken = ensure_scores(tmp_path / "other", tasks(Counting()), range(8))
    assert read_scores(tmp_path, task.key).scores == unbroken[0].scores  # type: ignore[union-attr]


def test_a_damaged_file_is_set_aside_and_made_again(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (task,) = tasks(Counting())
    (before,) = ensure_scores(tmp_path, [task], range(3))
    path = proxy_path(tmp_path, task.key)
    path.write_bytes(path.read_bytes()[:-9])
    assert ensure_scores(tmp_path, [task], range(3)) == [before]
    assert len(list((tmp_path / "damaged").iterdir())) == 1
    assert f"warning: {path} is damaged" in capsys.readouterr().err


def test_what_other_code_made_is_made_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ensure_scores(tmp_path, tasks(Counting()), range(3))
    monkeypatch.setattr(stored, "digest", lambda kind: "other")
    ensure_scores(tmp_path, tasks(Counting()), range(3))
    assert len(SEEN) == 6


def networks(seed: int = 0) -> Networks:
    return Networks(Toy(width=4), channels=1, classes=10, seed=seed)


def job(proxy: Proxy) -> Job:
    return Job(proxy, networks(), choose_batch(Digits(train=96, valid=32).load(), 16, 0))


def test_scores_do_not_depend_on_what_else_is_scored() -> None:
    together, alone = job(Counting()).score(range(6)), job(Counting()).score([4])
    assert together[4] == alone[4]
    torch.rand(5)
    assert job(Counting()).score([4]) == alone


def test_initial_weights_depend_on_seed_and_architecture() -> None:
    weights = [networks(seed).build(index).stem.conv.weight for seed, index in ((0, 1), (0, 1), (0, 2), (1, 1))]
    assert torch.equal(weights[0], weights[1])
    assert not torch.equal(weights[0], weights[2])
    assert not torch.equal(weights[0], weights[3])


def test_images_are_of_the_training_split_normalised_and_the_same_each_time() -> None:
    data = Digits(train=96, valid=32).load()
    batch, again, other = (choose_batch(data, 64, seed) for seed in (0, 0, 1))
    assert torch.equal(batch.images, again.images)
    assert not torch.equal(batch.images, other.images)
    pixels = {tuple(image.flatten().tolist()) for image in data.train.images}
    raw = ((batch.images * data.std + data.mean) * 255).round().to(torch.uint8)
    assert all(tuple(image.flatten().tolist()) in pixels for image in raw)
    assert len({tuple(image.flatten().tolist()) for image in raw}) == 64
    assert len(choose_batch(data, 1000, 0).labels) == 96


@dataclass(frozen=True)
class Wrong(Proxy):
    """Gives what it is told."""

    name: ClassVar[str] = "wrong"
    source: ClassVar[str] = "nobody"
    value: object = None

    def score(self, network: nn.Module, batch: Batch, generator: torch.Generator) -> float:
        if self.value == "error":
            raise ValueError("no such layer")
        return self.value  # type: ignore[return-value]


@pytest.mark.parametrize(
    ("value", "line"),
    [
        (math.nan, "proxy 'wrong' gives nan for architecture 2; allowed: a number"),
        (math.inf, "proxy 'wrong' gives inf for architecture 2; allowed: a number"),
        ("text", "proxy 'wrong' gives 'text' for architecture 2; allowed: a number"),
        ("error", "proxy 'wrong' fails at architecture 2: ValueError: no such layer"),
    ],
)
def test_what_is_no_score_is_refused_in_one_line(value: object, line: str) -> None:
    with pytest.raises(InputError) as error:
        job(Wrong(value)).score([2])
    assert str(error.value).startswith(line)


def test_minus_infinity_is_a_score() -> None:
    assert job(Wrong(-math.inf)).score([2]) == {2: -math.inf}


@pytest.mark.full
def test_several_processes_give_what_one_gives(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compute, "WORTH_PROCESSES", 4)
    monkeypatch.setattr(compute, "CHUNK", 3)
    snip = registry.proxy_types()["snip"]()
    found: dict[int, float] = {}
    for more in score_all(job(snip), range(8), processes=2):
        found.update(more)
    assert found == pytest.approx(job(snip).score(range(8)), rel=1e-5)  # Processes may round otherwise.


def test_a_process_that_dies_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compute, "WORTH_PROCESSES", 4)
    monkeypatch.setattr(compute, "_begin", os._exit)  # It is given two arguments, and a process ends either way.
    with pytest.raises(InputError, match=r"^proxy 'counting': a process that computes it died") as caught:
        list(score_all(job(Counting()), range(8), processes=2))
    assert "\n" not in str(caught.value)


def test_a_study_has_all_proxies_unless_it_says_otherwise() -> None:
    assert {task.name for task in study().proxy_tasks()} == set(registry.proxy_types())
    assert study(proxies=False).proxy_tasks() == []
    assert study(proxies=False).manifest().proxies == {}
    some = study(proxies=["snip", {"name": "zen", "repeats": 9}])
    assert [task.name for task in some.proxy_tasks()] == ["snip", "zen"]
    assert some.proxy_tasks()[1].proxy["repeats"] == 9
    assert some.manifest().proxies == {task.name: task.key for task in some.proxy_tasks()}


def test_ids_of_runs_do_not_depend_on_proxies() -> None:
    assert study(proxies=False).baseline.run_id == study().baseline.run_id


def test_networks_are_those_of_the_baseline_as_it_is_run() -> None:
    wider = study(heuristics={"width": {"scale": 2.0}})
    assert [task.space["width"] for task in wider.proxy_tasks()] == [8] * len(registry.proxy_types())
    assert {task.key for task in wider.proxy_tasks()}.isdisjoint(task.key for task in study().proxy_tasks())


@pytest.mark.parametrize(
    ("value", "line"),
    [
        ("snip", "proxies is 'snip'; allowed: true for all, false for none, or a list"),
        ([3], "proxies is [3]; allowed: true for all"),
        (["snap"], "unknown proxy 'snap'"),
        ([{"repeats": 4}], "proxies.name is missing in {'repeats': 4}; allowed: fisher, "),
        (["snip", "snip"], "proxies has 'snip' twice; allowed: once"),
        ([{"name": "zen", "repeats": 0}], "proxies.zen.repeats is 0; allowed: a whole number from 1 to 10000"),
        ([{"name": "zen", "repeat": 1}], "unknown setting of proxies.zen 'repeat'"),
    ],
)
def test_bad_proxies_of_a_study_are_named(value: object, line: str) -> None:
    with pytest.raises(InputError) as error:
        study(proxies=value)
    assert str(error.value).startswith(line), error.value


@pytest.mark.parametrize("where", [{"executor": "slurm"}, {"executor": "dask", "scheduler": "tcp://there:1"}])
def test_what_a_cluster_is_asked_for_does_not_bind_the_machine_that_waits(
    where: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[tuple[torch.device, int]] = []

    def noted(*_: object, device: torch.device, processes: int, **__: object) -> None:
        asked.append((device, processes))

    monkeypatch.setattr(proxies_of_study, "ensure_scores", noted)
    monkeypatch.setattr(proxies_of_study, "cores", lambda: 3)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 0)
    ensure_proxies(study(proxies=["snip"]), Resources(store=tmp_path, device="cuda", jobs=64, **where))
    ensure_proxies(study(proxies=["snip"]), Resources(store=tmp_path, device="cpu", jobs=2))
    assert asked == [(torch.device("cpu"), 3), (torch.device("cpu"), 2)]
    with pytest.raises(InputError, match="device is 'cuda'; allowed here: auto, cpu"):
        ensure_proxies(study(proxies=["snip"]), Resources(store=tmp_path, device="cuda"))


def test_from_python_a_frame_of_the_whole_space(tmp_path: Path) -> None:
    space, images = space_types()["toy"](width=4), image_types()["digits"](train=96, valid=32)
    frame = proxy_scores(space, images, ["l2_norm", "naswot"], tmp_path, jobs=1)
    assert list(frame.columns) == ["l2_norm", "naswot"]
    assert frame.index.tolist() == list(range(space.size))
    assert np.isfinite(frame["l2_norm"]).all()
    (task, _) = study(proxies=["l2_norm", "naswot"]).proxy_tasks()
    assert read_scores(tmp_path, task.key).scores == frame["l2_norm"].to_dict()  # type: ignore[union-attr]
    with pytest.raises(InputError, match="allowed: 0 to 26"):
        proxy_scores(space, images, ["l2_norm"], tmp_path, [27])
    with pytest.raises(InputError, match="unknown proxy 'l2'"):
        proxy_scores(space, images, ["l2"], tmp_path)
