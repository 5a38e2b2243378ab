"""The index of the published studies: what helps, what hurts, what does nothing and what is not known, in each."""

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import pandas as pd

from supernet_bench.analysis.effects.effects import BASELINE, REFERENCE, UNTRAINED, Counts
from supernet_bench.analysis.effects.intervals import ALPHA, Estimate
from supernet_bench.analysis.figures.draw import EFFECTS_FOREST
from supernet_bench.analysis.numbers import USES_TRUTH, count, lost_note, number, with_interval
from supernet_bench.analysis.pages.agreement import PAGE as AGREEMENT_PAGE
from supernet_bench.analysis.pages.agreement import PAIRS, read_pairs
from supernet_bench.analysis.pages.render import escape_markdown
from supernet_bench.analysis.pages.tables import TOP_COLUMNS, Column
from supernet_bench.analysis.publishing.check import of_pages
from supernet_bench.analysis.publishing.publish import TABLE
from supernet_bench.core.files import is_litter, write_atomically
from supernet_bench.core.folders import blaming, read_table
from supernet_bench.records.archive import AGREEMENT, INDEX, MANIFEST
from supernet_bench.records.manifest import Manifest, read_published_manifest

NEGLIGIBLE = 0.05
"""Differences in tau up to this are called none."""

SAME_COST = 0.05
"""Ratios of path passes that differ from 1 by less are not mentioned."""

INTRODUCTION = """# Results

Every study here comes with all its records (`records.jsonl.xz`, one JSON per line), and everything below is generated
from them. `supernet-bench report STUDY --check` does that again and compares;
`supernet-bench merge results/STUDY --store store` makes a store of the records, with which `supernet-bench run STUDY`
goes on, for example with more seeds.

How to read it. tau is Kendall's rank correlation of the architectures' scores with the weights of the supernet and
their published accuracies. A difference is the tau of a level minus that of the baseline with the same seed, averaged
over seeds, with its 95 % interval over seeds and architectures. *Helps* and *hurts* mean that zero is excluded also
after Holm's correction for all comparisons of the study. *Perhaps* means that the interval excludes zero only before
that: about one comparison in twenty would even if nothing had an effect, and as all levels share the runs of one
baseline, false ones come together. *Does nothing* means that the whole interval lies within ±{nothing}, *too noisy to
say* that it does not: it says how large the effect could be. *Given parameters* is the difference in partial tau, which
a mere preference for large networks changes little. Cells of a grid that repeat runs of other levels are left out."""


@dataclass(frozen=True)
class Row:
    """A level in the table of a study, as far as the index needs it."""

    factor: str
    name: str
    uses_truth: bool
    difference: Estimate
    holm: float
    given_parameters: Estimate
    path_passes: float
    lost: str

    @property
    def direction(self) -> int:
        """1 or -1 where the interval excludes zero on that side, else 0."""
        return 0 if not self.difference.excludes_zero else 1 if self.difference.low > 0 else -1

    @property
    def survives(self) -> bool:
        """Whether it still does after the correction."""
        return self.holm < ALPHA and self.direction != 0

    @property
    def negligible(self) -> bool:
        """Whether the whole interval is near zero."""
        return self.difference.low >= -NEGLIGIBLE and self.difference.high <= NEGLIGIBLE

    @property
    def undecided(self) -> bool:
        """Whether there are seeds enough for a direction but none is shown."""
        return self.difference.seeds > 1 and self.direction == 0 and not self.unbounded

    @property
    def unbounded(self) -> bool:
        """Whether there is a difference, but too little for an interval."""
        return self.difference.seeds > 0 and math.isnan(self.difference.low)

    @property
    def text(self) -> str:
        """The level, its difference, interval and seeds."""
        truth = f" {USES_TRUTH} (uses published accuracies)" if self.uses_truth else ""
        lost = f" ({self.lost})" if self.lost else ""
        if not self.difference.seeds:
            return f"{self.name}{truth}{lost}"
        numbers = f"{with_interval(self.difference, '+')}, {count(self.difference.seeds, 'seed')}"
        partial = f", given parameters {with_interval(self.given_parameters, '+')}" if self.direction else ""
        return f"{self.name}{truth}: {numbers}{lost}{partial}{self._cost}"

    @property
    def _cost(self) -> str:
        ratio = number(self.path_passes, decimals=1 if self.path_passes >= 1 else 2)
        return f" ({ratio} x the path passes)" if abs(self.path_passes - 1) >= SAME_COST else ""


LISTS: dict[str, Callable[[Row], bool]] = {
    "Helps": lambda row: row.survives and row.direction > 0,
    "Hurts": lambda row: row.survives and row.direction < 0,
    "Perhaps helps": lambda row: not row.survives and row.direction > 0,
    "Perhaps hurts": lambda row: not row.survives and row.direction < 0,
    f"Does nothing: no effect larger than {NEGLIGIBLE}": lambda row: row.undecided and row.negligible,
    "Too noisy to say": lambda row: row.undecided and not row.negligible,
    "Not decidable with one seed": lambda row: row.difference.one_seed and not row.unbounded,
    "Too little for an interval": lambda row: row.unbounded,
    "Nothing to compare": lambda row: row.difference.seeds == 0,
}
"""The lists of levels and what belongs into each; those about several seeds are shown even if empty."""

ALWAYS = 6
"""How many of the lists are shown even if empty."""


def write_index(results: Path) -> Path:
    """Write the index of a folder of published studies and return where."""
    path = results / INDEX
    write_atomically(path, index(results).encode())
    return path


def check_index(results: Path) -> list[str]:
    """Return in one line each where the index is not what it should be."""
    path = results / INDEX
    return list(of_pages(path, path.read_text(encoding="utf-8") if path.exists() else "", index(results)))


def index(results: Path, without: str = "") -> str:
    """Return the index of a folder of published studies, from the files in it alone.

    Parameters
    ----------
    results : Path
        Folder of the published studies.
    without : str
        Name of a folder in it that is left out.

    Raises
    ------
    InputError
        If a file that it is made from is damaged.
    """
    parts = [INTRODUCTION.format(nothing=NEGLIGIBLE)]
    for folder in sorted(file.parent for file in results.glob(f"*/{MANIFEST}")):
        if folder.name != without and not is_litter(folder.name):
            with blaming(folder / TABLE):
                parts += _study(folder)
    if without != AGREEMENT:
        with blaming(results / AGREEMENT / PAIRS):
            parts += _agreement(results / AGREEMENT)
    return "\n\n".join(parts) + "\n"


def _study(folder: Path) -> Iterator[str]:
    manifest = read_published_manifest(folder / MANIFEST)
    table = read_table(folder / TABLE, dtype={"factor": str, "level": str}, keep_default_na=False, na_values=[""])
    yield f"## [{escape_markdown(manifest.study)}]({folder.name}/report.md)"
    yield escape_markdown(f"{manifest.title}. {_setting(manifest, table)}")
    yield from (escape_markdown(line) for line in _beside(table))
    yield f"![Differences to the baseline]({folder.name}/plots/{EFFECTS_FOREST}.png)"
    compared = _compared(table, manifest)
    levels = [_row(row) for row in compared]
    for place, (title, belongs) in enumerate(LISTS.items()):
        members = [row for row in levels if belongs(row)]
        if members or place < ALWAYS:
            yield f"**{title}** ({count(len(members), 'level')})"
            yield _by_factor(members) or "- none"
    top = [text for column in TOP_COLUMNS for text in _surviving(compared, f"difference_{column.metric}", column)]
    yield f"**The architectures predicted best** (differences that survive the correction): {_or_none(top)}."
    interactions = _surviving(compared, "interaction", Column("tau", "tau"))
    yield f"**Interactions** (of two factors in tau, that survive the correction): {_or_none(interactions)}."
    failed = _failed(table)
    if failed:
        yield f"**Runs without a result**: {escape_markdown('; '.join(failed))}."


def _compared(table: pd.DataFrame, manifest: Manifest) -> list[Mapping[Any, Any]]:
    """Return the rows that are compared with the baseline, the first of those that have the same runs."""
    runs: dict[tuple[str, str], set[str]] = {}
    for run in manifest.runs:
        runs.setdefault((run.factor, run.level), set()).add(run.run_id)
    of_study = ~table["factor"].isin((BASELINE.factor, UNTRAINED.factor, REFERENCE)) & ~table["baseline"]
    found: dict[frozenset[str], Mapping[Any, Any]] = {}
    for row in table[of_study].to_dict("records"):
        found.setdefault(frozenset(runs[row["factor"], row["level"]]), row)
    return list(found.values())


def _surviving(rows: list[Mapping[Any, Any]], name: str, column: Column) -> list[str]:
    """Return the differences of a column that exclude zero also after its correction."""
    survivors = [row for row in rows if _number(row[f"{name}_holm"]) < ALPHA]
    return [
        f"{row['factor']} {row['level']}, {column.header} "
        f"{with_interval(_estimate(row, name), '+', column.scale, column.decimals)}"
        for row in survivors
    ]


def _or_none(texts: list[str]) -> str:
    return escape_markdown("; ".join(texts)) or "none"


def _setting(manifest: Manifest, table: pd.DataFrame) -> str:
    runs = count(len({run.run_id for run in manifest.runs}), "run")
    architectures = count(int(table["architectures"].iloc[0]), "scored architecture")
    return (
        f"Space {manifest.space}, images {manifest.images}, {runs}, {count(len(manifest.seeds), 'seed')}, "
        f"{architectures} with a known truth."
    )


def _row(row: Mapping[Any, Any]) -> Row:
    return Row(
        factor=str(row["factor"]),
        name=str(row["level"]),
        uses_truth=bool(row["uses_truth"]),
        difference=_estimate(row, "difference"),
        holm=_number(row["difference_holm"]),
        given_parameters=_estimate(row, "difference_partial_tau"),
        path_passes=_number(row["path_passes_ratio"]),
        lost=_lost(row),
    )


def _estimate(row: Mapping[Any, Any], name: str) -> Estimate:
    value, low, high, seeds = (_number(row[f"{name}{end}"]) for end in ("", "_low", "_high", "_seeds"))
    return Estimate(value, low, high, 0 if math.isnan(seeds) else int(seeds), int(_number(row["architectures"])))


def _number(value: Any) -> float:
    return math.nan if value is None else float(value)


def _lost(row: Mapping[Any, Any]) -> str:
    counts = Counts(**{field.name: int(_number(row[field.name])) for field in fields(Counts)})
    return f"of {count(counts.planned, 'run')}: {lost_note(counts)}" if counts.lost else ""


def _by_factor(rows: list[Row]) -> str:
    """Return an item per factor with its levels."""
    factors: dict[str, list[str]] = {}
    for row in rows:
        factors.setdefault(row.factor, []).append(escape_markdown(row.text))
    return "\n".join(f"- {escape_markdown(factor)}: {'; '.join(texts)}" for factor, texts in factors.items())


def _beside(table: pd.DataFrame) -> Iterator[str]:
    """Yield how the baseline stands beside what ranks without training."""
    for row in table[table["factor"] == BASELINE.factor].to_dict("records"):
        baseline = _estimate(row, "tau")
        if baseline.seeds:
            n = count(baseline.architectures, "architecture")
            yield f"Baseline: tau {with_interval(baseline)}, {count(baseline.seeds, 'seed')}, {n}."
    others = table[table["factor"].isin((UNTRAINED.factor, REFERENCE)) & table["tau"].notna()]
    if len(others):
        found = ((str(row["level"]), _estimate(row, "tau")) for row in others.to_dict("records"))
        texts = (f"{name} {with_interval(tau)}, {count(tau.architectures, 'architecture')}" for name, tau in found)
        yield f"Without a trained supernet, tau: {'; '.join(texts)}."


def _failed(table: pd.DataFrame) -> list[str]:
    """Return the rows with runs that gave nothing; the baseline once, not in every factor that it is a level of."""
    repeated = table["baseline"] & (table["factor"] != BASELINE.factor)
    rows = table[~repeated & (table["factor"] != REFERENCE)]
    found = ((f"{row['factor']} {row['level']}", _lost(row)) for row in rows.to_dict("records"))
    return [f"{name} ({lost})" for name, lost in found if lost]


def _agreement(folder: Path) -> Iterator[str]:
    if not (folder / PAIRS).is_file():
        return
    yield f"## [Does one study predict another?]({folder.name}/{AGREEMENT_PAGE})"
    for pair in read_pairs(folder):
        yield escape_markdown(str(pair["conclusion"]))
        name = escape_markdown(f"{pair['first']} and {pair['second']}")
        yield f"![{name}]({folder.name}/{pair['plot']})"
