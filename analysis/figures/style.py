"""What all figures share: colours, fonts, and text that stays inside."""

import re
import textwrap
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import matplotlib
from matplotlib.figure import Figure

from supernet_bench.analysis.effects.effects import Effect

BLUE, ORANGE, GREEN, PINK, SKY, GREY, BLACK = (
    "#0072B2",
    "#D55E00",
    "#009E73",
    "#CC79A7",
    "#56B4E9",
    "#8a8a8a",
    "#222222",
)
"""Okabe and Ito's colours, which stay apart for colour-blind readers."""

BASELINE_COLOR = ORANGE
"""Of the baseline in every figure, and of nothing else."""

LINE = 0.16
"""Height of a line of text, in inches."""

CHARACTER = 0.078
"""Mean width of a character of 9 points, in inches, with some to spare."""


@contextmanager
def style() -> Iterator[None]:
    """Set fonts, grid and reproducible SVG for figures made and saved inside; older settings come back."""
    settings: dict[Any, Any] = {
        "font.family": "DejaVu Sans",
        "font.size": 9,
        "axes.titlesize": 9,
        "axes.titlelocation": "left",
        "axes.spines.top": False,
        "axes.spines.right": False,
        "axes.grid": True,
        "axes.axisbelow": True,
        "figure.titlesize": 10,
        "grid.color": "#e6e6e6",
        "legend.frameon": False,
        "legend.fontsize": 8,
        "svg.fonttype": "none",
        "svg.hashsalt": "supernet-bench",
        "savefig.dpi": 150,
        # A level may be called $x$.
        "text.parse_math": False,
    }
    with matplotlib.rc_context(settings):
        yield


def file_names(texts: Iterable[str]) -> dict[str, str]:
    """Return a part of a file name for each text, different for different texts on every file system."""
    names: dict[str, str] = {}
    for text in dict.fromkeys(texts):
        stem = name = re.sub(r"\W+", "_", text).strip("_") or "factor"
        number = 2
        while name.casefold() in {taken.casefold() for taken in names.values()}:
            name, number = f"{stem}_{number}", number + 1
        names[text] = name
    return names


def put_title(figure: Figure, *lines: str) -> None:
    """Write lines above all panels from the left edge of the figure, wrapped to its width."""
    characters = int((figure.get_figwidth() - 0.2) / (CHARACTER * 10 / 9))
    text = "\n".join(textwrap.fill(line, characters) for line in lines)
    figure.suptitle(text, x=0.1 / figure.get_figwidth(), ha="left")
    figure.set_figheight(figure.get_figheight() + 1.15 * LINE * (text.count("\n") + 1))


def level_label(effect: Effect, width: int = 36) -> str:
    """Return the name of a level, wrapped."""
    truth = " (uses truth)" if effect.level.uses_truth else ""
    return textwrap.fill(effect.level.name + truth + (" (baseline)" if effect.level.baseline else ""), width)
