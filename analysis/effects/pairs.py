"""Two studies side by side: the levels that both have, and how far their effects agree."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from supernet_bench.analysis.effects.agreement import Agreement, Directions, agree
from supernet_bench.analysis.effects.effects import Effect, Effects
from supernet_bench.analysis.effects.estimate import compute_effects
from supernet_bench.analysis.effects.intervals import Difference
from supernet_bench.analysis.ranking.resampling import RESAMPLES
from supernet_bench.analysis.results import Results, load_results
from supernet_bench.core.progress import SILENT, Progress


@dataclass(frozen=True)
class ComparedStudy:
    """A study as it is compared."""

    results: Results
    effects: Effects

    @property
    def name(self) -> str:
        """Its name."""
        return self.results.manifest.study

    @property
    def seeds(self) -> tuple[int, ...]:
        """Its seeds, sorted."""
        return tuple(sorted({run.seed for run in self.results.manifest.runs}))

    def differences(self, levels: Sequence[Effect]) -> np.ndarray:
        """Return tau minus that of the baseline, [levels, seeds]; NaN where a run of the pair has none."""
        taus = self.effects.runs.pivot_table(index=["factor", "level"], columns="seed", values="tau", dropna=False)
        rows = [(effect.level.factor, effect.level.name) for effect in (self.effects.baseline, *levels)]
        found = taus.reindex(pd.MultiIndex.from_tuples(rows)).reindex(columns=list(self.seeds)).to_numpy(np.float64)
        return np.asarray(found[1:] - found[0])


@dataclass(frozen=True)
class Pair:
    """Two studies and the levels that both have, in the order of their effects in the first."""

    first: ComparedStudy
    second: ComparedStudy
    levels: tuple[tuple[Effect, Effect], ...]
    agreement: Agreement

    @property
    def name(self) -> str:
        """Both names."""
        return f"{self.first.name} and {self.second.name}"

    @property
    def signs(self) -> tuple[int, int]:
        """How many of the common levels are positive, and negative, in the second study."""
        values = [_value(other) for _, other in self.levels]
        return sum(value > 0 for value in values), sum(value < 0 for value in values)

    @property
    def same_architectures(self) -> bool:
        """Whether both score the same architectures against the same truth."""
        one, other = (
            (study.results.manifest.space, study.results.target, study.results.architectures.tolist())
            for study in (self.first, self.second)
        )
        return one == other and np.array_equal(self.first.effects.truth, self.second.effects.truth)

    @property
    def different_settings(self) -> list[str]:
        """The heuristics that the baselines of both studies set differently.

        The specs tell, in which a neutral setting is absent; what was in force also lists the settings that code of
        that day had, and code of another day more.
        """
        records = [study.results.example for study in (self.first, self.second)]
        first, second = (record.part("heuristics") if record else {} for record in records)
        return sorted(name for name in first.keys() | second.keys() if first.get(name) != second.get(name))

    def directions(self, corrected: bool = False) -> Directions:
        """Count directions among the levels whose effect the first study shows."""
        both = [(one.difference, other.difference) for one, other in self.levels]

        def is_shown(difference: Difference) -> bool:
            return difference.excludes_zero_corrected if corrected else difference.excludes_zero

        shown = [(one, other) for one, other in both if one and other and is_shown(one)]
        same = [other for one, other in shown if one.value * other.value > 0]
        opposite = [other for one, other in shown if one.value * other.value < 0]
        rates = dict(zip((1, -1), self.signs, strict=True))
        return Directions(
            len(shown),
            len(same),
            sum(rates.get(int(np.sign(one.value)), 0) for one, _ in shown) / max(1, len(both)),
            sum(is_shown(other) for other in same),
            sum(is_shown(other) for other in opposite),
        )


def read_study(store: Path, study: str, progress: Progress = SILENT) -> ComparedStudy:
    """Read a study from a store and estimate its effects as its report does."""
    results = load_results(store, study)
    return ComparedStudy(results, compute_effects(results, RESAMPLES, 0, progress))


def pair_studies(first: ComparedStudy, second: ComparedStudy, resamples: int = RESAMPLES) -> Pair:
    """Compare the effects of the levels that two studies have in common."""
    levels = sorted(_common(first.effects, second.effects), key=lambda both: _value(both[0]), reverse=True)
    names = [one.level.factor for one, _ in levels]
    factors = np.unique(names, return_inverse=True)[1] if names else np.empty(0, dtype=np.int64)
    one, other = first.differences([one for one, _ in levels]), second.differences([other for _, other in levels])
    return Pair(first, second, tuple(levels), agree(one, other, factors, (first.seeds, second.seeds), resamples))


def _common(first: Effects, second: Effects) -> Iterator[tuple[Effect, Effect]]:
    """Yield the levels that both studies have an effect of; a grid repeats the runs of single factors."""
    others = {(effect.level.factor, effect.level.name): effect for effect in second.levels}
    seen = set()
    for effect in first.levels:
        other = others.get((effect.level.factor, effect.level.name))
        if other is None or not all(both.difference and both.difference.seeds for both in (effect, other)):
            continue
        runs = frozenset(first.runs_of(effect)["run_id"])
        if runs not in seen:
            yield effect, other
        seen.add(runs)


def _value(effect: Effect) -> float:
    return effect.difference.value if effect.difference else math.nan
