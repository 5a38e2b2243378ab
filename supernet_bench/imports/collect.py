"""Scores in their places: by level, seed and epoch, with what can only be seen when all of them are there."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from supernet_bench.analysis.effects.intervals import FEWEST
from supernet_bench.core.errors import InputError, unknown
from supernet_bench.imports import cells
from supernet_bench.imports.tables import Table
from supernet_bench.spaces.base import Space

ONLY_LEVEL = "baseline"
"""What the level is called where no column and no file names one."""


@dataclass(frozen=True)
class Columns:
    """Which columns are read; those without a name are read where a table has one of the usual name."""

    architecture: str = "architecture"
    score: str = "score"
    level: str | None = None
    seed: str | None = None
    epoch: str | None = None

    def of(self, table: Table, what: str) -> str | None:
        """Return the column of a table that holds levels, seeds or epochs, or None if it has none.

        Raises
        ------
        InputError
            If it was named and is not there.
        """
        wanted: str | None = getattr(self, what)
        if wanted is None:
            return what if what in table.columns else None
        cells.column(table, wanted)
        return wanted

    def unused(self, table: Table) -> list[str]:
        """Return the columns of a table that are not read."""
        used = {self.architecture, self.score, *(self.of(table, what) for what in ("level", "seed", "epoch"))}
        return [name for name in table.columns if name not in used]


@dataclass(frozen=True)
class Brought:
    """The scores of a level and a seed.

    Attributes
    ----------
    level : str
    seed : int
    architectures : tuple of int, [n]
        Their numbers, in order.
    checkpoints : mapping of int to tuple of float, each [n]
        Scores by epoch, higher is better; the last is what is ranked by.
    files : tuple of (name, SHA-256), each a str
        What they were read from.
    """

    level: str
    seed: int
    architectures: tuple[int, ...]
    checkpoints: Mapping[int, tuple[float, ...]]
    files: tuple[tuple[str, str], ...]


def collect(
    tables: Sequence[Table], columns: Columns, space: Space, others: Mapping[str, Space], lower_is_better: bool = False
) -> list[Brought]:
    """Return the scores in tables by level and seed, in the order in which these appear.

    Parameters
    ----------
    tables : sequence of Table
        Where none of several names levels, each is a level with the name of its file.
    columns : Columns
    space : Space
        That of the architectures.
    others : mapping of str to Space
        For messages: of which they may be instead.
    lower_is_better : bool

    Raises
    ------
    InputError
        If a cell is not what it should be, an architecture appears twice, the epochs of a level and a seed have
        different architectures, scores are constant, or too few architectures have any.
    """
    frame = pd.concat(
        [_frame(place, table, columns, space, others, len(tables) > 1) for place, table in enumerate(tables)],
        ignore_index=True,
    )
    _check_repeated(frame, tables, columns)
    if lower_is_better:
        frame["score"] = -frame["score"]
    found = [_brought(rows, tables, columns) for _, rows in frame.groupby(["level", "seed"], sort=False)]
    _check_common(found, ", ".join(table.name for table in tables))
    return found


def choose_baseline(brought: Sequence[Brought], wanted: str | None, stored: str | None = None) -> str:
    """Return the level that the others are compared with: the wanted one, else that of the name, else the first.

    Where a study is `stored` already, and has a baseline, more levels are compared with that.
    """
    levels = list(dict.fromkeys(each.level for each in brought))
    if wanted is None:
        return stored or (ONLY_LEVEL if ONLY_LEVEL in levels else levels[0])
    known = list(dict.fromkeys([*([stored] if stored else []), *levels]))
    if wanted not in known:
        raise unknown("level for the baseline", wanted, known)
    return wanted


def _frame(
    place: int, table: Table, columns: Columns, space: Space, others: Mapping[str, Space], is_one_of_several: bool
) -> pd.DataFrame:
    level, seed, epoch = (columns.of(table, what) for what in ("level", "seed", "epoch"))
    cells.column(table, columns.architecture), cells.column(table, columns.score)
    without = table.stem if is_one_of_several else ONLY_LEVEL
    return pd.DataFrame(
        {
            "level": cells.names(table, level) if level else without,
            "seed": cells.whole_numbers(table, seed) if seed else 0,
            "epoch": cells.whole_numbers(table, epoch) if epoch else 0,
            "architecture": cells.architectures(table, columns.architecture, space, others),
            "score": cells.scores(table, columns.score),
            "table": place,
            "row": range(table.length),
        }
    )


PLACE = ["level", "seed", "epoch", "architecture"]


def _check_repeated(frame: pd.DataFrame, tables: Sequence[Table], columns: Columns) -> None:
    again = frame.duplicated(PLACE)
    if not again.any():
        return
    second = frame[again].iloc[0]
    first = frame[(frame[PLACE] == second[PLACE]).all(axis=1)].iloc[0]
    table, other = tables[second["table"]], tables[first["table"]]
    value = table.columns[columns.architecture][second["row"]]
    where = other.cell(first["row"], columns.architecture)
    unused = columns.unused(table)
    # A slip in the name of a column of levels or seeds looks like this.
    unread = f"; columns that are not read: {', '.join(unused)}" if unused else ""
    raise InputError(
        f"{table.cell(second['row'], columns.architecture)} is {value} again, after {where}; "
        f"allowed: each architecture once in level {second['level']!r}, seed {second['seed']}, epoch {second['epoch']}"
        f"{unread}"
    )


def _brought(rows: pd.DataFrame, tables: Sequence[Table], columns: Columns) -> Brought:
    level, seed = str(rows["level"].iloc[0]), int(rows["seed"].iloc[0])
    parts = [part for _, part in rows.sort_values(["epoch", "architecture"]).groupby("epoch")]
    checkpoints = {int(part["epoch"].iloc[0]): part for part in parts}
    last = max(checkpoints)
    architectures = checkpoints[last]["architecture"].to_numpy()
    names = ", ".join(tables[place].name for place in sorted(set(rows["table"])))
    where = f"{names}: level {level!r}, seed {seed}"
    for epoch, part in checkpoints.items():
        different = np.setxor1d(part["architecture"], architectures)
        if len(different):
            raise InputError(
                f"{where}: architecture {different[0]} has a score at one of the epochs {epoch} and "
                f"{last} alone; allowed: the same architectures at every epoch"
            )
        if len(part) < FEWEST:
            raise InputError(f"{where} has {len(part)} architectures; allowed: at least {FEWEST}")
        if part["score"].nunique() == 1:
            value = part["score"].iloc[0]
            raise InputError(
                f"{where}, epoch {epoch}: all {len(part)} scores in column {columns.score!r} are {value}; "
                "allowed: scores that differ"
            )
    return Brought(
        level,
        seed,
        tuple(architectures.tolist()),
        {epoch: tuple(part["score"].tolist()) for epoch, part in checkpoints.items()},
        tuple(file for place in sorted(set(rows["table"])) if (file := tables[place].file)),
    )


def _check_common(brought: Sequence[Brought], files: str) -> None:
    """Refuse levels that have hardly any architecture in common, which are what is compared."""
    common = set.intersection(*(set(each.architectures) for each in brought))
    if len(common) < FEWEST:
        fewest = min(brought, key=lambda each: len(each.architectures))
        raise InputError(
            f"{files}: {len(common)} architectures have a score in all levels and seeds; allowed: at least {FEWEST}; "
            f"the fewest, {len(fewest.architectures)}, are in level {fewest.level!r}, seed {fewest.seed}"
        )


def coverage(brought: Sequence[Brought], space: Space) -> Iterator[str]:
    """Yield a line for each level: its seeds, and how many of the architectures of the space have a score."""
    for level in dict.fromkeys(each.level for each in brought):
        own = [each for each in brought if each.level == level]
        known = set.intersection(*(set(each.architectures) for each in own))
        missing = space.size - len(known)
        seeds = " ".join(str(each.seed) for each in sorted(own, key=lambda each: each.seed))
        yield f"{level}: {len(known)} of {space.size} architectures ({missing} missing), seeds {seeds}"
