"""What a study has so far, as tidy tables."""

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from supernet_bench.core.errors import InputError
from supernet_bench.core.output import count
from supernet_bench.records.layout import record_path
from supernet_bench.records.manifest import Manifest, PlannedRun, read_manifest, single_spaced
from supernet_bench.records.proxies import ProxyScores, read_scores
from supernet_bench.records.reference import choose_target, read_reference
from supernet_bench.records.run import Blocks, Checkpoint, RunRecord, SourceFile, Strata, read_record

SCORES = {
    "run_id": str,
    "epoch": np.int64,
    "late": bool,
    "architecture": np.int64,
    "accuracy": np.float64,
    "cross_entropy": np.float64,
    "score": np.float64,
}
"""Columns of the scores."""


@dataclass(frozen=True)
class Results:
    """All that a report is made from.

    Attributes
    ----------
    manifest : Manifest
        What the study set out to run.
    runs : DataFrame
        One row per factor, level and seed, in the order of the manifest. `status` is finished, failed,
        missing or damaged, with `error` and `message` saying why.
    scores : DataFrame
        One row per run, checkpoint and architecture: run_id, epoch, late, architecture (its number in the
        space), accuracy, cross_entropy (NaN where it overflowed), score (what the run ranks by, higher is better:
        the accuracy, or minus the cross-entropy, which is minus infinity where that overflowed). Imported scores
        have no accuracy and no cross-entropy.
    curve : DataFrame
        One row per run and epoch of training: run_id, epoch, loss, accuracy, learning_rate.
    reference : DataFrame
        The published table, indexed by the number of the architecture.
    target : str
        The column of `reference` that is the truth.
    architectures : ndarray of int, [n]
        What every run of the study scored; empty before the first one has. Levels of imported scores may each have
        others: these are the ones that all have.
    strata : Strata, optional
        What these were drawn from, where not from the whole space alike.
    blocks : mapping of (run_id, epoch) to Blocks
        The scores of late checkpoints by block of images; older records have none.
    example : RunRecord, optional
        A record of the baseline, for the settings that all runs share; none before there is one.
    warnings : tuple of str
        One line per record that could not be used, or not wholly.
    proxies : mapping of str to Series
        Of each proxy, its scores by the number of the architecture, minus infinity for what is worse than all others.
    files : tuple of SourceFile
        What imported scores were read from.
    """

    manifest: Manifest
    runs: pd.DataFrame
    scores: pd.DataFrame
    curve: pd.DataFrame
    reference: pd.DataFrame
    target: str
    architectures: np.ndarray
    strata: Strata | None
    blocks: Mapping[tuple[str, int], Blocks]
    example: RunRecord | None
    warnings: tuple[str, ...]
    proxies: Mapping[str, pd.Series] = field(default_factory=dict)
    files: tuple[SourceFile, ...] = ()

    @property
    def truth(self) -> pd.Series:
        """The truth of the scored architectures that have one, by the number of the architecture."""
        return self.reference.loc[self.architectures, self.target].dropna()


def load_results(store: Path, study: str, target: str | None = None) -> Results:
    """Read a study from a store.

    Parameters
    ----------
    store : Path
        Folder of the store.
    study : str
        Name of the study.
    target : str, optional
        Truth column; otherwise the study's, otherwise the default of the space.

    Returns
    -------
    Results
        A damaged record becomes a row of status damaged and a warning.

    Raises
    ------
    InputError
        If the study or the column is unknown, the manifest or the reference table is damaged, or two runs
        scored different architectures.
    """
    manifest = read_manifest(store, study)
    reference = read_reference(store, manifest.space)
    column = choose_target(reference, target or manifest.target)
    records, damage = read_records(store, manifest)
    found = results_of(manifest, records, damage, reference, column)
    proxies, lost = read_proxies(store, manifest)
    return replace(
        found,
        proxies={name: _series(scores, found.architectures) for name, scores in proxies.items()},
        warnings=(*found.warnings, *lost),
    )


def results_of(
    manifest: Manifest,
    records: Mapping[str, RunRecord],
    damage: Mapping[str, str],
    reference: pd.DataFrame,
    column: str,
) -> Results:
    """Return the results of a study from what was read of it; see `load_results`."""
    scores = _scores(records)
    architectures = _common_architectures(records, reference)
    return Results(
        manifest=manifest,
        runs=_runs(manifest, records, damage),
        scores=scores,
        curve=_curve(records),
        reference=reference,
        target=column,
        architectures=architectures,
        strata=next((record.strata for record in records.values() if record.checkpoints), None),
        blocks={
            (run_id, checkpoint.epoch): checkpoint.blocks
            for run_id, record in records.items()
            for checkpoint in record.checkpoints
            if checkpoint.blocks
        },
        example=next(
            (records[r.run_id] for r in manifest.runs if r.factor == "baseline" and r.run_id in records), None
        ),
        warnings=(
            *(f"damaged record: {message}" for message in damage.values()),
            *_overflows(scores),
            *_different_architectures(manifest, records),
        ),
        files=tuple(dict.fromkeys(file for record in records.values() for file in _files(record))),
    )


def read_records(store: Path, manifest: Manifest) -> tuple[dict[str, RunRecord], dict[str, str]]:
    """Return the whole records by run, and what is wrong with the others."""
    records, damage = {}, {}
    for run_id in dict.fromkeys(run.run_id for run in manifest.runs):
        try:
            record = read_record(record_path(store, run_id))
        except InputError as error:
            damage[run_id] = str(error)
        else:
            if record is not None:
                records[run_id] = record
    return records, damage


def read_proxies(store: Path, manifest: Manifest) -> tuple[dict[str, ProxyScores], list[str]]:
    """Return the scores of the proxies of a study that a store has, and a line for each file that cannot be used."""
    found, lost = {}, []
    for name, key in manifest.proxies.items():
        try:
            scores = read_scores(store, key)
        except InputError as error:
            lost.append(f"damaged scores of proxy {name}: {error}")
        else:
            if scores is not None:
                found[name] = scores
    return found, lost


def _series(scores: ProxyScores, architectures: np.ndarray) -> pd.Series:
    """Return the scores of the architectures of a study that have one."""
    known = scores.only(architectures.tolist()).scores
    return pd.Series(known, dtype=np.float64).rename_axis("architecture").sort_index()


def _runs(manifest: Manifest, records: Mapping[str, RunRecord], damage: Mapping[str, str]) -> pd.DataFrame:
    baseline = {(level.factor, level.name): level.baseline for level in manifest.levels}
    rows = []
    for run in manifest.runs:
        is_baseline = run.factor == "baseline" or baseline.get((run.factor, run.level), False)
        place = {"factor": run.factor, "level": run.level, "baseline": is_baseline, "seed": run.seed}
        rows.append(place | {"run_id": run.run_id} | _run_state(run, records, damage))
    return pd.DataFrame(rows, columns=None if rows else ["factor", "level", "baseline", "seed", "run_id", "status"])


def _run_state(run: PlannedRun, records: Mapping[str, RunRecord], damage: Mapping[str, str]) -> dict[str, Any]:
    """Return status, settings, counts and times of a run; empty where there is no record."""
    record, message = records.get(run.run_id), damage.get(run.run_id)
    error, execution = (record.error, record.execution) if record else (None, None)
    training, counts = (record.part("training"), record.counts) if record else ({}, {})
    seconds = execution.seconds if execution else {}
    text = error.message if error else message
    return {
        "status": record.status if record else "missing" if message is None else "damaged",
        "error": error.type if error else None,
        "message": None if text is None else single_spaced(text),
        "heuristics": json.dumps(record.heuristics, sort_keys=True) if record else None,
        "epochs": training.get("epochs"),
        "batch_size": training.get("batch_size"),
        "architectures": len(record.architectures) if record else 0,
        "checkpoints": len(record.checkpoints) if record else 0,
        **{name: counts.get(name) for name in ("optimiser_steps", "path_passes", "images")},
        **{f"seconds_{phase}": seconds.get(phase) for phase in ("setup", "training", "scoring")},
        "resumed": execution.resumed if execution else None,
        "code_version": execution.code_version if execution else None,
    }


def _scores(records: Mapping[str, RunRecord]) -> pd.DataFrame:
    """Return all scores; a cross-entropy that overflowed, stored as null or as infinity, is NaN."""
    parts = [
        pd.DataFrame(
            {
                "run_id": run_id,
                "epoch": checkpoint.epoch,
                "late": checkpoint.late,
                "architecture": np.asarray(record.architectures, dtype=np.int64),
                "accuracy": math.nan if record.imported else np.asarray(checkpoint.accuracy, dtype=np.float64),
                "cross_entropy": math.nan if record.imported else _finite(checkpoint.cross_entropy),
                "score": _score(checkpoint, ranks_by(record)),
            }
        )
        for run_id, record in records.items()
        for checkpoint in record.checkpoints
    ]
    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame({}, columns=list(SCORES)).astype(SCORES)


def ranks_by(record: RunRecord | None) -> str:
    """Return what the score of a run is: ``"accuracy"``, ``"cross_entropy"`` with a minus sign, or ``"imported"``."""
    if record and record.imported:
        return "imported"
    scoring = record.heuristics.get("scoring", {}) if record else {}
    return str(scoring.get("score", "accuracy"))


def _score(checkpoint: Checkpoint, by: str) -> np.ndarray:
    if by in ("accuracy", "imported"):
        return np.asarray(checkpoint.accuracy or checkpoint.score, dtype=np.float64)
    losses = _finite(checkpoint.cross_entropy)
    # A network that overflowed is worse than any other.
    return np.where(np.isnan(losses), -np.inf, -losses)


def _finite(values: Sequence[float | None]) -> np.ndarray:
    numbers = np.asarray(values, dtype=np.float64)
    return np.where(np.isfinite(numbers), numbers, np.nan)


def _overflows(scores: pd.DataFrame) -> list[str]:
    """Return one line per run whose cross-entropy overflowed."""
    lost = scores[scores["cross_entropy"].isna() & scores["accuracy"].notna()].groupby("run_id", sort=False)["score"]
    return [
        f"run {run_id}: {len(part)} of its cross-entropies are not finite and "
        + ("rank last" if np.isneginf(part).all() else "are left undefined; its accuracies are used")
        for run_id, part in lost
    ]


def _curve(records: Mapping[str, RunRecord]) -> pd.DataFrame:
    rows = [{"run_id": run_id} | asdict(epoch) for run_id, record in records.items() for epoch in record.curve]
    return pd.DataFrame(rows, columns=["run_id", "epoch", "loss", "accuracy", "learning_rate"])


def _common_architectures(records: Mapping[str, RunRecord], reference: pd.DataFrame) -> np.ndarray:
    """Return the one list of architectures that all runs with scores share, int [n]."""
    lists = {run_id: (record.architectures, record.strata) for run_id, record in records.items() if record.checkpoints}
    if not lists:
        return np.empty(0, dtype=np.int64)
    first = next(iter(lists))
    if records[first].imported:
        common = tuple(sorted(set.intersection(*(set(records[run_id].architectures) for run_id in lists))))
    else:
        different = next((run_id for run_id, each in lists.items() if each != lists[first]), None)
        if different is not None:
            raise InputError(f"runs {first} and {different} of one study scored different architectures")
        common = records[first].architectures
    unlisted = set(common) - set(reference.index)
    if unlisted:
        raise InputError(f"run {first} scored architecture {min(unlisted)}, which the reference table does not have")
    return np.asarray(common, dtype=np.int64)


def _files(record: RunRecord) -> tuple[SourceFile, ...]:
    return record.execution.files if record.execution else ()


def _different_architectures(manifest: Manifest, records: Mapping[str, RunRecord]) -> list[str]:
    """Return one line per level of imported scores that has others than are compared, in the order of the manifest."""
    of_level: dict[str, set[int]] = {}
    for run in manifest.runs if manifest.imported else ():
        if run.run_id in records and (run.factor != "baseline" or not manifest.levels):
            of_level.setdefault(run.level, set()).update(records[run.run_id].architectures)
    found = [set(records[run.run_id].architectures) for run in manifest.runs if run.run_id in records]
    common = set.intersection(*found) if found else set()
    return [
        f"{name} has scores of {count(len(own), 'architecture')}; compared are the {len(common)} that all levels have"
        for name, own in of_level.items()
        if own != common
    ]
