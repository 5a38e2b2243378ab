"""From the effects of studies to what was found in them."""

import math
from collections.abc import Iterator

from supernet_bench.analysis.effects.effects import Effect, Effects
from supernet_bench.analysis.effects.intervals import Difference, Estimate
from supernet_bench.analysis.effects.pairs import Pair
from supernet_bench.analysis.findings import LevelFinding, Loss, PairFinding, StudyFindings, Survivor
from supernet_bench.analysis.ranking.measures import COMPARED_TOP_METRICS
from supernet_bench.analysis.ranking.scores import Kind
from supernet_bench.analysis.results import Results
from supernet_bench.analysis.verdicts import Evidence, evidence, same_directions, transfer, verdict


def find_in_study(results: Results, effects: Effects) -> StudyFindings:
    """Return what was found in a study."""
    manifest, compared = results.manifest, list(_compared(effects))
    return StudyFindings(
        study=manifest.study,
        title=manifest.title,
        space=manifest.space,
        images=manifest.images,
        runs=len({run.run_id for run in manifest.runs}),
        seeds=len(manifest.seeds),
        architectures=effects.baseline.tau.architectures,
        baseline=_plain(effects.baseline.tau),
        references={
            effect.level.name: _plain(effect.tau)
            for effect in effects.references
            if effect.kind is not Kind.SUPERNET and not math.isnan(effect.tau.value)
        },
        levels=tuple(_level(effect, difference) for effect, difference in compared),
        best=tuple(
            survivor
            for metric in COMPARED_TOP_METRICS
            for survivor in _survivors(((effect, effect.differences.get(metric)) for effect, _ in compared), metric)
        ),
        interactions=tuple(_survivors(((effect, effect.interaction) for effect, _ in compared), "tau")),
        lost=tuple(_losses(effects)),
    )


def find_in_pair(pair: Pair, plot: str) -> PairFinding:
    """Return what the first of two studies tells of the second."""
    found, directions = pair.agreement, pair.directions()
    return PairFinding(
        first=pair.first.name,
        second=pair.second.name,
        verdict=transfer(found),
        levels=found.levels,
        factors=found.factors,
        seeds=found.fewest,
        rho=found.rho,
        ceiling=found.ceiling,
        shown=directions.shown,
        same=directions.same,
        expected=directions.expected,
        same_directions=same_directions(directions),
        plot=plot,
    )


def _compared(effects: Effects) -> Iterator[tuple[Effect, Difference]]:
    """Yield the levels that are compared with the baseline, the first of those that have the same runs."""
    rows = effects.runs.groupby(["factor", "level"], sort=False)["run_id"]
    runs = {name: frozenset(ids) for name, ids in rows}
    seen = set()
    for effect in effects.levels:
        own = runs.get((effect.level.factor, effect.level.name))
        if effect.difference and own not in seen:
            yield effect, effect.difference
            seen.add(own)


def _level(effect: Effect, difference: Difference) -> LevelFinding:
    half = effect.differences.get("tau_better_half")
    return LevelFinding(
        factor=effect.level.factor,
        level=effect.level.name,
        label=effect.level.label,
        uses_truth=effect.level.uses_truth,
        verdict=verdict(difference),
        difference=_plain(difference),
        given_parameters=_plain(effect.differences["partial_tau"]),
        path_passes=effect.path_passes,
        counts=effect.counts,
        better_half=_plain(half) if half else None,
        better_half_evidence=evidence(half) if half else Evidence.NOT_COMPARED,
        standard_error=_standard_error(difference),
        better_half_standard_error=_standard_error(half),
    )


def _standard_error(difference: Difference | None) -> float:
    return difference.spread.standard_error if difference and difference.spread else math.nan


def _survivors(rows: Iterator[tuple[Effect, Difference | None]], metric: str) -> Iterator[Survivor]:
    for effect, difference in rows:
        if difference and evidence(difference) is Evidence.CORRECTED:
            yield Survivor(effect.level.factor, effect.level.name, metric, _plain(difference), effect.level.label)


def _losses(effects: Effects) -> Iterator[Loss]:
    rows = (effects.baseline, *(effect for effect in effects.levels[1:] if not effect.level.baseline))
    for effect in (*rows, *effects.references):
        if effect.counts.lost:
            yield Loss(effect.level.factor, effect.level.name, effect.counts, effect.level.label)


def _plain(estimate: Estimate) -> Estimate:
    """Return an estimate without what only a difference has."""
    return Estimate(estimate.value, estimate.low, estimate.high, estimate.seeds, estimate.architectures)
