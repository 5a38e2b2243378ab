"""Tables in Markdown and LaTeX, and a page in Markdown."""

import re
from collections.abc import Sequence

from supernet_bench.analysis.pages.page import Block, Items, Page, Paragraph, Picture, Tables
from supernet_bench.analysis.pages.tables import Table
from supernet_bench.analysis.pages.wording import Finding

SIGN = re.compile(r"(?<![\w.])[-+](?=\d)")
LATEX = {
    "\\": r"\textbackslash{}",
    "&": r"\&",
    "%": r"\%",
    "$": r"\$",
    "#": r"\#",
    "_": r"\_",
    "{": r"\{",
    "}": r"\}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
    '"': "''",
    "—": "---",
    "†": r"$\dagger$",
    "‡": r"$\ddagger$",
}


def page_as_markdown(page: Page) -> str:
    """Return a page in Markdown, with its plots in a folder beside it."""
    parts = [f"# {escape_markdown(page.title)}", *map(_markdown_block, page.opening)]
    for section in page.sections:
        parts += [f"## {escape_markdown(section.heading)}", *map(_markdown_block, section.blocks)]
    return "\n\n".join(parts) + "\n"


def _markdown_block(block: Block) -> str:
    match block:
        case Paragraph(text):
            return escape_markdown(text)
        case Items(items):
            return "\n".join(map(_markdown_item, items))
        case Picture(name, caption):
            return f"![{name}](plots/{name}.png)\n\n*{escape_markdown(caption)}*"
        case Tables(tables, notes):
            return as_markdown(tables, notes).rstrip()


def _markdown_item(item: str | Finding) -> str:
    """Return a sentence as an item; a claim with an item below it per level."""
    if isinstance(item, str):
        return f"- {escape_markdown(item)}"
    return "\n".join([f"- {escape_markdown(item.claim)}:", *(f"  - {escape_markdown(level)}" for level in item.levels)])


def as_markdown(tables: Sequence[Table], lines: Sequence[str]) -> str:
    """Return tables and lines in Markdown."""
    return "\n\n".join([*map(_markdown_table, tables), *map(escape_markdown, lines)]) + "\n"


def _markdown_table(table: Table) -> str:
    cells = [tuple(map(escape_markdown, row)) for row in (table.header, *_without_repetition(table.rows))]
    widths = [max(3, *map(len, column)) for column in zip(*cells, strict=True)]
    rule = ["-" * (width - 1) + ("-" if i < table.text_columns else ":") for i, width in enumerate(widths)]
    lines = [f"| {' | '.join(_padded(row, widths, table.text_columns))} |" for row in cells]
    return "\n".join([f"**{escape_markdown(table.title)}**", "", lines[0], f"| {' | '.join(rule)} |", *lines[1:]])


def escape_markdown(text: str) -> str:
    """Return text that Markdown shows as it is."""
    return "".join(f"\\{character}" if character in r"\|*_`<>" else character for character in text)


def as_latex(tables: Sequence[Table], lines: Sequence[str]) -> str:
    """Return floating tables and the lines as a paragraph; the document loads booktabs and graphicx, in UTF-8."""
    notes = " ".join(map(escape_latex, lines))
    return "\n\n".join([*map(_latex_table, tables), rf"{{\footnotesize {notes}\par}}"]) + "\n"


def _latex_table(table: Table) -> str:
    columns = "l" * table.text_columns + "r" * (len(table.header) - table.text_columns)
    header, *rows = (
        " & ".join(map(escape_latex, row)) + r" \\" for row in (table.header, *_without_repetition(table.rows))
    )
    return "\n".join(
        [
            r"\begin{table}",
            r"\centering",
            rf"\caption{{{escape_latex(table.title)}}}",
            # As wide as it is, but never wider than the line.
            r"\resizebox{\ifdim\width>\linewidth\linewidth\else\width\fi}{!}{%",
            rf"\begin{{tabular}}{{{columns}}}",
            r"\toprule",
            header,
            r"\midrule",
            *rows,
            r"\bottomrule",
            r"\end{tabular}}",
            r"\end{table}",
        ]
    )


def escape_latex(text: str) -> str:
    """Return text that LaTeX sets as it is, with the signs of numbers in mathematics.

    A cell that starts with a bracket is protected, which the line break before it would otherwise take for
    its optional argument.
    """
    escaped = "".join(LATEX.get(character, character) for character in text)
    return "{}" * escaped.startswith("[") + SIGN.sub(lambda sign: f"${sign[0]}$", escaped)


def _without_repetition(rows: Sequence[tuple[str, ...]]) -> list[tuple[str, ...]]:
    """Return the rows with the first cell only where it differs from the one above."""
    above = [None, *(row[0] for row in rows)]
    return [(row[0] if row[0] != last else "", *row[1:]) for row, last in zip(rows, above, strict=False)]


def _padded(row: Sequence[str], widths: Sequence[int], text_columns: int) -> list[str]:
    """Return the cells in columns: text to the left, numbers to the right."""
    return [
        cell.ljust(width) if place < text_columns else cell.rjust(width)
        for place, (cell, width) in enumerate(zip(row, widths, strict=True))
    ]
