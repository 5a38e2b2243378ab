"""What ranks without the supernets of a study, as lines: those that its pages speak of, and no others."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from matplotlib.axes import Axes

from supernet_bench.analysis.effects.effects import UNTRAINED, Effect, Effects
from supernet_bench.analysis.effects.intervals import Estimate
from supernet_bench.analysis.effects.references import NOISE_CEILING
from supernet_bench.analysis.figures.style import BLACK, GREEN, PINK, SKY
from supernet_bench.analysis.figures.svg import ABOVE, UNSEEN, say
from supernet_bench.analysis.numbers import in_full, number
from supernet_bench.analysis.ranking.scores import Kind

UNTRAINED_LOOK, COST_LOOK = (":", BLACK), ("-.", GREEN)
OTHER_LOOKS = (("--", PINK), ((0, (1, 1)), SKY), ((0, (6, 2)), PINK), ((0, (3, 1, 1, 1)), SKY), ("--", GREEN))
"""Lines and colours of further references, in their order."""

WORDS = {"tau": "tau", "tau_better_half": "tau of the better half"}
"""What the metrics are called in which lines are drawn."""

Line = str | tuple[int, tuple[int, ...]]


@dataclass(frozen=True)
class ReferenceLine:
    """A line across a panel with its interval as a band.

    Attributes
    ----------
    label : str
        With its value.
    value, low, high : float
        The ends are NaN where there is no interval.
    color : str
    line : str or (offset, (on, off, ...))
        Its dashes.
    said : str
        All of it in full.
    """

    label: str
    value: float
    low: float
    high: float
    color: str
    line: Line
    said: str


def main_references(effects: Effects) -> list[Effect]:
    """Return the untrained supernet and the cost that ranks best: what a trained supernet has to beat first."""
    rows = [effect for effect in effects.references if effect.level == UNTRAINED]
    cost = effects.strongest_cost
    return [effect for effect in (*rows, *([cost] if cost else [])) if not math.isnan(effect.tau.value)]


def all_references(effects: Effects) -> list[Effect]:
    """Return these, the best proxy, short trainings and what was imported; the ceiling is far above and left out."""
    proxies = [effect for effect in _known(effects) if effect.kind is Kind.PROXY]
    best = max(proxies, key=lambda effect: effect.tau.value, default=None)
    rows = [effect for effect in _known(effects) if effect.kind in (Kind.SHORT_TRAINING, Kind.IMPORTED)]
    return [*main_references(effects), *([best] if best else []), *rows]


def ceiling_of(effects: Effects) -> Estimate | None:
    """Return how well two published runs rank alike, where it is known."""
    return next((effect.tau for effect in _known(effects) if effect.level.name == NOISE_CEILING), None)


def _known(effects: Effects) -> list[Effect]:
    return [effect for effect in effects.references if not math.isnan(effect.tau.value)]


def reference_lines(rows: Sequence[Effect], metric: str = "tau") -> tuple[ReferenceLine, ...]:
    """Return the lines of references in a metric, of those that have it."""
    others = iter(OTHER_LOOKS * len(rows))
    looks = [
        UNTRAINED_LOOK if row.level == UNTRAINED else COST_LOOK if row.kind is Kind.COST else next(others)
        for row in rows
    ]
    found = ((row, row.estimates.get(metric), look) for row, look in zip(rows, looks, strict=True))
    words = WORDS[metric]
    return tuple(_line(row, tau, look, words) for row, tau, look in found if tau and not math.isnan(tau.value))


def _line(row: Effect, tau: Estimate, look: tuple[Line, str], words: str) -> ReferenceLine:
    line, color = look
    label = f"{row.level.name} ({number(tau.value, decimals=2)})"
    return ReferenceLine(label, tau.value, tau.low, tau.high, color, line, f"{row.level.name}, {words} {in_full(tau)}")


def draw_references(axes: Axes, lines: Sequence[ReferenceLine], across: bool = False) -> None:
    """Draw lines at their values of x, or `across` the panel at their values of y."""
    draw_line, draw_band = (axes.axhline, axes.axhspan) if across else (axes.axvline, axes.axvspan)
    for each in lines:
        draw_line(each.value, linestyle=each.line, color=each.color, linewidth=1.3, label=each.label, zorder=1)
        say(draw_line(each.value, color=UNSEEN, linewidth=6, zorder=ABOVE + 1), each.said)
        if not math.isnan(each.low):
            draw_band(each.low, each.high, color=each.color, alpha=0.1, linewidth=0, zorder=0)
