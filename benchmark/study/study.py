"""A study: a baseline, factors with their levels, seeds and a budget, read from a TOML file."""

import itertools
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from supernet_bench.benchmark.plugins.composition import overridden_hooks
from supernet_bench.benchmark.plugins.plugin_file import merged, read_plugin_file
from supernet_bench.benchmark.plugins.registry import files_in_use, find, heuristic_types, missing_factor, use_files
from supernet_bench.benchmark.study.spec import RunSpec
from supernet_bench.core.errors import InputError, unknown
from supernet_bench.core.files import is_litter, resolved
from supernet_bench.core.settings import LARGEST_WHOLE, build, in_words, values_of
from supernet_bench.heuristics.base import Heuristic
from supernet_bench.records.archive import check_name
from supernet_bench.records.manifest import Level, Manifest, PlannedRun

MOST_SEEDS = 10_000
"""Of a study; more is a slip, since each is a run of every level."""

SHIPPED = Path(__file__).parent / "shipped"


@dataclass(frozen=True)
class LevelSpec:
    """One setting of a factor, or one cell of a grid.

    Attributes
    ----------
    name : str
        As it appears in tables.
    spec : RunSpec
        The run with the first seed.
    cell : mapping of str to str
        Of a cell of a grid, the level of each factor that it combines.
    """

    name: str
    spec: RunSpec
    cell: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Factor:
    """What is varied, and its levels; the baseline is one of them."""

    name: str
    levels: tuple[LevelSpec, ...]


@dataclass(frozen=True)
class PlacedRun:
    """One run of a study, in the place of a table that it belongs to."""

    factor: str
    level: str
    spec: RunSpec


@dataclass(frozen=True)
class Study:
    """Runs that belong together.

    Attributes
    ----------
    name, title : str
    baseline : RunSpec
        The run that every level is compared with, with the first seed.
    factors : tuple of Factor
    seeds : tuple of int
    baseline_seeds : tuple of int
        Further ones, of the baseline alone: every level is compared with it.
    target : str or None
        Column of the reference table to compare with; None is the table's own choice.
    """

    name: str
    title: str
    baseline: RunSpec
    factors: tuple[Factor, ...]
    seeds: tuple[int, ...]
    target: str | None
    baseline_seeds: tuple[int, ...] = ()

    def placed_runs(self) -> Iterator[PlacedRun]:
        """Yield the run of every factor, level and seed, all levels of a seed first, then what only the baseline has.

        The same run may have several places: the baseline is a level of each factor.
        """
        setup = self.baseline.setup
        untrained = replace(self.baseline, setup=replace(setup, training=replace(setup.training, epochs=0)))
        for seed in self.seeds:
            yield PlacedRun("baseline", "baseline", replace(self.baseline, seed=seed))
            yield PlacedRun("untrained", "untrained", replace(untrained, seed=seed))
            for factor in self.factors:
                for level in factor.levels:
                    yield PlacedRun(factor.name, level.name, replace(level.spec, seed=seed))
        for seed in self.baseline_seeds:
            yield PlacedRun("baseline", "baseline", replace(self.baseline, seed=seed))
            for factor in self.factors:
                for level in factor.levels:
                    if level.spec == self.baseline:
                        yield PlacedRun(factor.name, level.name, replace(self.baseline, seed=seed))

    def runs(self) -> list[RunSpec]:
        """Return every different run once."""
        return list({run.spec.run_id: run.spec for run in self.placed_runs()}.values())

    def manifest(self) -> Manifest:
        """Return which runs make up the study, for the store."""
        return Manifest(
            study=self.name,
            title=self.title,
            space=self.baseline.space.name,
            images=self.baseline.images.name,
            seeds=self.seeds,
            baseline_seeds=self.baseline_seeds,
            target=self.target,
            levels=tuple(
                Level(
                    factor=factor.name,
                    name=level.name,
                    baseline=level.spec == self.baseline,
                    uses_truth=level.spec.uses_truth,
                    cell=tuple(level.cell.items()),
                )
                for factor in self.factors
                for level in factor.levels
            ),
            runs=tuple(PlannedRun(run.factor, run.level, run.spec.seed, run.spec.run_id) for run in self.placed_runs()),
        )


def shipped_studies() -> dict[str, Path]:
    """Return the studies that come with the suite, by name."""
    return {path.stem: path for path in sorted(SHIPPED.glob("*.toml")) if not is_litter(path.name)}


def is_study_file(name: str) -> bool:
    """Return whether what names a study is the path of a file, however its suffix is written."""
    return Path(name).suffix.lower() == ".toml"


def load_study(name: str) -> Study:
    """Read a study, and have the plug-ins of the files that it names exist in this process.

    Parameters
    ----------
    name : str
        Name of a shipped study, or path of a TOML file.

    Raises
    ------
    InputError
        If there is no such study, or something in it is unknown, out of range or in conflict.
    """
    path = Path(name)
    if not is_study_file(name):
        shipped = shipped_studies()
        if name not in shipped:
            raise InputError(f"{unknown('study', name, shipped)}, or the path of a .toml file")
        path = shipped[name]
    elif _hides_shipped(path):
        raise InputError(f"study file {path} has the name of a shipped study; allowed: another name")
    check_name(path.stem)
    tables = _read(path)
    try:
        return parse_study(path.stem, tables, path.parent)
    except InputError as error:
        raise InputError(f"{path.name}: {error}") from None


def _use_plugins(names: Any, folder: Path) -> None:
    """Have the plug-ins in the files that a study names, relative to its own, exist beside those in use."""
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise InputError(f"plugins is {names!r}; allowed: a list of files of Python, relative to that of the study")
    use_files(merged(files_in_use(), [read_plugin_file(folder / name) for name in names]))


def _hides_shipped(path: Path) -> bool:
    """Return whether a file has the name of a shipped study, be it in another case, but is not that study."""
    shipped = {name.casefold(): file for name, file in shipped_studies().items()}.get(path.stem.casefold())
    return shipped is not None and resolved(path) != resolved(shipped)


def _read(path: Path) -> dict[str, Any]:
    """Read the tables of a study file; some editors begin UTF-8 with a byte order mark, which TOML does not know."""
    try:
        text = path.read_text(encoding="utf-8-sig")
        if "\0" in text:  # UTF-16 of a text without accents is UTF-8 with these.
            raise UnicodeError
        return tomllib.loads(text)
    except FileNotFoundError:
        raise InputError(f"study file {path} does not exist") from None
    except UnicodeError:
        raise InputError(f"study file {path} is in another encoding; allowed: a text that is saved as UTF-8") from None
    except RecursionError:
        raise InputError(f"study file {path} cannot be read: it is nested too deeply") from None
    except (OSError, ValueError) as error:  # Also of a whole number of thousands of digits.
        raise InputError(f"study file {path} cannot be read: {error}") from None


def parse_study(name: str, tables: Mapping[str, Any], folder: Path = Path()) -> Study:
    """Build a study from the tables of its file, which is in `folder`."""
    run_tables = {"space", "images", "training", "heuristics", "scoring"}
    known = run_tables | {"title", "plugins", "seeds", "baseline_seeds", "target", "factors", "grids"}
    for key in tables:
        if key not in known:
            raise unknown("table of a study", key, known)
    _use_plugins(tables.get("plugins", []), folder)
    baseline_tables = {key: tables[key] for key in run_tables if key in tables}
    seeds = _seeds(tables.get("seeds", 3))
    baseline = _Baseline(RunSpec.from_tables({**baseline_tables, "seed": seeds[0]}), _table("heuristics", tables))
    factors = [_sweep(factor, levels, baseline) for factor, levels in _table("factors", tables).items()]
    factors += [_grid(grid, baseline) for grid in _list("grids", tables)]
    _check_distinct("factors", [factor.name for factor in factors])
    return Study(
        name=name,
        title=_text("title", tables) or name,
        baseline=baseline.spec,
        factors=tuple(factors),
        seeds=seeds,
        target=_text("target", tables),
        baseline_seeds=_baseline_seeds(tables.get("baseline_seeds", 0), seeds),
    )


@dataclass(frozen=True)
class _Baseline:
    """The baseline and its ``[heuristics]`` as written: a spec leaves out those at a neutral level."""

    spec: RunSpec
    written: Mapping[str, Mapping[str, Any]]

    def with_levels(self, settings: "Sequence[_Setting]") -> RunSpec:
        """Return the baseline with some factors set otherwise; what a level leaves open stays the baseline's."""
        heuristics = {each.factor: each for each in self.spec.heuristics}
        for setting in settings:
            kind, factor = setting.heuristic, setting.heuristic.factor
            values = {**self.written.get(kind.name, {}), **setting.values}
            heuristics[factor] = build(kind, values, f"factors.{factor}")
        return self.spec.with_heuristics(heuristics.values())


@dataclass(frozen=True)
class _Setting:
    """A heuristic with some settings, under a short name."""

    name: str
    heuristic: type[Heuristic]
    values: Mapping[str, Any]


def _sweep(factor: str, levels: Any, baseline: _Baseline) -> Factor:
    """Vary one factor around the baseline."""
    settings = _settings(factor, levels)
    found = [LevelSpec(setting.name, baseline.with_levels([setting])) for setting in settings]
    if all(level.spec != baseline.spec for level in found):
        found.insert(0, LevelSpec(_baseline_name(factor, baseline, settings), baseline.spec))
    return _factor(factor, found)


def _grid(grid: Any, baseline: _Baseline) -> Factor:
    """Combine all levels of several factors."""
    if not isinstance(grid, Mapping) or len(grid) < 2:
        raise InputError(f"grids has an entry {grid!r}; allowed: a table with at least two factors")
    axes = [_settings(factor, levels) for factor, levels in grid.items()]
    levels = [
        LevelSpec(
            name=", ".join(f"{s.heuristic.factor} {s.name}" for s in cell),
            spec=baseline.with_levels(cell),
            cell={s.heuristic.factor: s.name for s in cell},
        )
        for cell in itertools.product(*axes)
    ]
    return _factor(" x ".join(grid), levels)


def _factor(name: str, levels: list[LevelSpec]) -> Factor:
    _check_distinct(f"factors.{name}", [level.name for level in levels])
    run = {level.name: _what_is_run(level.spec) for level in levels}
    for first, second in itertools.combinations(levels, 2):
        if run[first.name] == run[second.name]:
            raise InputError(
                f"factors.{name} has levels {first.name!r} and {second.name!r}, which are the same run; allowed: one"
            )
    return Factor(name, tuple(levels))


def _what_is_run(spec: RunSpec) -> dict[str, Any]:
    """Return the settings as revised, with heuristics that do anything else; equal ones are the same run."""
    revising = {"revise", "check", "check_data"}
    left = tuple(each for each in spec.heuristics if overridden_hooks(type(each)) - revising)
    return replace(spec, setup=spec.revised(), heuristics=left).canonical()


def _check_distinct(where: str, names: list[str]) -> None:
    for name in names:
        if names.count(name) > 1:
            raise InputError(f"{where} has {name!r} twice; allowed: once")


def _settings(factor: str, levels: Any) -> list[_Setting]:
    """Return the levels of a factor: the declared ones for ``true``, else those of a list of tables."""
    types = heuristic_types().values()
    of_factor = {kind.name: kind for kind in types if kind.factor == factor}
    if not of_factor:
        raise missing_factor(factor)
    if levels is True:
        return [_setting(kind, level) for kind in of_factor.values() for level in kind.levels]
    if not isinstance(levels, list) or not levels or not all(isinstance(level, Mapping) for level in levels):
        raise InputError(
            f"factors.{factor} is {levels!r}; allowed: true for all declared levels, or a list of tables of settings"
        )
    default = next(kind.name for kind in of_factor.values() if kind.default)
    settings = []
    for level in levels:
        values = dict(level)
        kind = find(f"heuristic of factor {factor}", values.pop("heuristic", default), of_factor)
        settings.append(_setting(kind, values))
    return settings


def _setting(kind: type[Heuristic], values: Mapping[str, Any]) -> _Setting:
    name = "" if kind.name == kind.factor else kind.name
    return _Setting(f"{name} {in_words(values)}".strip() or kind.name, kind, values)


def _baseline_name(factor: str, baseline: _Baseline, others: Sequence[_Setting]) -> str:
    """Name the baseline as a level, by the settings that the other levels of its heuristic vary."""
    kind = type(baseline.spec.by_factor()[factor])
    written = baseline.written.get(kind.name, {})
    values = values_of(build(kind, written, f"heuristics.{kind.name}"))
    varied = [key for setting in others if setting.heuristic is kind for key in setting.values]
    return _setting(kind, {key: values[key] for key in dict.fromkeys([*varied, *written])}).name


def _table(key: str, tables: Mapping[str, Any]) -> Mapping[str, Any]:
    table = tables.get(key, {})
    if not isinstance(table, Mapping):
        raise InputError(f"{key} is {table!r}; allowed: a table")
    return table


def _list(key: str, tables: Mapping[str, Any]) -> list[Any]:
    value = tables.get(key, [])
    if not isinstance(value, list):
        raise InputError(f"{key} is {value!r}; allowed: an array of tables, [[{key}]]")
    return value


def _text(key: str, tables: Mapping[str, Any]) -> str | None:
    value = tables.get(key)
    if value is not None and not isinstance(value, str):
        raise InputError(f"{key} is {value!r}; allowed: a text")
    return value


def _seeds(value: Any) -> tuple[int, ...]:
    if type(value) is int and 0 < value <= MOST_SEEDS:
        return tuple(range(value))
    listed = _listed_seeds(value)
    if listed:
        return listed
    raise InputError(
        f"seeds is {value!r}; allowed: how many, or a list of different whole numbers from 0 to {LARGEST_WHOLE}; "
        f"at most {MOST_SEEDS} seeds"
    )


def _baseline_seeds(value: Any, seeds: tuple[int, ...]) -> tuple[int, ...]:
    """Return the further seeds of the baseline: those after the largest of all levels, or as listed."""
    largest = max(seeds)
    if type(value) is int and 0 <= value <= min(MOST_SEEDS, LARGEST_WHOLE - largest):
        return tuple(range(largest + 1, largest + 1 + value))
    listed = _listed_seeds(value)
    if listed is not None and not set(listed) & set(seeds):
        return listed
    raise InputError(
        f"baseline_seeds is {value!r}; allowed: how many besides those of all levels, or a list of different whole "
        f"numbers from 0 to {LARGEST_WHOLE} that seeds does not have; at most {MOST_SEEDS}"
    )


def _listed_seeds(value: Any) -> tuple[int, ...] | None:
    """Return a list of different seeds, or None if it is none."""
    whole = isinstance(value, list) and all(type(seed) is int and 0 <= seed <= LARGEST_WHOLE for seed in value)
    return tuple(value) if whole and len(value) == len(set(value)) <= MOST_SEEDS else None
