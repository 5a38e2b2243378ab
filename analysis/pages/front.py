"""Tables of what was found, for pages that are written by hand."""

import math
from collections.abc import Mapping, Sequence

from supernet_bench.analysis.findings import LevelFinding, StudyFindings
from supernet_bench.analysis.numbers import CORRECTED, NONE, UNCORRECTED, number, with_interval
from supernet_bench.analysis.pages.groups import by_group, spread_of
from supernet_bench.analysis.pages.templating import TEMPLATES, render
from supernet_bench.analysis.pages.words import MARKS, TITLES
from supernet_bench.analysis.verdicts import Evidence, Verdict
from supernet_bench.core.errors import unknown

FOLDER = "front"


def table_of_findings(name: str, studies: Mapping[str, StudyFindings], results: str) -> str:
    """Return a table in Markdown.

    Parameters
    ----------
    name : str
        Of a template in ``templates/front``.
    studies : dict of str to StudyFindings
        What was found in each study, by the name of its folder.
    results : str
        How the page gets to the folder of the published studies.

    Raises
    ------
    InputError
        If there is no such table.
    """
    known = [path.name.partition(".")[0] for path in (TEMPLATES / FOLDER).iterdir()]
    if name not in known:
        raise unknown("table", name, known)

    def difference(study: str, factor: str, level: str, better_half: bool = False) -> str:
        """Return what a level does in a study, with its mark; a dash where it is not known."""
        found = _find(studies, study, factor, level)
        return _marked(found, better_half) if found else NONE

    def verdict(study: str, factor: str, level: str) -> str:
        """Return the word for that."""
        found = _find(studies, study, factor, level)
        return TITLES[found.verdict].lower() if found else NONE

    return render(
        f"{FOLDER}/{name}.md.jinja",
        studies=studies,
        results=results,
        difference=difference,
        spreads=_spreads,
        verdict=verdict,
        Verdict=Verdict,
    )


def _find(studies: Mapping[str, StudyFindings], study: str, factor: str, level: str) -> LevelFinding | None:
    levels = studies[study].levels if study in studies else ()
    return next((one for one in levels if (one.factor, one.level) == (factor, level)), None)


def _marked(found: LevelFinding, better_half: bool) -> str:
    effect = found.better_half if better_half else found.difference
    return f"{with_interval(effect, '+')} {_mark_of(found, better_half)}".rstrip() if effect else NONE


def _spreads(studies: Sequence[StudyFindings | None], by_factor: bool = False) -> list[tuple[str, list[str]]]:
    """Return the rows of a table of groups, or of factors: a name, and two cells for each study; the widest first.

    A row is ranked by the mean of its spreads in tau over the studies that have it.
    """
    grouped = [_grouped(study, by_factor) if study else {} for study in studies]
    names = dict.fromkeys(name for members in grouped for name in members)
    rows = []
    for name in names:
        members = [of_study.get(name, []) for of_study in grouped]
        widths = [width for part in members if not math.isnan(width := spread_of(part).beyond_noise)]
        cells = [_spread_cell(part, half) for part in members for half in (False, True)]
        rows.append((-sum(widths) / len(widths) if widths else 0.0, name, cells))
    return [(name, cells) for _, name, cells in sorted(rows, key=lambda row: row[0])]


def _grouped(study: StudyFindings, by_factor: bool) -> dict[str, list[LevelFinding]]:
    groups = by_group(study.levels)
    if not by_factor:
        return groups
    members: dict[str, list[LevelFinding]] = {}
    for level in (level for levels in groups.values() for level in levels):
        members.setdefault(level.factor, []).append(level)
    return members


def _spread_cell(levels: Sequence[LevelFinding], better_half: bool) -> str:
    """Return the spread, and the smallest and the largest effect, with their marks."""
    spread = spread_of(levels, better_half)
    if not spread.highest or not spread.lowest:
        return NONE
    ends = [
        f"{number(effect.value, '+', decimals=2)}{_mark_of(level, better_half)}"
        for level, effect in dict([spread.lowest, spread.highest]).items()
    ]
    return f"{number(spread.beyond_noise, decimals=2)}: {' to '.join(ends)}"


def _mark_of(level: LevelFinding, better_half: bool) -> str:
    if not better_half:
        return MARKS.get(level.verdict, "")
    return {Evidence.CORRECTED: CORRECTED, Evidence.UNCORRECTED: UNCORRECTED}.get(level.better_half_evidence, "")
