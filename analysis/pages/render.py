"""Pages and tables in the formats that they are written in."""

from collections.abc import Sequence

from supernet_bench.analysis.pages.page import Page
from supernet_bench.analysis.pages.tables import Table
from supernet_bench.analysis.pages.templating import render


def page_as_markdown(page: Page) -> str:
    """Return a page in Markdown, with its plots in a folder beside it."""
    return render("report.md.jinja", page=page)


def as_markdown(tables: Sequence[Table], notes: Sequence[str]) -> str:
    """Return tables and the notes below them in Markdown."""
    return render("tables.md.jinja", tables=tables, notes=notes)


def as_latex(tables: Sequence[Table], notes: Sequence[str]) -> str:
    """Return floating tables and the notes as a paragraph; the document loads booktabs and graphicx, in UTF-8."""
    return render("tables.tex.jinja", tables=tables, notes=notes)
