"""Whatever ranks architectures, its scores are of one kind and measured alike."""

import math
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from supernet_bench.analysis.effects.estimate import compute_effects
from supernet_bench.analysis.effects.references import NOISE_CEILING
from supernet_bench.analysis.pages.notes import summary
from supernet_bench.analysis.ranking.scores import Kind, Scores, of_runs, of_table, scores_of
from supernet_bench.analysis.results import Results, load_results
from supernet_bench.core.errors import InputError
from tests.analysis.synthetic import Scenario, run_id, write_store

TARGET = "cifar10_valid_200"


@pytest.fixture
def results(tmp_path: Path) -> Results:
    return load_results(write_store(tmp_path / "store", Scenario()), "default")


def test_a_run_has_scores_at_each_late_checkpoint(results: Results) -> None:
    untrained = run_id("untrained", "untrained", 0)
    found = {scores.name: scores for scores in of_runs(results.scores, results.reference.index, [untrained])}
    assert set(found) == set(results.scores["run_id"])
    assert [name for name, scores in found.items() if scores.kind == Kind.UNTRAINED] == [untrained]
    rows = results.scores[(results.scores["run_id"] == untrained) & results.scores["late"]]
    np.testing.assert_array_equal(np.concatenate(found[untrained].checkpoints), rows["score"])
    np.testing.assert_array_equal(np.concatenate(found[untrained].cross_entropies), rows["cross_entropy"])


def test_architectures_that_are_not_compared_are_left_out(results: Results) -> None:
    chosen = pd.Index(results.architectures[:7])
    assert {len(part) for scores in of_runs(results.scores, chosen, ()) for part in scores.checkpoints} == {7}


def test_a_table_has_costs_and_shorter_trainings(results: Results) -> None:
    found = list(of_table(results.reference, TARGET))
    names = [(scores.kind, scores.name) for scores in found]
    assert names == [
        (Kind.COST, "parameter count"),
        (Kind.COST, "MACs"),
        (Kind.SHORT_TRAINING, "published accuracy, 12 epochs"),
    ]
    np.testing.assert_array_equal(found[2].checkpoints[0], results.reference["cifar10_valid_12"])


@pytest.mark.parametrize("kind", [Kind.PROXY, Kind.IMPORTED])
def test_scores_of_ones_own_stand_beside_those_of_the_suite(results: Results, kind: Kind) -> None:
    """In any order, on any scale, some of them missing, and some for architectures that nobody scored."""
    truth = results.reference.loc[results.architectures, TARGET]
    noisy = truth + np.random.default_rng(0).normal(0, truth.std(), len(truth))
    given = (1000 * noisy.iloc[5:]).sample(frac=1, random_state=0)
    mine = scores_of(results, "mine", given, kind)
    effects = compute_effects(results, 100, 0, others=[mine])
    row = next(effect for effect in effects.references if effect.level.name == "mine")
    assert row.kind == kind
    assert [line.split(":")[0] for line in summary(effects) if line.startswith("mine")] == [f"mine ({kind})"]
    assert row.tau.value == pytest.approx(stats.kendalltau(noisy.iloc[5:], truth.iloc[5:]).statistic)
    assert row.tau.architectures == len(truth) - 5
    assert row.tau.low < row.tau.value < row.tau.high
    assert row.baseline_minus_this is not None
    assert math.isnan(row.baseline_minus_this.value), "tau of the baseline is of all architectures"
    alone = compute_effects(results, 100, 0)
    assert [effect.tau for effect in effects.references if effect is not row] == [e.tau for e in alone.references]


def test_the_same_scores_rank_alike_wherever_they_come_from(results: Results) -> None:
    macs = scores_of(results, "mine", results.reference["macs"])
    rows = {e.level.name: e for e in compute_effects(results, 100, 0, others=[macs]).references}
    assert rows["mine"].tau == rows["MACs"].tau
    assert rows["mine"].baseline_minus_this == rows["MACs"].baseline_minus_this


@pytest.mark.parametrize("name", ["parameter count", "noise ceiling", "untrained", "mine"])
def test_a_row_has_a_name_of_its_own(results: Results, name: str) -> None:
    others = [scores_of(results, each, results.reference["macs"]) for each in ("mine", name)]
    with pytest.raises(InputError, match=rf"^scores '{name}' have the name of another row; allowed: one of their own$"):
        compute_effects(results, 100, 0, others=others)


def test_scores_of_another_number_of_architectures_are_refused(results: Results) -> None:
    other = Scores(Kind.PROXY, "mine", (np.arange(9.0),))
    with pytest.raises(InputError, match=r"^scores 'mine' are of 9 architectures; allowed: the 60 compared$"):
        compute_effects(results, 100, 0, others=[other])


def test_every_reference_says_what_gives_its_scores(results: Results) -> None:
    effects = compute_effects(results, 100, 0)
    assert {effect.level.name: effect.kind for effect in effects.references} == {
        "untrained": Kind.UNTRAINED,
        "3 seeds of the baseline together": Kind.SUPERNET,
        "3 seeds of the baseline and parameter count": Kind.SUPERNET,
        "parameter count": Kind.COST,
        "MACs": Kind.COST,
        "published accuracy, 12 epochs": Kind.SHORT_TRAINING,
        NOISE_CEILING: None,
    }
    assert {effect.kind for effect in effects.levels} == {None}


def test_architectures_without_truth_need_no_score(results: Results) -> None:
    unknown = results.architectures[:3]
    reference = results.reference.copy()
    reference.loc[unknown, TARGET] = np.nan
    partly = replace(results, reference=reference)
    mine = scores_of(partly, "mine", reference["macs"].drop(unknown), "proxy")
    effects = compute_effects(partly, 100, 0, others=[mine])
    taus = {effect.level.name: effect.tau for effect in effects.references}
    assert taus["mine"] == taus["MACs"]
    assert taus["mine"].architectures == len(results.architectures) - 3


@pytest.mark.parametrize(
    ("values", "line"),
    [
        ([0.1, 0.2], "scores 'mine' have architecture {} twice; allowed: once"),
        ([np.inf], "scores 'mine' have inf at architecture {}; allowed: finite"),
        ([], "scores 'mine' have 0 of the 60 architectures; allowed: at least 2"),
        (["high"], "scores 'mine' are no numbers (ValueError: could not convert string to float: 'high')"),
    ],
)
def test_what_cannot_be_scores_is_told(results: Results, values: list[object], line: str) -> None:
    first = results.architectures[0]
    series = pd.Series(values, index=[first] * len(values), dtype=None if values else float)
    with pytest.raises(InputError, match=f"^{re.escape(line.format(first))}"):
        scores_of(results, "mine", series)


def test_scores_of_other_architectures_or_of_no_kind_are_refused(results: Results) -> None:
    with pytest.raises(InputError, match="have 0 of the 60 architectures"):
        scores_of(results, "mine", pd.Series({-1: 0.1}))
    with pytest.raises(InputError, match=r"^unknown kind of scores 'proxi'; did you mean 'proxy'"):
        scores_of(results, "mine", results.reference["macs"], "proxi")
    with pytest.raises(InputError, match="scores 'mine' are of type ndarray; allowed: a Series, by the number"):
        scores_of(results, "mine", results.reference["macs"].to_numpy())
