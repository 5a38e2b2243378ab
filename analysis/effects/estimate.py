"""From the records of a study to its effects."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
import pandas as pd

from supernet_bench.analysis.effects.comparisons import (
    Comparisons,
    Seeds,
    corrected,
    defined,
    jackknife,
    moderated,
)
from supernet_bench.analysis.effects.effects import BASELINE, REFERENCE, UNTRAINED, Counts, Effect, Effects
from supernet_bench.analysis.effects.grids import find_grids
from supernet_bench.analysis.effects.intervals import FEWEST, Difference, Estimate, over_both, over_seeds
from supernet_bench.analysis.effects.references import NOISE_CEILING, Reference, noise_ceiling, reference
from supernet_bench.analysis.effects.together import combinations, estimate_of, together
from supernet_bench.analysis.effects.training import trainings
from supernet_bench.analysis.ranking.degrees import degrees
from supernet_bench.analysis.ranking.measures import (
    RANK_METRICS,
    TOP_METRICS,
    Measures,
    Yardstick,
    checkpoint_taus,
    measure_run,
)
from supernet_bench.analysis.ranking.proxies import of_proxies
from supernet_bench.analysis.ranking.resampling import RESAMPLES, bootstrap_weights, check_resamples
from supernet_bench.analysis.ranking.sample import Sample
from supernet_bench.analysis.ranking.scores import Kind, Scores, of_runs, of_table
from supernet_bench.analysis.results import Results
from supernet_bench.core.errors import InputError
from supernet_bench.core.output import count
from supernet_bench.core.progress import SILENT, Part, Progress
from supernet_bench.records.manifest import Level


def compute_effects(
    results: Results,
    resamples: int = RESAMPLES,
    seed: int = 0,
    progress: Progress = SILENT,
    others: Sequence[Scores] = (),
) -> Effects:
    """Estimate the effect of every level.

    Parameters
    ----------
    results : Results
        The study.
    resamples : int
        Bootstrap resamples of the architectures, at least 100.
    seed : int
        Of the resamples.
    progress : Progress
    others : sequence of Scores
        Of whatever else ranks the scored architectures, as `scores_of` returns it; each becomes a reference.

    Raises
    ------
    InputError
        If there are too few resamples for an interval.
    """
    check_resamples(resamples)
    truth = results.truth
    parameters = results.reference.loc[truth.index, "parameters"].to_numpy()
    measured: dict[str, Measures] = {}
    references: dict[str, Reference] = {}
    joint: dict[Level, dict[str, Estimate]] = {}
    beside: tuple[Scores, ...] = ()
    if len(truth) >= 2:
        rows = results.reference.loc[truth.index]
        yardstick = _yardstick(results, truth, resamples, seed)
        by_run = _scores_by_run(results, truth)
        measured = _measure(results, by_run, yardstick, progress)
        joint = _together(results, by_run, measured, yardstick)
        beside = (*of_proxies(results.proxies, truth.index), *others)
        ranked = (*of_table(rows, results.target), *beside)
        runs_of_baseline = _runs_together(BASELINE, results, by_run, measured)
        found = _of_baseline(runs_of_baseline, joint[BASELINE], yardstick)
        _check_others(beside, [*found, *(scores.name for scores in ranked)], len(truth))
        found |= {scores.name: reference(scores, yardstick) for scores in ranked}
        found |= {NOISE_CEILING: noise_ceiling(rows, results.target, yardstick.weights, yardstick.sample)}
        references = {name: one for name, one in found.items() if one}
    runs = _with_metrics(results.runs, measured)
    against = _by_seed(runs, BASELINE, measured)
    comparisons = _comparisons(results, runs, measured)
    interactions = _interactions(results.manifest.levels, runs, measured, comparisons)
    partial = {scores.name for scores in beside if not scores.complete}
    of_baseline = _row(BASELINE, runs, measured, comparisons)
    levels = [
        # A level that is the baseline has its row, with all seeds of that.
        replace(of_baseline, level=level)
        if level.baseline
        else _compared(level, runs, measured, against, comparisons, interactions.get(level))
        for level in (BASELINE, *results.manifest.levels)
    ]
    untrained = replace(
        _row(UNTRAINED, runs, measured, comparisons),
        baseline_minus_this=comparisons.contrast("tau", [against], [_by_seed(runs, UNTRAINED, measured)]),
        kind=Kind.UNTRAINED,
    )
    return Effects(
        levels=tuple(_with_joint(effect, joint) for effect in corrected(levels)),
        references=(
            *(() if results.manifest.imported else (_with_joint(untrained, joint),)),
            *(_beside(name, one, {} if name in partial else against) for name, one in references.items()),
        ),
        runs=runs,
        checkpoints=checkpoint_taus(results.scores, truth, _sample(results, truth)),
        truth=truth,
        warnings=(*results.warnings, *_warnings(results, runs, truth)),
        equal_size_pairs=_equal_size_pairs(truth.to_numpy(), parameters),
        blocks=min((len(run.jackknife.get("tau", ())) for run in measured.values()), default=0),
    )


def _comparisons(results: Results, runs: pd.DataFrame, measured: Mapping[str, Measures]) -> Comparisons:
    """Return what the levels of a study are compared by."""
    trained = trainings(results)
    levels = [_by_seed(runs, level, measured) for level in (BASELINE, *results.manifest.levels)]
    variances = moderated([level for level in levels if level], trained)
    return Comparisons(len(results.truth), trained, variances)


def _equal_size_pairs(truth: np.ndarray, parameters: np.ndarray) -> int:
    """Return how many pairs of architectures have equal parameter counts and different truth."""
    return round(degrees(truth, truth, groups=parameters).sum() / 2)


def _yardstick(results: Results, truth: pd.Series, resamples: int, seed: int) -> Yardstick:
    """Return what all that ranks the architectures is measured with."""
    sample = _sample(results, truth)
    return Yardstick(
        truth=truth.to_numpy(),
        parameters=results.reference.loc[truth.index, "parameters"].to_numpy(),
        table=results.reference[results.target].dropna().to_numpy(),
        weights=bootstrap_weights(len(truth), resamples, seed, sample),
        sample=sample,
    )


def _sample(results: Results, truth: pd.Series) -> Sample | None:
    """Return what the architectures were drawn from, where they were drawn in strata and any can be ranked."""
    if not results.strata or not len(truth):
        return None
    known = np.isin(results.architectures, truth.index)
    return Sample.in_strata(np.asarray(results.strata.of)[known], results.strata.sizes)


def _scores_by_run(results: Results, truth: pd.Series) -> dict[str, Scores]:
    """Return what every run says of the architectures, by its id."""
    runs = results.runs
    untrained = runs.loc[runs["factor"] == UNTRAINED.factor, "run_id"]
    return {scores.name: scores for scores in of_runs(results.scores, truth.index, untrained, results.blocks)}


def _measure(
    results: Results, by_run: Mapping[str, Scores], yardstick: Yardstick, progress: Progress
) -> dict[str, Measures]:
    """Return the measures of every finished run by its id."""
    runs = results.runs
    finished = runs.loc[runs["status"] == "finished", "run_id"].unique()
    measured = {}
    for done, run_id in enumerate(finished, start=1):
        measured[run_id] = measure_run(by_run[run_id], yardstick)
        progress.advanced(Part("measuring runs"), done / len(finished))
    return measured


def _runs_together(
    level: Level, results: Results, by_run: Mapping[str, Scores], measured: Mapping[str, Measures]
) -> list[Scores]:
    """Return the scores of the runs of a level that have a tau, one of each seed that all levels have."""
    seeds = _by_seed(results.runs, level, measured)
    return [by_run[seeds[seed].run_id] for seed in defined("tau", seeds) if seed in results.manifest.seeds]


def _together(
    results: Results, by_run: Mapping[str, Scores], measured: Mapping[str, Measures], yardstick: Yardstick
) -> dict[Level, dict[str, Estimate]]:
    """Return what the supernets of each level say together; levels that are the same runs are looked at once."""
    found: dict[tuple[str, ...], dict[str, Estimate]] = {}
    by_level = {}
    for level in (BASELINE, UNTRAINED, *results.manifest.levels):
        runs = _runs_together(level, results, by_run, measured)
        same = tuple(run.name for run in runs)
        found[same] = found.get(same) or together(runs, yardstick)
        by_level[level] = found[same]
    return by_level


def _with_joint(effect: Effect, joint: Mapping[Level, Mapping[str, Estimate]]) -> Effect:
    """Return the row with what its seeds say together."""
    return replace(effect, estimates={**effect.estimates, **joint.get(effect.level, {})})


def _of_baseline(
    runs: Sequence[Scores], joint: Mapping[str, Estimate], yardstick: Yardstick
) -> dict[str, Reference | None]:
    """Return what all supernets of the baseline say together, alone and with the parameter count, as references.

    One supernet alone is the baseline itself, and has its rank sum only.
    """
    if not runs:
        return {}
    seeds = count(len(runs), "seed")
    names = f"{seeds} of the baseline together", f"{seeds} of the baseline and parameter count"
    found: dict[str, Reference | None] = {}
    for name, (metric, combine) in zip(names, combinations(yardstick).items(), strict=True):
        if len(runs) == 1 and name == names[0]:
            continue
        scores = Scores(Kind.SUPERNET, name, (combine(runs),))
        one = reference(scores, yardstick)
        # Those of other metrics would cover architectures alone, as if these seeds were the only ones.
        values = (
            {name: replace(each, low=math.nan, high=math.nan) for name, each in one.estimates.items()} if one else {}
        )
        covered = {"tau": joint[metric], "tau_better_half": estimate_of(combine, runs, yardstick, better_half=True)}
        found[name] = one and replace(one, estimates={**values, **covered})
    return found


def _with_metrics(runs: pd.DataFrame, measured: Mapping[str, Measures]) -> pd.DataFrame:
    """Return the runs with a column per metric, NaN for those without scores."""
    values = pd.DataFrame.from_dict(
        {run_id: measures.values for run_id, measures in measured.items()},
        orient="index",
        columns=[*RANK_METRICS, *TOP_METRICS],
    )
    return runs.join(values.astype(float), on="run_id")


def _by_seed(runs: pd.DataFrame, level: Level, measured: Mapping[str, Measures]) -> dict[int, Measures]:
    """Return the measured runs of a level."""
    rows = runs[(runs["factor"] == level.factor) & (runs["level"] == level.name)]
    return {seed: measured[run] for seed, run in zip(rows["seed"], rows["run_id"], strict=True) if run in measured}


def _row(level: Level, runs: pd.DataFrame, measured: Mapping[str, Measures], comparisons: Comparisons) -> Effect:
    """Return the row of a level without what it is compared with."""
    seeds, architectures = _by_seed(runs, level, measured), comparisons.architectures
    return Effect(
        level=level,
        counts=_counts(runs[(runs["factor"] == level.factor) & (runs["level"] == level.name)]),
        estimates={name: _rank_estimate(name, seeds, architectures) for name in RANK_METRICS}
        | {name: _top_estimate(name, seeds, architectures) for name in TOP_METRICS},
        path_passes=_path_passes(level, runs),
    )


def _compared(
    level: Level,
    runs: pd.DataFrame,
    measured: Mapping[str, Measures],
    against: Seeds,
    comparisons: Comparisons,
    interaction: Difference | None,
) -> Effect:
    """Return the row of a level with its differences to the baseline."""
    seeds = _by_seed(runs, level, measured)
    return replace(
        _row(level, runs, measured, comparisons),
        differences=comparisons.compare(seeds, against),
        paired=comparisons.compare_paired(seeds, against),
        interaction=interaction,
    )


def _path_passes(level: Level, runs: pd.DataFrame) -> float:
    """Return how many times the path passes of the baseline a level trains, the mean over the seeds of both."""
    rows = runs[(runs["status"] == "finished") & (runs["path_passes"].fillna(0) > 0)]
    of_level, of_baseline = (
        rows[(rows["factor"] == one.factor) & (rows["level"] == one.name)].set_index("seed")["path_passes"]
        for one in (level, BASELINE)
    )
    return float((of_level.astype(float) / of_baseline.astype(float)).mean())


def _interactions(
    levels: Sequence[Level], runs: pd.DataFrame, measured: Mapping[str, Measures], comparisons: Comparisons
) -> dict[Level, Difference]:
    """Return the difference of differences of every cell of a grid that changes both factors."""
    found = {}
    for grid in find_grids(levels):
        for place, level in grid.cells.items():
            corners = grid.corners(place)
            if corners:
                cells = (BASELINE if cell.baseline else cell for cell in (level, *corners))
                both, neither, first, second = (_by_seed(runs, cell, measured) for cell in cells)
                found[level] = comparisons.contrast("tau", [both, neither], [first, second])
    return found


def _check_others(others: Sequence[Scores], names: Sequence[str], architectures: int) -> None:
    """Refuse scores that would take the row of others, or are not of the architectures that are compared."""
    for scores in others:
        if scores.name in (NOISE_CEILING, UNTRAINED.name) or names.count(scores.name) > 1:
            raise InputError(f"scores {scores.name!r} have the name of another row; allowed: one of their own")
        for values in scores.checkpoints:
            if len(values) != architectures:
                raise InputError(
                    f"scores {scores.name!r} are of {len(values)} architectures; allowed: the {architectures} compared"
                )


def _beside(name: str, reference: Reference, baseline: Seeds) -> Effect:
    """Return the row of what needs no training here; its tau is subtracted from that of each run of the baseline.

    There is no such difference without a baseline, or where only a part of the architectures has a score: the tau of
    the baseline is of them all.
    """
    used = defined("tau", baseline)
    values = np.array([baseline[seed].values["tau"] - reference.tau.value for seed in used])
    replicates = np.array([baseline[seed].replicates["tau"] - reference.replicates for seed in used])
    blocks = jackknife("tau", baseline, used)
    margin = over_both(values, replicates, reference.tau.architectures, bound=2.0, jackknife=blocks)
    level = Level(REFERENCE, name, baseline=False, uses_truth=False)
    return Effect(level, Counts(), dict(reference.estimates), baseline_minus_this=margin, kind=reference.kind)


def _counts(rows: pd.DataFrame) -> Counts:
    status = rows["status"].value_counts()
    states = {state: int(status.get(state, 0)) for state in ("finished", "failed", "missing", "damaged")}
    undefined = int(rows.loc[rows["status"] == "finished", "tau"].isna().sum())
    return Counts(planned=len(rows), undefined=undefined, **states)


def _rank_estimate(name: str, seeds: Seeds, architectures: int) -> Estimate:
    used = defined(name, seeds)
    values = np.array([seeds[seed].values[name] for seed in used])
    replicates = np.array([seeds[seed].replicates[name] for seed in used])
    return over_both(values, replicates, architectures, jackknife=jackknife(name, seeds, used))


def _top_estimate(name: str, seeds: Seeds, architectures: int) -> Estimate:
    used = defined(name, seeds)
    values = np.array([seeds[seed].values[name] for seed in used])
    lowest = -1.0 if name == "sparse_tau_yu" else 0.0
    return over_seeds(values, architectures, lowest, jackknife(name, seeds, used))


def _warnings(results: Results, runs: pd.DataFrame, truth: pd.Series) -> list[str]:
    """Return what a reader has to know before reading the numbers, one line each."""
    unique = runs.drop_duplicates("run_id")
    lines = [
        f"failed run: {run.factor} {run.level}, seed {run.seed} ({run.run_id}): {run.error}: {run.message}"
        for run in unique[unique["status"] == "failed"].itertuples()
    ]
    if _usable(truth):
        lines += [
            f"constant scores, so no tau: {run.factor} {run.level}, seed {run.seed} ({run.run_id})"
            for run in unique[(unique["status"] == "finished") & unique["tau"].isna()].itertuples()
        ]
        if len(truth) < FEWEST:
            lines.append(f"{count(len(truth), 'architecture')}: too few for intervals, which need {FEWEST}")
    elif len(results.architectures):
        lines.append(f"no usable truth: {results.target} of the scored architectures does not rank them")
    missing = int((unique["status"] == "missing").sum())
    trained = int(((unique["status"] == "finished") & (unique["factor"] != UNTRAINED.factor)).sum())
    if missing:
        lines.append(f"{missing} of {count(len(unique), 'run')} have no record yet")
    if trained < 2 and not results.manifest.imported:
        lines.append(f"{count(trained, 'finished run')} of trained supernets: nothing can be compared")
    if not ((runs["factor"] == BASELINE.factor) & (runs["status"] == "finished")).any():
        lines.append("the baseline has no finished run: there are no differences to it")
    unknown_truth = len(results.architectures) - len(truth)
    if unknown_truth:
        lines.append(f"{count(unknown_truth, 'scored architecture')} without {results.target} left out")
    return lines


def _usable(truth: pd.Series) -> bool:
    """Whether the truth ranks anything."""
    return len(truth) >= 2 and truth.nunique() >= 2
