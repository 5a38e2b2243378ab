"""What one run is: a supernet trained on images under heuristics from a seed, and how it is scored."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from operator import attrgetter
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from supernet_bench.benchmark.plugins.contracts import is_neutral
from supernet_bench.benchmark.plugins.registry import check_needed, find, heuristic_types, image_types, space_types
from supernet_bench.benchmark.plugins.rivals import NEEDED
from supernet_bench.benchmark.training.composition import Composition, blaming
from supernet_bench.core.errors import InputError, unknown
from supernet_bench.core.generators import SharedGenerators
from supernet_bench.core.settings import LARGEST_WHOLE, build, values_of
from supernet_bench.core.streams import stream, stream_seed

if TYPE_CHECKING:
    from supernet_bench.heuristics.base import Heuristic
    from supernet_bench.images.base import ImageData, ImageSource
    from supernet_bench.spaces.base import Space

SCHEMA = 2
"""Version of the canonical form; it grows whenever a default changes, so an old run is never taken for a new one."""


@dataclass(frozen=True)
class Training:
    """The training budget and the optimiser (SGD); learning rate, weight decay and clipping are heuristics."""

    epochs: int = field(
        default=30, metadata={"help": "passes over the images; 0 does not train", "low": 0, "high": 1_000_000}
    )
    batch_size: int = field(default=64, metadata={"help": "images per step", "low": 2})
    momentum: float = field(default=0.9, metadata={"help": "momentum", "low": 0.0, "high": 0.999})
    nesterov: bool = field(default=False, metadata={"help": "Nesterov momentum"})


@dataclass(frozen=True)
class Scoring:
    """Which architectures are scored, on what, and when.

    The scored architectures are a uniform sample without repetition that depends on the space, `architectures` and
    `subset` only: all runs of a study score the same ones.
    """

    architectures: int = field(default=200, metadata={"help": "how many; 0 scores the whole space", "low": 0})
    subset: int = field(default=0, metadata={"help": "seed of their choice", "low": 0})
    images: int = field(default=0, metadata={"help": "validation images, the same for all; 0 uses all", "low": 0})
    batch_size: int = field(default=250, metadata={"help": "images per scoring batch", "low": 2})
    checkpoints: int = field(
        default=3, metadata={"help": "late checkpoints; tau is averaged over them", "low": 1, "high": 10_000}
    )
    spacing: int = field(default=1, metadata={"help": "epochs between late checkpoints", "low": 1})
    trace: int = field(
        default=0,
        metadata={"help": "further checkpoints, evenly spaced before the late ones", "low": 0, "high": 10_000},
    )

    def late_epochs(self, epochs: int) -> list[int]:
        """Return the epochs after which the late checkpoints are scored."""
        return sorted({max(0, epochs - k * self.spacing) for k in range(self.checkpoints)} - {0} | {epochs})

    def trace_epochs(self, epochs: int) -> list[int]:
        """Return the epochs of the further checkpoints; the untrained supernet is a run of its own."""
        first_late = self.late_epochs(epochs)[0]
        return sorted({first_late * k // (self.trace + 1) for k in range(1, self.trace + 1)} - {0})


def scored_architectures(space: "Space", scoring: Scoring) -> list[int]:
    """Return the sorted indices of the architectures that every run with this `scoring` scores."""
    count = scoring.architectures or space.size
    order = torch.randperm(space.size, generator=stream(scoring.subset, "scored architectures"))
    return sorted(order[:count].tolist())


@dataclass(frozen=True)
class RunSpec:
    """Everything that determines the result of a run.

    Attributes
    ----------
    space : Space
    images : ImageSource
    training : Training
    scoring : Scoring
    heuristics : mapping of str to mapping
        All settings of each heuristic that is not at its neutral level, by name.
    seed : int
    """

    space: "Space"
    images: "ImageSource"
    training: Training
    scoring: Scoring
    heuristics: Mapping[str, Mapping[str, Any]]
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
        if tables.get("schema", SCHEMA) != SCHEMA:
            raise InputError(f"schema of a run is {tables['schema']!r}; allowed: {SCHEMA}")
        seed = tables.get("seed", 0)
        if type(seed) is not int or not 0 <= seed <= LARGEST_WHOLE:
            raise InputError(f"seed is {seed!r}; allowed: a whole number from 0 to {LARGEST_WHOLE}")
        spec = cls(
            space=_named("space", tables, space_types()),
            images=_named("images", tables, image_types()),
            training=build(Training, _table("training", tables), "training"),
            scoring=build(Scoring, _table("scoring", tables), "scoring"),
            heuristics=_heuristics(_table("heuristics", tables)),
            seed=seed,
        )
        spec._check()
        return spec

    def canonical(self) -> dict[str, Any]:
        """Return nested tables with every setting, the same for equal runs however they were written."""
        return {
            "schema": SCHEMA,
            "space": {"name": self.space.name, **values_of(self.space)},
            "images": {"name": self.images.name, **values_of(self.images)},
            "training": values_of(self.training),
            "scoring": values_of(self.scoring),
            "heuristics": {name: dict(values) for name, values in sorted(self.heuristics.items())},
            "seed": self.seed,
        }

    @property
    def run_id(self) -> str:
        """16 hexadecimal digits that name the run in the store."""
        text = json.dumps(self.canonical(), sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(text.encode()).hexdigest()[:16]

    @property
    def uses_truth(self) -> bool:
        """Whether training sees published accuracies, which no heuristic does at its neutral level."""
        return any(heuristic_types()[name].uses_truth for name in self.heuristics)

    def apart_from_scored(self) -> np.ndarray:
        """Return of which architectures training may see the accuracy, bool [size of the space].

        They are not scored, and neither isomorphic to one that is nor computed alike by the supernet.
        """
        scored = scored_architectures(self.space, self.scoring)
        numberings = self.space.isomorphism(), self.space.alike()
        return ~np.any([np.isin(numbers, numbers[scored]) for numbers in numberings], axis=0)

    def __hash__(self) -> int:
        return hash(self.run_id)

    def build_heuristics(self) -> "dict[str, Heuristic]":
        """Return a new heuristic of every factor, by factor; the default one where the spec names none."""
        types = heuristic_types()
        active = {kind.factor: kind() for kind in types.values() if kind.default}
        for name, values in self.heuristics.items():
            active[types[name].factor] = types[name](**values)
        check_needed(active)
        return dict(sorted(active.items()))

    def active_heuristics(self) -> "list[Heuristic]":
        """Return new heuristics that have a part in the run.

        One at a neutral level is left out, since it would change nothing, unless training needs one of its factor.
        """
        heuristics = self.build_heuristics().items()
        return [each for factor, each in heuristics if each.name in self.heuristics or factor in NEEDED]

    def revised(self) -> "RunSpec":
        """Return what is run: this spec with what its heuristics make of space, images, training and scoring."""
        composition = Composition(self.active_heuristics())
        spec = composition.revise(self)
        for part in ("space", "images", "training", "scoring"):
            value = getattr(spec, part)
            try:
                build(type(value), values_of(value), part)
            except InputError as error:
                raise InputError(f"{error}{composition.revisers(self, attrgetter(part))}") from None
        return spec

    def load_images(self, folder: Path | None) -> "ImageData":
        """Return the images of the run, the same whatever has drawn random numbers before.

        Parameters
        ----------
        folder : Path or None
            Where the user keeps images.
        """
        with SharedGenerators(torch.device("cpu")).seeded(stream_seed(0, "images")):
            return self.revised().images.load(folder)

    def _check(self) -> None:
        for heuristic in self.build_heuristics().values():
            # One at its neutral level does nothing that could be in conflict.
            for other in heuristic.conflicts:
                if heuristic.name in self.heuristics and other in self.heuristics:
                    raise InputError(
                        f"heuristics {heuristic.name!r} and {other!r} are in conflict; allowed: one of them"
                    )
        revised = self.revised()
        for heuristic in self.active_heuristics():
            with blaming(heuristic, "check"):
                heuristic.check(revised)
        if self.training.nesterov and self.training.momentum == 0:
            raise InputError("training.nesterov is True; allowed: false, since training.momentum is 0")
        if revised.scoring.images == 1:
            raise InputError("scoring.images is 1; allowed: 0 for all, or at least 2, for statistics of a batch")
        if self.scoring.architectures > self.space.size:
            raise InputError(
                f"scoring.architectures is {self.scoring.architectures}; "
                f"allowed: 0 to the size of space {self.space.name}, {self.space.size}"
            )


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


def _heuristics(tables: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Return all settings of each heuristic in `tables`, without the neutral ones."""
    kept: dict[str, dict[str, Any]] = {}
    by_factor: dict[str, str] = {}
    for name in tables:
        kind = find("heuristic", name, heuristic_types())
        other = by_factor.setdefault(kind.factor, name)
        if other != name:
            raise InputError(f"heuristics {other!r} and {name!r} both set factor {kind.factor!r}; allowed: one of them")
        values = values_of(build(kind, _table(name, tables), f"heuristics.{name}"))
        if not is_neutral(kind, values):
            kept[name] = values
    return kept
