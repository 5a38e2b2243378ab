"""The figure and the file of `speed.growth`."""

import io
import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from speed.growth import Fit, Growth
from supernet_bench.core.files import write_atomically


def write_figure(found: Sequence[tuple[Growth, Fit]], folder: Path) -> None:
    """Write growth.png and growth.svg: times against each size, with the fitted line, from zero on both axes."""
    from matplotlib.figure import Figure

    from supernet_bench.analysis.figures.style import BLUE, GREY, style

    with style():
        figure = Figure(figsize=(3.2 * len(found), 3.0), layout="constrained")
        for axes, (growth, line) in zip(figure.subplots(1, len(found)), found, strict=True):
            ends = np.array([0, growth.sizes.max()])
            axes.plot(ends, line.intercept + line.slope * ends, color=GREY, linewidth=1)
            axes.plot(growth.sizes, growth.seconds, "o", color=BLUE, markersize=4, alpha=0.6)
            low, high = line.interval
            axes.set_title(f"R² {line.r_squared:.3f}, exponent {line.exponent:.2f} ({low:.2f} to {high:.2f})")
            axes.set_xlabel(growth.what)
            axes.set_ylabel("seconds")
            axes.set_xlim(left=0)
            axes.set_ylim(bottom=0)
        for kind in ("png", "svg"):
            content = io.BytesIO()
            figure.savefig(content, format=kind, metadata={"Date": None} if kind == "svg" else None)
            write_atomically(folder / f"growth.{kind}", content.getvalue())


def write_json(found: Sequence[tuple[Growth, Fit]], folder: Path) -> None:
    """Write growth.json: every time, and the fits."""
    content = [
        {
            "what": growth.what,
            "sizes": growth.sizes.tolist(),
            "seconds": growth.seconds.tolist(),
            "slope": line.slope,
            "intercept": line.intercept,
            "r_squared": line.r_squared,
            "exponent": line.exponent,
            "interval": line.interval,
        }
        for growth, line in found
    ]
    write_atomically(folder / "growth.json", json.dumps(content, indent=1).encode())
