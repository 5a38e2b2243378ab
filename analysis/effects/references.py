"""What ranks the scored architectures without a trained supernet, and how well anything could."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from itertools import combinations
from math import nan

import numpy as np
import pandas as pd

from supernet_bench.analysis.effects.intervals import Estimate, over_architectures
from supernet_bench.analysis.ranking.measures import RANK_METRICS, TOP_METRICS, Yardstick, measure_run
from supernet_bench.analysis.ranking.metrics import kendall_tau, kendall_tau_better_half
from supernet_bench.analysis.ranking.resampling import BetterHalf, bootstrap_tau
from supernet_bench.analysis.ranking.sample import Sample
from supernet_bench.analysis.ranking.scores import Kind, Scores

NOISE_CEILING = "noise ceiling"


@dataclass(frozen=True)
class Reference:
    """How well something ranks the architectures.

    Attributes
    ----------
    estimates : mapping of str to Estimate
        By metric; at least tau. Those of `TOP_METRICS` have no interval, since no seed has a part in them.
    resampled : mapping of str to ndarray, [resamples]
        The rank metrics from each resample of architectures.
    kind : Kind, optional
        What gave the scores; none for the noise ceiling.
    """

    estimates: Mapping[str, Estimate]
    resampled: Mapping[str, np.ndarray] = field(default_factory=dict)
    kind: Kind | None = None

    @property
    def tau(self) -> Estimate:
        """Kendall's tau-b with the truth."""
        return self.estimates["tau"]

    @property
    def replicates(self) -> np.ndarray:
        """Its tau from each resample, [resamples]."""
        return self.resampled["tau"]


def reference(scores: Scores, yardstick: Yardstick) -> Reference | None:
    """Return how well scores rank the architectures that have them, the mean over checkpoints; None if hardly any has.

    Parameters
    ----------
    scores : Scores
    yardstick : Yardstick
        Of the architectures that are compared.
    """
    enough = tuple(values for values in scores.checkpoints if np.count_nonzero(~np.isnan(values)) >= 2)
    if not enough:
        return None
    used = int(np.any([~np.isnan(values) for values in enough], axis=0).sum())
    plain = replace(scores, checkpoints=enough, cross_entropies=(), deleted=(), deleted_cross_entropies=())
    measured = measure_run(plain, yardstick)
    known = {name: value for name, value in measured.values.items() if name == "tau" or np.isfinite(value)}
    ranked = {name: measured.replicates[name] for name in RANK_METRICS if name in known}
    estimates = {name: over_architectures(known[name], replicates, used) for name, replicates in ranked.items()}
    estimates |= {name: Estimate(known[name], nan, nan, 0, used) for name in TOP_METRICS if name in known}
    return Reference(estimates, ranked, scores.kind)


def noise_ceiling(
    rows: pd.DataFrame, target: str, weights: np.ndarray, sample: Sample | None = None
) -> Reference | None:
    """Return the mean tau between two single published runs; None where the table has no such.

    A ranking can exceed it a little, because the truth averages runs and is less noisy than one. The better half is
    chosen by a third run where there are three: either of the two compared would choose what its own noise favours.

    Parameters
    ----------
    rows : DataFrame
        Rows of the reference table of the scored architectures.
    target : str
        Its truth column.
    weights : ndarray of float32, [resamples, n]
        Resamples of these rows.
    sample : Sample, optional
        Where they were drawn from strata.
    """
    names = [column for column in rows.columns if re.fullmatch(rf"{re.escape(target)}_run\d+", column)]
    runs = [rows[name].to_numpy(dtype=np.float64) for name in names]
    pairs = [(a, b) for a, b in combinations(runs, 2)]
    triples = [(a, b, by) for a, b in pairs for by in runs if by is not a and by is not b]
    found = {
        "tau": _mean_tau([np.stack(pair) for pair in pairs], weights, sample),
        "tau_better_half": _mean_tau([np.stack(triple) for triple in triples], weights, sample),
    }
    known = {name: both for name, both in found.items() if both}
    if "tau" not in known:
        return None
    return Reference(
        {name: estimate for name, (estimate, _) in known.items()},
        {name: replicates for name, (_, replicates) in known.items()},
    )


def _mean_tau(
    compared: Iterable[np.ndarray], weights: np.ndarray, sample: Sample | None
) -> tuple[Estimate, np.ndarray] | None:
    """Return the mean tau over pairs of runs with its replicates, each where all that it needs are known.

    Parameters
    ----------
    compared : iterable of ndarray, [2 or 3, n]
        Two runs, and what the better half is chosen by, if only that is compared.
    """
    values, replicates, used = [], [], np.zeros(weights.shape[1], dtype=bool)
    for runs in compared:
        known = ~np.isnan(runs).any(axis=0)
        if known.sum() < 2:
            continue
        x, y, *by = runs[:, known]
        drawn = sample and sample.known(known)
        values.append(kendall_tau_better_half(x, y, drawn, *by) if by else kendall_tau(x, y, drawn))
        if by:
            replicates.append(BetterHalf(weights[:, known], by[0], drawn).bootstrap_tau(x, y))
        else:
            replicates.append(bootstrap_tau(weights[:, known], x, y, drawn))
        used |= known
    if not values:
        return None
    mean = np.mean(replicates, axis=0)
    return over_architectures(float(np.mean(values)), mean, int(used.sum())), mean
