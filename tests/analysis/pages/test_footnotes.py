"""Footnotes say of this study what they say."""

from pathlib import Path

import pandas as pd
import pytest

from supernet_bench.analysis.effects.estimate import compute_effects
from supernet_bench.analysis.pages.footnotes import footer, metrics_footer
from supernet_bench.analysis.results import load_results
from tests.analysis.synthetic import Scenario, write_store


def notes(store: Path) -> tuple[str, str]:
    results = load_results(store, "default")
    effects = compute_effects(results, 100, seed=0)
    return "\n".join(footer(results, effects)), "\n".join(metrics_footer(effects))


@pytest.mark.parametrize(("architectures", "top"), [(40, "2 and 1"), (200, "10 and 2")])
def test_the_sizes_of_the_top_are_those_of_the_scored_architectures(
    tmp_path: Path, architectures: int, top: str
) -> None:
    store = write_store(tmp_path / "store", Scenario(architectures=architectures, epochs=(5,), seeds=(0,), factors={}))
    assert f"of {architectures} architectures these are {top})" in notes(store)[1]


def test_two_costs_of_one_order_are_said_to_be_one(tmp_path: Path) -> None:
    store = write_store(tmp_path / "store", Scenario(epochs=(5,), seeds=(0, 1), late=1))
    assert "order these architectures identically" not in notes(store)[0]
    path = store / "spaces" / "toy.parquet"
    table = pd.read_parquet(path)
    table["macs"] = 2 * table["parameters"] + 7
    table.to_parquet(path)
    main, _ = notes(store)
    assert "order these architectures identically" in main
    assert "Every metric is a family of its own." in main
