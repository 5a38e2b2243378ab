"""Differences between levels, and their correction for being many.

One form marks all tables. It was chosen before any study that it marks was read, by what it does in simulated studies
(`tools/simulate_marks.py`): the mean of all seeds of a level minus that of all seeds of the baseline, with moderated
variances, which are only ever made larger. Equal seeds hardly resemble each other, so pairs would use a part of the
baseline's seeds for nothing. Levels that are one training with the baseline do resemble it, and are paired.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from supernet_bench.analysis.effects.effects import Effect
from supernet_bench.analysis.effects.intervals import (
    Difference,
    adjusted,
    difference_between,
    difference_over_both,
    difference_over_seeds,
)
from supernet_bench.analysis.effects.moderation import Variance, moderate
from supernet_bench.analysis.effects.shared import LevelValues, by_images
from supernet_bench.analysis.effects.training import same_training
from supernet_bench.analysis.ranking.measures import (
    COMPARED_RANK_METRICS,
    COMPARED_TOP_METRICS,
    RANK_METRICS,
    Measures,
)

COMPARED = (*COMPARED_RANK_METRICS, *COMPARED_TOP_METRICS)
"""Metrics that levels are compared in."""

Seeds = Mapping[int, Measures]
"""The measured runs of one level by seed."""


def defined(metric: str, first: Seeds, *others: Seeds) -> list[int]:
    """Return the seeds for which all the levels have this metric, in the order of the first."""
    seeds = [seed for seed in first if all(seed in level for level in others)]
    return [seed for seed in seeds if all(np.isfinite(level[seed].values[metric]) for level in (first, *others))]


def jackknife(metric: str, level: Seeds, seeds: Sequence[int]) -> np.ndarray | None:
    """Return a metric of some runs with each block of images left out, [seeds, blocks]; None if some run lacks it."""
    rows = [level[seed].jackknife.get(metric) for seed in seeds]
    known = [row for row in rows if row is not None and len(row)]
    return np.array(known) if known and len(known) == len(rows) and len(set(map(len, known))) == 1 else None


@dataclass(frozen=True)
class Comparisons:
    """What the levels of a study are compared by.

    Attributes
    ----------
    architectures : int
        How many were scored.
    trainings : mapping of str to bytes
        What tells the training of each run (`training.trainings`).
    variances : mapping of str to mapping
        By metric and by the runs of a level, its moderated variance over seeds.
    """

    architectures: int
    trainings: Mapping[str, bytes] = field(default_factory=dict)
    variances: Mapping[str, Mapping[frozenset[str], Variance]] = field(default_factory=dict)

    def compare(self, level: Seeds, baseline: Seeds) -> dict[str, Difference]:
        """Return the differences of a level to the baseline in every compared metric."""
        return {name: self.contrast(name, [level], [baseline]) for name in COMPARED}

    def compare_paired(self, level: Seeds, baseline: Seeds) -> dict[str, Difference]:
        """Return the same over the seeds that both have, paired by seed."""
        return {name: self.paired(name, [level], [baseline]) for name in COMPARED}

    def contrast(self, metric: str, plus: Sequence[Seeds], minus: Sequence[Seeds]) -> Difference:
        """Return the sum of some levels minus that of others in a metric.

        Parameters
        ----------
        metric : str
            One of `analysis.ranking.measures.RANK_METRICS` or `TOP_METRICS`.
        plus, minus : sequences of Seeds
            As many of one as of the other: one each for a difference, two each for a difference of differences.
        """
        if self._some_share_training([*plus, *minus]):
            return self.paired(metric, plus, minus)
        signed = [(sign, self._sample(metric, level)) for sign, level in _signed(plus, minus)]
        found = difference_between(signed, self.architectures, _bound(metric, plus))
        return replace(found, runs=frozenset(run for level in (*plus, *minus) for run in _runs(metric, level)))

    def paired(self, metric: str, plus: Sequence[Seeds], minus: Sequence[Seeds]) -> Difference:
        """Return the same over the seeds that all of the levels have, paired by seed."""
        used = defined(metric, *plus, *minus)
        signed = _signed(plus, minus)
        values = np.sum([[sign * level[seed].values[metric] for seed in used] for sign, level in signed], axis=0)
        samples = [(sign, self._sample(metric, level, used)) for sign, level in signed] if used else []
        images = by_images(samples) if used else None
        if metric in RANK_METRICS:
            rows = [[sign * level[seed].replicates[metric] for seed in used] for sign, level in signed]
            found = difference_over_both(
                values, np.sum(rows, axis=0), self.architectures, _bound(metric, plus), images=images
            )
        else:
            found = difference_over_seeds(values, self.architectures, images=images)
        return replace(found, runs=frozenset(level[seed].run_id for _, level in signed for seed in used))

    def _sample(self, metric: str, level: Seeds, seeds: Sequence[int] | None = None) -> LevelValues:
        used = defined(metric, level) if seeds is None else list(seeds)
        return LevelValues(
            seeds=tuple(used),
            values=np.array([level[seed].values[metric] for seed in used]),
            replicates=np.array([level[seed].replicates[metric] for seed in used]) if metric in RANK_METRICS else None,
            jackknife=jackknife(metric, level, used),
            variance=self.variances.get(metric, {}).get(frozenset(_runs(metric, level))),
        )

    def _some_share_training(self, levels: Sequence[Seeds]) -> bool:
        return any(
            share_training(one, other, self.trainings) for place, one in enumerate(levels) for other in levels[:place]
        )


def share_training(one: Seeds, other: Seeds, trainings: Mapping[str, bytes]) -> bool:
    """Return whether two levels are one training; see `training.same_training`."""
    first, second = ({seed: run.run_id for seed, run in level.items()} for level in (one, other))
    return same_training(first, second, trainings)


def moderated(levels: Sequence[Seeds], trainings: Mapping[str, bytes]) -> dict[str, dict[frozenset[str], Variance]]:
    """Return the moderated variances of levels over their seeds, by metric and by the runs of a level.

    Parameters
    ----------
    levels : sequence of Seeds
        The baseline first. Of levels that are one training only the first takes part: the others would be counted
        as evidence of how variances are spread although they are the same supernets.
    trainings : mapping of str to bytes
        See `training.trainings`.
    """
    apart: list[Seeds] = []
    for level in levels:
        if not any(share_training(level, other, trainings) for other in apart):
            apart.append(level)
    return {metric: _moderated(metric, apart) for metric in COMPARED}


def _moderated(metric: str, levels: Sequence[Seeds]) -> dict[frozenset[str], Variance]:
    values = {
        frozenset(_runs(metric, level)): np.array([level[seed].values[metric] for seed in defined(metric, level)])
        for level in levels
    }
    several = {runs: found for runs, found in values.items() if len(found) > 1}
    own = [float(np.var(found, ddof=1)) for found in several.values()]
    return dict(zip(several, moderate(own, [len(found) - 1 for found in several.values()]), strict=True))


def _runs(metric: str, level: Seeds) -> list[str]:
    return [level[seed].run_id for seed in defined(metric, level)]


def _signed(plus: Sequence[Seeds], minus: Sequence[Seeds]) -> list[tuple[int, Seeds]]:
    return [*((1, level) for level in plus), *((-1, level) for level in minus)]


def _bound(metric: str, plus: Sequence[Seeds]) -> float:
    """Return the largest magnitude of a contrast: correlations lie between -1 and 1, shares between 0 and 1."""
    return (2.0 if metric in RANK_METRICS else 1.0) * len(plus)


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
