"""What exists, as tables for a terminal."""

from typing import get_type_hints

from rich.table import Table

from benchmark.parameters import allowed, in_words, settings
from benchmark.registry import heuristic_types, image_types, space_types
from benchmark.study import load_study, shipped_studies


def catalogue(what: str) -> Table:
    """Return the table of all ``"spaces"``, ``"images"``, ``"heuristics"`` or ``"studies"``."""
    return {"spaces": _spaces, "images": _images, "heuristics": _heuristics, "studies": _studies}[what]()


def _spaces() -> Table:
    table = Table("space", "architectures", "decisions", "settings", "source", title="spaces", show_lines=True)
    for name, kind in space_types().items():
        space = kind()
        table.add_row(name, f"{space.size:,}", str(len(space.choices)), _settings(kind), kind.source)
    return table


def _images() -> Table:
    table = Table("images", "settings", "source", title="images", show_lines=True)
    for name, kind in image_types().items():
        table.add_row(name, _settings(kind), kind.source)
    return table


def _heuristics() -> Table:
    table = Table("factor", "heuristic", "settings", "levels", "source", title="heuristics", show_lines=True)
    for name, kind in sorted(heuristic_types().items(), key=lambda item: (item[1].factor, item[0])):
        marks = " (default)" if kind.default else ""
        marks += " (sees published accuracies)" if kind.uses_truth else ""
        levels = "\n".join(in_words(level) or name for level in kind.levels)
        table.add_row(kind.factor, name + marks, _settings(kind), levels, kind.source)
    return table


def _studies() -> Table:
    table = Table("study", "what", "space", "images", "runs", "epochs", "factors", title="studies", show_lines=True)
    for name in shipped_studies():
        study = load_study(name)
        table.add_row(
            name,
            study.title,
            study.baseline.space.name,
            study.baseline.images.name,
            str(len(study.runs())),
            str(study.baseline.training.epochs),
            ", ".join(factor.name for factor in study.factors),
        )
    return table


def _settings(kind: type) -> str:
    hints = get_type_hints(kind)
    return "\n".join(
        f"{field.name} = {field.default!r}: {field.metadata.get('help', '')} ({allowed(hints[field.name], field)})"
        for field in settings(kind)
    )
