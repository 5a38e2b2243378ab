"""The page about two studies says what their verdict is, and claims no more."""

from dataclasses import replace

import pytest

from supernet_bench.analysis.conclude import find_in_pair
from supernet_bench.analysis.effects.agreement import Correlation
from supernet_bench.analysis.effects.pairs import Pair
from supernet_bench.analysis.findings import PairFinding
from supernet_bench.analysis.pages.agreement import agreement_page, conclusion
from supernet_bench.analysis.verdicts import Transfer
from tests.analysis.compared import cheap_and_dear

OWN = Correlation(0.9, 0.8, 0.95)
FOUND = PairFinding(
    "cheap", "dear", Transfer.IN_PART, 20, 6, (3, 3), Correlation(0.6, 0.2, 0.8), OWN, 8, 7, 4.5, False, "plots/a.png"
)
SAID = {
    Transfer.CARRIES_OVER: "largely carries over to dear (rho 0.60 [0.20, 0.80], 20 levels of 6 factors; ceiling",
    Transfer.IN_PART: "predicts that on dear in part",
    Transfer.NOT_SHOWN: "is not shown to predict",
    Transfer.NOISY: "The seeds are too few",
    Transfer.REVERSED: "tends to be worse on dear",
    Transfer.TOO_FEW_SEEDS: "With fewer than two seeds of dear that the other study does not use too it cannot be said",
    Transfer.TOO_FEW_LEVELS: "With only 20 levels of 6 factors in common",
    Transfer.NO_ORDER: "no order that could be compared",
    Transfer.NO_INTERVAL: "it cannot be said how far their agreement goes",
}


@pytest.mark.parametrize("verdict", Transfer)
def test_every_verdict_is_one_sentence(verdict: Transfer) -> None:
    sentence = conclusion(replace(FOUND, verdict=verdict))
    assert SAID[verdict] in sentence
    assert sentence.endswith(".")
    assert sentence.count(". ") == 0
    claims = "carries over" in sentence or "predicts that" in sentence
    assert claims == (verdict in (Transfer.CARRIES_OVER, Transfer.IN_PART))


def test_the_study_with_too_few_seeds_is_named() -> None:
    few = replace(FOUND, verdict=Transfer.TOO_FEW_SEEDS, seeds=(1, 3))
    assert "With fewer than two seeds of cheap that" in conclusion(few)


@pytest.mark.parametrize("verdict", [Transfer.CARRIES_OVER, Transfer.IN_PART])
def test_directions_are_claimed_where_they_are_more_than_chance(verdict: Transfer) -> None:
    found = replace(FOUND, verdict=verdict)
    assert "same direction" not in conclusion(found)
    assert (
        "), and 7 of the 8 effects whose interval excludes zero on the first have the same direction on the second "
        "(4.5 expected): "
    ) in conclusion(replace(found, same_directions=True))


def test_the_page_says_of_what_baselines_differ_in_and_what_is_left_out(pair: Pair) -> None:
    found = find_in_pair(pair, "plots/a.png")
    page = agreement_page([(found, pair)])
    assert "The baselines differ" not in page
    assert " left out" not in page
    example = pair.first.results.example
    assert example
    fairer = replace(example, spec={**example.spec, "heuristics": {"fairnas": {"accounting": "step"}}})
    other = replace(pair.second, results=replace(pair.second.results, example=fairer))
    changed = replace(pair, second=other, agreement=replace(pair.agreement, left_out=3))
    page = agreement_page([(found, changed)])
    assert "The baselines differ in fairnas, so" in page
    assert "; 3 left out, which lack a pair of runs." in page


def test_shares_of_directions_have_their_interval(pair: Pair) -> None:
    found = find_in_pair(pair, "plots/a.png")
    assert "that have the same direction on dear: 2 of 2 [0.16, 1.00], expected " in agreement_page([(found, pair)])
    nothing = replace(pair, levels=())
    page = agreement_page([(find_in_pair(nothing, "plots/a.png"), nothing)])
    assert "on dear: none; excluding zero so there too: 0, or the other way round: 0." in page


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Pair:
    return cheap_and_dear(tmp_path_factory.mktemp("pair"))
