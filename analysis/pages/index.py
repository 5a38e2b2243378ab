"""The index of the published studies: what helps, what hurts, what does nothing and what is not known, in each."""

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from supernet_bench.analysis.figures import EFFECTS_FOREST
from supernet_bench.analysis.figures.summary import NAME as SUMMARY
from supernet_bench.analysis.findings import (
    VERDICTS,
    LevelFinding,
    StudyFindings,
    Survivor,
    read_pair_findings,
    read_study_findings,
)
from supernet_bench.analysis.numbers import with_interval
from supernet_bench.analysis.pages.agreement import conclusion
from supernet_bench.analysis.pages.tables import TOP_COLUMNS, Column
from supernet_bench.analysis.pages.templating import render
from supernet_bench.analysis.pages.words import TITLES
from supernet_bench.analysis.verdicts import DIRECTED, NEGLIGIBLE, Verdict
from supernet_bench.core.files import is_litter
from supernet_bench.records.archive import AGREEMENT, MANIFEST

ALWAYS = (
    Verdict.HELPS,
    Verdict.HURTS,
    Verdict.PERHAPS_HELPS,
    Verdict.PERHAPS_HURTS,
    Verdict.NOTHING,
    Verdict.NOISY,
)
"""Verdicts about several seeds, whose lists are shown even if empty."""

SAME_COST = 0.05
"""Ratios of path passes that differ from 1 by less are not mentioned."""


@dataclass(frozen=True)
class Entry:
    """A study in the index.

    Attributes
    ----------
    folder : str
        Where it is.
    found : StudyFindings
        What was found.
    lists : dict of str to (dict of str to list of LevelFinding)
        Its levels by the title of their list and by factor.
    best, interactions : list of str
        What survives in other metrics.
    """

    folder: str
    found: StudyFindings
    lists: Mapping[str, Mapping[str, list[LevelFinding]]]
    best: list[str]
    interactions: list[str]


def published_findings(results: Path, without: str = "") -> dict[str, StudyFindings]:
    """Return what was found in each published study by the name of its folder, sorted; see `index`."""
    folders = [folder for folder in _published(results) if folder.name != without and _has_findings(folder)]
    return {folder.name: read_study_findings(folder) for folder in folders}


def left_out(results: Path) -> list[Path]:
    """Return the folders of published studies that do not say what was found: older versions wrote no such file."""
    return [folder for folder in _published(results) if not _has_findings(folder)]


def _published(results: Path) -> list[Path]:
    folders = sorted(file.parent for file in results.glob(f"*/{MANIFEST}"))
    return [folder for folder in folders if not is_litter(folder.name)]


def _has_findings(folder: Path) -> bool:
    return os.path.lexists(folder / VERDICTS)


def index(results: Path, without: str = "") -> str:
    """Return the index of a folder of published studies, from the verdicts in it alone.

    Parameters
    ----------
    results : Path
        Folder of the published studies.
    without : str
        Name of a folder in it that is left out.

    Raises
    ------
    InputError
        If a file that it is made from is damaged.
    """
    comparison = results / AGREEMENT
    pairs = []
    if without != AGREEMENT and (comparison / VERDICTS).is_file():
        pairs = [(pair, conclusion(pair)) for pair in read_pair_findings(comparison)]
    studies = [_entry(folder, found) for folder, found in published_findings(results, without).items()]
    return render(
        "index.md.jinja",
        studies=studies,
        pairs=pairs,
        forest=EFFECTS_FOREST,
        summary=SUMMARY if any(study.found.levels for study in studies) else "",
        nothing=NEGLIGIBLE,
        directed=DIRECTED,
        same_cost=SAME_COST,
    )


def _entry(folder: str, found: StudyFindings) -> Entry:
    lists = {TITLES[verdict]: _by_factor(found.of(verdict)) for verdict in Verdict}
    shown = {TITLES[verdict] for verdict in ALWAYS}
    return Entry(
        folder,
        found,
        {title: levels for title, levels in lists.items() if levels or title in shown},
        [text for column in TOP_COLUMNS for text in _survivors(found.best, column)],
        _survivors(found.interactions, Column("tau", "tau")),
    )


def _by_factor(levels: Iterable[LevelFinding]) -> dict[str, list[LevelFinding]]:
    factors: dict[str, list[LevelFinding]] = {}
    for level in levels:
        factors.setdefault(level.factor, []).append(level)
    return factors


def _survivors(found: Iterable[Survivor], column: Column) -> list[str]:
    return [
        f"{one.factor} {one.label or one.level}, {column.header} "
        + with_interval(one.difference, "+", column.scale, column.decimals)
        for one in found
        if one.metric == column.metric
    ]
