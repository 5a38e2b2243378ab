"""What each level of each factor does to the ranking, beside what ranks architectures without training."""

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field

import pandas as pd

from supernet_bench.analysis.effects.grids import Grid, find_grids
from supernet_bench.analysis.effects.intervals import Difference, Estimate, distinct
from supernet_bench.analysis.ranking.scores import Kind
from supernet_bench.records.manifest import Level

BASELINE = Level("baseline", "baseline", baseline=True, uses_truth=False)
UNTRAINED = Level("untrained", "untrained", baseline=False, uses_truth=False)
DIGITS = 9
"""Decimals to which equal numbers are equal on every machine."""

REFERENCE = "reference"
"""Factor of published numbers."""


@dataclass(frozen=True)
class Counts:
    """How many runs of a level there are, by what became of them.

    `undefined` counts those among the finished whose scores are constant, so that they have no tau.
    """

    planned: int = 0
    finished: int = 0
    failed: int = 0
    missing: int = 0
    damaged: int = 0
    undefined: int = 0

    @property
    def lost(self) -> dict[str, int]:
        """Planned runs without tau by what became of them."""
        return {name: runs for name, runs in asdict(self).items() if name not in ("planned", "finished") and runs}


@dataclass(frozen=True)
class Effect:
    """One row of the table.

    Attributes
    ----------
    level : Level
        Whose row it is; the factor of published numbers is `REFERENCE`.
    counts : Counts
        Its runs.
    estimates : dict of str to Estimate
        By metric; rows of published numbers only have tau.
    differences : dict of str to Difference
        By metric, mean over the seeds of the level minus that over the seeds of the baseline, in the form that marks
        tables (`comparisons`); empty for the baseline itself and for reference rows.
    paired : dict of str to Difference
        The same paired by seed, over the seeds that both have; nothing is marked by it.
    interaction : Difference, optional
        Only for cells of a grid that change both factors: how much more they change tau together than the sum of
        what each does alone, as a mean over seeds.
    baseline_minus_this : Estimate, optional
        Only for references: mean over seeds of the tau of the baseline minus that of the reference, which is the
        same for all seeds unless it is the untrained supernet.
    kind : Kind, optional
        Only for references: what gives the scores, `Kind.SUPERNET` for what the supernets of the baseline say
        together; none for the noise ceiling, which has none.
    path_passes : float
        Paths that a run of the level trains over those that the baseline's of the same seed does, the mean over
        seeds; NaN where no seed has both.
    """

    level: Level
    counts: Counts
    estimates: dict[str, Estimate]
    differences: Mapping[str, Difference] = field(default_factory=dict)
    paired: Mapping[str, Difference] = field(default_factory=dict)
    interaction: Difference | None = None
    baseline_minus_this: Estimate | None = None
    kind: Kind | None = None
    path_passes: float = math.nan

    @property
    def tau(self) -> Estimate:
        """Kendall's tau-b with the truth."""
        return self.estimates["tau"]

    @property
    def difference(self) -> Difference | None:
        """The difference to the baseline in tau; none for the baseline itself and for reference rows."""
        return self.differences.get("tau")


@dataclass(frozen=True)
class Effects:
    """All rows of a study's table and what its plots are drawn from.

    Attributes
    ----------
    levels : tuple of Effect
        The baseline, then every level of every factor.
    references : tuple of Effect
        The untrained supernet, what the supernets of the baseline say together, what a supernet has to beat, and the
        noise ceiling.
    runs : DataFrame
        The runs of the results with a column per metric.
    checkpoints : DataFrame
        tau of every checkpoint of every run: run_id, epoch, late, tau.
    truth : Series, [n]
        Published accuracies by the number of the architecture.
    warnings : tuple of str
        One line each.
    equal_size_pairs : int
        Pairs of architectures with equal parameter counts and different truth.
    blocks : int
        Blocks of scoring images that all runs have scores of; 0 where some have none, so that intervals of it do not
        cover the choice of images.
    """

    levels: tuple[Effect, ...]
    references: tuple[Effect, ...]
    runs: pd.DataFrame
    checkpoints: pd.DataFrame
    truth: pd.Series
    warnings: tuple[str, ...]
    equal_size_pairs: int = 0
    blocks: int = 0

    @property
    def baseline(self) -> Effect:
        """The row of the baseline."""
        return self.levels[0]

    @property
    def grids(self) -> list[Grid]:
        """The grids of two factors."""
        return find_grids([effect.level for effect in self.levels])

    @property
    def strongest_cost(self) -> Effect | None:
        """The cost that ranks best, the first of equal ones: the one that pages and figures speak of."""
        costs = [row for row in self.references if row.kind is Kind.COST and not math.isnan(row.tau.value)]
        return max(costs, key=lambda row: round(row.tau.value, DIGITS), default=None)

    @property
    def untrained(self) -> list[Effect]:
        """The row of the untrained supernet; nothing where scores were imported."""
        return [effect for effect in self.references if effect.kind is Kind.UNTRAINED]

    @property
    def apart_from_untrained(self) -> list[Effect]:
        """The rows of all other references."""
        return [effect for effect in self.references if effect.kind is not Kind.UNTRAINED]

    def of_level(self, level: Level) -> Effect:
        """Return the row of a level of the study."""
        return next(effect for effect in self.levels if effect.level == level)

    @property
    def comparisons(self) -> list[Difference]:
        """The differences in tau that could exclude zero, each once: the family that is corrected together."""
        return distinct(effect.difference for effect in self.levels)

    def of_factor(self, factor: str) -> list[Effect]:
        """Return the rows of a factor."""
        return [effect for effect in self.levels if effect.level.factor == factor]

    def runs_of(self, effect: Effect) -> pd.DataFrame:
        """Return the finished runs of a row."""
        runs, level = self.runs, effect.level
        return runs[(runs["factor"] == level.factor) & (runs["level"] == level.name) & (runs["status"] == "finished")]

    @property
    def factors(self) -> list[str]:
        """Names of the factors, in the order of the study."""
        return list(dict.fromkeys(effect.level.factor for effect in self.levels[1:]))
