"""Every metric of one run, with its bootstrap replicates over architectures."""

import math
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import pandas as pd

from supernet_bench.analysis.ranking import metrics, resampling
from supernet_bench.analysis.ranking.scores import Scores

TOP = 10

RANK_METRICS = (
    "tau",
    "sparse_tau",
    "spearman",
    "partial_tau",
    "tau_equal_size",
    "tau_cross_entropy",
    "tau_parameters",
)
"""Metrics of all architectures, whose intervals cover architectures and seeds."""

TOP_METRICS = (
    "sparse_tau_yu",
    "regret_at_10",
    "precision_at_5_percent",
    "precision_at_1_percent",
    "surpassing_random_10",
    "final_performance_10",
    "final_performance_10_sd",
)
"""Metrics whose bootstrap over architectures is not valid; their intervals cover seeds and images alone."""

COMPARED_RANK_METRICS = ("tau", "partial_tau", "tau_equal_size", "tau_parameters")
"""Those with a difference to the baseline: is it better, is it beyond size, does it only prefer size."""

COMPARED_TOP_METRICS = (
    "regret_at_10",
    "precision_at_5_percent",
    "precision_at_1_percent",
    "surpassing_random_10",
    "final_performance_10",
)


@dataclass(frozen=True)
class Yardstick:
    """What predictions are compared with, and the part of the bootstrap that all predictions share.

    Attributes
    ----------
    truth : ndarray, [n]
        Published accuracies of the scored architectures, as fractions.
    parameters : ndarray, [n]
        Parameter counts of the published networks.
    table : ndarray, [size]
        Published accuracies of the whole space.
    weights : ndarray of float32, [resamples, n]
        Resamples of the scored architectures; the same for all runs, so that differences are paired.
    """

    truth: np.ndarray
    parameters: np.ndarray
    table: np.ndarray
    weights: np.ndarray

    @cached_property
    def bins(self) -> np.ndarray:
        """Bins of the sparse tau, int [n]."""
        return metrics.accuracy_bins(self.truth)

    @cached_property
    def untied(self) -> np.ndarray:
        """Untied pairs of the truth in each resample, [resamples]."""
        return resampling.pair_form(self.weights, self.truth, self.truth)

    @cached_property
    def untied_bins(self) -> np.ndarray:
        """Untied pairs of the binned truth in each resample, [resamples]."""
        return resampling.pair_form(self.weights, self.bins, self.bins)

    @cached_property
    def untied_parameters(self) -> np.ndarray:
        """Untied pairs of the parameter counts in each resample, [resamples]."""
        return resampling.pair_form(self.weights, self.parameters, self.parameters)

    @cached_property
    def equal_sizes(self) -> resampling.ListedPairs:
        """The pairs of architectures with equal parameter counts."""
        return resampling.ListedPairs(self.weights, *metrics.equal_pairs(self.parameters))

    @cached_property
    def equal_size_signs(self) -> np.ndarray:
        """How the truth orders these pairs, [pairs]."""
        return metrics.pair_signs(self.truth, self.equal_sizes.first, self.equal_sizes.second)

    @cached_property
    def untied_equal_sizes(self) -> np.ndarray:
        """Those of these pairs that the truth does not tie in each resample, [resamples]."""
        return self.equal_sizes.form(np.abs(self.equal_size_signs))

    @cached_property
    def truth_given(self) -> float:
        """tau-b of the parameter count with the truth."""
        return metrics.kendall_tau(self.parameters, self.truth)

    @cached_property
    def resampled_truth_given(self) -> np.ndarray:
        """tau-b of the parameter count with the truth in each resample, [resamples]."""
        return resampling.bootstrap_tau(self.weights, self.parameters, self.truth)

    @cached_property
    def ranks(self) -> np.ndarray:
        """Ranks of the truth in each resample, [resamples, n]."""
        return resampling.resampled_ranks(self.weights, self.truth)


@dataclass(frozen=True)
class Measures:
    """The metrics of a run, each its mean over the late checkpoints: what one of them gives on average.

    Attributes
    ----------
    run_id : str
        Whose they are.
    values : dict of str to float
        All `RANK_METRICS` and `TOP_METRICS`; NaN where a checkpoint leaves one undefined.
    replicates : dict of str to ndarray, [resamples]
        Only `RANK_METRICS`.
    jackknife : dict of str to ndarray, [blocks]
        Metrics with one block of scoring images left out; empty where the record has no blocks.
    """

    run_id: str
    values: dict[str, float]
    replicates: dict[str, np.ndarray]
    jackknife: dict[str, np.ndarray] = field(default_factory=dict)


def measure_run(scores: Scores, yardstick: Yardstick) -> Measures:
    """Measure what a run says of the architectures against what is published of them."""
    checkpoints = list(zip(scores.checkpoints, scores.cross_entropies, strict=True))
    values = [_values(score, cross_entropy, yardstick) for score, cross_entropy in checkpoints]
    replicates = [_replicates(score, cross_entropy, yardstick) for score, cross_entropy in checkpoints]
    return Measures(
        run_id=scores.name,
        values={name: float(np.mean([value[name] for value in values])) for name in RANK_METRICS + TOP_METRICS},
        replicates={name: np.mean([replicate[name] for replicate in replicates], axis=0) for name in RANK_METRICS},
    )


def _values(score: np.ndarray, cross_entropy: np.ndarray, yardstick: Yardstick) -> dict[str, float]:
    truth = yardstick.truth
    of_truth = metrics.kendall_tau(score, truth)
    of_parameters = metrics.kendall_tau(score, yardstick.parameters)
    taus = (np.array(tau) for tau in (of_truth, of_parameters, yardstick.truth_given))
    return {
        "tau": of_truth,
        "sparse_tau": metrics.kendall_tau(score, yardstick.bins),
        "spearman": metrics.spearman_rho(score, truth),
        "partial_tau": float(metrics.partial_tau(*taus)),
        "tau_equal_size": metrics.kendall_tau_within(score, truth, yardstick.parameters),
        "tau_parameters": of_parameters,
        "tau_cross_entropy": _if_defined(cross_entropy, truth),
        "sparse_tau_yu": metrics.sparse_kendall_tau_yu(score, truth),
    } | _top_values(score, yardstick)


def _if_defined(cross_entropy: np.ndarray, truth: np.ndarray) -> float:
    """Return tau of the negative cross-entropy; a network that overflows has none, and so has its run."""
    return math.nan if np.isnan(cross_entropy).any() else metrics.kendall_tau(-cross_entropy, truth)


def _top_values(score: np.ndarray, yardstick: Yardstick) -> dict[str, float]:
    if len(yardstick.truth) < TOP:
        return dict.fromkeys(TOP_METRICS[1:], math.nan)
    truth, table = yardstick.truth, yardstick.table
    mean, deviation = metrics.final_search_performance(score, truth, TOP)
    # The margin keeps an architecture from outranking itself by a rounding error.
    better = int(np.sum(table > metrics.best_truth_at(score, truth, TOP) + 1e-12))
    return {
        "regret_at_10": metrics.regret_at(score, truth, TOP),
        "precision_at_5_percent": metrics.precision_at(score, truth, 0.05),
        "precision_at_1_percent": metrics.precision_at(score, truth, 0.01),
        "surpassing_random_10": metrics.probability_surpassing_random(better + 1, len(table), TOP),
        "final_performance_10": mean,
        "final_performance_10_sd": deviation,
    }


def _replicates(score: np.ndarray, cross_entropy: np.ndarray, yardstick: Yardstick) -> dict[str, np.ndarray]:
    weights, truth = yardstick.weights, yardstick.truth
    untied = resampling.pair_form(weights, score, score)

    def tau(other: np.ndarray, untied_other: np.ndarray) -> np.ndarray:
        return resampling.tau_of_forms(resampling.pair_form(weights, score, other), untied, untied_other)

    of_truth = tau(truth, yardstick.untied)
    of_parameters = tau(yardstick.parameters, yardstick.untied_parameters)
    ranks = resampling.resampled_ranks(weights, score)
    return {
        "tau": of_truth,
        "sparse_tau": tau(yardstick.bins, yardstick.untied_bins),
        "spearman": resampling.bootstrap_spearman(weights, ranks, yardstick.ranks),
        "partial_tau": metrics.partial_tau(of_truth, of_parameters, yardstick.resampled_truth_given),
        "tau_equal_size": _equal_size_replicates(score, yardstick),
        "tau_parameters": of_parameters,
        "tau_cross_entropy": _cross_entropy_replicates(cross_entropy, yardstick),
    }


def _equal_size_replicates(score: np.ndarray, yardstick: Yardstick) -> np.ndarray:
    pairs = yardstick.equal_sizes
    signs = metrics.pair_signs(score, pairs.first, pairs.second)
    concordance = pairs.form(signs * yardstick.equal_size_signs)
    return resampling.tau_of_forms(concordance, pairs.form(np.abs(signs)), yardstick.untied_equal_sizes)


def _cross_entropy_replicates(cross_entropy: np.ndarray, yardstick: Yardstick) -> np.ndarray:
    if np.isnan(cross_entropy).any():
        return np.full(len(yardstick.weights), math.nan)
    concordance = resampling.pair_form(yardstick.weights, -cross_entropy, yardstick.truth)
    untied = resampling.pair_form(yardstick.weights, cross_entropy, cross_entropy)
    return resampling.tau_of_forms(concordance, untied, yardstick.untied)


def checkpoint_taus(scores: pd.DataFrame, truth: pd.Series) -> pd.DataFrame:
    """Return tau of every checkpoint: run_id, epoch, late, tau.

    Parameters
    ----------
    scores : DataFrame
        As in `analysis.results.Results`.
    truth : Series
        Published accuracies by the number of the architecture, without NaN; scores of others are left out.
    """
    usable = scores[scores["architecture"].isin(truth.index) & (len(truth) >= 2)]
    rows = [
        (
            run_id,
            epoch,
            late,
            metrics.kendall_tau(part["score"].to_numpy(), truth[part["architecture"]].to_numpy()),
        )
        for (run_id, epoch, late), part in usable.groupby(["run_id", "epoch", "late"], sort=False)
    ]
    return pd.DataFrame(rows, columns=["run_id", "epoch", "late", "tau"])
