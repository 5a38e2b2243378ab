"""What ranks the scored architectures without a supernet: costs, and published training."""

import re
from itertools import combinations

import numpy as np
import pandas as pd

from analysis.metrics import kendall_tau
from analysis.resampling import bootstrap_tau
from analysis.statistics import Estimate, over_architectures

NOISE_CEILING = "noise ceiling"


def published_references(scored: pd.DataFrame, target: str, weights: np.ndarray) -> dict[str, Estimate]:
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
    dict of str to Estimate
        Parameter count and MACs; the accuracy after fewer epochs of the same images and split; and, as noise
        ceiling, the mean tau between two single published runs. Each rests on the architectures that have it.
    """
    columns = {"parameter count": "parameters", "MACs": "macs"} | _shorter_training(scored, target)
    references = {name: _reference(scored, [(column, target)], weights) for name, column in columns.items()}
    single_runs = [column for column in scored.columns if re.fullmatch(rf"{re.escape(target)}_run\d+", column)]
    references[NOISE_CEILING] = _reference(scored, list(combinations(single_runs, 2)), weights)
    return {name: estimate for name, estimate in references.items() if estimate}


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


def _reference(scored: pd.DataFrame, pairs: list[tuple[str, str]], weights: np.ndarray) -> Estimate | None:
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
    return over_architectures(float(np.mean(values)), np.mean(replicates, axis=0), int(used.sum()))
