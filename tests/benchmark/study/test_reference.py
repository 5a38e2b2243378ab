"""The reference table that reports are made from."""

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import numpy as np
import pandas as pd
import pytest

from supernet_bench.benchmark.study.reference import write_reference
from supernet_bench.core.errors import InputError
from supernet_bench.spaces.base import Costs, Space, Truth
from supernet_bench.spaces.nasbench201.space import NasBench201

RUNS = np.array([[0.5, 0.7], [0.6, np.nan], [0.1, 0.3], [0.9, 0.9], [0.2, 0.4], [0.8, 0.6]])


@dataclass(frozen=True)
class Six(Space):
    """Six architectures without networks."""

    name: ClassVar[str] = "six"
    source: ClassVar[str] = "made up"

    @property
    def choices(self) -> tuple[int, ...]:
        return (2, 3)

    def isomorphism(self) -> np.ndarray:
        return np.array([0, 0, 1, 2, 3, 4])

    def published_costs(self) -> Costs:
        return Costs(parameters=np.arange(6) * 10, macs=np.arange(6) * 1000)

    def truth(self, folder: Path | None = None) -> Truth:
        if folder is not None:
            raise InputError(f"nothing in {folder}")
        columns = {"mean": np.nanmean(RUNS, axis=1), "mean_run0": RUNS[:, 0], "mean_run1": RUNS[:, 1]}
        return Truth(table="six of the best", columns=columns, target="mean", left_out=1)


def test_table_has_costs_and_truth_of_every_architecture(tmp_path: Path) -> None:
    path = write_reference(Six(), tmp_path)
    assert path == tmp_path / "spaces" / "six.parquet"
    table = pd.read_parquet(path)
    known = ["index", "architecture", "isomorphism", "parameters", "macs"]
    assert list(table) == [*known, "mean", "mean_run0", "mean_run1"]
    assert table["index"].tolist() == list(range(6))
    assert table["architecture"].tolist() == ["00", "01", "02", "10", "11", "12"]
    assert table["isomorphism"].tolist() == [0, 0, 1, 2, 3, 4]
    assert table["parameters"].tolist() == [0, 10, 20, 30, 40, 50]
    assert table["macs"].tolist() == [0, 1000, 2000, 3000, 4000, 5000]
    np.testing.assert_array_equal(table[["mean_run0", "mean_run1"]], RUNS)
    assert table.attrs == {"space": "six", "table": "six of the best", "target": "mean", "left_out": 1}


def test_older_table_stays_when_the_truth_cannot_be_had(tmp_path: Path) -> None:
    path = write_reference(Six(), tmp_path)
    before = path.read_bytes()
    with pytest.raises(InputError, match="nothing in"):
        write_reference(Six(), tmp_path, tmp_path)
    assert path.read_bytes() == before
    assert list(path.parent.iterdir()) == [path]


def test_table_of_nasbench201(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SUPERNET_BENCH_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("SUPERNET_BENCH_DATA", raising=False)
    table = pd.read_parquet(write_reference(NasBench201(width=4, cells=1), tmp_path))
    assert len(table) == 15_625
    optimum = table.loc[6111]
    assert optimum["architecture"] == (
        "|nor_conv_3x3~0|+|nor_conv_3x3~0|nor_conv_3x3~1|+|skip_connect~0|nor_conv_3x3~1|nor_conv_1x1~2|"
    )
    assert optimum["macs"] == pytest.approx(153.27e6, rel=1e-4)
    assert table.attrs["target"] in table
