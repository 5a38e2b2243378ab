"""The page of all heuristics that come with the suite, ``docs/heuristics.md``, from their declarations."""

import inspect
import json
import re
from collections.abc import Iterator
from pathlib import Path

from supernet_bench.benchmark.plugins.registry import heuristic_types
from supernet_bench.benchmark.plugins.rivals import ships
from supernet_bench.commands._catalogue import described, level_in_words
from supernet_bench.core.files import write_atomically
from supernet_bench.core.settings import in_words
from supernet_bench.heuristics.base import Heuristic, neutral_settings

PAGE = Path("docs/heuristics.md")
"""From the root of a checkout, where ``make docs`` runs."""

INTRODUCTION = """\
# The heuristics

*Written by `make docs` from the declarations in [`heuristics/`](../heuristics); change those, not this page.*

A heuristic is one toggle of how a supernet is trained or scored. It varies one **factor**; a run has exactly one
heuristic of each factor, the default where the study names none. A **level** is one setting of a factor. Settings that
are scales are relative to the study, so that a level means the same in all of them. [Studies](studies.md) says how to
name levels, [findings](findings.md) what they were measured to do, and
[CONTRIBUTING](../CONTRIBUTING.md#a-new-heuristic) how to write one. `supernet-bench list heuristics` shows these, and
those of other installed packages.

‡ can look at published accuracies while it trains; its levels that do are marked in every table, and the accuracies of
scored architectures stay hidden from it.
"""


def handbook() -> str:
    """Return the page, in Markdown."""
    shipped = [kind for kind in heuristic_types().values() if ships(kind, "supernet_bench.heuristics")]
    kinds = sorted(shipped, key=lambda kind: (kind.factor, kind.name))
    rows = [
        f"| `{kind.factor}` | [{kind.name}](#{kind.name}){' ‡' if kind.uses_truth else ''} | {_text(kind)[0]} |"
        for kind in kinds
    ]
    overview = "\n".join(["| factor | heuristic | |", "| --- | --- | --- |", *rows])
    return "\n".join([INTRODUCTION, overview, *map(_section, kinds)])


def _section(kind: type[Heuristic]) -> str:
    facts = "\n".join(f"* {fact}" for fact in _facts(kind))
    return "\n\n".join(filter(None, [f"\n## {kind.name}", *_text(kind), _settings(kind), facts]))


def _settings(kind: type[Heuristic]) -> str:
    rows = [
        f"| `{name}` | {f'`{json.dumps(default[0])}`' if default else 'none'} | {words} | {about} |"
        for name, default, words, about in described(kind)
    ]
    return "\n".join(["| setting | default | allowed | |", "| --- | --- | --- | --- |", *rows]) if rows else ""


def _facts(kind: type[Heuristic]) -> Iterator[str]:
    yield f"Factor: `{kind.factor}`" + (", and its default" if kind.default else "")
    yield f"Levels of a sweep: {'; '.join(level_in_words(kind, level) for level in kind.levels)}"
    neutral = neutral_settings(kind)
    if neutral is not None:
        yield f"Changes nothing, bit for bit, at: {in_words(neutral) or kind.name}"
    if kind.uses_truth:
        yield "Sees published accuracies while it trains, except where it changes nothing"
    if kind.conflicts:
        yield f"Cannot be combined with: {', '.join(kind.conflicts)}"
    yield f"Source: {linked(kind.source)}"


def _text(kind: type[Heuristic]) -> list[str]:
    """Return the paragraphs of what it does; asterisks of products are no emphasis."""
    text = re.sub(r"(?<=\w)\*(?=\w)", r"\\*", inspect.cleandoc(kind.__doc__ or ""))
    return text.split("\n\n")


def linked(source: str) -> str:
    """Return the source of a plug-in with a link to its preprint."""
    return re.sub(r"arXiv (\d{4}\.\d{5})", r"[arXiv \1](https://arxiv.org/abs/\1)", source)


if __name__ == "__main__":
    write_atomically(PAGE, handbook().encode())
