"""Every metric of one run, with its bootstrap replicates over architectures."""

import math
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cached_property
from itertools import zip_longest

import numpy as np
import pandas as pd

from supernet_bench.analysis.ranking import metrics, resampling
from supernet_bench.analysis.ranking.pair_table import Order, PairTable
from supernet_bench.analysis.ranking.sample import Sample
from supernet_bench.analysis.ranking.scores import Scores

TOP = 10

RANK_METRICS = (
    "tau",
    "tau_better_half",
    "sparse_tau",
    "spearman",
    "partial_tau",
    "tau_equal_size",
    "tau_cross_entropy",
    "tau_parameters",
    "tau_rank_sum",
    "gain_over_parameters",
)
"""Metrics of all architectures, whose intervals cover architectures and seeds."""

TOP_METRICS = (
    "sparse_tau_yu",
    "regret_at_10",
    "best_percentile_at_10",
    "ndcg_at_10_percent",
    "precision_at_5_percent",
    "precision_at_1_percent",
    "surpassing_random_10",
    "final_performance_10",
    "final_performance_10_sd",
)
"""Metrics whose bootstrap over architectures is not valid; their intervals cover seeds and images alone."""

COMPARED_RANK_METRICS = (
    "tau",
    "tau_better_half",
    "partial_tau",
    "tau_equal_size",
    "tau_parameters",
    "gain_over_parameters",
)
"""Those with a difference to the baseline: is it better, for winners too, beyond size, in liking size, beside size."""

COMPARED_TOP_METRICS = (
    "regret_at_10",
    "best_percentile_at_10",
    "ndcg_at_10_percent",
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
    sample : Sample, optional
        Where the scored architectures were drawn from strata of the space.
    """

    truth: np.ndarray
    parameters: np.ndarray
    table: np.ndarray
    weights: np.ndarray
    sample: Sample | None = None

    def part(self, known: np.ndarray) -> "Yardstick":
        """Return the same for the architectures that have a score, bool [n]."""
        if known.all():
            return self
        sample = self.sample and self.sample.known(known)
        weights = self.weights[:, known]
        if self.sample and sample:
            weights = weights * (sample.weights / self.sample.weights[known]).astype(weights.dtype)
        return Yardstick(self.truth[known], self.parameters[known], self.table, weights, sample)

    def form(self, x: np.ndarray, y: np.ndarray) -> np.ndarray:
        """Return the sum over the pairs of each resample of the product of their signs, [resamples]."""
        return resampling.pair_form(self.weights, x, y, self.sample)

    @cached_property
    def better_half(self) -> resampling.BetterHalf:
        """Those at or above the median of the truth, in each resample."""
        return resampling.BetterHalf(self.weights, self.truth, self.sample)

    @cached_property
    def untied_better_half(self) -> np.ndarray:
        """Untied pairs of the truth among the better half of each resample, [resamples]."""
        return self.better_half.form(self.truth, self.truth)

    @cached_property
    def bins(self) -> np.ndarray:
        """Bins of the sparse tau, int [n]."""
        return metrics.accuracy_bins(self.truth)

    @cached_property
    def untied(self) -> np.ndarray:
        """Untied pairs of the truth in each resample, [resamples]."""
        return self.form(self.truth, self.truth)

    @cached_property
    def untied_bins(self) -> np.ndarray:
        """Untied pairs of the binned truth in each resample, [resamples]."""
        return self.form(self.bins, self.bins)

    @cached_property
    def untied_parameters(self) -> np.ndarray:
        """Untied pairs of the parameter counts in each resample, [resamples]."""
        return self.form(self.parameters, self.parameters)

    def equal_size_form(self, x: np.ndarray, y: np.ndarray) -> np.ndarray:
        """Return the same over the pairs with equal parameter counts, [resamples]."""
        return resampling.pair_form(self.weights, x, y, self.sample, self.parameters)

    @cached_property
    def untied_equal_sizes(self) -> np.ndarray:
        """Those of these pairs that the truth does not tie in each resample, [resamples]."""
        return self.equal_size_form(self.truth, self.truth)

    @cached_property
    def pair_table(self) -> PairTable:
        """All pairs of architectures, for the taus of many rankings."""
        better = metrics.better_half(self.truth, self.sample)
        orders = {
            "tau": Order(self.truth),
            "tau_better_half": Order(self.truth, members=better),
            "sparse_tau": Order(self.bins),
            "tau_equal_size": Order(self.truth, groups=self.parameters),
            "tau_parameters": Order(self.parameters),
        }
        return PairTable(orders, self.sample)

    @cached_property
    def truth_given(self) -> float:
        """tau-b of the parameter count with the truth."""
        return metrics.kendall_tau(self.parameters, self.truth, self.sample)

    @cached_property
    def resampled_truth_given(self) -> np.ndarray:
        """tau-b of the parameter count with the truth in each resample, [resamples]."""
        return resampling.bootstrap_tau(self.weights, self.parameters, self.truth, self.sample)

    def places(self, values: np.ndarray) -> np.ndarray:
        """Return where each architecture stands among all that the scored ones stand for, [n]; ties share a place."""
        return metrics.space_ranks(values, self.sample.weights if self.sample else np.ones(len(values)))

    @cached_property
    def parameter_places(self) -> np.ndarray:
        """Where each stands by its parameter count, [n]."""
        return self.places(self.parameters)

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
        All metrics again, each time with the images of one block left out, for a delete-a-group jackknife over images;
        empty where the answers in blocks are not known.
    """

    run_id: str
    values: dict[str, float]
    replicates: dict[str, np.ndarray]
    jackknife: dict[str, np.ndarray] = field(default_factory=dict)


def measure_run(scores: Scores, yardstick: Yardstick) -> Measures:
    """Measure what a run, or anything else that ranks, says of the architectures against what is published of them.

    Scores may be missing: the architectures that have one are then measured, at every checkpoint for itself.
    """
    checkpoints = _checkpoints(scores.checkpoints, scores.cross_entropies, yardstick)
    values = [_values(*checkpoint) for checkpoint in checkpoints]
    replicates = [_replicates(*checkpoint) for checkpoint in checkpoints]
    return Measures(
        run_id=scores.name,
        values={name: float(np.mean([value[name] for value in values])) for name in RANK_METRICS + TOP_METRICS},
        replicates={name: np.mean([replicate[name] for replicate in replicates], axis=0) for name in RANK_METRICS},
        jackknife=_jackknife(scores, yardstick),
    )


_Checkpoint = tuple[np.ndarray, np.ndarray | None, Yardstick]
"""Scores and cross-entropies of the architectures that have them, and what they are measured with."""


def _checkpoints(
    scores: Iterable[np.ndarray], cross_entropies: Iterable[np.ndarray], yardstick: Yardstick
) -> list[_Checkpoint]:
    """Return what is measured of each of some scores, with the cross-entropies beside them if there are any."""
    found = []
    for score, cross_entropy in zip_longest(scores, cross_entropies):
        known = ~np.isnan(score)
        beside = None if cross_entropy is None else cross_entropy[known]
        found.append((score[known], beside, yardstick.part(known)))
    return found


def _jackknife(scores: Scores, yardstick: Yardstick) -> dict[str, np.ndarray]:
    """Return all metrics with each block of images left out, [blocks], the mean over checkpoints.

    All checkpoints are scored on the same images, so that a block that is left out is left out at all of them.
    """
    left_out = zip_longest(scores.deleted, scores.deleted_cross_entropies, fillvalue=())
    values = [[_quick_values(*one) for one in _checkpoints(*blocks, yardstick)] for blocks in left_out]
    names = RANK_METRICS + TOP_METRICS if values else ()
    return {name: np.mean([[one[name] for one in blocks] for blocks in values], axis=0) for name in names}


def _values(score: np.ndarray, cross_entropy: np.ndarray | None, yardstick: Yardstick) -> dict[str, float]:
    truth, sample = yardstick.truth, yardstick.sample
    taus = {
        "tau": metrics.kendall_tau(score, truth, sample),
        "tau_better_half": metrics.kendall_tau_better_half(score, truth, sample),
        "sparse_tau": metrics.kendall_tau(score, yardstick.bins, sample),
        "tau_equal_size": metrics.kendall_tau_within(score, truth, yardstick.parameters, sample),
        "tau_parameters": metrics.kendall_tau(score, yardstick.parameters, sample),
        "tau_cross_entropy": _cross_entropy_tau(cross_entropy, yardstick),
    }
    return _with_others(taus, score, yardstick)


def _quick_values(score: np.ndarray, cross_entropy: np.ndarray | None, yardstick: Yardstick) -> dict[str, float]:
    """Return the same up to the last digits, for many scores of the same architectures."""
    if len(score) > metrics.ALL_PAIRS:
        return _values(score, cross_entropy, yardstick)
    taus = yardstick.pair_table.taus(score)
    taus["tau_cross_entropy"] = math.nan
    if cross_entropy is not None and not np.isnan(cross_entropy).any():
        taus["tau_cross_entropy"] = yardstick.pair_table.taus(-cross_entropy)["tau"]
    return _with_others(taus, score, yardstick)


def _with_others(taus: dict[str, float], score: np.ndarray, yardstick: Yardstick) -> dict[str, float]:
    """Return the taus of scores and all other metrics."""
    pairwise = (np.array(tau) for tau in (taus["tau"], taus["tau_parameters"], yardstick.truth_given))
    others = {
        "spearman": metrics.spearman_rho(score, yardstick.truth, yardstick.sample),
        "partial_tau": float(metrics.partial_tau(*pairwise)),
        "sparse_tau_yu": metrics.sparse_kendall_tau_yu(score, yardstick.truth),
        **_rank_sum_values(score, yardstick),
    }
    return taus | others | _top_values(score, yardstick)


def _rank_sum_values(score: np.ndarray, yardstick: Yardstick) -> dict[str, float]:
    """Return what scores and the parameter count say together, and by how much that is more than the count alone."""
    total = _rank_sum(score, yardstick)
    tau = math.nan if total is None else metrics.kendall_tau(total, yardstick.truth, yardstick.sample)
    return {"tau_rank_sum": tau, "gain_over_parameters": tau - yardstick.truth_given}


def _rank_sum(score: np.ndarray, yardstick: Yardstick) -> np.ndarray | None:
    """Return the rank by score plus that by parameter count, [n]; None for equal scores, which have no tau either."""
    places = yardstick.places(score)
    return places + yardstick.parameter_places if places.any() else None


def _cross_entropy_tau(cross_entropy: np.ndarray | None, yardstick: Yardstick) -> float:
    """Return tau of the negative cross-entropy; a network that overflows has none, and so has its run."""
    if cross_entropy is None or np.isnan(cross_entropy).any():
        return math.nan
    return metrics.kendall_tau(-cross_entropy, yardstick.truth, yardstick.sample)


def _top_values(score: np.ndarray, yardstick: Yardstick) -> dict[str, float]:
    if len(yardstick.truth) < TOP:
        return dict.fromkeys(TOP_METRICS[1:], math.nan)
    truth, table, sample = yardstick.truth, yardstick.table, yardstick.sample
    mean, deviation = metrics.final_search_performance(score, truth, TOP)
    # The margin keeps an architecture from outranking itself by a rounding error.
    better = int(np.sum(table > metrics.best_truth_at(score, truth, TOP) + 1e-12))
    return {
        "regret_at_10": metrics.regret_at(score, truth, TOP),
        "best_percentile_at_10": metrics.best_percentile_at(score, truth, TOP, sample),
        "ndcg_at_10_percent": metrics.ndcg_at(score, truth, 0.1, sample),
        "precision_at_5_percent": metrics.precision_at(score, truth, 0.05, sample),
        "precision_at_1_percent": metrics.precision_at(score, truth, 0.01, sample),
        "surpassing_random_10": metrics.probability_surpassing_random(better + 1, len(table), TOP),
        "final_performance_10": mean,
        "final_performance_10_sd": deviation,
    }


def _replicates(score: np.ndarray, cross_entropy: np.ndarray | None, yardstick: Yardstick) -> dict[str, np.ndarray]:
    untied = yardstick.form(score, score)

    def tau(other: np.ndarray, untied_other: np.ndarray) -> np.ndarray:
        return resampling.tau_of_forms(yardstick.form(score, other), untied, untied_other)

    of_truth = tau(yardstick.truth, yardstick.untied)
    of_parameters = tau(yardstick.parameters, yardstick.untied_parameters)
    return {
        "tau": of_truth,
        "tau_better_half": _better_half_replicates(score, yardstick),
        "sparse_tau": tau(yardstick.bins, yardstick.untied_bins),
        "spearman": _spearman_replicates(score, yardstick),
        "partial_tau": metrics.partial_tau(of_truth, of_parameters, yardstick.resampled_truth_given),
        "tau_equal_size": _equal_size_replicates(score, yardstick),
        "tau_parameters": of_parameters,
        "tau_cross_entropy": _cross_entropy_replicates(cross_entropy, yardstick),
        **_rank_sum_replicates(score, yardstick),
    }


def _rank_sum_replicates(score: np.ndarray, yardstick: Yardstick) -> dict[str, np.ndarray]:
    """Return the same from each resample, [resamples].

    The ranks in the sum are those among all scored architectures. Ranks drawn anew with each resample would need its
    pairs one by one; on published records of 200 architectures the standard deviation was 1 to 5 % larger with them.
    """
    total = _rank_sum(score, yardstick)
    tau = np.full(len(yardstick.weights), math.nan)
    if total is not None:
        concordance = yardstick.form(total, yardstick.truth)
        tau = resampling.tau_of_forms(concordance, yardstick.form(total, total), yardstick.untied)
    return {"tau_rank_sum": tau, "gain_over_parameters": tau - yardstick.resampled_truth_given}


def _better_half_replicates(score: np.ndarray, yardstick: Yardstick) -> np.ndarray:
    better = yardstick.better_half
    concordance = better.form(score, yardstick.truth)
    return resampling.tau_of_forms(concordance, better.form(score, score), yardstick.untied_better_half)


def _equal_size_replicates(score: np.ndarray, yardstick: Yardstick) -> np.ndarray:
    concordance = yardstick.equal_size_form(score, yardstick.truth)
    untied = yardstick.equal_size_form(score, score)
    return resampling.tau_of_forms(concordance, untied, yardstick.untied_equal_sizes)


def _spearman_replicates(score: np.ndarray, yardstick: Yardstick) -> np.ndarray:
    weights = yardstick.weights
    if len(score) > resampling.EXACT_LIMIT:
        return resampling.linear_spearman(weights, score, yardstick.truth, yardstick.sample)
    return resampling.bootstrap_spearman(weights, resampling.resampled_ranks(weights, score), yardstick.ranks)


def _cross_entropy_replicates(cross_entropy: np.ndarray | None, yardstick: Yardstick) -> np.ndarray:
    if cross_entropy is None or np.isnan(cross_entropy).any():
        return np.full(len(yardstick.weights), math.nan)
    concordance = yardstick.form(-cross_entropy, yardstick.truth)
    return resampling.tau_of_forms(concordance, yardstick.form(cross_entropy, cross_entropy), yardstick.untied)


def checkpoint_taus(scores: pd.DataFrame, truth: pd.Series, sample: Sample | None = None) -> pd.DataFrame:
    """Return tau of every checkpoint: run_id, epoch, late, tau.

    Parameters
    ----------
    scores : DataFrame
        As in `analysis.results.Results`.
    truth : Series
        Published accuracies by the number of the architecture, without NaN; scores of others are left out.
    sample : Sample, optional
        Where these architectures were drawn from strata.
    """
    usable = scores[scores["architecture"].isin(truth.index) & (len(truth) >= 2)]
    rows = [
        (
            run_id,
            epoch,
            late,
            metrics.kendall_tau(part["score"].to_numpy(), truth[part["architecture"]].to_numpy(), sample),
        )
        for (run_id, epoch, late), part in usable.groupby(["run_id", "epoch", "late"], sort=False)
    ]
    return pd.DataFrame(rows, columns=["run_id", "epoch", "late", "tau"])
