"""Which form of a difference marks the tables: false claims and power of several forms, in simulated studies.

All levels of a study are compared with one baseline, so false claims come together; whether a rule keeps the chance of
any false one below 5 % has to be simulated with the baseline shared. ``python -m tools.simulate_marks`` prints what
docs/numbers.md quotes. The form was chosen from this table before any study that it marks was read.
"""

import math
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy import special, stats

from supernet_bench.analysis.effects.intervals import ALPHA, holm
from supernet_bench.analysis.effects.moderation import Variance, moderate
from supernet_bench.core.output import steady

FORMS = ("paired", "Welch", "limma", "chosen", "partly paired")
"""Paired t over the shared seeds; Welch's t over all seeds; the same with variances moderated as limma does; what marks
the tables; and that less the slope of a level on the baseline times what the baseline's shared seeds are above all."""

MOST_DEGREES = 1e6
"""Degrees of freedom beyond which quantiles are those of a normal."""


@dataclass(frozen=True)
class Design:
    """A study that is simulated.

    Attributes
    ----------
    levels, seeds, baseline_seeds : int
        Levels besides the baseline, their seeds, and those of the baseline, which contain them.
    certainty : float
        Degrees of freedom of the inverse chi squared distribution that the levels' variances are drawn from.
    correlation : float
        Of a level and the baseline with equal seeds.
    diverging : int
        Levels whose standard deviation is five times what was drawn.
    effects : float
        Of a fifth of the levels, in typical standard deviations over seeds; 0 for none.
    steady : float
        The baseline's standard deviation over the typical one.
    tails : float
        Degrees of freedom of the t distribution of values over seeds, at the same variance; infinite for a normal one.
    """

    levels: int
    seeds: int
    baseline_seeds: int
    certainty: float = 36.0
    correlation: float = 0.1
    diverging: int = 0
    effects: float = 0.0
    steady: float = 1.0
    tails: float = math.inf


@dataclass(frozen=True)
class Rates:
    """What a form did over many studies.

    Attributes
    ----------
    false : float
        Share of the studies in which a level without effect was marked.
    power : float
        Share of the levels with an effect that were marked; NaN where there is none.
    uncorrected : float
        Mean number of levels without effect whose own interval excludes zero.
    quantile : float
        95 % quantile of that number.
    """

    false: float
    power: float
    uncorrected: float
    quantile: float


def simulate(design: Design, studies: int, seed: int = 0) -> dict[str, Rates]:
    """Return what every form does to so many studies."""
    rng = np.random.default_rng(seed)
    effects = np.zeros(design.levels)
    effects[: design.levels // 5 if design.effects else 0] = design.effects
    null = effects == 0
    found: dict[str, list[tuple[float, float, float]]] = {form: [] for form in FORMS}
    for _ in range(studies):
        levels, baseline = _values(design, effects, rng)
        for form, p_values in _p_values(levels, baseline).items():
            marked = np.array(holm(list(p_values))) < ALPHA
            chance = float(np.count_nonzero(p_values[null] < ALPHA))
            power = float(marked[~null].mean()) if design.effects else math.nan
            found[form].append((float(marked[null].any()), power, float(chance)))
    rates = {}
    for form, rows in found.items():
        false, power, chance = np.array(rows, dtype=np.float64).T
        rates[form] = Rates(
            float(false.mean()), float(power.mean()), float(chance.mean()), float(np.quantile(chance, 0.95))
        )
    return rates


def _values(design: Design, effects: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Return values of the levels, [levels, seeds], and of the baseline, [baseline_seeds]."""
    deviations = np.ones(design.levels)
    if math.isfinite(design.certainty):
        deviations = np.sqrt(design.certainty / rng.chisquare(design.certainty, design.levels))
    deviations[len(deviations) - design.diverging :] *= 5
    shape = design.levels, design.seeds
    of_seed, own = _drawn(design.baseline_seeds, design.tails, rng), _drawn(shape, design.tails, rng)
    mixed = design.correlation * of_seed[: design.seeds] + math.sqrt(1 - design.correlation**2) * own
    return effects[:, None] + deviations[:, None] * mixed, design.steady * of_seed


def _drawn(shape: int | tuple[int, ...], tails: float, rng: np.random.Generator) -> np.ndarray:
    """Return values of variance 1."""
    if math.isinf(tails):
        return rng.normal(size=shape)
    return rng.standard_t(tails, size=shape) * math.sqrt((tails - 2) / tails)


def _p_values(levels: np.ndarray, baseline: np.ndarray) -> dict[str, np.ndarray]:
    """Return the p-values of all levels in every form."""
    number, seeds = levels.shape
    differences = levels.mean(axis=1) - baseline.mean()
    own = np.append(levels.var(axis=1, ddof=1), baseline.var(ddof=1))
    degrees = np.append(np.full(number, seeds - 1.0), len(baseline) - 1.0)
    runs = np.append(np.full(number, seeds), len(baseline))
    limma, wider = (_arrays(moderate(list(own), list(degrees), only_wider)) for only_wider in (False, True))
    slopes, left = _slopes(levels, baseline, wider[0])
    shared = baseline[:seeds].mean() - baseline.mean()
    of_baseline = (1 - slopes) ** 2 * wider[0][-1] / len(baseline)
    return {
        "paired": stats.ttest_1samp(levels - baseline[:seeds], 0, axis=1).pvalue,
        "Welch": _welch(differences, own / runs, degrees),
        "limma": _welch(differences, limma[0] / runs, limma[1]),
        "chosen": _quadrature(differences, wider[0][:-1] / seeds, wider[0][-1] / len(baseline), wider[1]),
        "partly paired": _quadrature(
            differences - slopes * shared, left * wider[0][:-1] / seeds, of_baseline, wider[1]
        ),
    }


def _arrays(variances: Sequence[Variance]) -> tuple[np.ndarray, np.ndarray]:
    """Return variances and their degrees of freedom."""
    return np.array([one.value for one in variances]), np.array([one.degrees for one in variances])


def _welch(differences: np.ndarray, variances: np.ndarray, degrees: np.ndarray) -> np.ndarray:
    """Return p-values with Satterthwaite's degrees of freedom; variances are of the means, the baseline's last."""
    total = variances[:-1] + variances[-1]
    known = total**2 / (variances[:-1] ** 2 / degrees[:-1] + variances[-1] ** 2 / degrees[-1])
    return np.asarray(2 * special.stdtr(known, -np.abs(differences) / np.sqrt(total)))


def _quadrature(differences: np.ndarray, own: np.ndarray, baseline: np.ndarray, degrees: np.ndarray) -> np.ndarray:
    """Return the p-values of `analysis.effects.intervals.Spread` for all levels at once."""
    known = np.minimum(degrees, MOST_DEGREES)
    low, high = np.full(len(differences), math.log(1e-9)), np.zeros(len(differences))
    for _ in range(25):
        middle = (low + high) / 2
        tail = np.exp(middle) / 2
        squares = special.stdtrit(known[:-1], tail) ** 2 * own + special.stdtrit(known[-1], tail) ** 2 * baseline
        excludes = np.abs(differences) > np.sqrt(squares)
        low, high = np.where(excludes, low, middle), np.where(excludes, middle, high)
    return np.exp(high)


def _slopes(levels: np.ndarray, baseline: np.ndarray, variances: np.ndarray) -> tuple[np.ndarray, float]:
    """Return the slopes of levels on the baseline of equal seeds, and the share of a level's variance that is left.

    All levels are taken to have one correlation with the baseline, the mean of what they show.
    """
    seeds = levels.shape[1]
    centred, shared = levels - levels.mean(axis=1, keepdims=True), baseline[:seeds] - baseline[:seeds].mean()
    sums = np.sqrt((centred**2).sum(axis=1) * (shared**2).sum())
    correlation = float(np.clip(np.mean(centred @ shared / sums), 0, 0.95))
    return correlation * np.sqrt(variances[:-1] / variances[-1]), 1 - correlation**2


DESIGNS: Mapping[str, Design] = {
    "35 levels x 5 + 32": Design(35, 5, 32),
    "35 levels x 5 + 5": Design(35, 5, 5),
    "68 levels x 8 + 32": Design(68, 8, 32),
    "68 levels x 8 + 8": Design(68, 8, 8),
    "14 levels x 3 + 3": Design(14, 3, 3),
    "68 levels x 5 + 45": Design(68, 5, 45),
    "17 levels x 5 + 21": Design(17, 5, 21),
}
VARIANTS: Mapping[str, Callable[[Design], Design]] = {
    "as measured": lambda design: design,
    "equal variances": lambda design: replace(design, certainty=math.inf),
    "variances that differ much": lambda design: replace(design, certainty=4.0),
    "equal seeds alike (0.5)": lambda design: replace(design, correlation=0.5),
    "equal seeds unlike (0)": lambda design: replace(design, correlation=0.0),
    "three levels diverge": lambda design: replace(design, diverging=3),
    "a restless baseline": lambda design: replace(design, steady=1.5),
    "heavy tails": lambda design: replace(design, tails=5.0),
}
EFFECT = 1.5
"""Of a fifth of the levels where power is measured, in standard deviations over seeds: about 0.1 in tau."""


def main(studies: int = 400) -> None:
    """Print the rates of every form in every design."""
    steady()
    print("| study | variant | form | any false mark | power | by chance: mean | 95 % quantile |")
    print("| --- | --- | --- | --- | --- | --- | --- |")
    for variant, changed in VARIANTS.items():
        for name, design in DESIGNS.items():
            null = simulate(changed(design), studies)
            real = simulate(replace(changed(design), effects=EFFECT), studies // 4, seed=1)
            for form in FORMS:
                rates = null[form]
                counts = f"{rates.uncorrected:.1f} | {rates.quantile:.0f}"
                row = f"| {name} | {variant} | {form} | {rates.false:.3f} | {real[form].power:.2f} | {counts} |"
                print(row, flush=True)


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
