"""What exists, as tables for a terminal."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, get_type_hints

from rich.table import Table

from benchmark.parameters import allowed, build, in_words, settings, values_of
from benchmark.registry import heuristic_types, image_types, is_neutral, space_types
from benchmark.study import load_study, shipped_studies

if TYPE_CHECKING:
    from heuristics.base import Heuristic


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
    table = Table("factor", "heuristic", "settings, levels of a sweep, source", title="heuristics", show_lines=True)
    for name, kind in sorted(heuristic_types().items(), key=lambda item: (item[1].factor, item[0])):
        marks = "\n(default)" if kind.default else ""
        levels = "levels: " + "; ".join(_level(kind, level) for level in kind.levels)
        table.add_row(kind.factor, name + marks, "\n".join(filter(None, [_settings(kind), levels, kind.source])))
    return table


def _level(kind: "type[Heuristic]", level: Mapping[str, Any]) -> str:
    sees = kind.uses_truth and not is_neutral(kind, values_of(build(kind, level, kind.name)))
    return (in_words(level) or kind.name) + (" (sees published accuracies)" if sees else "")


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
