"""What ranks the scored architectures without a supernet: costs, and published training."""

import re
from dataclasses import dataclass
from itertools import combinations

import numpy as np
import pandas as pd

from supernet_bench.analysis.effects.intervals import Estimate, over_architectures
from supernet_bench.analysis.ranking.metrics import kendall_tau
from supernet_bench.analysis.ranking.resampling import bootstrap_tau

NOISE_CEILING = "noise ceiling"


@dataclass(frozen=True)
class Reference:
    """tau of a published predictor, with the same from each resample of architectures, [resamples]."""

    tau: Estimate
    replicates: np.ndarray


def published_references(scored: pd.DataFrame, target: str, weights: np.ndarray) -> dict[str, Reference]:
    """Return tau with the truth of every published predictor there is, by its name.

    Parameters
    ----------
    scored : DataFrame
        Rows of the reference table of the scored architectures.
    target : str
        Its truth column, without NaN.
    weights : ndarray of float32, [resamples, n]
        Resamples of these rows.

    Returns
    -------
    dict of str to Reference
        Parameter count and MACs; the accuracy after fewer epochs of the same images and split; and, as noise
        ceiling, the mean tau between two single published runs. Each rests on the architectures that have it.
        A predictor can exceed the ceiling a little, because the truth averages runs and is less noisy than one.
    """
    columns = {"parameter count": "parameters", "MACs": "macs"} | _shorter_training(scored, target)
    references = {name: _reference(scored, [(column, target)], weights) for name, column in columns.items()}
    single_runs = [column for column in scored.columns if re.fullmatch(rf"{re.escape(target)}_run\d+", column)]
    references[NOISE_CEILING] = _reference(scored, list(combinations(single_runs, 2)), weights)
    return {name: reference for name, reference in references.items() if reference}


def _shorter_training(scored: pd.DataFrame, target: str) -> dict[str, str]:
    """Return the columns that differ from the target only in having fewer epochs, by name."""
    stem, _, epochs = target.rpartition("_")
    if not epochs.isdigit():
        return {}
    lengths = sorted(
        int(length)
        for name, _, length in (column.rpartition("_") for column in scored.columns)
        if name == stem and length.isdigit() and int(length) < int(epochs)
    )
    return {f"published accuracy, {length} epochs": f"{stem}_{length}" for length in lengths}


def _reference(scored: pd.DataFrame, pairs: list[tuple[str, str]], weights: np.ndarray) -> Reference | None:
    """Return the mean tau over pairs of columns, each where both are known; None where none is."""
    values, replicates, used = [], [], np.zeros(len(scored), dtype=bool)
    for first, second in pairs:
        both = scored[[first, second]].notna().all(axis=1).to_numpy()
        if both.sum() < 2:
            continue
        x, y = (scored.loc[both, column].to_numpy() for column in (first, second))
        values.append(kendall_tau(x, y))
        replicates.append(bootstrap_tau(weights[:, both], x, y))
        used |= both
    if not values:
        return None
    mean = np.mean(replicates, axis=0)
    return Reference(over_architectures(float(np.mean(values)), mean, int(used.sum())), mean)
