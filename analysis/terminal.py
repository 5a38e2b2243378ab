"""What is printed after a study: the main tables, how many effects are shown, and what the numbers rest on."""

from collections.abc import Iterator, Sequence
from itertools import groupby

from analysis.effects import Effect, Effects
from analysis.footnotes import facts, mark_notes, marks_line, runs_line
from analysis.formatting import NONE, marks, with_interval
from analysis.results import Results
from analysis.statistics import Estimate
from analysis.tables import EFFECTS_TITLE, REFERENCES_TITLE, level_name, runs_cell
from analysis.wording import chance_line, power_line
from benchmark.output import WIDTH, wrapped

Row = tuple[str, str, str, str]
"""Factor, level, tau, and difference."""


def terminal_text(results: Results, effects: Effects) -> str:
    """Return the main tables and a few lines on them, no wider than a terminal; no name is cut.

    Parameters
    ----------
    results : Results
    effects : Effects
        Of these results.
    """
    levels = [_row(effect, effect.difference) for effect in effects.levels]
    references = [("", *_row(effect, effect.baseline_minus_this)[1:]) for effect in effects.references]
    compared = [marks_line(effects), chance_line(effects), power_line(effects)] if effects.comparisons else []
    notes = [*compared, *mark_notes(effects), *facts(results, effects), runs_line(effects)]
    parts = [
        *_table(EFFECTS_TITLE, "difference", levels),
        "",
        *_table(REFERENCES_TITLE, "baseline - this", references),
        "",
        *map(wrapped, notes),
    ]
    return "\n".join(parts) + "\n"


def _row(effect: Effect, difference: Estimate | None) -> Row:
    lost = f" ({runs_cell(effect)})" if effect.counts.lost else ""
    return effect.level.factor, f"{level_name(effect)}{lost}", _value(effect.tau), _value(difference, "+")


def _value(estimate: Estimate | None, sign: str = "") -> str:
    return NONE if estimate is None else with_interval(estimate, sign) + marks(estimate)


def _table(title: str, difference: str, rows: Sequence[tuple[str, ...]]) -> Iterator[str]:
    """Yield the lines of a table, the levels of a factor below its name."""
    columns = ("tau [95 %]", f"{difference} [95 %]")
    tau, other = (max(map(len, (columns[place - 2], *(row[place] for row in rows)))) for place in (2, 3))
    names = WIDTH - tau - other - 4
    yield from (wrapped(title), "", f"{'':{names}}  {columns[0]:>{tau}}  {columns[1]}")
    for factor, levels in groupby(rows, key=lambda row: row[0]):
        below = list(levels)
        indent = "  " * (factor != "" and [row[1] for row in below] != [factor])
        if indent:
            yield wrapped(factor)
        for _, level, first, second in below:
            name = f"{indent}{level}"
            if len(name) > names:  # A line of its own, instead of a part of it.
                yield wrapped(level, indent, indent + "  ")
                name = ""
            yield f"{name:{names}}  {first:>{tau}}  {second}"
