"""Strict readers of the files in a store: manifests, records and reference tables."""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from supernet_bench.core.errors import InputError, unknown
from supernet_bench.core.files import is_litter
from supernet_bench.core.settings import LARGEST_WHOLE
from supernet_bench.records.layout import manifest_path, record_checksum, reference_path, upgrade

DESCRIPTIVE_COLUMNS = ("index", "architecture", "isomorphism", "parameters", "macs")
"""Columns of a reference table that are no accuracies."""

OBJECTS = ("spec", "spec.training", "heuristics", "counts", "execution", "execution.seconds")
"""Parts of a record that are JSON objects, the outer ones first; one that is absent counts as empty."""


@dataclass(frozen=True)
class Level:
    """One setting of a factor, or of several.

    Attributes
    ----------
    factor, name : str
        As they appear in tables.
    baseline : bool
        Whether it is the baseline.
    uses_truth : bool
        Whether it looks at published accuracies in training.
    cell : tuple of (factor, level), each a str
        The settings that a level of a grid combines; empty for others, and in manifests older than this.
    """

    factor: str
    name: str
    baseline: bool
    uses_truth: bool
    cell: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class PlannedRun:
    """One cell of a study: which run stands for this level and seed."""

    factor: str
    level: str
    seed: int
    run_id: str


@dataclass(frozen=True)
class Manifest:
    """What a study set out to run."""

    study: str
    title: str
    space: str
    images: str
    seeds: tuple[int, ...]
    target: str | None
    levels: tuple[Level, ...]
    runs: tuple[PlannedRun, ...]


def read_manifest(store: Path, study: str) -> Manifest:
    """Read what a study set out to run.

    Raises
    ------
    InputError
        If the store or the study does not exist, or the manifest is damaged.
    """
    if not store.is_dir():
        raise InputError(f"store {store} does not exist; allowed: the folder of a study that was run")
    path = manifest_path(store, study)
    known = [file.stem for file in manifest_path(store, "").parent.glob("*.json") if not is_litter(file.name)]
    if study not in known:  # Whatever else a path or a file system takes for the same.
        raise unknown("study", study, known)
    manifest = read_manifest_file(path)
    if manifest.study != study:
        raise InputError(f"{path} holds study {manifest.study!r}; its name allows only {study!r}")
    return manifest


def read_manifest_file(path: Path) -> Manifest:
    """Read a manifest wherever it is; see `read_manifest`."""
    content = _read_object(path)
    if "checksum" in content and content["checksum"] != record_checksum(content):  # Older ones have none.
        raise InputError(f"{path} does not match its checksum; it was changed")
    content = upgrade(content, path)
    try:
        return _manifest(content)
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise InputError(f"{path} is no manifest of a study: {error!r}") from error


def conflict(one: Iterable[PlannedRun], other: Iterable[PlannedRun]) -> str | None:
    """Return where two studies of one name have different runs for the same level and seed, or None."""
    runs = {(run.factor, run.level, run.seed): run.run_id for run in one}
    for run in other:
        if runs.get((run.factor, run.level, run.seed), run.run_id) != run.run_id:
            return f"{run.factor} {run.level} with seed {run.seed}"
    return None


def _manifest(content: dict[str, Any]) -> Manifest:
    """Return the manifest in a JSON object; some error of Python's where a part is not what it should be."""
    return Manifest(
        study=content["study"],
        title=one_line(content.get("title") or content["study"]),
        space=content["space"],
        images=content["images"],
        seeds=tuple(_whole(seed) for seed in content["seeds"]),
        target=content.get("target"),
        levels=tuple(
            Level(
                one_line(factor["factor"]),
                one_line(level["level"]),
                bool(level["baseline"]),
                bool(level.get("uses_truth", False)),
                tuple((one_line(axis), one_line(setting)) for axis, setting in level.get("cell", {}).items()),
            )
            for factor in content["factors"]
            for level in factor["levels"]
        ),
        runs=tuple(
            PlannedRun(one_line(run["factor"]), one_line(run["level"]), _whole(run["seed"]), run["run_id"])
            for run in content["runs"]
        ),
    )


def one_line(text: str) -> str:
    """Return text with every stretch of white space as one space, so that it fits a cell, a label and a list item."""
    return " ".join(text.split())


def _whole(seed: object) -> int:
    if not isinstance(seed, int) or isinstance(seed, bool) or not 0 <= seed <= LARGEST_WHOLE:
        raise ValueError(f"seed {seed!r} is no whole number that a column of a table holds")
    return seed


def read_record(path: Path) -> dict[str, Any]:
    """Read the record of a run and check that it is whole.

    Parameters
    ----------
    path : Path
        ``runs/<run_id>.json`` of a store.

    Returns
    -------
    dict
        The JSON object, in the form of the present schema.

    Raises
    ------
    InputError
        If the file is missing, cut off, changed, of a newer schema, or not a record of this run.
    """
    record = _read_object(path)
    if "schema" in record and record.get("checksum") != record_checksum(record):
        raise InputError(f"{path} does not match its checksum; it was changed or is no record")
    record = upgrade(record, path)
    if record.get("run_id") != path.stem:
        raise InputError(f"{path} holds run {record.get('run_id')!r}; its name allows only {path.stem!r}")
    try:
        problem = _problem(record)
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        problem = f"a part is missing or malformed, {error!r}"
    if problem:
        raise InputError(f"{path} is no usable record: {problem}")
    return record


def _problem(record: dict[str, Any]) -> str | None:
    """Return what makes a record unusable, if anything."""
    if record["status"] not in ("finished", "failed"):
        return f"status is {record['status']!r}; allowed: finished, failed"
    for name in OBJECTS:
        part: Any = record
        for key in name.split("."):
            part = part.get(key, {})
        if not isinstance(part, dict):
            return f"{name} is {part!r}; allowed: an object"
    if len(set(record["architectures"])) != len(record["architectures"]):
        return "an architecture appears twice"
    for checkpoint in record["checkpoints"]:
        accuracy = np.asarray(checkpoint["accuracy"], dtype=np.float64)
        if not accuracy.shape == np.shape(checkpoint["cross_entropy"]) == (len(record["architectures"]),):
            return f"epoch {checkpoint['epoch']} does not have one score per architecture"
        if not ((accuracy >= 0) & (accuracy <= 1)).all():
            return f"an accuracy of epoch {checkpoint['epoch']} is outside [0, 1]"
    if record["status"] == "finished" and not any(checkpoint["late"] for checkpoint in record["checkpoints"]):
        return "it is finished but has no late checkpoint"
    return None


def _read_object(path: Path) -> dict[str, Any]:
    """Read a JSON object; of anything else, say that it has no schema."""
    try:
        content = json.loads(path.read_bytes())
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror}") from error
    except ValueError as error:
        raise InputError(f"{path} is damaged or no JSON: {error}") from error
    return content if isinstance(content, dict) else {}


def read_reference(store: Path, space: str) -> pd.DataFrame:
    """Read the published accuracies and costs of a space, one row per architecture, indexed by its number.

    Raises
    ------
    InputError
        If the table is missing, damaged, or holds an accuracy outside [0, 1].
    """
    path = reference_path(store, space)
    if not path.is_file():
        raise InputError(f"reference table {path} does not exist")
    try:
        with path.open("rb") as file:  # Given a name, pyarrow takes UTF-8 alone.
            table = pd.read_parquet(file, page_checksum_verification=True)
    except (ImportError, MemoryError):  # It is not the file.
        raise
    except Exception as error:  # What a foreign file makes pyarrow raise is not specified.
        raise InputError(" ".join(f"{path} is damaged or no Parquet: {error}".split())) from error
    missing = {"index", "parameters", "macs"} - set(table.columns)
    if missing or "target" not in table.attrs:
        raise InputError(f"{path} is no reference table: it lacks {', '.join(sorted(missing)) or 'its target'}")
    accuracies = table[truth_columns(table)]
    outside = [name for name, column in accuracies.items() if not _are_fractions(column)]
    if outside:
        raise InputError(f"{path} column {outside[0]!r} is not a fraction in [0, 1]")
    return table.set_index("index")


def _are_fractions(column: pd.Series) -> bool:
    return column.dtype.kind in "fiu" and not ((column < 0) | (column > 1)).any()


def choose_target(table: pd.DataFrame, wanted: str | None) -> str:
    """Return the wanted column of a reference table, or its own choice.

    Raises
    ------
    InputError
        If the table has no such column.
    """
    column = wanted or table.attrs["target"]
    if column not in truth_columns(table):
        raise unknown("target column", column, truth_columns(table))
    return str(column)


def truth_columns(table: pd.DataFrame) -> list[str]:
    """Return the columns of a reference table that hold accuracies."""
    return [column for column in table.columns if column not in DESCRIPTIVE_COLUMNS]
