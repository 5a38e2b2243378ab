"""Tables of what was found, for pages that are written by hand."""

from collections.abc import Mapping

from supernet_bench.analysis.findings import LevelFinding, StudyFindings
from supernet_bench.analysis.numbers import NONE, with_interval
from supernet_bench.analysis.pages.templating import TEMPLATES, render
from supernet_bench.analysis.pages.words import MARKS, TITLES
from supernet_bench.analysis.verdicts import Verdict
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

    def difference(study: str, factor: str, level: str) -> str:
        """Return what a level does in a study, with its mark; a dash where it is not known."""
        found = _find(studies, study, factor, level)
        return _marked(found) if found else NONE

    def verdict(study: str, factor: str, level: str) -> str:
        """Return the word for that."""
        found = _find(studies, study, factor, level)
        return TITLES[found.verdict].lower() if found else NONE

    return render(
        f"{FOLDER}/{name}.md.jinja",
        studies=studies,
        results=results,
        difference=difference,
        verdict=verdict,
        Verdict=Verdict,
    )


def _find(studies: Mapping[str, StudyFindings], study: str, factor: str, level: str) -> LevelFinding | None:
    levels = studies[study].levels if study in studies else ()
    return next((one for one in levels if (one.factor, one.level) == (factor, level)), None)


def _marked(found: LevelFinding) -> str:
    return f"{with_interval(found.difference, '+')} {MARKS.get(found.verdict, '')}".rstrip()
