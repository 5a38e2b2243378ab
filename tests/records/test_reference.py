"""The form of the reference table of a space."""

import random
from pathlib import Path

import pandas as pd
import pytest

from supernet_bench.benchmark.study.reference import write_reference
from supernet_bench.core.errors import InputError
from supernet_bench.records.damage import Damaged
from supernet_bench.records.layout import reference_path
from supernet_bench.records.reference import choose_target, digest, parse_reference, read_reference, write_table
from supernet_bench.spaces.toy import Toy
from tests.analysis.synthetic import reference_table


def test_a_table_is_read_back_by_number(tmp_path: Path) -> None:
    table = reference_table()
    path = write_table(tmp_path, table)
    assert path == reference_path(tmp_path, "toy")
    read = read_reference(tmp_path, "toy")
    pd.testing.assert_frame_equal(read, table.set_index("index"))
    assert read.attrs == table.attrs


def test_a_damaged_table_is_refused(tmp_path: Path) -> None:
    table = reference_table()
    path = write_table(tmp_path, table.assign(cifar10_test_200=table["cifar10_test_200"] * 100))
    with pytest.raises(InputError, match=r"column 'cifar10_test_200' is not a fraction in \[0, 1\]"):
        read_reference(tmp_path, "toy")
    write_table(tmp_path, table.drop(columns="macs"))
    with pytest.raises(InputError, match="is no reference table: it lacks macs"):
        read_reference(tmp_path, "toy")
    path.write_bytes(path.read_bytes()[:500])
    with pytest.raises(InputError, match=r"toy.parquet is damaged: it is no Parquet") as caught:
        read_reference(tmp_path, "toy")
    assert "\n" not in str(caught.value)
    path.unlink()
    with pytest.raises(InputError, match=r"toy.parquet does not exist"):
        read_reference(tmp_path, "toy")


def test_a_table_without_a_target_is_refused(tmp_path: Path) -> None:
    table = reference_table()
    del table.attrs["target"]
    write_table(tmp_path, table)
    with pytest.raises(InputError, match="is no reference table: it lacks its target"):
        read_reference(tmp_path, "toy")


def test_flipped_bits_of_a_table_are_told(tmp_path: Path) -> None:
    """Whatever pyarrow raises; pages of values have checksums, the description of the columns after them has none."""
    path = write_reference(Toy(), tmp_path)
    content, table = path.read_bytes(), read_reference(tmp_path, "toy")
    description = len(content) - 8 - int.from_bytes(content[-8:-4], "little")
    flips, told = random.Random(0), 0
    for position in flips.sample(range(len(content)), 400):
        changed = bytearray(content)
        changed[position] ^= 1 << flips.randrange(8)
        try:
            read = parse_reference(bytes(changed), path)
        except Damaged:
            told += position < description
        else:
            assert position >= description or read.equals(table)
    assert told > 50


def test_the_target_is_one_of_the_accuracies() -> None:
    table = reference_table()
    assert choose_target(table, None) == "cifar10_valid_200"
    assert choose_target(table, "cifar10_test_200") == "cifar10_test_200"
    with pytest.raises(InputError, match=r"unknown target column 'macs'; .*known: cifar10_test_200"):
        choose_target(table, "macs")


def test_a_digest_tells_another_truth_and_ignores_other_targets() -> None:
    table = reference_table().set_index("index")
    found = digest(table, "cifar10_valid_200")
    rounded = table.assign(cifar10_valid_200=table["cifar10_valid_200"] + 1e-12)
    assert digest(rounded, "cifar10_valid_200") == found
    assert digest(table.assign(cifar10_test_200=0.5), "cifar10_valid_200") == found
    for column in ("cifar10_valid_200", "cifar10_valid_200_run1", "cifar10_valid_12", "parameters"):
        other = table.assign(**{column: table[column].to_numpy()[::-1]})
        assert digest(other, "cifar10_valid_200") != found
    assert digest(table.iloc[::-1], "cifar10_valid_200") != found
