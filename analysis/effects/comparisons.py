"""Differences between levels over the seeds that they share, and their correction for being many."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from supernet_bench.analysis.effects.effects import Effect
from supernet_bench.analysis.effects.intervals import Difference, adjusted, difference_over_both, difference_over_seeds
from supernet_bench.analysis.ranking.measures import COMPARED_RANK_METRICS, COMPARED_TOP_METRICS, Measures

Seeds = Mapping[int, Measures]
"""The measured runs of one level by seed."""


def defined(metric: str, first: Seeds, *others: Seeds) -> list[int]:
    """Return the seeds for which all the levels have this metric, in the order of the first."""
    seeds = [seed for seed in first if all(seed in level for level in others)]
    return [seed for seed in seeds if all(np.isfinite(level[seed].values[metric]) for level in (first, *others))]


def compare(level: Seeds, baseline: Seeds, architectures: int) -> dict[str, Difference]:
    """Return the differences of a level to the baseline in every compared metric, paired by seed."""
    over_both = {name: contrast(name, [level], [baseline], architectures) for name in COMPARED_RANK_METRICS}
    return over_both | {name: _compare_top(name, level, baseline, architectures) for name in COMPARED_TOP_METRICS}


def _compare_top(metric: str, level: Seeds, baseline: Seeds, architectures: int) -> Difference:
    used = defined(metric, level, baseline)
    values = np.array([level[seed].values[metric] - baseline[seed].values[metric] for seed in used])
    return replace(difference_over_seeds(values, architectures), runs=_runs(used, level, baseline))


def contrast(metric: str, plus: Sequence[Seeds], minus: Sequence[Seeds], architectures: int) -> Difference:
    """Return the sum of some levels minus that of others in a rank metric, over the seeds that all of them have.

    Parameters
    ----------
    metric : str
        One of `analysis.ranking.measures.RANK_METRICS`.
    plus, minus : sequences of Seeds
        As many of one as of the other: one each for a difference, two each for a difference of differences.
    architectures : int
        How many architectures were scored.
    """
    used = defined(metric, *plus, *minus)
    signed = [*((1, level) for level in plus), *((-1, level) for level in minus)]
    values = np.sum([[sign * level[seed].values[metric] for seed in used] for sign, level in signed], axis=0)
    replicates = np.sum([[sign * level[seed].replicates[metric] for seed in used] for sign, level in signed], axis=0)
    difference = difference_over_both(values, replicates, architectures, bound=2.0 * len(plus))
    return replace(difference, runs=_runs(used, *plus, *minus))


def _runs(used: Sequence[int], *levels: Seeds) -> frozenset[str]:
    return frozenset(level[seed].run_id for level in levels for seed in used)


def corrected(levels: Sequence[Effect]) -> tuple[Effect, ...]:
    """Return the levels with the p-values of their differences and interactions corrected for their number.

    All differences of a study in one metric are one family, and so are all its interactions.
    """
    metrics = dict.fromkeys(name for level in levels for name in level.differences)
    found = {name: adjusted(level.differences.get(name) for level in levels) for name in metrics}
    interactions = adjusted(level.interaction for level in levels)
    return tuple(
        replace(
            level,
            differences={name: _with(difference, found[name]) for name, difference in level.differences.items()},
            interaction=level.interaction and _with(level.interaction, interactions),
        )
        for level in levels
    )


def _with(difference: Difference, found: Mapping[frozenset[str], float]) -> Difference:
    return replace(difference, adjusted=found.get(difference.runs, difference.adjusted))
