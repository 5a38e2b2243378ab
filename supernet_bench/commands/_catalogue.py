"""What exists, for a terminal."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, get_type_hints

from supernet_bench.benchmark.plugins.registry import heuristic_types, image_types, proxy_types, space_types
from supernet_bench.benchmark.study.study import load_study, shipped_studies
from supernet_bench.core.errors import InputError
from supernet_bench.core.output import wrapped
from supernet_bench.core.settings import allowed, build, in_words, required, settings
from supernet_bench.heuristics.base import is_neutral

if TYPE_CHECKING:
    from supernet_bench.heuristics.base import Heuristic


@dataclass(frozen=True)
class Entry:
    """One thing that exists.

    Attributes
    ----------
    name : str
    mark : str
        What has to stand beside it.
    lines : tuple of str
        What there is to know about it.
    """

    name: str
    mark: str
    lines: tuple[str, ...]


def catalogue(what: str) -> Iterator[Entry]:
    """Yield all ``"spaces"``, ``"images"``, ``"heuristics"``, ``"proxies"`` or ``"studies"``."""
    listed = {
        "spaces": _spaces,
        "images": _images,
        "heuristics": _heuristics,
        "proxies": _proxies,
        "studies": _studies,
    }
    return listed[what]()


def as_text(entry: Entry) -> str:
    """Return an entry for a terminal, its name on a line of its own."""
    head = f"{entry.name} ({entry.mark})" if entry.mark else entry.name
    return "\n".join([head, *(wrapped(line, "  ", "    ") for line in entry.lines if line)])


def _spaces() -> Iterator[Entry]:
    for name, kind in space_types().items():
        space = kind()
        size = f"{space.size:,} architectures, {len(space.choices)} decisions"
        yield Entry(name, "", (size, *_settings(kind), kind.source))


def _images() -> Iterator[Entry]:
    for name, kind in image_types().items():
        yield Entry(name, "", (*_settings(kind), kind.source))


def _proxies() -> Iterator[Entry]:
    for name, kind in proxy_types().items():
        about = " ".join((kind.__doc__ or "").split("\n\n")[0].split())
        yield Entry(name, "", (about, *_settings(kind), kind.source))


def _heuristics() -> Iterator[Entry]:
    for name, kind in sorted(heuristic_types().items(), key=lambda item: (item[1].factor, item[0])):
        mark = f"factor {kind.factor}{', default' if kind.default else ''}"
        levels = "levels: " + "; ".join(level_in_words(kind, level) for level in kind.levels)
        yield Entry(name, mark, (*_settings(kind), levels, kind.source))


def level_in_words(kind: "type[Heuristic]", level: Mapping[str, Any]) -> str:
    """Return one level of a heuristic, with whether training then sees published accuracies."""
    sees = kind.uses_truth and not is_neutral(build(kind, level, kind.name))
    return (in_words(level) or kind.name) + (" (sees published accuracies)" if sees else "")


def _studies() -> Iterator[Entry]:
    for name in shipped_studies():
        try:
            study = load_study(name)
        except InputError as error:  # It uses a plug-in that is broken; the others do not.
            yield Entry(name, "", (str(error),))
            continue
        baseline = study.baseline
        size = f"{len(study.runs())} runs, {baseline.training.epochs} epochs"
        factors = ", ".join(factor.name for factor in study.factors)
        about = (study.title, f"space {baseline.space.name}, images {baseline.images.name}, {size}")
        yield Entry(name, "", (*about, f"factors: {factors}"))


def _settings(kind: type) -> list[str]:
    return [
        f"{name}{f' = {default[0]!r}' if default else ''}: {about} ({words})"
        for name, default, words, about in described(kind)
    ]


def described(kind: type) -> Iterator[tuple[str, tuple[Any, ...], str, str]]:
    """Yield of each setting of a plug-in its name, its default if it has one, what is allowed, and what it is."""
    hints, needed = get_type_hints(kind), required(kind)
    for field in settings(kind):
        default = () if field.name in needed else (field.default,)
        yield field.name, default, allowed(hints[field.name], field), field.metadata.get("help", "")
