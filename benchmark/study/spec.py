"""What one run is: a supernet trained on images under heuristics from a seed, and how it is scored."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields, replace
from operator import attrgetter
from pathlib import Path
from typing import Any

import torch

from supernet_bench.benchmark.plugins.composition import Composition
from supernet_bench.benchmark.plugins.registry import check_needed, find, heuristic_types, image_types, space_types
from supernet_bench.benchmark.plugins.rivals import NEEDED
from supernet_bench.core.errors import InputError, unknown
from supernet_bench.core.generators import SharedGenerators
from supernet_bench.core.settings import LARGEST_WHOLE, build, values_of
from supernet_bench.core.streams import stream_seed
from supernet_bench.heuristics.base import Heuristic, is_neutral
from supernet_bench.heuristics.setup import FEWEST_PER_STRATUM, STRATA, Scoring, Setup, Training
from supernet_bench.images.base import ImageData, ImageSource
from supernet_bench.records.form import name_of
from supernet_bench.spaces.base import Space, TrainableSpace

SPEC_VERSION = 2
"""Version of the canonical form; it grows whenever a default changes, so an old run is never taken for a new one."""


@dataclass(frozen=True)
class RunSpec:
    """Everything that determines the result of a run.

    Attributes
    ----------
    setup : Setup
        As the study says it, before any heuristic revises it.
    heuristics : tuple of Heuristic
        Those that are not at their neutral level, by name. They belong to the spec; a run starts fresh ones.
    seed : int
    """

    setup: Setup
    heuristics: tuple[Heuristic, ...]
    seed: int

    @classmethod
    def from_tables(cls, tables: Mapping[str, Any]) -> "RunSpec":
        """Build a spec from nested tables, as in a study file or a record.

        Raises
        ------
        InputError
            For anything unknown, missing, out of range or in conflict.
        """
        known = ("schema", "space", "images", "training", "heuristics", "scoring", "seed")
        for key in tables:
            if key not in known:
                raise unknown("table of a run", key, known)
        if tables.get("schema", SPEC_VERSION) != SPEC_VERSION:
            raise InputError(f"schema of a run is {tables['schema']!r}; allowed: {SPEC_VERSION}")
        seed = tables.get("seed", 0)
        if type(seed) is not int or not 0 <= seed <= LARGEST_WHOLE:
            raise InputError(f"seed is {seed!r}; allowed: a whole number from 0 to {LARGEST_WHOLE}")
        setup = Setup(
            space=_trainable(_named("space", tables, space_types())),
            images=_named("images", tables, image_types()),
            training=build(Training, _table("training", tables), "training"),
            scoring=build(Scoring, _table("scoring", tables), "scoring"),
        )
        return cls(setup, (), seed).with_heuristics(_heuristics(_table("heuristics", tables)))

    def with_heuristics(self, heuristics: Iterable[Heuristic]) -> "RunSpec":
        """Return the spec with these heuristics, of different factors, instead of its own; neutral ones leave it.

        Raises
        ------
        InputError
            For a conflict between them, or with anything else in the spec.
        """
        kept = sorted((each for each in heuristics if not is_neutral(each)), key=attrgetter("name"))
        spec = replace(self, heuristics=tuple(kept))
        spec._check()
        return spec

    @property
    def space(self) -> TrainableSpace:
        """The search space."""
        return self.setup.space

    @property
    def images(self) -> ImageSource:
        """The set of images."""
        return self.setup.images

    @property
    def training(self) -> Training:
        """The training budget and the optimiser."""
        return self.setup.training

    @property
    def scoring(self) -> Scoring:
        """Which architectures are scored, on what, and when."""
        return self.setup.scoring

    def canonical(self) -> dict[str, Any]:
        """Return nested tables with every setting, the same for equal runs however they were written.

        Settings that were added since ids exist are left out where they are neutral, as heuristics are.
        """
        return {
            "schema": SPEC_VERSION,
            "space": {"name": self.space.name, **values_of(self.space)},
            "images": {"name": self.images.name, **values_of(self.images)},
            "training": values_of(self.training),
            "scoring": _unless_added(self.scoring),
            "heuristics": {each.name: values_of(each) for each in self.heuristics},
            "seed": self.seed,
        }

    @property
    def run_id(self) -> str:
        """16 hexadecimal digits that name the run in the store."""
        return name_of(self.canonical())

    @property
    def uses_truth(self) -> bool:
        """Whether training sees published accuracies, which no heuristic does at its neutral level."""
        return any(each.uses_truth for each in self.heuristics)

    def __eq__(self, other: object) -> bool:
        """Compare all settings, also such as a plug-in's own comparison leaves out."""
        return self.canonical() == other.canonical() if isinstance(other, RunSpec) else NotImplemented

    def __hash__(self) -> int:
        return hash(self.run_id)

    def by_factor(self) -> dict[str, Heuristic]:
        """Return the heuristic of every factor that there is; the default one where the spec names none."""
        defaults = (kind() for kind in heuristic_types().values() if kind.default)
        found = {each.factor: each for each in (*defaults, *self.heuristics)}
        check_needed(found)
        return dict(sorted(found.items()))

    def active_heuristics(self) -> list[Heuristic]:
        """Return the heuristics that have a part in the run.

        One at a neutral level is left out, since it would change nothing, unless training needs one of its factor.
        """
        return [each for factor, each in self.by_factor().items() if each in self.heuristics or factor in NEEDED]

    def fresh_heuristics(self) -> list[Heuristic]:
        """Return new ones with the settings of the active heuristics, for a run to change what is in them."""
        return [type(each)(**values_of(each)) for each in self.active_heuristics()]

    def revised(self) -> Setup:
        """Return what is run: the setup with what the heuristics make of space, images, training and scoring."""
        heuristics = Composition(self.active_heuristics())
        revised = heuristics.fold(Heuristic.revise, self.setup)
        for part in ("space", "images", "training", "scoring"):
            value = getattr(revised, part)
            try:
                build(type(value), values_of(value), part)
            except InputError as error:
                changers = heuristics.changers(Heuristic.revise, self.setup, attrgetter(part))
                raise InputError(f"{error}{changers}") from None
        return revised

    def load_images(self, folder: Path | None) -> ImageData:
        """Return the images of the run, the same whatever has drawn random numbers before.

        Parameters
        ----------
        folder : Path or None
            Where the user keeps images.
        """
        return load_images(self.revised().images, folder)

    def _check(self) -> None:
        self._check_conflicts()
        revised = self.revised()
        Composition(self.active_heuristics()).call(Heuristic.check, revised)
        if self.training.nesterov and self.training.momentum == 0:
            raise InputError("training.nesterov is True; allowed: false, since training.momentum is 0")
        if revised.scoring.images == 1:
            raise InputError("scoring.images is 1; allowed: 0 for all, or at least 2, for statistics of a batch")
        self._check_choice()

    def _check_choice(self) -> None:
        """Raise InputError if the space does not have the architectures that are to be scored."""
        scoring, size = self.scoring, self.space.size
        if scoring.architectures > size:
            raise InputError(
                f"scoring.architectures is {scoring.architectures}; "
                f"allowed: 0 to the size of space {self.space.name}, {size}"
            )
        if scoring.strata != "none" and not scoring.architectures >= STRATA * FEWEST_PER_STRATUM:
            raise InputError(
                f"scoring.architectures is {scoring.architectures}; allowed: at least {STRATA * FEWEST_PER_STRATUM}, "
                f"{FEWEST_PER_STRATUM} in each of {STRATA} strata"
            )
        parts = size // (scoring.architectures or size)
        if scoring.strata != "none":
            parts = size // STRATA // -(-scoring.architectures // STRATA)
        if scoring.part >= parts:
            raise InputError(
                f"scoring.part is {scoring.part}; allowed: 0 to {parts - 1}, since space {self.space.name} has {size} "
                f"architectures, and {scoring.architectures or size} are scored"
            )

    def _check_conflicts(self) -> None:
        names = {each.name for each in self.heuristics}
        for heuristic in self.heuristics:
            for other in heuristic.conflicts:
                if other in names:
                    raise InputError(
                        f"heuristics {heuristic.name!r} and {other!r} are in conflict; allowed: one of them"
                    )


def load_images(images: ImageSource, folder: Path | None) -> ImageData:
    """Return images, the same whatever has drawn random numbers before; `folder` is where the user keeps some."""
    with SharedGenerators(torch.device("cpu")).seeded(stream_seed(0, "images")):
        return images.load(folder)


def _unless_added(scoring: Scoring) -> dict[str, Any]:
    neutral = {each.name: each.default for each in fields(scoring) if each.metadata.get("added")}
    return {name: value for name, value in values_of(scoring).items() if neutral.get(name) != value}


def _table(key: str, tables: Mapping[str, Any]) -> Mapping[str, Any]:
    table = tables.get(key, {})
    if not isinstance(table, Mapping):
        raise InputError(f"{key} is {table!r}; allowed: a table of settings")
    return table


def _named(key: str, tables: Mapping[str, Any], types: dict[str, type]) -> Any:
    table = dict(_table(key, tables))
    if "name" not in table:
        raise InputError(f"{key}.name is missing; allowed: {', '.join(types)}")
    return build(find(key, table.pop("name"), types), table, key)


def _trainable(space: Space) -> TrainableSpace:
    """Return a space whose networks can be built; one that is a table and no more has nothing to train."""
    if not isinstance(space, TrainableSpace):
        trainable = [name for name, kind in space_types().items() if issubclass(kind, TrainableSpace)]
        raise InputError(
            f"space.name is {space.name!r}, a table of accuracies without networks; allowed: {', '.join(trainable)}"
        )
    return space


def _heuristics(tables: Mapping[str, Any]) -> list[Heuristic]:
    by_factor: dict[str, Heuristic] = {}
    for name in tables:
        kind = find("heuristic", name, heuristic_types())
        if kind.factor in by_factor:
            other = by_factor[kind.factor].name
            raise InputError(f"heuristics {other!r} and {name!r} both set factor {kind.factor!r}; allowed: one of them")
        by_factor[kind.factor] = build(kind, _table(name, tables), f"heuristics.{name}")
    return list(by_factor.values())
