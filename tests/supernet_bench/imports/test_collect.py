"""Scores in their places, and the line that refuses what has none."""

from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from supernet_bench.core.errors import InputError
from supernet_bench.imports import cells
from supernet_bench.imports.collect import Brought, Columns, choose_baseline, collect, coverage
from supernet_bench.imports.tables import Table, table_of
from supernet_bench.spaces.base import Space
from supernet_bench.spaces.nasbench201.space import NasBench201
from supernet_bench.spaces.nasbench_macro.space import NasBenchMacro
from supernet_bench.spaces.toy import Toy
from tests.supernet_bench.imports.brought import SPACE, scores, two_levels

SPACES: dict[str, Space] = {"toy": Toy(), "nasbench201": NasBench201(), "nasbench_macro": NasBenchMacro()}


USUAL = Columns()


def others(space: Space) -> dict[str, Space]:
    return {name: other for name, other in SPACES.items() if name != space.name}


def collected(*frames: pd.DataFrame, columns: Columns = USUAL, space: Space = SPACE, **options: Any) -> list[Brought]:
    tables = [table_of(frame, f"file{place}") for place, frame in enumerate(frames)]
    named = [Table(table.name, table.columns, stem=table.name) for table in tables]
    return collect(named, columns, space, others(space), **options)


def refused(*frames: pd.DataFrame, **options: Any) -> str:
    with pytest.raises(InputError) as error:
        collected(*frames, **options)
    message = str(error.value)
    assert "\n" not in message
    assert "allowed: " in message or "known: " in message
    assert "file" in message
    return message


@given(st.permutations(range(len(two_levels()))))
@settings(max_examples=20, deadline=None)
def test_the_order_of_rows_does_not_matter(order: list[int]) -> None:
    def by_place(brought: list[Brought]) -> dict[tuple[str, int], Brought]:
        return {(each.level, each.seed): each for each in brought}

    frame = two_levels()
    assert by_place(collected(frame.iloc[order])) == by_place(collected(frame))


def test_each_score_stays_with_its_architecture() -> None:
    frame = two_levels().sample(frac=1, random_state=0)
    found = collected(frame)
    for each in found:
        rows = frame[(frame["level"] == each.level) & (frame["seed"] == each.seed)].set_index("architecture")["score"]
        assert each.architectures == tuple(range(SPACE.size))
        assert each.checkpoints == {0: tuple(rows.loc[list(each.architectures)])}
    reversed_ = collected(frame, lower_is_better=True)
    assert [each.checkpoints[0] for each in reversed_] == [tuple(-np.array(each.checkpoints[0])) for each in found]


@pytest.mark.parametrize("space", SPACES.values(), ids=SPACES)
@pytest.mark.parametrize("kind", [str, object, "index as text", "floats"])
def test_numbers_and_published_strings_are_the_same(space: Space, kind: Any) -> None:
    rng = np.random.default_rng(0)
    chosen = rng.choice(space.size, 20, replace=False)
    values = rng.normal(size=20)
    written = {
        "index as text": [str(index) for index in chosen],
        "floats": chosen.astype(float),
    }.get(kind, [space.text(space.architecture(int(index))) for index in chosen])
    frame = pd.DataFrame({"architecture": written, "score": values})
    (found,) = collected(frame, space=space)
    assert dict(zip(found.architectures, found.checkpoints[0], strict=True)) == dict(
        zip(chosen.tolist(), values.tolist(), strict=True)
    )


def test_several_files_without_levels_are_levels() -> None:
    one, other = (scores(noise=noise).drop(columns=["level", "seed"]) for noise in (0.1, 0.2))
    assert [each.level for each in collected(one, other)] == ["file0", "file1"]
    assert [each.level for each in collected(one)] == ["baseline"]


def test_several_files_of_a_level_are_one() -> None:
    first, second = scores(seed=0), scores(seed=1)
    assert collected(first, second) == collected(pd.concat([first, second]))


def test_columns_are_named() -> None:
    frame = two_levels().rename(columns={"architecture": "arch", "score": "loss", "level": "how", "seed": "run"})
    found = collected(frame, columns=Columns("arch", "loss", "how", "run"))
    assert found == collected(two_levels())
    assert "unknown column 'score'; did you mean 'score_'" in refused(two_levels().rename(columns={"score": "score_"}))
    assert "unknown column 'how'" in refused(two_levels(), columns=Columns(level="how"))
    assert Columns().unused(table_of(two_levels().assign(note=1), "file")) == ["note"]


def test_levels_may_have_different_architectures() -> None:
    frame = two_levels()
    frame = frame[(frame["level"] == "good") | (frame["architecture"] >= 7)]
    good, _, bad, _ = collected(frame)
    assert (len(good.architectures), len(bad.architectures)) == (SPACE.size, SPACE.size - 7)
    lines = list(coverage(collected(frame), SPACE))
    assert lines == [
        "good: 27 of 27 architectures (0 missing), seeds 0 1",
        "bad: 20 of 27 architectures (7 missing), seeds 0 1",
    ]


def test_the_baseline_is_the_named_one_else_the_one_of_that_name_else_the_first() -> None:
    found = collected(two_levels())
    assert choose_baseline(found, None) == "good"
    assert choose_baseline(found, "bad") == "bad"
    assert choose_baseline([*found, *collected(scores())], None) == "baseline"
    with pytest.raises(InputError, match="unknown level for the baseline 'goods'; did you mean 'good'"):
        choose_baseline(found, "goods")


def changed(row: int, column: str, value: Any) -> pd.DataFrame:
    frame = two_levels().astype({column: object})
    frame.loc[row, column] = value
    return frame


@pytest.mark.parametrize(
    ("column", "value", "said"),
    [
        ("score", np.nan, "is nan; allowed: a finite number"),
        ("score", np.inf, "is inf; allowed: a finite number"),
        ("score", "-inf", "is '-inf'; allowed: a finite number"),
        ("score", "high", "is 'high'; allowed: a finite number"),
        ("score", "1_000", "is '1_000'; allowed: a finite number"),
        ("score", True, "is True; allowed: a finite number"),
        ("score", None, "is empty; allowed: a finite number"),
        ("score", "", "is empty; allowed: a finite number"),
        ("seed", -1, "is -1; allowed: a whole number"),
        ("seed", 0.5, "is 0.5; allowed: a whole number"),
        ("seed", 2**63, f"is {2**63}; allowed: a whole number"),
        ("level", " \n ", "allowed: a name"),
        ("level", None, "is empty; allowed: a name"),
        ("architecture", 27, "is 27; allowed: a number of toy, 0 to 26; nasbench201 and nasbench_macro have such"),
        ("architecture", -3, "is -3; allowed: a number of toy"),
        ("architecture", 1.5, "is 1.5; allowed: a number of toy"),
        ("architecture", "012", "is 012; allowed: a number of toy"),
        ("architecture", "conv", "a string where the first row has a number"),
        ("architecture", np.nan, "allowed: an architecture of toy"),
        ("architecture", 3, "is 3 again, after file0, row 3"),
    ],
)
def test_a_cell_that_is_wrong_is_named(column: str, value: Any, said: str) -> None:
    message = refused(changed(5, column, value))
    assert f"file0, row 5, column '{column}'" in message
    assert said in message


def test_numbers_as_such_are_checked_too() -> None:
    frame = two_levels()
    for value in (np.nan, np.inf, -np.inf):
        frame.loc[9, "score"] = value
        assert "file0, row 9, column 'score'" in refused(frame)


def test_a_number_among_strings_is_named() -> None:
    cell = SPACES["nasbench201"]
    written = [cell.text(cell.architecture(i)) if i != 8 else i for i in range(27)]
    message = refused(scores().assign(architecture=np.array(written, dtype=object)), space=cell)
    assert "file0, row 8, column 'architecture' is '8', a number where the first row has a string" in message


def test_architectures_of_another_space_are_told() -> None:
    macro, cell = SPACES["nasbench_macro"], SPACES["nasbench201"]
    frame = pd.DataFrame({"architecture": range(macro.size), "score": np.arange(macro.size)})
    assert "all architectures of nasbench_macro; allowed: architectures of nasbench201" in refused(frame, space=cell)
    texts = [macro.text(macro.architecture(i)) for i in range(9)]
    frame = pd.DataFrame({"architecture": texts, "score": range(9)})
    assert "allowed: a number of nasbench201" in refused(frame, space=cell)
    texts = [cell.text(cell.architecture(i)) for i in range(9)]
    frame = pd.DataFrame({"architecture": texts, "score": range(9)})
    assert "it is one of nasbench201" in refused(frame, space=macro)


def test_constant_scores() -> None:
    frame = two_levels()
    frame.loc[(frame["level"] == "bad") & (frame["seed"] == 1), "score"] = 0.5
    assert "level 'bad', seed 1, epoch 0: all 27 scores in column 'score' are 0.5" in refused(frame)


def test_too_few_architectures() -> None:
    frame = two_levels()
    few = frame[(frame["level"] == "good") | (frame["architecture"] < 4)]
    assert "level 'bad', seed 0 has 4 architectures; allowed: at least 5" in refused(few)
    apart = frame[(frame["level"] == "good") == (frame["architecture"] < 20)]
    assert "0 architectures have a score in all levels and seeds" in refused(apart)


def test_epochs_of_a_level_and_seed_have_the_same_architectures() -> None:
    frame = pd.concat([scores(epoch=5), scores(epoch=10)], ignore_index=True)
    (found,) = collected(frame)
    assert list(found.checkpoints) == [5, 10]
    message = refused(frame.drop(index=3))
    assert "architecture 3 has a score at one of the epochs 5 and 10 alone" in message


@given(st.integers(0, 2**63 - 1))
def test_whole_numbers_are_read_as_they_are(number: int) -> None:
    for written in (number, str(number)):
        table = Table("file", {"seed": np.array([written], dtype=object)})
        assert cells.whole_numbers(table, "seed").tolist() == [number]


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_numbers_are_read_as_they_are(number: float) -> None:
    for written in (number, repr(number)):
        table = Table("file", {"score": np.array([written], dtype=object)})
        assert cells.scores(table, "score").tolist() == [number]


def test_a_slip_in_the_name_of_a_column_of_levels_is_seen_where_architectures_repeat() -> None:
    frame = pd.concat([scores().assign(levle=level) for level in ("a", "b")], ignore_index=True)
    assert refused(frame).endswith("; columns that are not read: levle")
