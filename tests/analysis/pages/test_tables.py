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
    "regret at 10 (%)": (regret, "{:.2f}"),
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


def test_the_printed_difference_and_interval_are_over_all_seeds_of_both(store: Path, effects: Effects) -> None:
    def by_seed(factor: str, level: str) -> np.ndarray:
        return np.array([np.mean([tau(*s) for s in late_scores(store, factor, level, seed)]) for seed in SEEDS])

    differences = by_seed("sampling", FAIRNAS) - by_seed("baseline", "baseline")
    printed = row(effects_table(effects), FAIRNAS)
    low, high = (float(end) for end in printed["95 % again"].strip("[]* ()").split(", "))
    assert printed["difference"] == f"{differences.mean():+.3f}"
    assert (printed["seeds"], printed["runs"]) == ("3, 3", "3")
    spreads = [by_seed(*level).std(ddof=1) for level in (("sampling", FAIRNAS), ("baseline", "baseline"))]
    assert high - low >= 2 * 4.302653 * math.hypot(*spreads) / math.sqrt(3) - 0.002
    lead = row(references_table(effects), "untrained")["baseline - this"]
    assert lead == f"{(by_seed('baseline', 'baseline') - by_seed('untrained', 'untrained')).mean():+.3f}"


def test_the_untrained_supernet_comes_first(effects: Effects) -> None:
    for table in (rank_metrics_table(effects), top_metrics_table(effects)):
        assert [cells[1] for cells in table.rows[:2]] == ["untrained", "baseline"]
