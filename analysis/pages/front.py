"""Tables of what was found, for pages that are written by hand."""

from collections.abc import Mapping
from pathlib import Path

from supernet_bench.analysis.findings import LevelFinding, StudyFindings, read_study_findings
from supernet_bench.analysis.numbers import NONE, with_interval
from supernet_bench.analysis.pages.index import published_studies
from supernet_bench.analysis.pages.templating import TEMPLATES, render
from supernet_bench.analysis.pages.words import MARKS
from supernet_bench.analysis.verdicts import Verdict
from supernet_bench.core.errors import unknown

FOLDER = "front"


def table_of_findings(name: str, results: Path) -> str:
    """Return a table in Markdown.

    Parameters
    ----------
    name : str
        Of a template in ``templates/front``.
    results : Path
        Folder of the published studies.

    Raises
    ------
    InputError
        If there is no such table, or what was found in a study is damaged.
    """
    known = [path.name.partition(".")[0] for path in (TEMPLATES / FOLDER).iterdir()]
    if name not in known:
        raise unknown("table", name, known)
    studies = {folder.name: read_study_findings(folder) for folder in published_studies(results)}

    def difference(study: str, factor: str, level: str) -> str:
        return _difference(studies, study, factor, level)

    return render(f"{FOLDER}/{name}.md.jinja", studies=studies, difference=difference, Verdict=Verdict)


def _difference(studies: Mapping[str, StudyFindings], study: str, factor: str, level: str) -> str:
    """Return what a level does in a study, with its mark; a dash where it is not known."""
    levels = studies[study].levels if study in studies else ()
    found = [one for one in levels if (one.factor, one.level) == (factor, level)]
    return _marked(found[0]) if found else NONE


def _marked(found: LevelFinding) -> str:
    return f"{with_interval(found.difference, '+')} {MARKS.get(found.verdict, '')}".rstrip()
