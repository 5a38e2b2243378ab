"""Pages about all published studies: the index, and tables in pages that are written by hand."""

import re
from collections.abc import Iterator
from pathlib import Path

from supernet_bench.analysis.pages.front import table_of_findings
from supernet_bench.analysis.pages.index import index
from supernet_bench.analysis.publishing.check import of_pages
from supernet_bench.core.files import write_atomically
from supernet_bench.records.archive import INDEX

BY_HAND = ("README.md", "docs/findings.md")
"""Pages beside the folder of the published studies that may hold tables of what was found."""

TABLE = re.compile(r"(<!-- table (\w+): begin\b[^\n]*-->\n).*?(<!-- table \2: end -->)", re.DOTALL)
"""Where such a table stands; everything else on the page is left as it is."""


def write_overview(results: Path) -> list[Path]:
    """Write the index of a folder of published studies and the tables on other pages; return what was written."""
    pages = dict(_pages(results))
    for path, text in pages.items():
        write_atomically(path, text.encode())
    return list(pages)


def check_overview(results: Path) -> list[str]:
    """Return in one line each where these pages are not what they should be.

    Raises
    ------
    InputError
        If a file that they are made from is damaged.
    """
    pages = _pages(results)
    return [line for path, text in pages for line in of_pages(path, _text(path), text)]


def _pages(results: Path) -> Iterator[tuple[Path, str]]:
    """Yield every page with the text that it should have."""
    yield results / INDEX, index(results)
    for path in (results.parent / name for name in BY_HAND):
        text = _text(path)
        if TABLE.search(text):
            yield path, TABLE.sub(lambda found: _filled(found, results), text)


def _filled(place: re.Match[str], results: Path) -> str:
    begin, name, end = place.groups()
    return f"{begin}\n{table_of_findings(name, results)}\n{end}"


def _text(path: Path) -> str:
    return path.read_text(encoding="utf-8") if path.exists() else ""
