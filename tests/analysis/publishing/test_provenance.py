"""What a report was made from: the same table is known again, and another is not taken for it."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from supernet_bench.analysis.publishing.provenance import check_table, describe, is_imported, read_source, write_source
from supernet_bench.core.errors import InputError
from tests.analysis.synthetic import Scenario, write_store


@pytest.fixture
def store(tmp_path: Path) -> Path:
    return write_store(tmp_path / "store", Scenario(seeds=(0,), epochs=(5, 10)))


def change(store: Path, column: str, by: float = 0.001) -> None:
    """Change one architecture in one column; a new column is made."""
    path = store / "spaces" / "toy.parquet"
    table = pd.read_parquet(path)
    values = np.clip(table.get(column, pd.Series(0.5, table.index)).to_numpy(dtype=float), 0.1, 0.9)
    values[3] += by
    table[column] = values
    table.to_parquet(path)


def test_what_is_written_is_read(store: Path, tmp_path: Path) -> None:
    write_source(store, "default", tmp_path)
    source = read_source(tmp_path)
    assert source == describe(store, "default")
    assert (source["table"], source["target"]) == ("Toy table v1", "cifar10_valid_200")
    assert source["versions"]["numpy"] == np.__version__
    assert not is_imported(source)
    check_table(tmp_path, store, "default")


@pytest.mark.parametrize(
    "column", ["cifar10_valid_200", "cifar10_valid_200_run1", "cifar10_valid_12", "parameters", "cifar10_valid_100"]
)
def test_a_change_of_what_a_report_looks_at_is_noticed(store: Path, tmp_path: Path, column: str) -> None:
    write_source(store, "default", tmp_path)
    change(store, column)
    with pytest.raises(InputError, match=r"was published with table 'Toy table v1'.*here is table 'Toy table v1'"):
        check_table(tmp_path, store, "default")


@pytest.mark.parametrize("column", ["cifar10_test_200", "cifar100_valid_200", "isomorphism"])
def test_what_a_report_does_not_look_at_may_differ(store: Path, tmp_path: Path, column: str) -> None:
    write_source(store, "default", tmp_path)
    change(store, column)
    check_table(tmp_path, store, "default")


def test_the_last_bits_of_an_accuracy_may_differ(store: Path, tmp_path: Path) -> None:
    change(store, "cifar10_valid_200", 0.0)
    write_source(store, "default", tmp_path)
    change(store, "cifar10_valid_200", 1e-15)
    check_table(tmp_path, store, "default")
