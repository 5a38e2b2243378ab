"""What is written of studies that are compared."""

from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest

from supernet_bench.analysis.conclude import find_in_pair
from supernet_bench.analysis.effects.pairs import Pair
from supernet_bench.analysis.findings import read_pair_findings
from supernet_bench.analysis.pages.agreement import conclusion
from supernet_bench.analysis.pages.markup import escape_markdown
from supernet_bench.analysis.publishing.agreement import compared, write_agreement
from supernet_bench.core.errors import InputError
from tests.analysis.compared import FACTORS, cheap_and_dear, study


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Pair:
    return cheap_and_dear(tmp_path_factory.mktemp("pair"))


def test_everything_is_written_and_the_same_again(pair: Pair, tmp_path: Path) -> None:
    studies = [pair.first, pair.second]
    paths = write_agreement(studies, tmp_path / "agreement", 100)
    names = [str(path.relative_to(tmp_path / "agreement")) for path in paths]
    assert names == [
        "SHA256SUMS",
        "pairs.csv",
        "plots/cheap_and_dear.png",
        "plots/cheap_and_dear.svg",
        "report.md",
        "table.csv",
        "verdicts.json",
    ]
    before = [path.read_bytes() for path in paths]
    assert [path.read_bytes() for path in write_agreement(studies, tmp_path / "agreement", 100)] == before
    assert compared(tmp_path / "agreement") == ["cheap", "dear"]
    (found,) = read_pair_findings(tmp_path / "agreement")
    assert (found.name, found.plot) == ("cheap and dear", "plots/cheap_and_dear.png")
    page = (tmp_path / "agreement" / "report.md").read_text()
    table = pd.read_csv(tmp_path / "agreement" / "table.csv")
    assert table["level"].tolist() == [one.level.name for one, _ in pair.levels]
    row = pd.read_csv(tmp_path / "agreement" / "pairs.csv").iloc[0]
    assert f"rho {row['rho']:.2f} [" in page
    assert "pool $x$" in page
    assert "![cheap and dear](plots/cheap_and_dear.png)" in page


def test_three_studies_make_three_pairs(pair: Pair, tmp_path: Path) -> None:
    third = study(tmp_path, "third", {"sampling": FACTORS["sampling"]})
    write_agreement([pair.first, pair.second, third], tmp_path / "agreement", 100)
    pairs = pd.read_csv(tmp_path / "agreement" / "pairs.csv")
    assert pairs[["first", "second"]].to_numpy().tolist() == [["cheap", "dear"], ["cheap", "third"], ["dear", "third"]]
    assert pairs["rho"].isna().tolist() == [False, True, True]
    assert "With only 2 levels of 1 factor in common" in pairs["conclusion"][1]


def test_studies_with_nothing_in_common(pair: Pair, tmp_path: Path) -> None:
    other = study(tmp_path, "other", {"width": {"8": 1.0, "16": 0.5}})
    write_agreement([pair.first, other], tmp_path / "agreement", 100)
    assert "With only 0 levels of 0 factors in common" in (tmp_path / "agreement" / "report.md").read_text()


def test_foreign_files_stay(pair: Pair, tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("mine")
    with pytest.raises(InputError, match=r"mine\.txt"):
        write_agreement([pair.first, pair.second], tmp_path, 100)
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]


def test_seeds_and_architectures_are_named(pair: Pair, tmp_path: Path) -> None:
    write_agreement([pair.first, pair.second], tmp_path / "agreement", 100)
    page = (tmp_path / "agreement" / "report.md").read_text()
    assert "Compared by the seeds 0 1 2 of cheap and 0 1 2 3 of dear, so that none is used of both at once" in page
    assert "mean over 3 divisions of them, with at least 2 and 2 seeds." in page
    assert "Architectures and truth are the same in both" in page
    assert " are positive and " in page
    row = pd.read_csv(tmp_path / "agreement" / "pairs.csv", dtype=str).iloc[0]
    assert (row["first_seeds"], row["second_seeds"]) == ("0 1 2", "0 1 2 3")
    said = conclusion(find_in_pair(pair, "plots/cheap_and_dear.png"))
    assert row["conclusion"] == said
    assert page.count(escape_markdown(said)) == 1
    few = study(tmp_path, "few", seeds=(1, 2, 3))
    other = replace(few, results=replace(few.results, architectures=few.results.architectures[::-1]))
    write_agreement([pair.first, other], tmp_path / "agreement", 100)
    page = (tmp_path / "agreement" / "report.md").read_text()
    assert "do not score the same architectures against the same truth" in page


def test_levels_that_use_published_accuracies_are_marked(pair: Pair, tmp_path: Path) -> None:
    effects = pair.first.effects
    levels = tuple(replace(effect, level=replace(effect.level, uses_truth=True)) for effect in effects.levels)
    marked = replace(pair.first, effects=replace(effects, levels=levels))
    for first, number in ((pair.first, 0), (marked, len(pair.levels))):
        write_agreement([first, pair.second], tmp_path / "agreement", 100)
        page = (tmp_path / "agreement" / "report.md").read_text()
        assert sum("‡ |" in line or "‡  " in line for line in page.splitlines()) == number
