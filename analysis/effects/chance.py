"""How many intervals of a study would exclude zero by chance, if no level had an effect."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import special

from supernet_bench.analysis.effects.intervals import ALPHA, Difference, Part, Spread

STUDIES = 4000
"""Studies that are simulated."""

SHARE = 0.95
"""Of them, that have at most as many as is said."""


@dataclass(frozen=True)
class Chance:
    """How many intervals exclude zero over many studies without any effect: the mean, and the 95 % quantile."""

    mean: float
    most: int


def chance_of(differences: Sequence[Difference], seed: int = 0) -> Chance:
    """Return how many of these intervals would exclude zero by chance.

    False ones come together, since all levels are compared with the same runs of one baseline: most studies have
    fewer than the mean, some have many more. So studies are simulated in which every part of every interval varies
    as its width says. All levels have the same baseline, and half of what architectures and images add, which is the
    baseline's part where levels respond to them as it does.

    Parameters
    ----------
    differences : sequence of Difference
        With their spread: the family of a study.
    seed : int
        Of the simulation.
    """
    rng = np.random.default_rng(seed)
    spreads = [difference.spread for difference in differences if difference.spread]
    baseline = rng.normal(size=STUDIES), rng.random(STUDIES)
    scored = rng.normal(size=STUDIES)
    excluding = np.zeros(STUDIES, dtype=np.int64)
    for spread in spreads:
        excluding += _excludes(spread, baseline, scored, rng)
    return Chance(float(excluding.mean()), int(np.quantile(excluding, SHARE, method="inverted_cdf")))


def _excludes(
    spread: Spread, baseline: tuple[np.ndarray, np.ndarray], scored: np.ndarray, rng: np.random.Generator
) -> np.ndarray:
    """Return whether the interval excludes zero, bool [studies]."""
    own, *others = spread.seeds
    parts = [(own, rng.normal(size=STUDIES), rng.random(STUDIES))]
    parts += [(other, *baseline) for other in others[:1]]
    parts += [(other, rng.normal(size=STUDIES), rng.random(STUDIES)) for other in others[1:]]
    shared = spread.shared * (scored + rng.normal(size=STUDIES)) / np.sqrt(2)
    value = shared + sum(part.deviation * drawn for part, drawn, _ in parts)
    squares = np.full(STUDIES, spread.architectures.half_width(ALPHA) ** 2 + spread.images.half_width(ALPHA) ** 2)
    for part, _, share in parts:
        squares += part.half_width(ALPHA) ** 2 * observed(part, share)
    least = max((part.half_width(ALPHA) for part in spread.least), default=0.0)
    return np.asarray(np.abs(value) > np.maximum(np.sqrt(squares), least))


def observed(part: Part, shares: np.ndarray) -> np.ndarray:
    """Return quantiles of the variance that is observed over the true one, chi squared over its degrees of freedom."""
    if np.isinf(part.degrees):
        return np.ones(len(shares))
    return np.asarray(2 * special.gammaincinv(part.degrees / 2, shares) / part.degrees)
