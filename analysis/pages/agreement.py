"""The page that says whether studies agree: what a cheap one tells of a dear one."""

import itertools
import math
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import pandas as pd
from scipy import stats

from supernet_bench.analysis.effects.agreement import FEWEST, Agreement, Correlation, agree
from supernet_bench.analysis.effects.effects import Effect, Effects
from supernet_bench.analysis.effects.estimate import compute_effects
from supernet_bench.analysis.effects.intervals import CONFIDENCE, Difference
from supernet_bench.analysis.figures.agreement import agreement_figure
from supernet_bench.analysis.figures.style import file_names, style
from supernet_bench.analysis.numbers import (
    CORRECTED,
    ONE_SEED,
    UNCORRECTED,
    USES_TRUTH,
    count,
    interval,
    marked,
    marks,
    number,
    with_interval,
)
from supernet_bench.analysis.pages.render import as_markdown, escape_markdown
from supernet_bench.analysis.pages.tables import Table
from supernet_bench.analysis.publishing.publish import shrink
from supernet_bench.analysis.ranking.resampling import RESAMPLES
from supernet_bench.analysis.results import Results, load_results
from supernet_bench.core.errors import InputError
from supernet_bench.core.folders import SUMS, files_of, read_table, replaced, write_sums
from supernet_bench.core.progress import SILENT, Part, Progress

PAGE, LEVELS, PAIRS = "report.md", "table.csv", "pairs.csv"
CONTENTS = frozenset((PAGE, LEVELS, PAIRS, SUMS, "plots"))

CLOSE = 0.7
"""From where on the lower end of rho counts as a close agreement."""

NOISY = 0.5
"""Below this ceiling, noise alone would hide most of an agreement."""

NOTES = (
    "Effect of a level: the mean over seeds of its tau minus that of the baseline of its own study. Compared are the "
    "levels that have the same factor and name in both and are the baseline of neither; of levels that are the same "
    "runs, one.",
    "rho (Spearman) and tau (Kendall) compare the orders of the effects: 1 the same, 0 unrelated, -1 reversed. They, "
    "the agreement with fresh seeds and the ceiling are of the seeds named above, none of which is in both: runs of "
    "equal seeds share what chance does in them, so their noise may agree between studies. The effects in plot and "
    "table, and the counts of directions, are over all seeds of each study, of which some may be in both.",
    "The intervals of rho and tau (95 %, bootstrap over factors, each with all its levels, and over the seeds of each "
    "study) are for effects measured with this many seeds. An order is shown to be related if that of rho excludes "
    "zero; what is not shown to be related is not shown to be unrelated. Architectures and truth are not resampled.",
    "A baseline that hardly ranks better than chance has little to lose, so sizes of effects differ between studies.",
    "With fresh seeds: the rho of a study with itself, had it been run again with as many other seeds: mean over "
    "random halves of its seeds, raised to all of them by the formula of Spearman and Brown. Ceiling: the rho to "
    "expect between two studies whose true effects have the same order, the geometric mean of both. Their intervals "
    "are of the same levels and the same draws of factors as that of rho, and do not cover the choice of seeds.",
    "Expected: how many of the effects would have the same direction if a direction on the first study said nothing "
    "about that on the second, given how many common levels are positive and negative there. All differences of a "
    "study are to one baseline, so most may have one direction for its sake alone.",
    f"{UNCORRECTED} The 95 % interval of the difference excludes zero before correction, {CORRECTED} also after Holm's "
    f"correction for all comparisons of that study. {ONE_SEED} One seed: the interval covers architectures alone. "
    f"{USES_TRUTH} The level uses published accuracies. "
    "The intervals of shares are those of Clopper and Pearson, which take the levels as independent; levels of one "
    "factor are not, so they are too narrow.",
)


@dataclass(frozen=True)
class Study:
    """A study as it is compared."""

    results: Results
    effects: Effects

    @property
    def name(self) -> str:
        """Its name."""
        return self.results.manifest.study

    @property
    def seeds(self) -> tuple[int, ...]:
        """Its seeds, sorted."""
        return tuple(sorted({run.seed for run in self.results.manifest.runs}))

    def differences(self, levels: Sequence[Effect]) -> np.ndarray:
        """Return tau minus that of the baseline, [levels, seeds]; NaN where a run of the pair has none."""
        taus = self.effects.runs.pivot_table(index=["factor", "level"], columns="seed", values="tau", dropna=False)
        rows = [(effect.level.factor, effect.level.name) for effect in (self.effects.baseline, *levels)]
        found = taus.reindex(pd.MultiIndex.from_tuples(rows)).reindex(columns=list(self.seeds)).to_numpy(np.float64)
        return np.asarray(found[1:] - found[0])


@dataclass(frozen=True)
class Signs:
    """How many effects shown in the first study have the same direction in the second.

    Attributes
    ----------
    shown, same : int
        Those shown in the first, and how many of them have the same direction in the second.
    expected : float
        How many would have, if the directions were independent.
    confirmed, contradicted : int
        Those shown in the second too, by the same rule, with the same direction or the opposite one.
    """

    shown: int
    same: int
    expected: float
    confirmed: int
    contradicted: int

    @property
    def low(self) -> float:
        """The lower end of the interval of the share."""
        return float(stats.binomtest(self.same, self.shown).proportion_ci(CONFIDENCE).low)

    @property
    def better(self) -> bool:
        """Whether more have the same direction than would if directions were independent, beyond chance."""
        return self.shown > 0 and self.low * self.shown > self.expected

    def __str__(self) -> str:
        if not self.shown:
            return "none"
        high = stats.binomtest(self.same, self.shown).proportion_ci(CONFIDENCE).high
        expected = number(self.expected, decimals=1)
        return f"{self.same} of {self.shown} [{self.low:.2f}, {high:.2f}], expected {expected}"


@dataclass(frozen=True)
class Pair:
    """Two studies and the levels that both have, in the order of their effects in the first."""

    first: Study
    second: Study
    levels: tuple[tuple[Effect, Effect], ...]
    agreement: Agreement

    @property
    def name(self) -> str:
        """Both names."""
        return f"{self.first.name} and {self.second.name}"

    @property
    def directions(self) -> tuple[int, int]:
        """How many of the common levels are positive, and negative, in the second study."""
        values = [_value(other) for _, other in self.levels]
        return sum(value > 0 for value in values), sum(value < 0 for value in values)

    @cached_property
    def conclusion(self) -> str:
        """What a user may conclude from the first study about the second, in one sentence."""
        return conclude(self)

    def signs(self, corrected: bool = False) -> Signs:
        """Count directions among the levels whose effect the first study shows."""
        both = [(one.difference, other.difference) for one, other in self.levels]

        def is_shown(difference: Difference) -> bool:
            return difference.excludes_zero_corrected if corrected else difference.excludes_zero

        shown = [(one, other) for one, other in both if one and other and is_shown(one)]
        same = [other for one, other in shown if one.value * other.value > 0]
        opposite = [other for one, other in shown if one.value * other.value < 0]
        rates = dict(zip((1, -1), self.directions, strict=True))
        return Signs(
            len(shown),
            len(same),
            sum(rates.get(int(np.sign(one.value)), 0) for one, _ in shown) / max(1, len(both)),
            sum(is_shown(other) for other in same),
            sum(is_shown(other) for other in opposite),
        )


def read_study(store: Path, study: str, progress: Progress = SILENT) -> Study:
    """Read a study from a store and estimate its effects as its report does."""
    results = load_results(store, study)
    return Study(results, compute_effects(results, RESAMPLES, 0, progress))


def compared(folder: Path) -> list[str]:
    """Return the names of the studies that are compared in a folder.

    Raises
    ------
    InputError
        If nothing is compared there.
    """
    if not (folder / PAIRS).is_file():
        raise InputError(f"{folder / PAIRS} does not exist; allowed: a folder that `supernet-bench agreement` wrote")
    pairs = read_table(folder / PAIRS, ("first", "second"), dtype=str, keep_default_na=False)
    return [*dict.fromkeys([*pairs["first"], *pairs["second"]])]


def compare_studies(first: Study, second: Study, resamples: int = RESAMPLES) -> Pair:
    """Compare the effects of the levels that two studies have in common."""
    levels = sorted(_common(first.effects, second.effects), key=lambda both: _value(both[0]), reverse=True)
    names = [one.level.factor for one, _ in levels]
    factors = np.unique(names, return_inverse=True)[1] if names else np.empty(0, dtype=np.int64)
    one, other = first.differences([one for one, _ in levels]), second.differences([other for _, other in levels])
    return Pair(first, second, tuple(levels), agree(one, other, factors, (first.seeds, second.seeds), resamples))


def _common(first: Effects, second: Effects) -> Iterator[tuple[Effect, Effect]]:
    """Yield the levels that both studies have an effect of; a grid repeats the runs of single factors."""
    others = {(effect.level.factor, effect.level.name): effect for effect in second.levels}
    seen = set()
    for effect in first.levels:
        other = others.get((effect.level.factor, effect.level.name))
        if other is None or not all(both.difference and both.difference.seeds for both in (effect, other)):
            continue
        runs = frozenset(first.runs_of(effect)["run_id"])
        if runs not in seen:
            yield effect, other
        seen.add(runs)


def _value(effect: Effect) -> float:
    return effect.difference.value if effect.difference else math.nan


def write_agreement(
    studies: Sequence[Study],
    folder: Path,
    resamples: int = RESAMPLES,
    progress: Progress = SILENT,
) -> tuple[Path, ...]:
    """Write how every study agrees with every later one.

    Parameters
    ----------
    studies : sequence of Study
        At least two, the cheapest first.
    folder : Path
        Replaced once the new one is whole.
    resamples : int
        Of the bootstrap.
    progress : Progress

    Returns
    -------
    tuple of Path
        All files, sorted.

    Raises
    ------
    InputError
        If the folder holds anything else.
    """
    with replaced(folder.absolute(), CONTENTS) as new:
        (new / "plots").mkdir()
        pairs = []
        for first, second in itertools.combinations(studies, 2):
            pairs.append(compare_studies(first, second, resamples))
            progress.advanced(Part("comparing studies", f"compared {pairs[-1].name}"), None)
        progress.advanced(Part("comparing studies"), 1.0)
        plots = {name: f"plots/{file}.png" for name, file in file_names(pair.name for pair in pairs).items()}
        for pair in pairs:
            _draw(pair, new / plots[pair.name])
        _write_frame(new / LEVELS, [row for pair in pairs for row in _level_rows(pair)])
        _write_frame(new / PAIRS, [{**_pair_row(pair), "plot": plots[pair.name]} for pair in pairs])
        (new / PAGE).write_text(_page(pairs, plots), encoding="utf-8")
        write_sums(new)
    return tuple(files_of(folder))


def read_pairs(folder: Path) -> list[dict[str, object]]:
    """Return what was written of each pair, by column."""
    table = read_table(folder / PAIRS, keep_default_na=False, na_values=[""])
    return [{str(name): value for name, value in pair.items()} for pair in table.to_dict("records")]


def _draw(pair: Pair, file: Path) -> None:
    with style():
        agreement_figure(pair.levels, (pair.first.name, pair.second.name), _order(pair)).savefig(file)
    shrink(file, file)


def _write_frame(file: Path, rows: list[dict[str, object]]) -> None:
    pd.DataFrame(rows).to_csv(file, index=False, float_format="%.6f", lineterminator="\n")


def _level_rows(pair: Pair) -> Iterator[dict[str, object]]:
    for both in pair.levels:
        row: dict[str, object] = {"first": pair.first.name, "second": pair.second.name}
        row |= {"factor": both[0].level.factor, "level": both[0].level.name}
        for which, effect in zip(("first", "second"), both, strict=True):
            difference = effect.difference
            assert difference
            row |= {
                f"{which}_difference": difference.value,
                f"{which}_low": difference.low,
                f"{which}_high": difference.high,
                f"{which}_holm": difference.adjusted,
                f"{which}_seeds": difference.seeds,
            }
        yield row


def _pair_row(pair: Pair) -> dict[str, object]:
    found = pair.agreement
    row: dict[str, object] = {"first": pair.first.name, "second": pair.second.name}
    row |= {"levels": found.levels, "factors": found.factors, "left_out": found.left_out}
    row |= {f"{which}_seeds": _listed(seeds) for which, seeds in zip(("first", "second"), found.seeds, strict=True)}
    measured = {"rho": found.rho, "tau": found.tau, "first_self": found.selves[0], "second_self": found.selves[1]}
    measured["ceiling"] = found.ceiling
    for name, correlation in measured.items():
        row |= {name: correlation.value, f"{name}_low": correlation.low, f"{name}_high": correlation.high}
    row |= dict(zip(("second_positive", "second_negative"), pair.directions, strict=True))
    for prefix, signs in (("", pair.signs()), ("corrected_", pair.signs(corrected=True))):
        row |= {f"{prefix}{name}": value for name, value in asdict(signs).items()}
    return row | {"conclusion": pair.conclusion}


def _page(pairs: Sequence[Pair], plots: dict[str, str]) -> str:
    parts = ["# Does one study predict another?"]
    for pair in pairs:
        parts += [f"## {escape_markdown(pair.name)}", f"**{escape_markdown(pair.conclusion)}**"]
        parts += ["\n".join(f"- {escape_markdown(line)}" for line in _lines(pair))]
        parts += [f"![{escape_markdown(pair.name)}]({plots[pair.name]})"]
        if pair.levels:
            parts += [as_markdown([_table(pair)], []).rstrip()]
    parts += ["## What the numbers are", "\n".join(f"- {escape_markdown(note)}" for note in NOTES)]
    return "\n\n".join(parts) + "\n"


def _lines(pair: Pair) -> list[str]:
    found, names = pair.agreement, (pair.first.name, pair.second.name)
    lines = [f"{study.name}: {_setting(study)}." for study in (pair.first, pair.second)]
    lines.append(
        "Architectures and truth are the same in both, so the numbers are for these."
        if _same_architectures(pair)
        else "The studies do not score the same architectures against the same truth."
    )
    lines.append(f"{count(len(pair.levels), 'common level')}; compared: {_rests_on(found)}{_left_out(found)}.")
    lines.append(f"Compared by seeds that are not in both: {_whose_seeds(pair)}.")
    if found.computed:
        lines += [f"Order of the effects: {_order(pair)}; Kendall's tau {_correlation(found.tau)}."]
    if not math.isnan(found.ceiling.value):
        lines += [
            f"With fresh seeds {name} would agree with itself: rho {_correlation(own)} (over factors, not seeds)."
            for name, own in zip(names, found.selves, strict=True)
        ]
        lines += [f"Ceiling: rho {_correlation(found.ceiling)} (over factors, not seeds)."]
    positive, negative = pair.directions
    lines.append(
        f"Of the {count(len(pair.levels), 'common level')}, {positive} are positive and {negative} negative on "
        f"{names[1]}."
    )
    for which, signs in (("before", pair.signs()), ("after", pair.signs(corrected=True))):
        lines.append(
            f"Effects on {names[0]} whose interval excludes zero {which} correction, that have the same direction on "
            f"{names[1]}: {signs}; excluding zero so there too: {signs.confirmed}, or the other way round: "
            f"{signs.contradicted}."
        )
    different = _different_baselines(pair)
    if different:
        lines.append(
            f"The baselines differ in {', '.join(different)}, so the differences are not taken from the same setting."
        )
    return lines


def _setting(study: Study) -> str:
    manifest, effects = study.results.manifest, study.effects
    n = count(len(effects.truth), "architecture")
    return f"space {manifest.space}, images {manifest.images}, {n}; baseline tau {with_interval(effects.baseline.tau)}"


def _different_baselines(pair: Pair) -> list[str]:
    """Return the heuristics that the baselines of both studies set differently.

    The specs tell, in which a neutral setting is absent; what was in force also lists the settings that code of that
    day had, and code of another day more.
    """
    records = [study.results.example for study in (pair.first, pair.second)]
    first, second = ((record or {}).get("spec", {}).get("heuristics", {}) for record in records)
    return sorted(name for name in first.keys() | second.keys() if first.get(name) != second.get(name))


def _same_architectures(pair: Pair) -> bool:
    one, other = (
        (study.results.manifest.space, study.results.target, study.results.architectures.tolist())
        for study in (pair.first, pair.second)
    )
    return one == other and np.array_equal(pair.first.effects.truth, pair.second.effects.truth)


def _rests_on(found: Agreement) -> str:
    return f"{count(found.levels, 'level')} of {count(found.factors, 'factor')}"


def _left_out(found: Agreement) -> str:
    return f"; {found.left_out} left out, which lack a pair of runs" if found.left_out else ""


def _whose_seeds(pair: Pair) -> str:
    names = (pair.first.name, pair.second.name)
    return " and ".join(
        f"{_listed(seeds) or 'none'} of {name}" for name, seeds in zip(names, pair.agreement.seeds, strict=True)
    )


def _listed(seeds: Sequence[int]) -> str:
    return " ".join(map(str, seeds))


def _order(pair: Pair) -> str:
    found = pair.agreement
    return f"rho {_correlation(found.rho)}" if found.computed else "not computed"


def _correlation(correlation: Correlation) -> str:
    value = number(correlation.value, decimals=2)
    if math.isnan(correlation.low):
        return value
    return f"{value} [{number(correlation.low, decimals=2)}, {number(correlation.high, decimals=2)}]"


def _table(pair: Pair) -> Table:
    names = (pair.first.name, pair.second.name)
    header = ("factor", "level", names[0], "95 %", "seeds", names[1], "95 %", "seeds")
    rows = tuple((one.level.factor, marked(one.level), *_cells(one), *_cells(other)) for one, other in pair.levels)
    return Table("Differences in tau to the baseline of each study, in the order of the first", header, rows, 2)


def _cells(effect: Effect) -> tuple[str, str, str]:
    difference = effect.difference
    assert difference
    return number(difference.value, "+"), interval(difference, "+") + marks(difference), str(difference.seeds)


def conclude(pair: Pair) -> str:
    """Return in one sentence what a user may conclude from the first study about the second."""
    found, first, second = pair.agreement, pair.first.name, pair.second.name
    rests_on = _rests_on(found)
    if found.levels < FEWEST or found.factors < 2:
        return (
            f"With only {rests_on} in common it cannot be said whether the effects on {first} predict those on "
            f"{second}."
        )
    if min(map(len, found.seeds)) < 2:
        few = first if len(found.seeds[0]) < 2 else second
        return (
            f"With fewer than two seeds of {few} that the other study does not use too it cannot be said whether the "
            f"effects on {first} predict those on {second}."
        )
    if not found.computed:
        return f"The effects have no order that could be compared, so {first} tells nothing about {second}."
    if math.isnan(found.rho.low):
        return (
            f"Resamples of the effects on {first} and {second} do not differ ({_order(pair)}, {rests_on}), so it "
            "cannot be said how far their agreement goes."
        )
    numbers = f"({_order(pair)}, {rests_on}; ceiling {_correlation(found.ceiling)})"
    if not found.rho.excludes_zero and found.ceiling.value < NOISY:
        return (
            f"The seeds are too few to say whether the effects on {first} predict those on {second} {numbers}: noise "
            "alone would hide an agreement, so conclude neither that they carry over nor that they do not."
        )
    if not found.rho.excludes_zero:
        return (
            f"The order of the effects on {first} is not shown to predict that on {second} {numbers}: do not conclude "
            f"from {first} what helps on {second}, measure it there."
        )
    if found.rho.value < 0:
        return (
            f"What is better on {first} tends to be worse on {second} {numbers}: do not carry effects over, measure "
            "them there."
        )
    directions = _directions(pair.signs())
    if found.rho.low >= CLOSE:
        return (
            f"The order of the effects on {first} largely carries over to {second} {numbers}{directions}: what clearly "
            f"helps or hurts on {first} may be expected to do so on {second}, while levels that lie close together may "
            "change places."
        )
    return (
        f"The order of the effects on {first} predicts that on {second} in part {numbers}{directions}: use {first} to "
        f"choose what to try on {second}, not to decide what helps there."
    )


def _directions(signs: Signs) -> str:
    if not signs.better:
        return ""
    return (
        f", and {signs.same} of the {signs.shown} effects whose interval excludes zero on the first have the same "
        f"direction on the second ({number(signs.expected, decimals=1)} expected)"
    )
