"""What ranks architectures best: levels, imported scores and references of several studies, side by side."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from supernet_bench.analysis.effects.effects import Effect
from supernet_bench.analysis.effects.intervals import Estimate
from supernet_bench.analysis.effects.pairs import ComparedStudy
from supernet_bench.analysis.ranking.scores import Kind

CEILING = "ceiling"
"""The kind of what ranks nothing itself: the noise ceiling."""

DIGITS = 12
"""Decimals of a tau by which references of one name are told apart."""


@dataclass(frozen=True)
class Entry:
    """One row.

    Attributes
    ----------
    studies : tuple of str
        Those that it is a part of: studies may share runs, and references of equal architectures are the same.
    name : str
    kind : str
        What gives the scores, one of `Kind`, or `CEILING`.
    uses_truth : bool
        Whether it looks at published accuracies.
    estimates : mapping of str to Estimate
        By metric; references may have tau alone.
    """

    studies: tuple[str, ...]
    name: str
    kind: str
    uses_truth: bool
    estimates: Mapping[str, Estimate]

    @property
    def tau(self) -> Estimate:
        """Kendall's tau-b with the truth."""
        return self.estimates["tau"]


@dataclass(frozen=True)
class Board:
    """Rows that can be compared: of one space, with the same truth; the highest tau first.

    Attributes
    ----------
    space, table, target : str
        Names of the space, of its published table and of the column that is the truth.
    studies : tuple of str
    entries : tuple of Entry
    """

    space: str
    table: str
    target: str
    studies: tuple[str, ...]
    entries: tuple[Entry, ...]


def boards(studies: Sequence[ComparedStudy]) -> list[Board]:
    """Return a board for each space and truth, in the order of the studies.

    Rows of studies that score other architectures of the space are on one board: each estimates the ranking of the
    whole space from its own sample, with an interval for that.
    """
    groups: dict[tuple[str, str, str], list[ComparedStudy]] = {}
    for study in studies:
        results = study.results
        table = str(results.reference.attrs.get("table", "unnamed table"))
        groups.setdefault((results.manifest.space, table, results.target), []).append(study)
    return [
        Board(*names, tuple(study.name for study in group), tuple(_sorted(_distinct(group))))
        for names, group in groups.items()
    ]


def _sorted(entries: Sequence[Entry]) -> list[Entry]:
    """Return entries by tau, those without at the end."""
    return sorted(
        entries, key=lambda entry: -math.inf if math.isnan(entry.tau.value) else entry.tau.value, reverse=True
    )


def _distinct(studies: Sequence[ComparedStudy]) -> list[Entry]:
    """Return every row once: what has the same runs, or is the same reference of the same architectures.

    A name does not tell a reference alone: proxies look at the networks and images of a study, and what seeds of the
    baseline say together is of that baseline. Those that differ have another tau.
    """
    found: dict[object, Entry] = {}
    for study in studies:
        for same, entry in _entries(study):
            if same in found:
                entry = replace(found[same], studies=(*found[same].studies, study.name))
            found[same] = entry
    return list(found.values())


def _entries(study: ComparedStudy) -> Iterator[tuple[object, Entry]]:
    """Yield the rows of a study, each with what makes it the same row as another."""
    effects, imported = study.effects, study.results.manifest.imported
    kind = Kind.IMPORTED if imported else Kind.SUPERNET
    seen = set()
    for effect in (*effects.levels[1:], effects.baseline):
        runs = frozenset(effects.runs_of(effect)["run_id"])
        if runs and runs not in seen and (imported or not effect.level.baseline or effect is effects.baseline):
            seen.add(runs)
            only = imported and len(effects.levels) == 1  # It has no name of its own.
            yield runs, _entry(study, effect, study.name if only else _name(effect, imported), kind)
    scored = tuple(effects.truth.index)
    for effect in effects.references:
        runs = frozenset(effects.runs_of(effect)["run_id"])
        own = effect.kind.value if effect.kind else CEILING
        if not math.isnan(effect.tau.value):
            same = (effect.level.name, scored, round(effect.tau.value, DIGITS))
            yield runs or same, _entry(study, effect, effect.level.name, own)


def _entry(study: ComparedStudy, effect: Effect, name: str, kind: str) -> Entry:
    return Entry((study.name,), name, kind, effect.level.uses_truth, effect.estimates)


def _name(effect: Effect, imported: bool) -> str:
    level = effect.level
    baseline = " (baseline)" if level.baseline and level.name != "baseline" else ""
    return f"{level.label}{baseline}" if imported or level.baseline else f"{level.factor}: {level.label}"
