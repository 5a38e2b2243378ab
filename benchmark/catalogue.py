"""What exists, as tables for a terminal."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, get_type_hints

from rich.markup import escape
from rich.table import Table

from benchmark.errors import InputError
from benchmark.parameters import allowed, build, in_words, required, settings, values_of
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
        _add(table, name, f"{space.size:,}", str(len(space.choices)), _settings(kind), kind.source)
    return table


def _images() -> Table:
    table = Table("images", "settings", "source", title="images", show_lines=True)
    for name, kind in image_types().items():
        _add(table, name, _settings(kind), kind.source)
    return table


def _heuristics() -> Table:
    table = Table("factor", "heuristic", "settings, levels of a sweep, source", title="heuristics", show_lines=True)
    for name, kind in sorted(heuristic_types().items(), key=lambda item: (item[1].factor, item[0])):
        marks = "\n(default)" if kind.default else ""
        levels = "levels: " + "; ".join(level_in_words(kind, level) for level in kind.levels)
        _add(table, kind.factor, name + marks, "\n".join(filter(None, [_settings(kind), levels, kind.source])))
    return table


def level_in_words(kind: "type[Heuristic]", level: Mapping[str, Any]) -> str:
    """Return one level of a heuristic, with whether training then sees published accuracies."""
    sees = kind.uses_truth and not is_neutral(kind, values_of(build(kind, level, kind.name)))
    return (in_words(level) or kind.name) + (" (sees published accuracies)" if sees else "")


def _studies() -> Table:
    table = Table("study", "what", "space", "images", "runs", "epochs", "factors", title="studies", show_lines=True)
    for name in shipped_studies():
        try:
            study = load_study(name)
        except InputError as error:  # It uses a plug-in that is broken; the others do not.
            _add(table, name, str(error))
            continue
        _add(
            table,
            name,
            study.title,
            study.baseline.space.name,
            study.baseline.images.name,
            str(len(study.runs())),
            str(study.baseline.training.epochs),
            ", ".join(factor.name for factor in study.factors),
        )
    return table


def _add(table: Table, *texts: str) -> None:
    """Add a row; brackets in what plug-ins and studies say are no markup."""
    table.add_row(*map(escape, texts))


def _settings(kind: type) -> str:
    hints, needed = get_type_hints(kind), required(kind)
    lines = []
    for field in settings(kind):
        default = "" if field.name in needed else f" = {field.default!r}"
        words = allowed(hints[field.name], field)
        lines.append(f"{field.name}{default}: {field.metadata.get('help', '')} ({words})")
    return "\n".join(lines)
