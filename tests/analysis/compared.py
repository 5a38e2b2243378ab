"""Two made-up studies beside each other."""

from pathlib import Path

from supernet_bench.analysis.effects.estimate import compute_effects
from supernet_bench.analysis.effects.pairs import ComparedStudy, Pair, pair_studies
from supernet_bench.analysis.results import load_results
from tests.analysis.synthetic import Scenario, write_store

FACTORS = {
    "sampling": {"uniform": 1.0, "fair": 0.3, "pool $x$": 6.0},
    "batch_norm": {"batch": 1.0, "tracked": 2.0},
    "learning_rate": {"rate=0.1": 1.0, "rate=0.2": 0.6, "rate=0.4": 10.0},
}
OTHERS = {**FACTORS, "batch_norm": {"tracked": 1.0, "batch": 2.0}, "width": {"8": 1.0, "16": 0.5}}


def study(folder: Path, name: str, factors=FACTORS, seeds=(0, 1, 2), without: tuple[str, ...] = ()) -> ComparedStudy:
    scenario = Scenario(factors=factors, seeds=seeds, architectures=60, epochs=(5, 10), study=name)
    store = write_store(folder / name, scenario)
    for identity in without:
        (store / "runs" / f"{identity}.json").unlink()
    results = load_results(store, name)
    return ComparedStudy(results, compute_effects(results, 100, 0))


def cheap_and_dear(folder: Path) -> Pair:
    return pair_studies(study(folder, "cheap"), study(folder, "dear", OTHERS, seeds=(0, 1, 2, 3)), 200)
