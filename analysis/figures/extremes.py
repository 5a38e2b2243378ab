"""The levels that several figures show beside the baseline: the best and the worst."""

import math

import numpy as np
import pandas as pd

from supernet_bench.analysis.effects.effects import Effect, Effects
from supernet_bench.analysis.results import Results


def extremes(effects: Effects) -> dict[str, Effect]:
    """Return the baseline, and the levels with the highest and the lowest tau, by what they are."""
    others = [row for row in effects.levels[1:] if not row.level.baseline and not math.isnan(row.tau.value)]
    found = {} if math.isnan(effects.baseline.tau.value) else {"baseline": effects.baseline}
    if others:
        best = max(others, key=lambda row: row.tau.value)
        found["best"] = best
        if len(others) > 1:
            found["worst"] = min((row for row in others if row is not best), key=lambda row: row.tau.value)
    return found


def late_scores(results: Results, effects: Effects, effect: Effect) -> pd.DataFrame:
    """Return the scores of the runs of a level at their late checkpoints.

    Returns
    -------
    DataFrame
        A row per architecture with a known truth, in its order; a column per seed and epoch.
    """
    runs = effects.runs_of(effect).set_index("run_id")["seed"]
    scores = results.scores[results.scores["run_id"].isin(runs.index) & results.scores["late"].astype(bool)]
    table = scores.assign(seed=scores["run_id"].map(runs)).pivot_table(
        index="architecture", columns=["seed", "epoch"], values="score", aggfunc="first", dropna=False
    )
    return table.reindex(effects.truth.index)


def mean_score(scores: pd.DataFrame) -> np.ndarray:
    """Return the mean of the scores over checkpoints, then over seeds, [n]: what the seeds say together."""
    by_seed = scores.T.groupby(level="seed").mean()
    return np.asarray(by_seed.mean(axis=0).to_numpy(dtype=float))
