"""What is printed after a study: the main tables, how many effects are shown, and what the numbers rest on."""

from collections.abc import Iterator, Sequence
from itertools import groupby

from supernet_bench.analysis.effects.effects import REFERENCE, Effect, Effects
from supernet_bench.analysis.effects.intervals import Estimate
from supernet_bench.analysis.numbers import NONE, interval, marks, number, with_interval
from supernet_bench.analysis.pages.notes import terminal_notes
from supernet_bench.analysis.pages.tables import EFFECTS_TITLE, REFERENCES_TITLE, level_name, runs_cell
from supernet_bench.analysis.results import Results
from supernet_bench.core.output import WIDTH, wrapped

Row = tuple[str, str, str, str, str]
"""Factor, level, tau and its interval, and the difference with its own."""


def terminal_text(results: Results, effects: Effects) -> str:
    """Return the main tables and a few lines on them, no wider than a terminal; no name is cut.

    Parameters
    ----------
    results : Results
    effects : Effects
        Of these results.
    """
    levels = [_row(effect, effect.difference) for effect in effects.levels]
    references = [_row(effect, effect.baseline_minus_this) for effect in effects.references]
    parts = [
        *_table(EFFECTS_TITLE, "difference", levels),
        "",
        *_table(REFERENCES_TITLE, "baseline - this", references),
        "",
        *map(wrapped, terminal_notes(results, effects)),
    ]
    return "\n".join(parts) + "\n"


def _row(effect: Effect, difference: Estimate | None) -> Row:
    lost = f" ({runs_cell(effect)})" if effect.counts.lost else ""
    tau, ends = number(effect.tau.value), interval(effect.tau) + marks(effect.tau)
    compared = NONE if difference is None else with_interval(difference, "+") + marks(difference)
    return effect.level.factor, f"{level_name(effect)}{lost}", tau, ends, compared


def _table(title: str, difference: str, rows: Sequence[Row]) -> Iterator[str]:
    """Yield the lines of a table, the levels of a factor below its name."""
    head = ("", "", "tau", "[95 %]", f"{difference} [95 %]")
    tau, ends, other = (max(len(row[place]) for row in (head, *rows)) for place in (2, 3, 4))
    names = WIDTH - tau - ends - other - 5
    yield from (wrapped(title), "", f"{'':{names}}  {head[2]:>{tau}} {head[3]:>{ends}}  {head[4]}")
    for factor, levels in groupby(rows, key=lambda row: row[0]):
        below = list(levels)
        indent = "" if factor == REFERENCE or [row[1] for row in below] == [factor] else "  "
        if indent:
            yield wrapped(factor)
        for _, level, value, bounds, compared in below:
            name = f"{indent}{level}"
            if len(name) > names:  # A line of its own, instead of a part of it.
                yield wrapped(level, indent, indent + "  ")
                name = ""
            yield f"{name:{names}}  {value:>{tau}} {bounds:>{ends}}  {compared}"
