"""Running all checks on the plug-ins of a file."""

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from traceback import extract_tb
from typing import Any

import torch

from supernet_bench.benchmark.plugins.contracts import Broken, Mistake
from supernet_bench.benchmark.plugins.plugin_file import PluginFile
from supernet_bench.benchmark.plugins.registry import plugins_of
from supernet_bench.benchmark.study.spec import RunSpec
from supernet_bench.benchmark.training.trainer import Trainer
from supernet_bench.core.errors import InputError, in_one_line
from supernet_bench.core.settings import build, in_words, required, values_of
from supernet_bench.heuristics.base import Heuristic, is_neutral, neutral_settings
from supernet_bench.images.base import ImageSource
from supernet_bench.proxies.base import Proxy
from supernet_bench.records.store import Store
from supernet_bench.spaces.base import Space, TrainableSpace
from supernet_bench.testing import heuristics, images, networks, proxies, spaces
from supernet_bench.testing.runs import CELLS, small_run


def findings(file: PluginFile) -> Iterator[str]:
    """Yield a line for each thing that is wrong with the plug-ins of a file in use."""
    torch.set_num_threads(1)  # Small tensors are slower on many.
    for kind, plugins in plugins_of(file).items():
        for plugin in plugins:
            for attribute, reason in CHECKS[kind](plugin, file.path):
                yield str(Broken.of(kind, plugin, attribute, reason))


Found = Iterator[tuple[str, str]]
"""Attributes, empty for the class, and what is wrong with them."""


def _heuristic(kind: type[Heuristic], file: Path) -> Found:
    yield from _found(file, heuristics.check_declarations, kind)
    yield from _found(file, heuristics.check_levels, kind)
    if neutral_settings(kind) is not None:
        yield from _found(file, heuristics.check_neutral, kind, small_run())
    found = _Acting(kind)
    yield from _found(file, found.search)
    if found.spec is not None:
        yield from _found(file, heuristics.check_streams, found.level, found.spec)
        yield from _found(file, _check_resumes, found.level, found.spec)


def _space(kind: type[Space], file: Path) -> Found:
    space = spaces.small(kind)
    for of_space in spaces.OF_SPACES:
        yield from _found(file, of_space, space)
    if not isinstance(space, TrainableSpace):
        return
    told: set[tuple[str, str]] = set()
    for construction in networks.constructions(space).values():
        for of_networks in networks.OF_NETWORKS:
            found = set(_found(file, of_networks, space, construction))
            yield from sorted(found - told)  # What is wrong in all constructions is told once.
            told |= found


def _images(kind: type[ImageSource], file: Path) -> Found:
    if not required(kind):
        yield from _found(file, images.check_images, kind())


def _proxy(kind: type[Proxy], file: Path) -> Found:
    for check in proxies.OF_PROXIES:
        yield from _found(file, check, kind())


class _Acting:
    """The level of a heuristic, and the small run, in which it is seen to do something."""

    def __init__(self, kind: type[Heuristic]) -> None:
        self._kind = kind
        self.level: Heuristic | None = None
        self.spec: RunSpec | None = None

    def search(self) -> None:
        """Find them, or raise Mistake."""
        kind, refused = self._kind, []
        for space in ("toy", CELLS):
            for values in reversed(kind.levels):
                level = build(kind, values, kind.__name__)
                if is_neutral(level):
                    continue
                try:
                    # With the level in the spec, whoever is in conflict with the space or the others says so.
                    spec = small_run({kind.name: values_of(level)}, space=space)
                    if heuristics.acts(level, spec):
                        self.level, self.spec = level, spec
                        return
                except InputError as error:
                    refused.append(f"{in_words(values)}: {error}")
        if refused:
            raise Mistake("levels", f"has none that does something in a small run; of those refused, {refused[-1]}")
        raise Mistake("levels", "has none that does something in a small run; allowed: at least one")


def _check_resumes(level: Heuristic, spec: RunSpec) -> None:
    data = spec.load_images(None)
    with TemporaryDirectory() as folder:
        heuristics.check_resumes(
            lambda: Trainer(spec, data, torch.device("cpu"), truth=spec.space.truth), Store(Path(folder))
        )


def _found(file: Path, check: Callable[..., None], *given: Any) -> Found:
    """Yield what a check finds, be it that the plug-in raises an error."""
    try:
        check(*given)
    except Mistake as mistake:
        yield mistake.attribute, mistake.reason
    except InputError as error:
        yield "", f"cannot be used: {error}"
    except Exception as error:  # What a plug-in raises is not specified.
        lines = [frame.lineno for frame in extract_tb(error.__traceback__) if frame.filename == str(file)]
        yield "", f"raises {in_one_line(error)}" + (f" ({file.name}, line {lines[-1]})" if lines else "")


CHECKS: Mapping[str, Callable[[Any, Path], Found]] = {
    "heuristic": _heuristic,
    "space": _space,
    "images": _images,
    "proxy": _proxy,
}
"""Of each kind of plug-in, what finds more than `benchmark.plugins.contracts` does."""
