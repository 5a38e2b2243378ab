"""The page of a leaderboard, and its table for programs."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import pandas as pd

from supernet_bench.analysis.effects.intervals import Estimate
from supernet_bench.analysis.effects.leaderboard import Board, Entry
from supernet_bench.analysis.figures.leaderboard import draw_leaderboard
from supernet_bench.analysis.figures.style import file_names, save, style
from supernet_bench.analysis.numbers import (
    DECIMALS,
    NONE,
    NOT_DECIDABLE,
    ONE_SEED,
    USES_TRUTH,
    in_full,
    marks,
    with_interval,
)
from supernet_bench.analysis.pages.render import as_markdown
from supernet_bench.analysis.pages.tables import Column, Table
from supernet_bench.analysis.pages.tables import Entry as Cell
from supernet_bench.core.folders import files_of, replaced
from supernet_bench.core.output import WIDTH, wrapped

PAGE, TABLE, PLOTS = "leaderboard.md", "leaderboard.csv", "plots"
CONTENTS = frozenset((PAGE, TABLE, PLOTS))

COLUMNS = (
    Column("tau", "tau"),
    Column("tau_better_half", "tau, better half"),
    Column("regret_at_10", "regret at 10 (%)", 100, 2),
)
"""Metrics that are shown, of those that there are."""

NOTES = (
    "Sorted by Kendall's tau-b with the truth, the mean over seeds, with 95 % intervals; the rows of a table are of "
    "one space and one column of published accuracies, and those of different tables cannot be compared.",
    "Each row is of the architectures that its study scored, whose number is in the table: studies that scored others "
    "estimate the same, and their intervals say how well. Regret at 10 is within the scored architectures, so that of "
    "studies with different numbers of them is not the same.",
    f"{ONE_SEED} {NOT_DECIDABLE}: the interval covers architectures alone. {USES_TRUTH} looks at published accuracies.",
)


def write_leaderboard(found: Sequence[Board], folder: Path) -> list[Path]:
    """Write a page, a table and a plot for each board; return the files.

    Raises
    ------
    InputError
        If the folder holds anything else.
    """
    plots = file_names(_title(board) for board in found)
    with replaced(folder.absolute(), CONTENTS) as new:
        (new / PLOTS).mkdir()
        with style():
            for board in found:
                metrics = {each.metric: (each.header, each.scale) for each in _columns(board)}
                save(draw_leaderboard(board, metrics), new / PLOTS, plots[_title(board)])
        frame = pd.DataFrame([row for board in found for row in _rows(board)])
        frame.to_csv(new / TABLE, index=False, float_format="%.6f", lineterminator="\n")
        (new / PAGE).write_text(_page(found, plots), encoding="utf-8")
    return files_of(folder)


def leaderboard_text(found: Sequence[Board]) -> str:
    """Return the boards for a terminal: tau, its interval and the name in each line."""
    return "\n\n".join("\n".join([wrapped(_title(board)), "", *_lines(board)]) for board in found)


def _lines(board: Board) -> Iterator[str]:
    taus = [with_interval(entry.tau) + marks(entry.tau) for entry in board.entries]
    width = max(map(len, taus), default=0)
    for tau, entry in zip(taus, board.entries, strict=True):
        line = f"{tau:{width}}  {_name(entry)}, {', '.join(entry.studies)}"
        yield wrapped(line, "", " " * (width + 2)) if len(line) > WIDTH else line


def _title(board: Board) -> str:
    return f"{board.space}, truth {board.target} of {board.table}"


def _name(entry: Entry) -> str:
    return f"{entry.name} {USES_TRUTH}" if entry.uses_truth else entry.name


def _columns(board: Board) -> list[Column]:
    return [column for column in COLUMNS if any(column.metric in entry.estimates for entry in board.entries)]


def _page(found: Sequence[Board], plots: Mapping[str, str]) -> str:
    tables = as_markdown([_table(board) for board in found], NOTES)
    pictures = "\n\n".join(f"![{_title(board)}]({PLOTS}/{plots[_title(board)]}.svg)" for board in found)
    return f"# Leaderboard\n\n{tables}\n{pictures}\n"


def _table(board: Board) -> Table:
    columns = _columns(board)
    header = ("what", "kind", "study", "architectures", "seeds", *(column.header for column in columns))
    rows = (
        (
            _name(entry),
            entry.kind,
            ", ".join(entry.studies),
            str(entry.tau.architectures),
            str(entry.tau.seeds or NONE),
            *(_cell(entry.estimates.get(column.metric), column) for column in columns),
        )
        for entry in board.entries
    )
    return Table(_title(board), header, tuple(rows), 3)


def _cell(estimate: Estimate | None, column: Column) -> str:
    if estimate is None:
        return NONE
    text = with_interval(estimate, "", column.scale, column.decimals) + marks(estimate)
    return Cell(text, in_full(estimate, "", column.scale, column.decimals))


def _rows(board: Board) -> Iterator[dict[str, object]]:
    for place, entry in enumerate(board.entries, start=1):
        row: dict[str, object] = {
            "space": board.space,
            "table": board.table,
            "target": board.target,
            "place": place,
            "what": entry.name,
            "kind": entry.kind,
            "studies": ", ".join(entry.studies),
            "uses_truth": entry.uses_truth,
            "architectures": entry.tau.architectures,
            "seeds": entry.tau.seeds,
        }
        for column in COLUMNS:
            estimate = entry.estimates.get(column.metric)
            ends = (estimate.value, estimate.low, estimate.high) if estimate else (None, None, None)
            names = (column.metric, f"{column.metric}_low", f"{column.metric}_high")
            row |= {name: None if end is None else round(end, DECIMALS) for name, end in zip(names, ends, strict=True)}
        yield row
