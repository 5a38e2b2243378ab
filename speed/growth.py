"""How time grows with steps, architectures, images and seeds.

The digits fidelity, through the worker that executes runs (steps, seeds) and the scoring (architectures, images), on
one thread as in a study. Each size is measured several times in random order. A straight line is fitted by least
squares, and so is one to the logarithms, whose slope is 1 where cost is proportional to size, less where there is a
fixed part, or where larger sizes share more, as architectures do.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import torch

from speed.contenders import Ours
from speed.fidelities import FIDELITIES, SCORED_IMAGES, whole
from speed.timing import timed
from supernet_bench.benchmark.execution import Execution, execute
from supernet_bench.benchmark.training.scores import score
from supernet_bench.core.streams import stream

DIGITS, CPU = FIDELITIES["digits"], torch.device("cpu")
ARCHITECTURES = 100
CONFIDENCE = 0.95


@dataclass(frozen=True)
class Growth:
    """Times at several sizes.

    Attributes
    ----------
    what : str
        What grows.
    sizes, seconds : ndarray of float64, [n]
        Of every single measurement.
    """

    what: str
    sizes: np.ndarray
    seconds: np.ndarray


@dataclass(frozen=True)
class Fit:
    """A straight line through times, and the exponent of growth.

    Attributes
    ----------
    slope, intercept : float
        Seconds per unit, and seconds at size 0.
    r_squared : float
        Share of the variance of times that the line explains.
    exponent : float
        Slope of log time against log size.
    interval : tuple of float
        95 % confidence interval of the exponent.
    """

    slope: float
    intercept: float
    r_squared: float
    exponent: float
    interval: tuple[float, float]


def fit(growth: Growth) -> Fit:
    """Return the fits of least squares; the interval is that of Student's t."""
    from scipy import stats

    line = stats.linregress(growth.sizes, growth.seconds)
    power = stats.linregress(np.log(growth.sizes), np.log(growth.seconds))
    margin = stats.t.ppf((1 + CONFIDENCE) / 2, len(growth.sizes) - 2) * power.stderr
    interval = (float(power.slope - margin), float(power.slope + margin))
    return Fit(float(line.slope), float(line.intercept), float(line.rvalue) ** 2, float(power.slope), interval)


def measure_growth(doublings: int, repeats: int) -> list[Growth]:
    """Measure all four, each at `doublings` + 1 sizes, `repeats` times."""
    torch.set_num_threads(1)
    factors = [2**power for power in range(doublings + 1)]
    data = DIGITS.pictures(DIGITS.batch_size, factors[-1] * SCORED_IMAGES)
    ours = Ours(DIGITS, data, CPU, {})
    everything = whole(DIGITS.space)
    order = torch.randperm(len(everything), generator=stream(0, "architectures of growth")).tolist()
    images, labels = ours.batch_of(data.valid)
    batches = list(zip(images.split(SCORED_IMAGES), labels.split(SCORED_IMAGES), strict=True))

    def score_some(architectures: int, images: int) -> object:
        chosen = [everything[index] for index in order[:architectures]]
        return score(ours.trainer.supernet, ours.trainer.heuristics, chosen, batches[: images // SCORED_IMAGES])

    measured: dict[str, tuple[int, Callable[[int], object]]] = {
        "epochs of 40 training steps": (1, lambda epochs: _run_all(epochs, 1)),
        "scored architectures": (ARCHITECTURES, lambda count: score_some(count, SCORED_IMAGES)),
        "scored images": (SCORED_IMAGES, lambda count: score_some(ARCHITECTURES, count)),
        "seeds": (1, lambda seeds: _run_all(1, seeds)),
    }
    return [
        _measure(what, [smallest * factor for factor in factors], repeats, work)
        for what, (smallest, work) in measured.items()
    ]


def _run_all(epochs: int, seeds: int) -> None:
    """Execute short runs of the digits, from images to records."""
    with TemporaryDirectory() as folder:
        for seed in range(seeds):
            execute(DIGITS.spec({}, epochs, seed), Execution(Path(folder), device="cpu"))


def _measure(what: str, sizes: Sequence[int], repeats: int, work: Callable[[int], object]) -> Growth:
    planned = np.random.default_rng(0).permutation(np.repeat(sizes, repeats))
    work(sizes[0])
    seconds = [timed(partial(work, int(size)), CPU) for size in planned]
    return Growth(what, planned.astype(float), np.array(seconds))


def in_words(growth: Growth, found: Fit) -> str:
    """Return a sentence."""
    low, high = found.interval
    return (
        f"{growth.what}: {found.slope * 1e3:.3g} ms each and {found.intercept * 1e3:.3g} ms fixed, "
        f"R^2 {found.r_squared:.4f}; time grows with size to the power {found.exponent:.2f} "
        f"({CONFIDENCE:.0%} interval {low:.2f} to {high:.2f})"
    )
