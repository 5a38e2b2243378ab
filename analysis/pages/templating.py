"""Templates: words in sentences, and how a page is laid out in each format.

Words are in ``templates/words``, a paragraph between empty lines, in no format: what shows them escapes them.
"""

import math
import re
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from supernet_bench.analysis import numbers
from supernet_bench.analysis.effects.intervals import ALPHA, CONFIDENCE
from supernet_bench.analysis.effects.references import NOISE_CEILING
from supernet_bench.analysis.pages.markup import aligned, escape_latex, escape_markdown, tabular
from supernet_bench.analysis.ranking.scores import BROUGHT
from supernet_bench.core.output import count

TEMPLATES = Path(__file__).with_name("templates")

FILTERS: Mapping[str, Callable[..., Any]] = {
    "aligned": aligned,
    "correlation": numbers.correlation,
    "count": count,
    "interval": numbers.interval,
    "lost_note": numbers.lost_note,
    "marked": numbers.marked,
    "marks": numbers.marks,
    "number": numbers.number,
    "with_interval": numbers.with_interval,
    "kind": lambda block: type(block).__name__,
    "latex": escape_latex,
    "markdown": escape_markdown,
    "tabular": tabular,
}
CONSTANTS = {
    "BROUGHT": BROUGHT,
    "CONFIDENCE": CONFIDENCE,
    "CORRECTED": numbers.CORRECTED,
    "NOISE_CEILING": NOISE_CEILING,
    "NOT_DECIDABLE": numbers.NOT_DECIDABLE,
    "ONE_SEED": numbers.ONE_SEED,
    "UNCORRECTED": numbers.UNCORRECTED,
    "USES_TRUTH": numbers.USES_TRUTH,
    "percent": f"{100 * ALPHA:.0f}",
}


def render(template: str, **content: Any) -> str:
    """Return a template with its content; what is in HTML escapes every text that it is given.

    Where parts are left out, one empty line is enough.
    """
    text = _environment().get_template(template).render(content)
    return re.sub(r"\n{3,}", "\n\n", text).strip() + "\n"


def paragraphs(template: str, **content: Any) -> list[str]:
    """Return the paragraphs of a template of words, each on one line."""
    text = render(f"words/{template}.jinja", **content)
    return [re.sub(r"\s+", " ", part).strip() for part in re.split(r"\n\s*\n", text) if part.strip()]


def _named(part: object) -> str:
    """Return the name and the settings of a space, images or a heuristic."""
    if not isinstance(part, Mapping):
        return "unknown"
    settings = _settings(part, "name")
    return f"{part.get('name', 'unknown')}{f' ({settings})' if settings else ''}"


def _settings(part: object, *without: str) -> str:
    """Return settings with their values, but for some; nothing of what is no table of settings."""
    if not isinstance(part, Mapping):
        return ""
    shown = {name: value for name, value in part.items() if name not in without}
    return ", ".join(
        f"{name}={str(value).lower() if isinstance(value, bool) else value}" for name, value in shown.items()
    )


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=lambda name: name is not None and ".html" in name,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters.update(FILTERS, named=_named, settings=_settings)
    environment.globals.update(CONSTANTS)
    environment.tests["known"] = lambda value: not math.isnan(value)
    return environment
