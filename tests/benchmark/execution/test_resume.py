"""A run that was interrupted, even by SIGKILL, gives the record of one that was not."""

import os
import random
import signal
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from supernet_bench.benchmark.execution import Execution, compute_exactly, driver, execute
from supernet_bench.benchmark.execution.executors.local import process_context
from supernet_bench.benchmark.plugins.composition import Composition
from supernet_bench.benchmark.study.spec import RunSpec
from supernet_bench.benchmark.training.trainer import Trainer
from supernet_bench.heuristics.base import Heuristic
from supernet_bench.records.run import RunRecord
from supernet_bench.records.store import Store
from supernet_bench.spaces.base import Truth

HEURISTICS: list[dict[str, dict[str, Any]]] = [
    {},
    {"fairnas": {"accounting": "step"}, "path_dropout": {"rate": 0.3}},
    {"batch_norm": {"statistics": "tracked"}, "independence": {"reset": "momentum", "iterations": 2}},
    {
        "batch_norm": {"statistics": "recalibrated", "images": 32},
        "independence": {"reset": "full", "iterations": 3},
    },
    {"proportional": {"gamma": 2.0}, "learning_rate": {"rate": 0.2, "schedule": "step"}},
]


def result_of(record: RunRecord | None) -> dict[str, Any]:
    """Return what the spec determines."""
    assert record is not None
    return record.result()


def run_until(stop: int, trainer: Trainer, store: Store, name: str = "x") -> None:
    """Train until the end of an epoch, with a checkpoint after each, and be interrupted there."""

    class Stop(Exception):
        pass

    def save(trainer: Trainer) -> None:
        store.write_checkpoint(name, {**trainer.state_dict(), "resumed": 0})
        if trainer.epoch == stop:
            raise Stop

    with pytest.raises(Stop):
        trainer.run(save=save)


@pytest.mark.parametrize("heuristics", HEURISTICS, ids=lambda h: "+".join(h) or "baseline")
@pytest.mark.parametrize("stop", [1, 3])
def test_a_trainer_continues_bit_for_bit(toy_spec, tmp_path: Path, heuristics, stop: int) -> None:
    spec = toy_spec(heuristics, training={"epochs": 4}, scoring={"trace": 2})
    data, cpu, store = spec.images.load(), torch.device("cpu"), Store(tmp_path)

    run_until(stop, Trainer(spec, data, cpu), store)
    resumed, whole = Trainer(spec, data, cpu), Trainer(spec, data, cpu)
    resumed.load_state_dict(store.read_checkpoint("x"))
    assert resumed.epoch == stop
    resumed.run()
    whole.run()
    assert resumed.curve == whole.curve
    assert resumed.checkpoints == whole.checkpoints
    assert resumed.counts == whole.counts
    for key, value in whole.supernet.state_dict().items():
        assert torch.equal(value, resumed.supernet.state_dict()[key])


MANY: dict[str, dict[str, Any]] = {
    "sharpness": {"radius": 0.05},
    "landmark": {"landmarks": 10},
    "multi_path": {"paths": 2},
    "weight_average": {"kind": "ema"},
    "warmup": {"share": 0.5},
    "path_dropout": {"rate": 0.3},
    "global_dropout": {"rate": 0.2},
    "label_smoothing": {"smoothing": 0.1},
    "gradient_clip": {"norm": 0.5},
    "augmentation": {"policy": "crop_flip", "cutout": True},
    "batch_norm": {"statistics": "tracked"},
    "scoring": {"images": 10, "fresh": True},
}


@pytest.mark.parametrize("stop", [1, 2])
def test_many_heuristics_at_once_continue_bit_for_bit(toy_spec, tmp_path: Path, stop: int) -> None:
    space = {"name": "nasbench201", "width": 8, "cells": 1}
    spec, store = toy_spec(MANY, space=space, scoring={"checkpoints": 3}), Store(tmp_path)
    values = np.random.default_rng(0).random(spec.space.size)

    def trainer() -> Trainer:
        truth = Truth("made up", {"x": values}, "x")
        return Trainer(spec, spec.images.load(), torch.device("cpu"), truth=lambda: truth)

    whole, first, second = trainer(), trainer(), trainer()
    whole.run()

    run_until(stop, first, store)
    second.load_state_dict(store.read_checkpoint("x"))
    second.run()
    assert (second.curve, second.checkpoints, second.counts) == (whole.curve, whole.checkpoints, whole.counts)
    for key, value in whole.supernet.state_dict().items():
        assert torch.equal(value, second.supernet.state_dict()[key])


class Counting(Heuristic):
    """A heuristic whose effect depends on how many steps it has seen."""

    name, factor = "counting", "counting"

    def begin(self, task) -> None:
        self.seen = torch.zeros(())

    def loss(self, loss, logits, labels, step):
        self.seen += 1
        return loss * (1 + 0.1 * self.seen)

    def state_dict(self):
        return {"seen": self.seen}

    def load_state_dict(self, state) -> None:
        self.seen = state["seen"].clone()


def test_the_state_of_heuristics_is_part_of_a_checkpoint(toy_spec, tmp_path: Path) -> None:
    spec, store = toy_spec(), Store(tmp_path)

    def trainer() -> Trainer:
        heuristics = Composition([*spec.fresh_heuristics(), Counting()])
        return Trainer(spec, spec.images.load(), torch.device("cpu"), heuristics)

    whole, first, second = trainer(), trainer(), trainer()
    whole.run()
    first._train_epoch()
    store.write_checkpoint("x", first.state_dict())
    second.load_state_dict(store.read_checkpoint("x"))
    second.run()
    assert second.curve == whole.curve


def test_a_checkpoint_from_before_a_factor_existed_is_continued(toy_spec) -> None:
    spec = toy_spec({"path_dropout": {"rate": 0.3}})
    older, newer = (Trainer(spec, spec.images.load(), torch.device("cpu")) for _ in range(2))
    older._train_epoch()
    state = older.state_dict()
    del state["heuristics"]["path_dropout"]
    newer.load_state_dict(state)
    assert newer.epoch == 1


def _execute(tables: dict[str, Any], store: Path) -> None:
    execute(RunSpec.from_tables(tables), Execution(store))


def _wait_for_change(path: Path, before: int, process: Any) -> None:
    while process.is_alive() and (not path.exists() or path.stat().st_mtime_ns == before):
        time.sleep(0.001)


def _kill_after_progress(process: Any, checkpoint: Path, pause: float) -> bool:
    """Kill the process some time after it has saved something; return whether it was still there."""
    _wait_for_change(checkpoint, checkpoint.stat().st_mtime_ns if checkpoint.exists() else 0, process)
    time.sleep(pause)
    alive = process.is_alive()
    os.kill(process.pid, signal.SIGKILL)
    process.join()
    return bool(alive)


@pytest.mark.parametrize("heuristics", HEURISTICS[1:4], ids="+".join)
def test_killed_at_random_moments(toy_spec, tmp_path: Path, heuristics) -> None:
    """SIGKILL again and again, in training, scoring or saving; the moments are random, the seed is in the message."""
    spec = toy_spec(heuristics, training={"epochs": 30}, scoring={"trace": 10})
    undisturbed, disturbed = Store(tmp_path / "a"), Store(tmp_path / "b")
    execute(spec, Execution(undisturbed.folder))
    seed = random.randrange(2**32)
    moments, kills = random.Random(seed), 0
    while disturbed.read_record(spec.run_id) is None:
        process = process_context().Process(target=_execute, args=(spec.canonical(), disturbed.folder))
        process.start()
        if kills < 6:
            kills += _kill_after_progress(process, disturbed.checkpoint_path(spec.run_id), moments.uniform(0, 0.1))
        process.join()
    assert kills > 0, f"never killed (seed {seed})"
    records = [result_of(store.read_record(spec.run_id)) for store in (undisturbed, disturbed)]
    assert records[0] == records[1], f"seed {seed}"
    driver._tidy(disturbed, spec.run_id)  # It may have been killed right after it had recorded the run.
    assert not list(disturbed.folder.rglob("*.pt"))


def test_a_finished_run_says_how_often_it_was_resumed(toy_spec, tmp_path: Path) -> None:
    spec, store = toy_spec(), Store(tmp_path)
    trainer = Trainer(spec, spec.images.load(), torch.device("cpu"))
    trainer._train_epoch()
    store.write_checkpoint(spec.run_id, {**trainer.state_dict(), "resumed": 0})
    execute(spec, Execution(tmp_path))
    record = store.read_record(spec.run_id)
    assert record.execution.resumed == 1
    assert len(record.curve) == 3


def test_a_state_with_scores_of_other_architectures_is_not_continued(
    toy_spec, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Strata by truth are others once a larger published table has been imported."""
    spec = toy_spec(training={"epochs": 3}, scoring={"trace": 2, "architectures": 20, "strata": "truth"})
    run_until(2, Trainer(spec, spec.images.load(), torch.device("cpu")), Store(tmp_path), name=spec.run_id)
    truth = spec.space.truth()
    shuffled = np.random.default_rng(1).permutation(truth.columns[truth.target])
    other = replace(truth, columns={**truth.columns, truth.target: shuffled})
    monkeypatch.setattr(type(spec.space), "truth", lambda *_: other)
    execute(spec, Execution(tmp_path))
    record = Store(tmp_path).read_record(spec.run_id)
    assert list(record.architectures) == spec.setup.scored_architectures(lambda: other)
    assert list(record.architectures) != spec.setup.scored_architectures(lambda: truth)
    assert record.execution.resumed == 0
    assert "it has scores of other architectures" in capsys.readouterr().err


def test_on_gpus_float32_is_computed_as_such_and_the_same_each_time() -> None:
    flags = (
        (torch.backends.cuda.matmul, "allow_tf32", False),
        (torch.backends.cudnn, "allow_tf32", False),
        (torch.backends.cudnn, "deterministic", True),
    )
    before = [getattr(place, name) for place, name, _ in flags]
    try:
        for place, name, wanted in flags:
            setattr(place, name, not wanted)
        compute_exactly()
        assert [getattr(place, name) for place, name, _ in flags] == [wanted for *_, wanted in flags]
    finally:
        for (place, name, _), value in zip(flags, before, strict=True):
            setattr(place, name, value)
