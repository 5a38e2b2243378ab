"""What is found before any run of a study starts."""

from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from supernet_bench.benchmark.execution import Resources, driver, run_study
from supernet_bench.benchmark.study.study import parse_study
from supernet_bench.core.errors import InputError
from supernet_bench.images.digits import Digits
from tests.benchmark.execution.executors.studies import TABLES, Watch


def run(store: Path, factors: dict[str, Any], **tables) -> None:
    made = parse_study("mine", {**TABLES, "seeds": 1, "factors": factors, **tables})
    run_study(made, Resources(store=store, jobs=1, threads=1), Watch())


@pytest.mark.parametrize(
    ("factors", "message"),
    [
        (
            {"batch_norm": [{"statistics": "recalibrated", "images": 97}]},
            r"^heuristics\.batch_norm\.images is 97; allowed: 2 to the number of training images that are used, 96$",
        ),
        (
            {"batch_size": [{"scale": 0.5}, {"scale": 8.0}]},
            r"^training\.batch_size is 128 \(as revised by batch_size\); allowed: 2 to the number of .* images, 96$",
        ),
        (
            {"train_portion": [{"portion": 0.1}]},
            r"^training\.batch_size is 16; allowed: 2 to .*, 10 \(as revised by train_portion\)$",
        ),
        (
            {"resolution": [{"scale": 0.5}], "train_portion": [{"portion": 0.1}]},
            r"^training\.batch_size is 16; allowed: 2 to .*, 10 \(as revised by train_portion\)$",
        ),
    ],
)
def test_a_level_that_cannot_work_is_found_before_any_run(tmp_path: Path, factors, message: str) -> None:
    with pytest.raises(InputError, match=message):
        run(tmp_path, {"path_dropout": [{"rate": 0.3}], **factors})
    assert list(tmp_path.iterdir()) == []


def test_images_are_read_once_for_all_runs_that_have_the_same(tmp_path: Path, monkeypatch) -> None:
    resolutions: Counter[int] = Counter()
    load = Digits.load

    def counted(self: Digits, folder: Path | None = None):
        resolutions[self.resolution] += 1
        if len(resolutions) == 2:
            raise InputError("seen enough")
        return load(self, folder)

    monkeypatch.setattr(Digits, "load", counted)
    with pytest.raises(InputError, match="seen enough"):
        run(tmp_path, {"path_dropout": True, "resolution": [{"scale": 0.5}]}, seeds=3)
    assert resolutions == {8: 1, 4: 1}


def test_why_training_is_slow_is_said_once_for_all_processes(tmp_path: Path, monkeypatch, capfd) -> None:
    monkeypatch.setattr(driver, "_execute", lambda *_: None)
    for why, said in (
        ("there is no C++ compiler", "training is slower without compiled kernels: there is no C++ compiler\n"),
        (None, ""),
    ):
        monkeypatch.setattr(driver, "why_none", lambda why=why: why)
        run(tmp_path, {"path_dropout": [{"rate": 0.3}]})
        assert capfd.readouterr().err == said


@pytest.mark.parametrize("given", [{"executor": "slurm"}, {"executor": "dask", "scheduler": "tcp://there:1"}], ids=str)
def test_of_other_machines_it_is_not_known_why_they_are_slow(tmp_path: Path, monkeypatch, capsys, given) -> None:
    monkeypatch.setattr(driver, "why_none", lambda: "there is no C++ compiler")
    driver.say_if_slow(Resources(store=tmp_path, **given))
    assert capsys.readouterr().err == ""
