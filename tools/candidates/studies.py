"""What the rule is applied to, read from a store: the same levels of three studies."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from supernet_bench.analysis.effects.effects import Effects
from supernet_bench.analysis.effects.estimate import compute_effects
from supernet_bench.analysis.effects.pairs import ComparedStudy
from supernet_bench.analysis.effects.training import same_training, trainings
from supernet_bench.analysis.ranking.resampling import RESAMPLES
from supernet_bench.analysis.results import Results, load_results
from supernet_bench.core.errors import InputError
from tools.candidates.rule import METRICS, Decision, gain

Level = tuple[str, str]
"""Names of a factor and of a level."""


def read(store: Path, study: str, resamples: int = RESAMPLES) -> ComparedStudy:
    """Read a study and estimate what its levels do.

    Only whether the baseline learns is decided by resamples of the architectures.

    Raises
    ------
    InputError
        If it is not in the store, or is damaged.
    """
    results = load_results(store, study)
    return ComparedStudy(results, compute_effects(results, resamples))


def decide(candidate: ComparedStudy, present: ComparedStudy, target: ComparedStudy) -> Decision:
    """Apply the rule.

    Raises
    ------
    InputError
        If runs are missing or damaged, so that the rule would look at other runs than those fixed beforehand, or the
        candidate and the present images have no seed in common.
    """
    for study in (candidate, present, target):
        _check_complete(study)
    seeds = sorted(set(candidate.results.manifest.seeds) & set(present.results.manifest.seeds))
    if not seeds:
        raise InputError(f"studies {candidate.name} and {present.name} have no seed in common; allowed: at least one")
    levels = common_levels(candidate, present, target)
    others = sorted(target.results.manifest.seeds)
    gains = {
        metric: gain(
            _values(candidate.effects, metric, levels, seeds),
            _values(present.effects, metric, levels, seeds),
            _values(target.effects, metric, levels, others),
            [factor for factor, _ in levels],
            (seeds, others),
        )
        for metric in METRICS
    }
    return Decision(gains, learns(candidate.effects))


def learns(effects: Effects) -> bool:
    """Return whether the baseline is shown to rank better than the untrained supernet."""
    margin = effects.references[0].baseline_minus_this
    return margin is not None and margin.excludes_zero and margin.value > 0


def common_levels(*studies: ComparedStudy) -> list[Level]:
    """Return the levels, other than the baseline, that all studies have and that train anew in each of them."""
    of_each = [training_levels(study.results) for study in studies]
    return [level for level in of_each[-1] if all(level in levels for levels in of_each)]


def training_levels(results: Results) -> list[Level]:
    """Return the levels that do not merely score the baseline's supernets in another way.

    Those that do are one training with it in every seed, since the streams of random numbers are the same.
    """
    trained = trainings(results)
    finished = results.runs[results.runs["status"] == "finished"]
    of_baseline = _by_seed(finished[finished["factor"] == "baseline"])
    found = []
    for level in results.manifest.levels:
        runs = _by_seed(finished[(finished["factor"] == level.factor) & (finished["level"] == level.name)])
        if runs.keys() & of_baseline.keys() and not same_training(runs, of_baseline, trained):
            found.append((level.factor, level.name))
    return found


def _by_seed(runs: pd.DataFrame) -> dict[int, str]:
    return dict(zip(runs["seed"], runs["run_id"], strict=True))


def _values(effects: Effects, metric: str, levels: Sequence[Level], seeds: Sequence[int]) -> np.ndarray:
    """Return a metric of every run, [levels, seeds]; NaN where there is none."""
    table = effects.runs.pivot_table(index=["factor", "level"], columns="seed", values=metric, dropna=False)
    rows = table.reindex(pd.MultiIndex.from_tuples(levels)) if levels else table.iloc[:0]
    return np.asarray(rows.reindex(columns=list(seeds)).to_numpy(np.float64))


def _check_complete(study: ComparedStudy) -> None:
    runs = study.results.runs.drop_duplicates("run_id")
    lost = runs[runs["status"].isin(["missing", "damaged"])]
    if len(lost):
        first = lost.iloc[0]
        raise InputError(
            f"study {study.name} lacks {len(lost)} of {len(runs)} runs, such as {first['factor']} {first['level']}, "
            f"seed {first['seed']} ({first['status']}); allowed: none missing or damaged"
        )
