"""Files of scores: what is read of each kind, and the line that refuses what cannot be."""

import hashlib
import io
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from supernet_bench.core.errors import InputError
from supernet_bench.imports.tables import read_table, table_of
from tests.supernet_bench.imports.brought import two_levels, write

SUFFIXES = (".csv", ".parquet", ".npz")


def refused(path: Path) -> str:
    with pytest.raises(InputError) as error:
        read_table(path)
    message = str(error.value)
    assert "\n" not in message
    assert "allowed: " in message
    assert path.name in message
    return message


@pytest.mark.parametrize("suffix", [*SUFFIXES, ".CSV"])
def test_every_kind_of_file_gives_the_same_columns(suffix: str, tmp_path: Path) -> None:
    frame = two_levels()
    file = write(frame, tmp_path / f"mine{suffix.lower()}").rename(tmp_path / f"mine{suffix}")
    table = read_table(file)
    assert table.length == len(frame)
    assert list(table.columns) == list(frame)
    assert np.array_equal(table.columns["score"].astype(float), frame["score"])
    assert [str(level) for level in table.columns["level"]] == frame["level"].tolist()
    assert table.file == (file.name, hashlib.sha256(file.read_bytes()).hexdigest())


@pytest.mark.parametrize("mark", [";", "\t"])
def test_other_separators_are_seen_in_the_header(mark: str, tmp_path: Path) -> None:
    file = tmp_path / "mine.csv"
    file.write_text(f"\ufeffarchitecture{mark}score\r\n3{mark}0.5\r\n\r\n4{mark}0.25\r\n", encoding="utf-8")
    table = read_table(file)
    assert table.columns["architecture"].tolist() == ["3", "4"]
    assert table.cell(1, "score") == f"{file}, row 4, column 'score'"  # As an editor counts lines.


def test_the_index_of_a_frame_is_columns_if_it_has_a_name() -> None:
    frame = two_levels().set_index(["level", "architecture"])
    assert set(table_of(frame, "frame").columns) == {"level", "architecture", "score", "seed"}
    unnamed = pd.DataFrame({"score": [1.0]}, index=[7])
    assert set(table_of(unnamed, "frame").columns) == {"score"}


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_no_file_a_folder_and_nothing_in_it(suffix: str, tmp_path: Path) -> None:
    file = tmp_path / f"mine{suffix}"
    assert "does not exist" in refused(file)
    file.touch()
    assert "is empty" in refused(file)
    file.unlink()
    file.mkdir()
    assert "directory" in refused(file).lower()


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_a_table_without_rows(suffix: str, tmp_path: Path) -> None:
    assert "has no rows" in refused(write(two_levels().iloc[:0], tmp_path / f"mine{suffix}"))


@pytest.mark.parametrize("name", ["mine.txt", "mine", "mine.csv.gz"])
def test_another_suffix(name: str, tmp_path: Path) -> None:
    (tmp_path / name).write_text("architecture,score\n1,2\n")
    assert "allowed: .csv, .parquet, .npz" in refused(tmp_path / name)


@pytest.mark.parametrize("suffix", [".parquet", ".npz"])
@pytest.mark.parametrize("kept", [0.05, 0.5, 0.99])
def test_a_truncated_file(suffix: str, kept: float, tmp_path: Path) -> None:
    file = write(two_levels(), tmp_path / f"mine{suffix}")
    content = file.read_bytes()
    file.write_bytes(content[: int(kept * len(content))])
    assert "is damaged or no" in refused(file)


@pytest.mark.parametrize("suffix", [".parquet", ".npz"])
def test_a_text_that_is_called_otherwise(suffix: str, tmp_path: Path) -> None:
    (tmp_path / f"mine{suffix}").write_text("architecture,score\n1,2\n")
    assert "is damaged or no" in refused(tmp_path / f"mine{suffix}")


def arrays(**columns: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    np.savez(buffer, **columns)
    return buffer.getvalue()


def single() -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, np.arange(3))
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (lambda: arrays(architecture=np.array(["a", None], dtype=object), score=np.ones(2)), "holds pickled objects"),
        (lambda: arrays(architecture=np.arange(3), score=np.ones(2)), "different lengths (architecture 3, score 2)"),
        (lambda: arrays(architecture=np.arange(4), score=np.ones((4, 2))), "has shape (4, 2)"),
        (single, "single array"),
    ],
)
def test_arrays_that_are_no_columns(content: Callable[[], bytes], said: str, tmp_path: Path) -> None:
    (tmp_path / "mine.npz").write_bytes(content())
    assert said in refused(tmp_path / "mine.npz")


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"architecture,score\n1,2\n3\n", "row 3 has 1 cells; allowed: 2"),
        (b"architecture,score\n1,2\n3,4,5\n", "row 3 has 3 cells"),
        (b'architecture,score\n1,"2\n3,4\n', "is no CSV"),
        (b"score,score\n1,2\n", "column 'score' twice"),
        ("architecture,score\n1,½\n".encode("latin-1"), "saved as UTF-8"),
        ("architecture,score\n1,2\n".encode("utf-16"), "saved as UTF-8"),
        ("architecture,score\n1,2\n".encode("utf-16-le"), "saved as UTF-8"),
        (b"\n\n  \n", "is empty"),
    ],
)
def test_texts_that_are_no_csv(content: bytes, said: str, tmp_path: Path) -> None:
    (tmp_path / "mine.csv").write_bytes(content)
    assert said in refused(tmp_path / "mine.csv")
