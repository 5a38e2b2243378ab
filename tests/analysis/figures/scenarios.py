"""Studies of many shapes."""

from pathlib import Path

from supernet_bench.analysis.effects.effects import Effects
from supernet_bench.analysis.effects.estimate import compute_effects
from supernet_bench.analysis.results import Results, load_results
from tests.analysis.synthetic import Scenario, grid_of_two, write_store

GRID = {
    f"fairnas accounting=compute {i}, recalibrated images={j}": 0.5 + 0.2 * i + 0.3 * j
    for i in range(5)
    for j in range(5)
}
FIVE = {
    f"fairnas accounting={kind}, statistics=recalibrated affine=false, rate=0.025, rate=0.4, reset=momentum": noise
    for kind, noise in {"step": 1.0, "compute": 0.5, "epoch": 3.0}.items()
}
TWO, CELLS = grid_of_two(
    {(a, b): 0.5 + i for a in ("uniform", "fairnas accounting=compute") for i, b in enumerate("uvw")}
)
SCENARIOS = {
    "usual": Scenario(architectures=30),
    "one seed": Scenario(architectures=30, seeds=(0,)),
    "one checkpoint": Scenario(architectures=30, epochs=(5,)),
    "grid of 25": Scenario(architectures=30, epochs=(5, 10), factors={"sampling x batch_norm": GRID}),
    "grid of two factors": Scenario(
        architectures=30, seeds=(0, 1), epochs=(5,), factors={"sampling x learning_rate": TWO}, cells=CELLS
    ),
    "grid of five factors": Scenario(
        architectures=30,
        epochs=(5, 10),
        factors={"sampling x batch_norm x learning_rate x path_dropout x independence": FIVE},
    ),
    "80 levels": Scenario(
        architectures=20,
        seeds=(0, 1),
        epochs=(5,),
        factors={f"factor_{i}": {f"level {j} of {i}": 1.0 + j for j in range(21)} for i in range(4)},
    ),
    "many factors": Scenario(
        architectures=20, seeds=(0, 1), epochs=(5,), factors={f"factor_{i}": {"a": 1.0, "b": 2.0} for i in range(7)}
    ),
}


def study(folder: Path, scenario: Scenario) -> tuple[Results, Effects]:
    results = load_results(write_store(folder / "store", scenario), scenario.study)
    return results, compute_effects(results, 100, seed=0)
