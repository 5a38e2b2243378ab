"""Whether 95 % intervals cover in studies of the sizes that are run, with seeds, architectures and images drawn anew.

``python -m tools.simulate_intervals`` prints what docs/numbers.md quotes. Accuracies are made block by block: what an
architecture is worth, errors that all supernets share, those of a supernet, and what a block of images does to all of
these. Effects of images shrink with the square root of their number.
"""

import math
import sys
from dataclasses import dataclass

import numpy as np
from scipy import stats

from supernet_bench.analysis.effects.intervals import Estimate, difference_between, over_both
from supernet_bench.analysis.effects.shared import LevelValues
from supernet_bench.analysis.ranking.resampling import bootstrap_weights, pair_form, tau_of_forms
from supernet_bench.core.output import steady


@dataclass(frozen=True)
class Design:
    """A study that is simulated.

    Attributes
    ----------
    seeds, baseline_seeds : int
        Of the level, and of the baseline, which contain them.
    architectures : int
    blocks, images : int
        Blocks of scoring images, and the images in each.
    resamples : int
        Of the architectures.
    common, own : float
        Standard deviations of the errors in accuracy that all supernets share and that each has, where those of the
        architectures' true accuracies have 0.03.
    level : float
        How much larger the level's own errors are than the baseline's.
    image, favour : float
        Standard deviations, for one image, of what it does in all supernets to the accuracy of an architecture by
        itself, and of architectures as they are good: an image may be one that only good ones get right. What it does
        in one supernet alone is that of a correct answer with probability 0.7.
    """

    seeds: int = 5
    baseline_seeds: int = 32
    architectures: int = 400
    blocks: int = 20
    images: int = 250
    resamples: int = 100
    common: float = 0.03
    own: float = 0.05
    level: float = 1.3
    image: float = 0.3
    favour: float = 0.1


@dataclass(frozen=True)
class Coverage:
    """How often intervals held what was to be estimated, and how wide they were on average.

    Attributes
    ----------
    level, difference : float
        Share of the studies in which the interval of tau, and of the difference to the baseline, covers.
    without : float
        The same of the level's, if the part of the images is left out.
    width : float
        Mean width of the difference's.
    images : float
        Mean share of the images in the variance of the difference.
    """

    level: float
    difference: float
    without: float
    width: float
    images: float


def simulate(design: Design, studies: int, seed: int = 0) -> Coverage:
    """Return the coverage over so many studies; what is estimated is the mean of all of them."""
    rng = np.random.default_rng(seed)
    rows = [_study(design, rng) for _ in range(studies)]
    levels, without, differences = zip(*rows, strict=True)
    expected = np.mean([one.value for one in levels])
    shares = [_share_of_images(one) for one in differences]
    return Coverage(
        level=_covering(levels, float(expected)),
        difference=_covering(differences, float(np.mean([one.value for one in differences]))),
        without=_covering(without, float(expected)),
        width=float(np.mean([one.high - one.low for one in differences])),
        images=float(np.mean(shares)),
    )


def _covering(estimates: tuple[Estimate, ...], expected: float) -> float:
    return float(np.mean([one.low <= expected <= one.high for one in estimates]))


def _share_of_images(difference: Estimate) -> float:
    spread = getattr(difference, "spread", None)
    if spread is None:
        return 0.0
    parts = [part.deviation**2 for part in (*spread.seeds, spread.architectures, spread.images)]
    return parts[-1] / sum(parts)


def _study(design: Design, rng: np.random.Generator) -> tuple[Estimate, Estimate, Estimate]:
    """Return the level's interval, the same without the images, and that of the difference, of one study."""
    world = _World(design, rng)
    level = world.sample(design.seeds, design.own * design.level)
    baseline = world.sample(design.baseline_seeds, design.own)
    number = design.architectures
    return (
        over_both(level.values, _replicates(level), number, jackknife=level.jackknife),
        over_both(level.values, _replicates(level), number),
        difference_between([(1, level), (-1, baseline)], number, 2.0),
    )


def _replicates(sample: LevelValues) -> np.ndarray:
    return np.empty((0, 0)) if sample.replicates is None else sample.replicates


class _World:
    """One draw of architectures and images, and what supernets make of them."""

    def __init__(self, design: Design, rng: np.random.Generator) -> None:
        self.design, self.rng = design, rng
        number = design.architectures
        self.truth = 0.03 * rng.normal(size=number)
        self.mean = self.truth + design.common * rng.normal(size=number)
        alone, favours = rng.normal(size=(number, design.blocks)), rng.normal(size=design.blocks)
        together = design.favour * favours * self.truth[:, None] / 0.03
        self.of_images = (design.image * alone + together + 0.45 * rng.normal(size=design.blocks)) / math.sqrt(
            design.images
        )
        self.weights = bootstrap_weights(number, design.resamples, int(rng.integers(2**31)))
        self.untied = pair_form(self.weights, self.truth, self.truth)

    def sample(self, seeds: int, own: float) -> LevelValues:
        """Return tau of so many supernets, with that of resamples and without each block."""
        rows = [self._taus(own) for _ in range(seeds)]
        values, replicates, jackknife = (np.array(each) for each in zip(*rows, strict=True))
        return LevelValues(tuple(range(seeds)), values, replicates, jackknife)

    def _taus(self, own: float) -> tuple[float, np.ndarray, np.ndarray]:
        design, rng = self.design, self.rng
        accuracy = self.mean + own * math.exp(0.2 * rng.normal()) * rng.normal(size=design.architectures)
        noise = 0.46 / math.sqrt(design.images) * rng.normal(size=self.of_images.shape)
        correct = np.round(design.images * (0.7 + accuracy[:, None] + self.of_images + noise))
        scores = correct.sum(axis=1)
        concordance, untied = (pair_form(self.weights, scores, other) for other in (self.truth, scores))
        without = [stats.kendalltau(scores - block, self.truth).statistic for block in correct.T]
        tau = float(stats.kendalltau(scores, self.truth).statistic)
        return tau, tau_of_forms(concordance, untied, self.untied), np.array(without)


DESIGNS = {
    "5 seeds + 32, 20 blocks of 25, images count most": Design(images=25, favour=0.2, own=0.03),
    "5 seeds + 32, 20 blocks of 25": Design(images=25),
    "8 seeds + 32, 20 blocks of 25": Design(seeds=8, images=25),
    "5 seeds + 32, 20 blocks of 250": Design(),
    "8 seeds + 32, 20 blocks of 250": Design(seeds=8),
}


def main(studies: int = 100) -> None:
    """Print the coverage in every design."""
    steady()
    print("| study | tau | difference | tau, images left out | width of difference | share of images |")
    print("| --- | --- | --- | --- | --- | --- |")
    for name, design in DESIGNS.items():
        found = simulate(design, studies)
        rates = f"{found.level:.3f} | {found.difference:.3f} | {found.without:.3f}"
        print(f"| {name} | {rates} | {found.width:.3f} | {found.images:.2f} |", flush=True)


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
