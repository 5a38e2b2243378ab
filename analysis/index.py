"""The index of the published studies: what helps, what hurts, and what shows no effect, in each."""

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from analysis.agreement_report import PAGE as AGREEMENT_PAGE
from analysis.agreement_report import PAIRS
from analysis.checking import of_pages
from analysis.effects import BASELINE, REFERENCE, UNTRAINED
from analysis.formatting import CORRECTED, USES_TRUTH, count, with_interval
from analysis.plots import EFFECTS_FOREST
from analysis.publication import AGREEMENT, TABLE
from analysis.records import Manifest, read_manifest_file
from analysis.rendering import escape_markdown
from analysis.statistics import ALPHA, Estimate
from benchmark.files import write_atomically
from benchmark.published import MANIFEST

INDEX = "README.md"

INTRODUCTION = """# Results

Every study here comes with all its records (`records.jsonl.xz`, one JSON per line), and everything below is generated
from them. `supernet-bench report STUDY --check` does that again and compares;
`supernet-bench merge results/STUDY --store store` makes a store of the records, with which `supernet-bench run STUDY`
goes on, for example with more seeds.

How to read it. tau is Kendall's rank correlation of the architectures' accuracies with the weights of the supernet and
their published accuracies. A difference is the tau of a level minus that of the baseline with the same seed, averaged
over seeds, with its 95 % interval over seeds and architectures. *Helps* and *hurts* mean that this interval excludes
zero; {mark} that it still does after Holm's correction for all comparisons of the study. Without that mark about one
comparison in twenty would be listed even if nothing had an effect. *No effect shown* does not mean that there is none:
the interval says how large it could be."""


@dataclass(frozen=True)
class Row:
    """A level in the table of a study, as far as the index needs it."""

    factor: str
    name: str
    uses_truth: bool
    difference: Estimate
    holm: float
    lost: str

    @property
    def text(self) -> str:
        """The level, its difference, interval and seeds."""
        mark = f" {CORRECTED}" if self.holm < ALPHA and self.difference.excludes_zero else ""
        truth = f" {USES_TRUTH} (uses published accuracies)" if self.uses_truth else ""
        lost = f" ({self.lost})" if self.lost else ""
        if not self.difference.seeds:
            return f"{self.name}{truth}{lost}"
        numbers = with_interval(self.difference, "+")
        return f"{self.name}{truth}: {numbers}{mark}, {count(self.difference.seeds, 'seed')}{lost}"


LISTS: dict[str, Callable[[Estimate], bool]] = {
    "Helps": lambda d: d.excludes_zero and d.low > 0,
    "Hurts": lambda d: d.excludes_zero and d.high < 0,
    "No effect shown": lambda d: d.seeds > 1 and not d.excludes_zero,
    "Not decidable with one seed": lambda d: d.one_seed,
    "Nothing to compare": lambda d: d.seeds == 0,
}
"""The lists of levels and what belongs into each; the first three are shown even if empty."""


def write_index(results: Path) -> Path:
    """Write the index of a folder of published studies and return where."""
    path = results / INDEX
    write_atomically(path, index(results).encode())
    return path


def check_index(results: Path) -> list[str]:
    """Return in one line each where the index is not what it should be."""
    path = results / INDEX
    return list(of_pages(path, path.read_text(encoding="utf-8") if path.exists() else "", index(results)))


def index(results: Path) -> str:
    """Return the index of a folder of published studies, from the files in it alone.

    Parameters
    ----------
    results : Path
        Folder of the published studies.
    """
    parts = [INTRODUCTION.format(mark=escape_markdown(CORRECTED))]
    for folder in sorted(file.parent for file in results.glob(f"*/{MANIFEST}")):
        parts += _study(folder)
    return "\n\n".join([*parts, *_agreement(results / AGREEMENT)]) + "\n"


def _study(folder: Path) -> Iterator[str]:
    manifest = read_manifest_file(folder / MANIFEST)
    table = pd.read_csv(folder / TABLE, dtype={"factor": str, "level": str}, keep_default_na=False, na_values=[""])
    yield f"## [{escape_markdown(manifest.study)}]({folder.name}/report.md)"
    yield escape_markdown(f"{manifest.title}. {_setting(manifest, table)}")
    yield from (escape_markdown(line) for line in _beside(table))
    yield f"![Differences to the baseline]({folder.name}/plots/{EFFECTS_FOREST}.png)"
    rows = [_row(row) for row in table.to_dict("records") if row["factor"] not in (REFERENCE, UNTRAINED.factor)]
    levels = [row for row, baseline in zip(rows, table["baseline"], strict=False) if not baseline]
    for number, (title, belongs) in enumerate(LISTS.items()):
        members = [row for row in levels if belongs(row.difference)]
        if members or number < 3:
            yield f"**{title}** ({count(len(members), 'level')})"
            yield _by_factor(members) or "- none"
    failed = _failed(table)
    if failed:
        yield f"**Runs without a result**: {escape_markdown('; '.join(failed))}."


def _setting(manifest: Manifest, table: pd.DataFrame) -> str:
    runs = count(len({run.run_id for run in manifest.runs}), "run")
    architectures = count(int(table["architectures"].iloc[0]), "architecture")
    return (
        f"Space {manifest.space}, images {manifest.images}, {runs}, {count(len(manifest.seeds), 'seed')}, "
        f"{architectures} scored."
    )


def _row(row: Mapping[Any, Any]) -> Row:
    return Row(
        factor=str(row["factor"]),
        name=str(row["level"]),
        uses_truth=bool(row["uses_truth"]),
        difference=_estimate(row, "difference"),
        holm=_number(row["difference_holm"]),
        lost=_lost(row),
    )


def _estimate(row: Mapping[Any, Any], name: str) -> Estimate:
    value, low, high, seeds = (_number(row[f"{name}{end}"]) for end in ("", "_low", "_high", "_seeds"))
    return Estimate(value, low, high, 0 if math.isnan(seeds) else int(seeds), int(_number(row["architectures"])))


def _number(value: Any) -> float:
    return math.nan if value is None else float(value)


def _lost(row: Mapping[Any, Any]) -> str:
    states = {state: int(_number(row[state])) for state in ("failed", "missing", "damaged", "undefined")}
    lost = ", ".join(f"{runs} {state}" for state, runs in states.items() if runs)
    return f"of {count(int(_number(row['planned'])), 'run')}: {lost}" if lost else ""


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
            yield f"Baseline: tau {with_interval(baseline)}, {count(baseline.seeds, 'seed')}."
    others = table[table["factor"].isin((UNTRAINED.factor, REFERENCE)) & table["tau"].notna()]
    if len(others):
        found = (f"{row['level']} {with_interval(_estimate(row, 'tau'))}" for row in others.to_dict("records"))
        yield f"Without a trained supernet, tau: {'; '.join(found)}."


def _failed(table: pd.DataFrame) -> list[str]:
    """Return the rows with runs that gave nothing; the baseline once, not in every factor that it is a level of."""
    repeated = table["baseline"] & (table["factor"] != BASELINE.factor)
    rows = table[~repeated & (table["factor"] != REFERENCE)]
    found = ((f"{row['factor']} {row['level']}", _lost(row)) for row in rows.to_dict("records"))
    return [f"{name} ({lost})" for name, lost in found if lost]


def _agreement(folder: Path) -> Iterator[str]:
    if not (folder / PAIRS).is_file():
        return
    pairs = pd.read_csv(folder / PAIRS, keep_default_na=False, na_values=[""])
    yield f"## [Does one study predict another?]({folder.name}/{AGREEMENT_PAGE})"
    for pair in pairs.to_dict("records"):
        yield escape_markdown(str(pair["conclusion"]))
        name = escape_markdown(f"{pair['first']} and {pair['second']}")
        yield f"![{name}]({folder.name}/{pair['plot']})"
