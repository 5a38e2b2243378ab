"""The page about two studies: which levels it compares, and what it says of them."""

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from supernet_bench.analysis.effects.agreement import Agreement, Correlation
from supernet_bench.analysis.effects.effects import Effect
from supernet_bench.analysis.effects.estimate import compute_effects
from supernet_bench.analysis.pages.agreement import (
    Pair,
    Signs,
    Study,
    compare_studies,
    compared,
    conclude,
    write_agreement,
)
from supernet_bench.analysis.results import load_results
from supernet_bench.core.errors import InputError
from tests.analysis.synthetic import Scenario, run_id, write_store

FACTORS = {
    "sampling": {"uniform": 1.0, "fair": 0.3, "pool $x$": 6.0},
    "batch_norm": {"batch": 1.0, "tracked": 2.0},
    "learning_rate": {"rate=0.1": 1.0, "rate=0.2": 0.6, "rate=0.4": 10.0},
}
OTHERS = {**FACTORS, "batch_norm": {"tracked": 1.0, "batch": 2.0}, "width": {"8": 1.0, "16": 0.5}}


def study(folder: Path, name: str, factors=FACTORS, seeds=(0, 1, 2), without: tuple[str, ...] = ()) -> Study:
    scenario = Scenario(factors=factors, seeds=seeds, architectures=60, epochs=(5, 10), study=name)
    store = write_store(folder / name, scenario)
    for identity in without:
        (store / "runs" / f"{identity}.json").unlink()
    results = load_results(store, name)
    return Study(results, compute_effects(results, 100, 0))


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Pair:
    folder = tmp_path_factory.mktemp("pair")
    return compare_studies(study(folder, "cheap"), study(folder, "dear", OTHERS, seeds=(0, 1, 2, 3)), 200)


def test_levels_that_are_the_baseline_of_neither_are_compared_in_the_order_of_the_first(pair: Pair) -> None:
    names = [one.level.name for one, _ in pair.levels]
    assert sorted(names) == ["fair", "pool $x$", "rate=0.2", "rate=0.4"]
    values = [one.difference.value for one, _ in pair.levels if one.difference]
    assert values == sorted(values, reverse=True)
    assert names.index("fair") < names.index("pool $x$")
    assert (pair.agreement.levels, pair.agreement.factors) == (4, 2)
    assert pair.agreement.seeds == ((0, 2), (1, 3))


def test_differences_are_paired_by_seed(pair: Pair) -> None:
    levels = [one for one, _ in pair.levels]
    found = pair.first.differences(levels)
    assert found.shape == (4, 3)
    expected = [level.difference.value for level in levels if level.difference]
    np.testing.assert_allclose(found.mean(axis=1), expected)


def test_a_run_that_is_missing_leaves_a_hole(tmp_path: Path) -> None:
    one = study(tmp_path, "cheap", without=(run_id("sampling", "fair", 1), run_id("baseline", "baseline", 2)))
    levels = [effect for effect in one.effects.levels if effect.difference]
    holes = np.isnan(one.differences(levels))
    fair = [effect.level.name for effect in levels].index("fair")
    assert holes[:, 2].all()
    assert holes[fair, 1]
    assert holes.sum() == len(levels) + 1


def test_everything_is_written_and_the_same_again(pair: Pair, tmp_path: Path) -> None:
    studies = [pair.first, pair.second]
    paths = write_agreement(studies, tmp_path / "agreement", 100)
    names = [str(path.relative_to(tmp_path / "agreement")) for path in paths]
    assert names == ["SHA256SUMS", "pairs.csv", "plots/cheap_and_dear.png", "report.md", "table.csv"]
    before = [path.read_bytes() for path in paths]
    assert [path.read_bytes() for path in write_agreement(studies, tmp_path / "agreement", 100)] == before
    assert compared(tmp_path / "agreement") == ["cheap", "dear"]
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


def agreement(rho: tuple[float, float, float], ceiling=0.9, **changed) -> Agreement:
    own = Correlation(ceiling, ceiling - 0.1, ceiling + 0.05)
    seeds = ((3, 4, 5), (0, 1, 2))
    found = Agreement(20, 6, 0, seeds, Correlation(*rho), Correlation(*rho), (own, own), own)
    return replace(found, **changed)


NAN = float("nan")


@pytest.mark.parametrize(
    ("found", "said"),
    [
        (agreement((0.9, 0.75, 0.97)), "largely carries over"),
        (agreement((0.6, 0.2, 0.8)), "predicts that on dear in part"),
        (agreement((0.3, -0.1, 0.6)), "is not shown to predict"),
        (agreement((0.3, -0.1, 0.6), ceiling=0.2), "The seeds are too few"),
        (agreement((0.3, -0.1, 0.6), ceiling=0.0), "The seeds are too few"),
        (agreement((-0.6, -0.8, -0.2)), "tends to be worse on dear"),
        (
            agreement((0.9, NAN, NAN), seeds=((3,), (0, 1, 2))),
            "With fewer than two seeds of cheap that the other study does not use too it cannot be said",
        ),
        (
            agreement((0.9, NAN, NAN), seeds=((1, 2), ())),
            "With fewer than two seeds of dear that the other study does not use too it cannot be said",
        ),
        (agreement((NAN, NAN, NAN), levels=3), "With only 3 levels of 6 factors"),
        (agreement((0.9, NAN, NAN), factors=1), "With only 20 levels of 1 factor"),
        (agreement((NAN, NAN, NAN)), "no order that could be compared"),
        (agreement((1.0, NAN, NAN)), "it cannot be said how far their agreement goes"),
    ],
)
def test_one_sentence_claims_what_the_numbers_show(pair: Pair, found: Agreement, said: str) -> None:
    sentence = conclude(replace(pair, agreement=found))
    assert said in sentence
    assert sentence.endswith(".")
    assert sentence.count(". ") == 0
    claims = "carries over" in sentence or "predicts that" in sentence
    assert claims == (found.rho.low > 0 and min(map(len, found.seeds)) > 1)


def test_signs_are_counted_among_what_the_first_shows(pair: Pair) -> None:
    signs = pair.signs()
    shown = [(a.difference, b.difference) for a, b in pair.levels if a.difference and a.difference.excludes_zero]
    assert signs.shown == len(shown) >= 1
    assert signs.same == sum(one.value * other.value > 0 for one, other in shown if other)
    assert pair.signs(corrected=True).shown <= signs.shown
    assert pair.signs(corrected=True).confirmed == sum(
        one.difference.excludes_zero_corrected
        and other.difference.excludes_zero_corrected
        and one.difference.value * other.difference.value > 0
        for one, other in pair.levels
        if one.difference and other.difference
    )
    assert str(Signs(0, 0, 0.0, 0, 0)) == "none"
    assert str(Signs(8, 7, 4.5, 5, 0)) == "7 of 8 [0.47, 1.00], expected 4.5"


def test_directions_are_compared_with_what_independent_ones_would_give(pair: Pair) -> None:
    """Of a baseline that is hard to beat, nearly all differences are negative, whatever they are elsewhere."""
    values = [(0.1, -0.1), (0.2, 0.1), (-0.1, -0.2), (-0.2, -0.1), (-0.3, -0.3)]
    one, other = pair.levels[0]
    levels: Any = tuple((_shown(one, x), _shown(other, y)) for x, y in values)
    made = replace(pair, levels=levels)
    assert made.directions == (1, 4)
    signs = made.signs()
    assert (signs.shown, signs.same) == (5, 4)
    assert signs.expected == pytest.approx((2 * 1 + 3 * 4) / 5)
    assert not signs.better
    assert Signs(20, 20, 10.0, 20, 0).better
    assert not Signs(20, 20, 19.0, 20, 0).better
    claimed = replace(made, agreement=agreement((0.9, 0.75, 0.97)))
    assert "same direction" not in claimed.conclusion
    many = replace(claimed, levels=levels[1:2] * 10 + levels[2:] * 10)
    assert (
        "and 40 of the 40 effects whose interval excludes zero on the first have the same direction on the second ("
        in many.conclusion
    )


def _shown(effect: Effect, value: float) -> SimpleNamespace:
    assert effect.difference
    return SimpleNamespace(difference=replace(effect.difference, value=value, low=value - 0.01, high=value + 0.01))


def test_seeds_and_architectures_are_named(pair: Pair, tmp_path: Path) -> None:
    write_agreement([pair.first, pair.second], tmp_path / "agreement", 100)
    page = (tmp_path / "agreement" / "report.md").read_text()
    assert "Compared by seeds that are not in both: 0 2 of cheap and 1 3 of dear." in page
    assert "Architectures and truth are the same in both" in page
    assert " are positive and " in page
    row = pd.read_csv(tmp_path / "agreement" / "pairs.csv", dtype=str).iloc[0]
    assert (row["first_seeds"], row["second_seeds"]) == ("0 2", "1 3")
    assert page.count(pair.conclusion.replace("_", "\\_").replace("*", "\\*")) == 1
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


def test_baselines_differ_in_what_is_set_not_in_what_the_code_of_the_day_knew(pair: Pair, tmp_path: Path) -> None:
    example = pair.first.results.example
    assert example
    grown = replace(example, heuristics={"sampling": {"name": "uniform", "added": 0}})
    fairer = replace(example, spec={**example.spec, "heuristics": {"fairnas": {"accounting": "step"}}})
    for record, said in ((grown, False), (fairer, True)):
        other = replace(pair.second, results=replace(pair.second.results, example=record))
        write_agreement([pair.first, other], tmp_path / "agreement", 100)
        page = (tmp_path / "agreement" / "report.md").read_text()
        assert ("The baselines differ in fairnas" in page) == said
        assert ("The baselines differ" in page) == said
