"""Text and tables in Markdown and LaTeX, which show them as they are."""

import re
from collections.abc import Sequence

import pandas as pd

from supernet_bench.analysis.pages.tables import Table

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


def escape_markdown(text: str) -> str:
    """Return text that Markdown shows as it is."""
    return "".join(f"\\{character}" if character in r"\|*_`<>" else character for character in text)


def escape_latex(text: str) -> str:
    """Return text that LaTeX sets as it is, with the signs of numbers in mathematics.

    A cell that starts with a bracket is protected, which the line break before it would otherwise take for
    its optional argument.
    """
    escaped = "".join(LATEX.get(character, character) for character in text)
    return "{}" * escaped.startswith("[") + SIGN.sub(lambda sign: f"${sign[0]}$", escaped)


def aligned(table: Table) -> list[list[str]]:
    """Return the cells of the lines of a table in Markdown, the header and its rule first, in columns."""
    rows = [list(map(escape_markdown, row)) for row in (table.header, *_without_repetition(table.rows))]
    widths = [max(3, *map(len, column)) for column in zip(*rows, strict=True)]
    texts = [place < table.text_columns for place in range(len(widths))]
    rule = ["-" * (width - 1) + ("-" if text else ":") for width, text in zip(widths, texts, strict=True)]
    padded = [
        [cell.ljust(width) if text else cell.rjust(width) for cell, width, text in zip(row, widths, texts, strict=True)]
        for row in rows
    ]
    return [padded[0], rule, *padded[1:]]


def tabular(table: Table) -> str:
    """Return a table in LaTeX; the document loads booktabs."""
    frame = pd.DataFrame(_without_repetition(table.rows), columns=range(len(table.header)), dtype=str)
    styled = frame.style.hide(axis="index").format(lambda cell: escape_latex(str(cell)))
    styled.format_index(lambda place: escape_latex(table.header[int(str(place))]), axis="columns")
    columns = "l" * table.text_columns + "r" * (len(table.header) - table.text_columns)
    return str(styled.to_latex(column_format=columns, hrules=True)).rstrip()


def _without_repetition(rows: Sequence[tuple[str, ...]]) -> list[tuple[str, ...]]:
    """Return the rows with the first cell only where it differs from the one above."""
    above = [None, *(row[0] for row in rows)]
    return [(row[0] if row[0] != last else "", *row[1:]) for row, last in zip(rows, above, strict=False)]
