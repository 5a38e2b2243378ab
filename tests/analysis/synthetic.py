"""A store with known effects, written in the format of the real one."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

SPACE_SIZE = 400


@dataclass(frozen=True)
class Scenario:
    """What the store holds.

    `factors` maps each factor to the noise of the scores of its levels: the larger, the lower tau. The first
    level of each is the baseline's, whose noise is 1. `cells` says of levels of a grid what they combine.
    `same_training` are levels that are one training with the baseline, `baseline_seeds` further seeds of it alone.
    """

    factors: Mapping[str, Mapping[str, float]] = field(
        default_factory=lambda: {
            "sampling": {"uniform": 1.0, "fairnas accounting=compute": 0.4, "pool size=50": 8.0},
            "batch_norm": {"batch": 1.0, "tracked": 1.0},
        }
    )
    seeds: Sequence[int] = (0, 1, 2)
    architectures: int = 60
    epochs: Sequence[int] = (10, 20, 30, 40)
    late: int = 2
    cells: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    study: str = "default"
    same_training: Sequence[str] = ()
    baseline_seeds: Sequence[int] = ()


def grid_of_two(noise: Mapping[tuple[str, str], float]) -> tuple[dict[str, float], dict[str, dict[str, str]]]:
    """Return the levels of a grid of sampling and learning rate with their noise, and what each combines."""
    levels = {f"sampling {first}, learning_rate {second}": value for (first, second), value in noise.items()}
    cells = [{"sampling": first, "learning_rate": second} for first, second in noise]
    return levels, dict(zip(levels, cells, strict=True))


def write_store(folder: Path, scenario: Scenario) -> Path:
    """Write reference table, manifest and the records of all runs; return the folder."""
    reference = reference_table()
    (folder / "spaces").mkdir(parents=True)
    reference.to_parquet(folder / "spaces" / "toy.parquet")
    chosen = np.sort(np.random.default_rng(3).choice(SPACE_SIZE, scenario.architectures, replace=False))
    runs = planned_runs(scenario)
    noise = {(factor, level): value for factor, levels in scenario.factors.items() for level, value in levels.items()}
    for run in {run["run_id"]: run for run in reversed(runs)}.values():
        amount = {"baseline": 1.0, "untrained": 8.0}.get(run["factor"]) or noise[run["factor"], run["level"]]
        write_record(folder, record(run, reference, chosen, amount, scenario))
    manifest = {
        "schema": 1,
        "study": scenario.study,
        "title": "synthetic study",
        "space": "toy",
        "images": "digits",
        "seeds": list(scenario.seeds),
        "baseline_seeds": list(scenario.baseline_seeds),
        "target": None,
        "factors": [
            {
                "factor": factor,
                "levels": [
                    {"level": name, "baseline": i == 0}
                    | ({"cell": dict(scenario.cells[name])} if name in scenario.cells else {})
                    for i, name in enumerate(levels)
                ],
            }
            for factor, levels in scenario.factors.items()
        ],
        "runs": runs,
    }
    (folder / "studies").mkdir()
    (folder / "studies" / f"{scenario.study}.json").write_text(json.dumps(manifest))
    return folder


def reference_table() -> pd.DataFrame:
    """Return accuracies that grow with the parameter count, with two or three single runs each."""
    rng = np.random.default_rng(7)
    parameters = rng.integers(50_000, 1_500_000, SPACE_SIZE)
    quality = rng.normal(size=SPACE_SIZE) + 1.2 * (parameters - parameters.mean()) / parameters.std()
    accuracy = 0.85 + 0.03 * quality
    runs = np.clip(accuracy[:, None] + 0.004 * rng.normal(size=(SPACE_SIZE, 3)), 0, 1)
    runs[rng.random(SPACE_SIZE) < 0.5, 2] = np.nan
    table = pd.DataFrame(
        {
            "index": np.arange(SPACE_SIZE),
            "architecture": [f"|op~{i}|" for i in range(SPACE_SIZE)],
            "isomorphism": np.arange(SPACE_SIZE),
            "parameters": parameters,
            "macs": parameters * np.random.default_rng(11).integers(60, 180, SPACE_SIZE),
            "cifar10_valid_200": np.round(np.nanmean(runs, axis=1), 5),
            **{f"cifar10_valid_200_run{i}": runs[:, i] for i in range(3)},
            "cifar10_valid_12": np.clip(accuracy - 0.2 + 0.03 * rng.normal(size=SPACE_SIZE), 0, 1),
            "cifar10_test_200": np.clip(accuracy + 0.002 * rng.normal(size=SPACE_SIZE), 0, 1),
        }
    )
    table.attrs = {"space": "toy", "table": "Toy table v1", "target": "cifar10_valid_200", "left_out": 4}
    return table


def planned_runs(scenario: Scenario) -> list[dict[str, Any]]:
    """Return the rows of the manifest; a baseline level shares the baseline's runs."""
    cells = [("baseline", "baseline", True), ("untrained", "untrained", False)]
    cells += [(factor, level, i == 0) for factor, levels in scenario.factors.items() for i, level in enumerate(levels)]
    return [
        {
            "factor": factor,
            "level": level,
            "seed": seed,
            "run_id": run_id("baseline" if baseline else factor, "baseline" if baseline else level, seed),
        }
        for factor, level, baseline in cells
        for seed in (*scenario.seeds, *(scenario.baseline_seeds if factor == "baseline" else ()))
    ]


def run_id(factor: str, level: str, seed: int) -> str:
    """Return the identity of a run."""
    return hashlib.sha256(f"{factor}/{level}/{seed}".encode()).hexdigest()[:16]


def record(
    run: Mapping[str, Any], reference: pd.DataFrame, chosen: np.ndarray, noise: float, scenario: Scenario
) -> dict[str, Any]:
    """Return a finished record whose scores are the truth plus noise that shrinks over training."""
    rng = np.random.default_rng(int(run["run_id"][:8], 16))
    truth = reference["cifar10_valid_200"].to_numpy()[chosen]
    spread = truth.std()
    own = noise * np.exp(0.15 * rng.normal()) * spread * rng.normal(size=len(chosen))
    epochs = (0,) if run["factor"] == "untrained" else tuple(scenario.epochs)
    checkpoints = []
    for place, epoch in enumerate(epochs):
        early = 2 * spread * (1 - epoch / max(epochs)) ** 2 if epoch else 0.0
        score = 0.5 * truth + 0.5 * (own + (early + 0.2 * spread) * rng.normal(size=len(chosen)))
        accuracy = np.round(np.clip(score, 0, 1), 4)
        checkpoints.append(
            {
                "epoch": epoch,
                "late": place >= len(epochs) - scenario.late,
                "accuracy": accuracy.tolist(),
                "cross_entropy": (2.5 - 2 * np.clip(score, 0, 1) + 0.001 * rng.random(len(chosen))).tolist(),
            }
        )
    length = max(epochs)
    trained = run_id("baseline", "baseline", run["seed"]) if run["level"] in scenario.same_training else run["run_id"]
    own_loss = 1e-3 * int(trained[:4], 16) / 16**4
    return {
        "schema": 1,
        "run_id": run["run_id"],
        "status": "finished",
        "error": None,
        "spec": {
            "schema": 1,
            "space": {"name": "toy"},
            "images": {"name": "digits"},
            "training": {"epochs": length, "batch_size": 32},
            "heuristics": {},
            "scoring": {},
            "seed": run["seed"],
        },
        "heuristics": {"sampling": {"name": "uniform"}},
        "architectures": chosen.tolist(),
        "curve": [
            {
                "epoch": e,
                "loss": 2.3 / e**0.5 + own_loss,
                "accuracy": 1 - 0.9 / e**0.5,
                "learning_rate": 0.1 * (1 - e / length),
            }
            for e in range(1, length + 1)
        ],
        "checkpoints": checkpoints,
        "counts": {"optimiser_steps": 44 * length, "path_passes": 44 * length, "images": 44 * 32 * length},
        "execution": {
            "code_version": "0",
            "started": "2026-01-01T00:00:00",
            "seconds": {"setup": 1.0, "training": 10.0, "scoring": 2.0},
            "environment": {},
            "resumed": 0,
        },
    }


def write_record(folder: Path, content: dict[str, Any]) -> Path:
    """Write a record with its checksum."""
    content = {key: value for key, value in content.items() if key != "checksum"}
    canonical = json.dumps(content, sort_keys=True, separators=(",", ":"))
    path = folder / "runs" / f"{content['run_id']}.json"
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps(content | {"checksum": hashlib.sha256(canonical.encode()).hexdigest()}))
    return path
