"""Pages about all published studies: the index, and tables in pages that are written by hand."""

import os
import re
from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

from supernet_bench.analysis.figures.style import FORMATS, save_small, style
from supernet_bench.analysis.figures.summary import NAME as SUMMARY
from supernet_bench.analysis.figures.summary import draw_summary, summary
from supernet_bench.analysis.findings import StudyFindings
from supernet_bench.analysis.pages.front import table_of_findings
from supernet_bench.analysis.pages.index import index, left_out, published_findings
from supernet_bench.analysis.publishing.check import of_pages
from supernet_bench.core.files import write_atomically
from supernet_bench.core.output import say
from supernet_bench.records.archive import INDEX

BY_HAND = ("README.md", "docs/findings.md")
"""Pages beside the folder of the published studies that may hold tables of what was found."""

TABLE = re.compile(rb"(<!-- table (\w+): begin\b[^\n]*-->(\r?\n)).*?(<!-- table \2: end -->)", re.DOTALL)
"""Where such a table stands; everything else on the page is left as it is, whatever its encoding."""


def compose(results: Path, without: str = "") -> dict[Path, bytes]:
    """Return every page with the content that it should have; nothing is written.

    Parameters
    ----------
    results : Path
        Folder of the published studies.
    without : str
        Name of a folder in it that is left out, as it is about to be replaced.

    Raises
    ------
    InputError
        If a file that they are made from is damaged, or a page wants a table that there is not.
    """
    studies = published_findings(results, without)
    return {results / INDEX: index(results, without).encode(), **dict(_filled_pages(results, studies))}


def write_overview(results: Path) -> list[Path]:
    """Write the index of a folder of published studies and the tables on other pages; return what was written."""
    pages = compose(results)
    for path, content in {**pages, **_summary_of(results)}.items():
        write_atomically(path, content)
    _warn(results)
    return [*pages, *_pictures(results)]


def _pictures(results: Path) -> list[Path]:
    """Return the files of the figure of all studies, if any has a level to show."""
    shown = any(study.levels for study in published_findings(results).values())
    return [results / f"{SUMMARY}{suffix}" for suffix in FORMATS] if shown else []


def _summary_of(results: Path) -> dict[Path, bytes]:
    """Return these files with their content."""
    files = _pictures(results)
    with TemporaryDirectory() as temporary, style():
        if files:
            save_small(draw_summary(summary(published_findings(results))), Path(temporary), SUMMARY)
        return {file: (Path(temporary) / file.name).read_bytes() for file in files}


def check_overview(results: Path) -> list[str]:
    """Return in one line each where these pages are not what they should be.

    Raises
    ------
    InputError
        As `compose` does.
    """
    pages = compose(results)
    _warn(results)
    lines = [line for path, content in pages.items() for line in of_pages(path, _text(_read(path)), _text(content))]
    return [*lines, *(f"{path} is not there" for path in _pictures(results) if not path.is_file())]


def _warn(results: Path) -> None:
    for folder in left_out(results):
        say(f"warning: {folder} was published by an older version and is left out of the index; publish it again")


def _filled_pages(results: Path, studies: Mapping[str, StudyFindings]) -> Iterator[tuple[Path, bytes]]:
    """Yield every page with tables, and these as they should be."""
    for page in (results.parent / name for name in BY_HAND):
        content = _read(page)
        if TABLE.search(content):
            link = Path(os.path.relpath(results, page.parent)).as_posix()
            yield page, TABLE.sub(partial(_filled, studies=studies, link=link), content)


def _filled(place: re.Match[bytes], studies: Mapping[str, StudyFindings], link: str) -> bytes:
    begin, name, newline, end = place.groups()
    table = f"\n{table_of_findings(name.decode(), studies, link)}\n".encode().replace(b"\n", newline)
    return begin + table + end


def _read(path: Path) -> bytes:
    return path.read_bytes() if path.is_file() else b""


def _text(content: bytes) -> str:
    """Return a text to compare; of bytes that are none, signs that say so."""
    return content.decode(errors="backslashreplace")
