"""Whatever ranks architectures, its scores are of one kind and measured alike."""

import math
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from supernet_bench.analysis.effects.estimate import compute_effects
from supernet_bench.analysis.ranking.scores import Kind, of_frame, of_runs, of_table
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
    mine = of_frame("mine", given, truth.index, kind)
    effects = compute_effects(results, 100, 0, others=[mine])
    row = next(effect for effect in effects.references if effect.level.name == "mine")
    assert row.tau.value == pytest.approx(stats.kendalltau(noisy.iloc[5:], truth.iloc[5:]).statistic)
    assert row.tau.architectures == len(truth) - 5
    assert row.tau.low < row.tau.value < row.tau.high
    assert row.baseline_minus_this is not None
    assert math.isnan(row.baseline_minus_this.value), "tau of the baseline is of all architectures"
    alone = compute_effects(results, 100, 0)
    assert [effect.tau for effect in effects.references if effect is not row] == [e.tau for e in alone.references]


def test_the_same_scores_rank_alike_wherever_they_come_from(results: Results) -> None:
    macs = of_frame("mine", results.reference["macs"], pd.Index(results.architectures))
    rows = {e.level.name: e for e in compute_effects(results, 100, 0, others=[macs]).references}
    assert rows["mine"].tau == rows["MACs"].tau
    assert rows["mine"].baseline_minus_this == rows["MACs"].baseline_minus_this


@pytest.mark.parametrize("name", ["parameter count", "noise ceiling", "untrained", "mine"])
def test_a_row_has_a_name_of_its_own(results: Results, name: str) -> None:
    index = pd.Index(results.architectures)
    others = [of_frame(each, results.reference["macs"], index) for each in ("mine", name)]
    with pytest.raises(InputError, match=rf"^scores '{name}' have the name of another row; allowed: one of their own$"):
        compute_effects(results, 100, 0, others=others)


def test_scores_of_other_architectures_are_refused(results: Results) -> None:
    other = of_frame("mine", results.reference["macs"], pd.Index(results.architectures[:9]))
    with pytest.raises(InputError, match=r"^scores 'mine' are of 9 architectures; allowed: the 60 compared$"):
        compute_effects(results, 100, 0, others=[other])


@pytest.mark.parametrize(
    ("scores", "line"),
    [
        ({3: [0.1, 0.2]}, "scores 'mine' have architecture 3 twice; allowed: once"),
        ({3: [np.inf]}, "scores 'mine' have inf at architecture 3; allowed: finite"),
        ({99: [0.1]}, "scores 'mine' have 0 of the 4 architectures; allowed: at least 2"),
        ({}, "scores 'mine' have 0 of the 4 architectures; allowed: at least 2"),
    ],
)
def test_what_cannot_be_scores_is_told(scores: dict[int, list[float]], line: str) -> None:
    index = [number for number, values in scores.items() for _ in values]
    series = pd.Series([value for values in scores.values() for value in values], index=index, dtype=float)
    with pytest.raises(InputError, match=f"^{re.escape(line)}$"):
        of_frame("mine", series, pd.Index([1, 2, 3, 4]))
