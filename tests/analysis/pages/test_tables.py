"""Printed numbers against the same ones worked out by hand from the records."""

import json
import math
from pathlib import Path

import numpy as np
import pytest
from scipy import stats

from supernet_bench.analysis.effects.effects import Effects
from supernet_bench.analysis.effects.estimate import compute_effects
from supernet_bench.analysis.pages.tables import (
    Table,
    effects_table,
    rank_metrics_table,
    references_table,
    top_metrics_table,
)
from supernet_bench.analysis.results import load_results
from supernet_bench.records.layout import record_path
from tests.analysis.synthetic import SPACE_SIZE, Scenario, reference_table, run_id, write_store

FAIRNAS = "fairnas accounting=compute"
SEEDS = range(3)


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_store(tmp_path_factory.mktemp("tables") / "store", Scenario())


@pytest.fixture(scope="module")
def effects(store: Path) -> Effects:
    return compute_effects(load_results(store, "default"), 100, seed=0)


def row(table: Table, name: str) -> dict[str, str]:
    """Return the first row with this name; the second interval of a table is called so."""
    cells = next(row for row in table.rows if name in row[:2])
    names = [f"{name} again" * (name in table.header[:i]) or name for i, name in enumerate(table.header)]
    return dict(zip(names, cells, strict=True))


def late_scores(store: Path, factor: str, level: str, seed: int) -> list[tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """Return accuracy, cross-entropy and truth at the late checkpoints of a run."""
    content = json.loads(record_path(store, run_id(factor, level, seed)).read_text())
    truth = reference_table()["cifar10_valid_200"].to_numpy()[content["architectures"]]
    return [
        (np.array(checkpoint["accuracy"]), np.array(checkpoint["cross_entropy"]), truth)
        for checkpoint in content["checkpoints"]
        if checkpoint["late"]
    ]


def tau(accuracy: np.ndarray, _: np.ndarray, truth: np.ndarray) -> float:
    return float(stats.kendalltau(accuracy, truth).statistic)


def sparse_tau(accuracy: np.ndarray, _: np.ndarray, truth: np.ndarray) -> float:
    return float(stats.kendalltau(accuracy, np.floor(np.round(truth * 1000, 6))).statistic)


def spearman(accuracy: np.ndarray, _: np.ndarray, truth: np.ndarray) -> float:
    return float(stats.spearmanr(accuracy, truth).statistic)


def tau_of_cross_entropy(_: np.ndarray, cross_entropy: np.ndarray, truth: np.ndarray) -> float:
    return float(stats.kendalltau(-cross_entropy, truth).statistic)


def best(values: np.ndarray, size: int) -> list[int]:
    order = np.argsort(-values)
    assert values[order[size - 1]] > values[order[size]], "a tie at the edge would need its expected value"
    return order[:size].tolist()


def precision(accuracy: np.ndarray, _: np.ndarray, truth: np.ndarray) -> float:
    return 100 * len(set(best(accuracy, 3)) & set(best(truth, 3))) / 3


def regret(accuracy: np.ndarray, _: np.ndarray, truth: np.ndarray) -> float:
    return 100 * (truth.max() - truth[best(accuracy, 10)].max())


def tau_of_better_half(accuracy: np.ndarray, _: np.ndarray, truth: np.ndarray) -> float:
    better = truth >= np.median(truth)
    return float(stats.kendalltau(accuracy[better], truth[better]).statistic)


def percentile(accuracy: np.ndarray, _: np.ndarray, truth: np.ndarray) -> float:
    return 100 * float(np.mean(truth <= truth[best(accuracy, 10)].max()))


def ndcg(accuracy: np.ndarray, _: np.ndarray, truth: np.ndarray) -> float:
    gains, discounts = [float(np.mean(truth < own)) for own in truth], 1 / np.log2(np.arange(2, 8))
    ideal = np.array(gains)[best(truth, 6)]
    assert len(set(np.sort(accuracy)[-6:])) == 6, "a tie would need its expected value"
    return float(discounts @ np.array(gains)[best(accuracy, 6)] / (discounts @ ideal))


def surpassing(accuracy: np.ndarray, _: np.ndarray, truth: np.ndarray) -> float:
    found = truth[best(accuracy, 10)].max()
    worse = SPACE_SIZE - 1 - int((reference_table()["cifar10_valid_200"] > found + 1e-12).sum())
    return (worse / SPACE_SIZE) ** 10


METRICS = {
    "tau": (tau, "{:.3f}"),
    "sparse tau": (sparse_tau, "{:.3f}"),
    "Spearman": (spearman, "{:.3f}"),
    "tau of cross-entropy": (tau_of_cross_entropy, "{:.3f}"),
    "precision at 5 % (%)": (precision, "{:.2f}"),
    "tau of the better half": (tau_of_better_half, "{:.3f}"),
    "regret at 10 (%)": (regret, "{:.2f}"),
    "percentile of the best of 10 (%)": (percentile, "{:.2f}"),
    "ndcg at 10 %": (ndcg, "{:.3f}"),
    "P > R, 10 draws": (surpassing, "{:.3f}"),
}


@pytest.mark.parametrize("column", METRICS)
def test_printed_metrics_are_those_of_the_records(store: Path, effects: Effects, column: str) -> None:
    metric, form = METRICS[column]
    expected = np.mean(
        [np.mean([metric(*scores) for scores in late_scores(store, "sampling", FAIRNAS, seed)]) for seed in SEEDS]
    )
    printed: dict[str, str] = {}
    for table in (top_metrics_table(effects), rank_metrics_table(effects), effects_table(effects)):
        printed |= row(table, FAIRNAS)
    assert printed[column].split(" ")[0] == form.format(expected)


def test_the_printed_difference_and_interval_are_paired_by_seed(store: Path, effects: Effects) -> None:
    def by_seed(factor: str, level: str) -> np.ndarray:
        return np.array([np.mean([tau(*s) for s in late_scores(store, factor, level, seed)]) for seed in SEEDS])

    differences = by_seed("sampling", FAIRNAS) - by_seed("baseline", "baseline")
    printed = row(effects_table(effects), FAIRNAS)
    low, high = (float(end) for end in printed["95 % again"].strip("[]* ()").split(", "))
    assert printed["difference"] == f"{differences.mean():+.3f}"
    assert printed["pairs"] == printed["runs"] == "3"
    assert high - low >= 2 * 4.302653 * differences.std(ddof=1) / math.sqrt(3) - 0.002
    lead = row(references_table(effects), "untrained")["baseline - this"]
    assert lead == f"{(by_seed('baseline', 'baseline') - by_seed('untrained', 'untrained')).mean():+.3f}"


def test_the_untrained_supernet_comes_first(effects: Effects) -> None:
    for table in (rank_metrics_table(effects), top_metrics_table(effects)):
        assert [cells[1] for cells in table.rows[:2]] == ["untrained", "baseline"]


def test_references_are_in_all_tables(effects: Effects) -> None:
    printed = [row(table(effects), "parameter count") for table in (rank_metrics_table, top_metrics_table)]
    assert printed[0]["tau given parameters"] == printed[0]["runs"] == "—"
    assert float(printed[0]["tau of the better half"].split(" ")[0]) == pytest.approx(
        effects.references[1].estimates["tau_better_half"].value, abs=5e-4
    )
    assert "[" in printed[0]["tau of the better half"]
    assert "[" not in printed[1]["ndcg at 10 %"], "no seed has a part in it"
    beside = row(references_table(effects), "parameter count")["tau of the better half"]
    assert beside == printed[0]["tau of the better half"]


def test_the_difference_in_the_better_half_is_beside_that_in_tau(effects: Effects) -> None:
    printed = row(effects_table(effects), FAIRNAS)
    effect = next(one for one in effects.levels if one.level.name == FAIRNAS)
    assert printed["difference in it"].startswith(f"{effect.differences['tau_better_half'].value:+.3f} [")
    assert row(effects_table(effects), "baseline")["difference in it"] == "—"
