"""What all figures share: colours, fonts, text that stays inside, and how they are saved."""

import re
import textwrap
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import matplotlib
import numpy as np
from matplotlib.figure import Figure
from PIL import Image

from supernet_bench.analysis.effects.effects import Effect
from supernet_bench.analysis.figures.svg import as_svg

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

NAMED = (BLUE, ORANGE, GREEN, PINK, SKY, GREY, BLACK)
"""Those that a palette never loses."""

BASELINE_COLOR = ORANGE
"""Of the baseline in every figure, and of nothing else."""

LINE = 0.16
"""Height of a line of text, in inches."""

CHARACTER = 0.078
"""Mean width of a character of 9 points, in inches, with some to spare."""

FORMATS = (".png", ".svg")
"""That every figure is written in."""

PALETTE = 256
"""Colours of a published PNG, which make it a third as large."""


@contextmanager
def style() -> Iterator[None]:
    """Set fonts, grid and reproducible SVG for figures made and saved inside; older settings come back."""
    settings: dict[Any, Any] = {
        "font.family": "sans-serif",
        # The first comes with matplotlib. A browser that lacks it takes the second, whose letters are as wide.
        "font.sans-serif": ["DejaVu Sans", "Verdana", "sans-serif"],
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
        "hatch.linewidth": 0.6,
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


def level_name(effect: Effect) -> str:
    """Return the name of a level, and what is special about it."""
    truth = " (uses truth)" if effect.level.uses_truth else ""
    return effect.level.label + truth + (" (baseline)" if effect.level.baseline else "")


def save(figure: Figure, folder: Path, name: str) -> str:
    """Write a figure as PNG, and as SVG with its values, which is returned; use it inside `style`."""
    figure.savefig(folder / f"{name}.png")
    svg = as_svg(figure, name)
    (folder / f"{name}.svg").write_text(svg, encoding="utf-8")
    return svg


def save_small(figure: Figure, folder: Path, name: str) -> None:
    """Write a figure as it is published, as SVG and as a PNG with a palette; use it inside `style`."""
    file = folder / f"{name}.png"
    figure.savefig(file)
    # Where published figures are looked at, nothing can be pointed at.
    file.with_suffix(".svg").write_text(as_svg(figure, name, pointed=False), encoding="utf-8")
    with Image.open(file) as image:
        with_palette(image).save(file, optimize=True)


def with_palette(image: Image.Image) -> Image.Image:
    """Return an image in `PALETTE` colours: each that is named here and in it, what fills most of it, what is between.

    The usual ways to choose a palette merge what is rare, such as the few pixels of a mark in a legend or of a colour
    bar. Half of this one is what is most frequent; the other half is, one after the other, the colour that is furthest
    from all so far (Gonzalez 1985, Clustering to Minimize the Maximum Intercluster Distance).
    """
    pixels = np.asarray(image.convert("RGB")).astype(np.int32)
    codes = (pixels[..., 0] << 16) | (pixels[..., 1] << 8) | pixels[..., 2]
    found, where, counts = np.unique(codes, return_inverse=True, return_counts=True)
    counts[np.isin(found, [int(color[1:], 16) for color in NAMED])] = codes.size
    order = np.argsort(-counts, kind="stable")
    kept, nearest = _spread(_channels(found)[order], PALETTE)
    nearest = nearest[np.argsort(order, kind="stable")]
    small = Image.fromarray(nearest[where].reshape(codes.shape).astype(np.uint8), mode="P")
    small.putpalette(kept.astype(np.uint8).tobytes())
    return small


def _channels(codes: np.ndarray) -> np.ndarray:
    """Return red, green and blue of colours in one number each, [n, 3]."""
    return np.stack([codes >> 16, codes >> 8 & 255, codes & 255], axis=1)


def _spread(colors: np.ndarray, most: int) -> tuple[np.ndarray, np.ndarray]:
    """Return which colours are kept, [kept, 3], and the place of the nearest of these for each of all, int [n].

    Parameters
    ----------
    colors : ndarray of int, [n, 3]
        The most frequent first.
    most : int
        How many are kept.
    """
    chosen, nearest = [], np.zeros(len(colors), dtype=np.int64)
    distance = np.full(len(colors), np.iinfo(np.int64).max)
    for place in range(min(most, len(colors))):
        new = place if place < most // 2 else int(distance.argmax())
        chosen.append(new)
        apart = ((colors - colors[new]) ** 2).sum(axis=1)
        nearest[apart < distance] = place
        distance = np.minimum(distance, apart)
    return colors[chosen], nearest
