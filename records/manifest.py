"""The manifest of a study: which runs make it up."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from itertools import groupby
from pathlib import Path
from typing import Any

from supernet_bench.core.errors import InputError, unknown
from supernet_bench.core.fields import Fields, Malformed
from supernet_bench.core.files import is_litter
from supernet_bench.core.settings import LARGEST_WHOLE
from supernet_bench.records.damage import Damaged
from supernet_bench.records.form import RECORD_VERSION, unseal, upgrade
from supernet_bench.records.layout import manifest_path

Place = tuple[str, str]
"""A factor and a level."""


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
    labels : tuple of (factor, text), each a str
        What the setting of each factor is called for people; empty where nobody calls it otherwise, and in manifests
        older than this.
    extra : mapping
        What a newer version of the suite says of it.
    """

    factor: str
    name: str
    baseline: bool
    uses_truth: bool
    cell: tuple[tuple[str, str], ...] = ()
    labels: tuple[tuple[str, str], ...] = ()
    extra: Mapping[str, Any] = field(default_factory=dict, hash=False)

    @property
    def label(self) -> str:
        """What tables and figures call it."""
        return ", ".join(text for _, text in self.labels) or self.name

    @classmethod
    def from_fields(cls, factor: str, fields: Fields) -> "Level":
        """Read a level of a factor; raise Malformed if it is none."""
        return cls(
            factor=factor,
            name=fields.read("level", str),
            baseline=fields.read("baseline", bool),
            uses_truth=fields.read("uses_truth", bool, default=False),
            cell=tuple(fields.texts("cell").items()),
            labels=tuple(fields.texts("labels").items()),
            extra=fields.rest(),
        )

    def to_json(self) -> dict[str, Any]:
        """Return it as JSON has it, within its factor."""
        shown = {"cell": dict(self.cell), "labels": dict(self.labels)}
        described = {"level": self.name, "baseline": self.baseline, "uses_truth": self.uses_truth}
        return {**described, **{name: texts for name, texts in shown.items() if texts}, **self.extra}


@dataclass(frozen=True)
class PlannedRun:
    """One cell of a study: which run stands for this level and seed."""

    factor: str
    level: str
    seed: int
    run_id: str
    extra: Mapping[str, Any] = field(default_factory=dict, hash=False)

    @classmethod
    def from_fields(cls, fields: Fields) -> "PlannedRun":
        """Read it; raise Malformed if it is none."""
        factor, level = fields.read("factor", str), fields.read("level", str)
        return cls(factor, level, fields.read("seed", int), fields.read("run_id", str), fields.rest())

    def to_json(self) -> dict[str, Any]:
        """Return it as JSON has it."""
        return {"factor": self.factor, "level": self.level, "seed": self.seed, "run_id": self.run_id, **self.extra}


@dataclass(frozen=True)
class Manifest:
    """What a study set out to run.

    Attributes
    ----------
    study, title : str
    space, images : str
        Names of those of the baseline.
    seeds : tuple of int
        Of every level.
    baseline_seeds : tuple of int
        Further ones of the baseline alone.
    target : str or None
        Column of the reference table to compare with; None is the table's own choice.
    levels : tuple of Level
        Those of a factor beside each other.
    runs : tuple of PlannedRun
    proxies : mapping of str to str
        Of each proxy that stands beside it, the key of its scores; older manifests have none.
    imported : bool
        Whether its scores were brought by somebody, so that nothing was trained.
    extra : mapping
        What a newer version of the suite says of it.
    """

    study: str
    title: str
    space: str
    images: str
    seeds: tuple[int, ...]
    target: str | None
    levels: tuple[Level, ...]
    runs: tuple[PlannedRun, ...]
    proxies: Mapping[str, str] = field(default_factory=dict, hash=False)
    baseline_seeds: tuple[int, ...] = ()
    imported: bool = False
    extra: Mapping[str, Any] = field(default_factory=dict, hash=False)

    @classmethod
    def from_json(cls, content: Mapping[str, Any]) -> "Manifest":
        """Return the manifest in a JSON object of the present version, with names on one line.

        Raises
        ------
        Malformed
            If it is none.
        """
        fields = Fields(content)
        fields.read("schema", int)
        study = fields.read("study", str)
        manifest = cls(
            study=study,
            title=fields.read("title", str, type(None), default=None) or study,
            space=fields.read("space", str),
            images=fields.read("images", str),
            seeds=fields.entries("seeds", int),
            target=fields.read("target", str, type(None), default=None),
            levels=tuple(level for factor in fields.objects("factors") for level in _levels(factor)),
            runs=tuple(map(PlannedRun.from_fields, fields.objects("runs"))),
            proxies=fields.texts("proxies"),
            baseline_seeds=fields.entries("baseline_seeds", int, default=()),
            imported=fields.read("imported", bool, default=False),
            extra=fields.rest(),
        )
        manifest._check()
        return manifest.on_one_line()

    def to_json(self) -> dict[str, Any]:
        """Return it as JSON has it, without a checksum."""
        by_factor = groupby(self.levels, key=lambda level: level.factor)
        further = {"baseline_seeds": list(self.baseline_seeds)} if self.baseline_seeds else {}
        return {
            "schema": RECORD_VERSION,
            "study": self.study,
            "title": self.title,
            "space": self.space,
            "images": self.images,
            "seeds": list(self.seeds),
            **further,
            "target": self.target,
            "factors": [
                {"factor": factor, "levels": [level.to_json() for level in levels]} for factor, levels in by_factor
            ],
            "runs": [run.to_json() for run in self.runs],
            **({"proxies": dict(self.proxies)} if self.proxies else {}),
            **({"imported": True} if self.imported else {}),
            **self.extra,
        }

    def on_one_line(self) -> "Manifest":
        """Return it with every stretch of white space in a name as one space, so that it fits a cell and a label."""
        return replace(
            self,
            title=single_spaced(self.title),
            levels=tuple(
                replace(
                    level,
                    factor=single_spaced(level.factor),
                    name=single_spaced(level.name),
                    cell=_on_one_line(level.cell),
                    labels=_on_one_line(level.labels),
                )
                for level in self.levels
            ),
            runs=tuple(
                replace(run, factor=single_spaced(run.factor), level=single_spaced(run.level)) for run in self.runs
            ),
        )

    def unite(self, other: "Manifest") -> "Manifest | None":
        """Return the manifest of the study with the seeds and the runs of both, or None if they are of two studies.

        Manifests of one study differ in seeds and runs alone, but for what levels of grids combine and what levels are
        called, which older ones do not say.
        """
        if self._shared() != other._shared():
            return None
        levels = list(zip(self.levels, other.levels, strict=True))
        if any(mine.cell and theirs.cell and mine.cell != theirs.cell for mine, theirs in levels):
            return None
        if other_levels(self, other):
            return None
        known = {(run.factor, run.level, run.seed) for run in self.runs}
        seeds = tuple(dict.fromkeys((*self.seeds, *other.seeds)))
        further = dict.fromkeys((*self.baseline_seeds, *other.baseline_seeds))
        new = [run for run in other.runs if (run.factor, run.level, run.seed) not in known]
        return replace(
            self,
            seeds=seeds,
            baseline_seeds=tuple(seed for seed in further if seed not in seeds),
            levels=tuple(
                replace(mine, cell=mine.cell or theirs.cell, labels=mine.labels or theirs.labels)
                for mine, theirs in levels
            ),
            runs=(*self.runs, *new),
            proxies={**other.proxies, **self.proxies},
        )

    def _shared(self) -> "Manifest":
        """Return what all manifests of a study have in common."""
        return replace(self, seeds=(), baseline_seeds=(), levels=without_cells(self.levels), runs=(), proxies={})

    def _check(self) -> None:
        """Raise Malformed if a seed is no number that a column of a table holds."""
        seeds = {f"seeds[{place}]": seed for place, seed in enumerate(self.seeds)}
        seeds |= {f"baseline_seeds[{place}]": seed for place, seed in enumerate(self.baseline_seeds)}
        seeds |= {f"runs[{place}].seed": run.seed for place, run in enumerate(self.runs)}
        for name, seed in seeds.items():
            if not 0 <= seed <= LARGEST_WHOLE:
                raise Malformed(f"{name} is {seed}; allowed: a whole number from 0 to {LARGEST_WHOLE}")


def parse_manifest(content: bytes, path: Path) -> Manifest:
    """Return the manifest in the content of a file, whichever version of the suite wrote it.

    Raises
    ------
    Damaged
        If it is no whole manifest.
    InputError
        If a newer version of the suite wrote it.
    """
    fields = upgrade(unseal(content, path, "manifest of a study", old_without_checksum=True), path)
    try:
        return Manifest.from_json(fields)
    except Malformed as error:
        raise Damaged(path, f"it is no complete manifest of a study: {error}") from None


def parse_stored_manifest(content: bytes, path: Path) -> Manifest:
    """Return the manifest in the content of a file of a store, whose name is that of the study; see `parse_manifest`.

    Raises
    ------
    Damaged
        If it is that of another study.
    """
    manifest = parse_manifest(content, path)
    if manifest.study != path.stem:
        raise Damaged(path, f"it is the manifest of study {manifest.study!r}")
    return manifest


def read_manifest(store: Path, study: str) -> Manifest:
    """Read what a study in a store set out to run; see `parse_stored_manifest`.

    Raises
    ------
    InputError
        If the store or the study does not exist.
    """
    if not store.is_dir():
        raise InputError(f"store {store} does not exist; allowed: the folder of a study that was run")
    path = manifest_path(store, study)
    known = [file.stem for file in path.parent.glob("*.json") if not is_litter(file.name)]
    if study not in known:  # Whatever else a path or a file system takes for the same.
        raise unknown("study", study, known)
    return parse_stored_manifest(path.read_bytes(), path)


def read_published_manifest(path: Path) -> Manifest:
    """Read a manifest outside of stores, where the folder has the name of the study and nothing is set aside.

    Raises
    ------
    InputError
        If it cannot be read, or is damaged.
    """
    try:
        return parse_manifest(path.read_bytes(), path)
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror}; allowed: a published study") from error
    except Damaged as damage:
        raise InputError(f"{path} is damaged: {damage.reason}") from damage


def conflict(one: Iterable[PlannedRun], other: Iterable[PlannedRun]) -> str | None:
    """Return where two studies of one name have different runs for the same level and seed, or None."""
    changed = next(_changed(other, one), None)
    return f"{changed.factor} {changed.level} with seed {changed.seed}" if changed else None


def other_levels(one: Manifest, other: Manifest) -> list[Place]:
    """Return each factor and level that are in both manifests, with another run for a seed that is in both."""
    changed = _changed(one.on_one_line().runs, other.on_one_line().runs)
    return list(dict.fromkeys((run.factor, run.level) for run in changed))


def _levels(factor: Fields) -> list[Level]:
    name = factor.read("factor", str)
    return [Level.from_fields(name, level) for level in factor.objects("levels")]


def _changed(runs: Iterable[PlannedRun], than: Iterable[PlannedRun]) -> Iterator[PlannedRun]:
    """Yield the runs in whose place others have another run."""
    others = {(run.factor, run.level, run.seed): run.run_id for run in than}
    return (run for run in runs if others.get((run.factor, run.level, run.seed), run.run_id) != run.run_id)


def without_cells(levels: Iterable[Level]) -> tuple[Level, ...]:
    """Return levels without what they combine and are called, which older manifests do not say."""
    return tuple(replace(level, cell=(), labels=()) for level in levels)


def _on_one_line(texts: Iterable[tuple[str, str]]) -> tuple[tuple[str, str], ...]:
    return tuple((single_spaced(factor), single_spaced(text)) for factor, text in texts)


def single_spaced(text: str) -> str:
    """Return text with every stretch of white space as one space."""
    return " ".join(text.split())
