"""What was measured, as a table and as JSON."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from rich.table import Table

from speed.agreement import Deviation
from speed.memory import LIMIT_BYTES
from speed.timing import Ratio, TimingSpread
from speed.together import Together
from supernet_bench.core.files import write_atomically


@dataclass(frozen=True)
class Measurement:
    """One fidelity on one device in one precision.

    Attributes
    ----------
    fidelity, device, hardware, precision, torch : str
    threads : int
        Of the process that all contenders run in, in turn.
    train_ratio, score_ratio : float
        Median time of xautodl over that of ours. In scores, that is the median of single architectures over the
        median of passes; the ratios of mean times, below, do not depend on how unequal architectures are.
    train_ratios, score_ratios : dict of str to Ratio
        Of each other contender, with the ratio of mean times.
    train_seconds, score_seconds : dict of str to TimingSpread
        Seconds per step, and per scored architecture.
    scored_images, scored_architectures, represented_architectures : int
        Images of a scoring, architectures that ours scores in one pass, and how many of the space they stand for.
    agreement : list of Deviation
    together : Together or None
        Steps of all runs together; on the CPU only.
    peak_memory_bytes : int or None
        Of a run with 25,000 training and 25,000 validation images and its scoring; at the first fidelity only.
    """

    fidelity: str
    device: str
    hardware: str
    precision: str
    torch: str
    threads: int
    train_ratio: float
    score_ratio: float
    train_ratios: dict[str, Ratio]
    score_ratios: dict[str, Ratio]
    train_seconds: dict[str, TimingSpread]
    score_seconds: dict[str, TimingSpread]
    scored_images: int
    scored_architectures: int
    represented_architectures: int
    agreement: list[Deviation]
    together: Together | None
    peak_memory_bytes: int | None


def write_json(measurements: Sequence[Measurement], path: Path) -> None:
    """Write a list with one object per measurement; the file is whole or not there."""
    write_atomically(path, json.dumps([asdict(each) for each in measurements], indent=1).encode())


def timing_table(measurements: Sequence[Measurement]) -> Table:
    """Return medians with quartiles, and ratios with those of mean times."""
    title = "Milliseconds: median (quartiles); times as long as ours: of medians (of means, 95 % interval)"
    table = Table("", title=title)
    for contender in ("ours", "xautodl", "plain", "xautodl is slower by", "plain is slower by"):
        table.add_column(contender, justify="right")
    for each in measurements:
        for what, seconds, ratios in (
            ("training step", each.train_seconds, each.train_ratios),
            ("scored architecture", each.score_seconds, each.score_ratios),
        ):
            table.add_row(
                f"{each.fidelity}, {each.device}, {each.precision}\n{what}",
                *(_spread(seconds[name]) for name in ("ours", "xautodl", "plain")),
                *(_ratio(ratios[name]) for name in ("xautodl", "plain")),
            )
    return table


def notes(measurement: Measurement) -> list[str]:
    """Return the further findings in sentences."""
    m = measurement
    n = m.train_seconds["ours"].n
    lines = [
        f"{m.fidelity}, {m.device}, {m.precision}: {n} steps each in turn on {m.threads} threads of {m.hardware}, "
        f"torch {m.torch}; scored on {m.scored_images} images: {m.scored_architectures} architectures, which stand "
        f"for {m.represented_architectures}, by ours, {m.score_seconds['xautodl'].n} drawn at random by the others."
    ]
    if m.together:
        t = m.together
        lines.append(
            f"  Steps of {t.processes} runs together, one thread each: {t.ours:.1f} per second; xautodl "
            f"{t.xautodl:.1f} in as many processes ({t.ratio_concurrent:.2f}x), {t.xautodl_alone:.1f} "
            f"in one process with all threads ({t.ratio:.2f}x)."
        )
    if m.peak_memory_bytes:
        verdict = "within" if m.peak_memory_bytes <= LIMIT_BYTES else "ABOVE"
        lines.append(
            f"  Peak memory of a process that trains, with 50,000 images, and scores {m.scored_architectures} "
            f"architectures: {m.peak_memory_bytes / 1e9:.2f} GB, {verdict} {LIMIT_BYTES / 1e9:g} GB."
        )
    worst = max(m.agreement, key=lambda deviation: deviation.relative / deviation.allowed)
    lines.append(
        f"  Largest deviation from plain PyTorch in float64, of what is allowed: {worst.relative:.1e} of "
        f"{worst.allowed:.1e} ({worst.what})."
    )
    return lines


def _spread(spread: TimingSpread) -> str:
    low, high = spread.quartiles
    return f"{_ms(spread.median)}\n({_ms(low)} to {_ms(high)})"


def _ratio(ratio: Ratio) -> str:
    low, high = ratio.interval
    return f"{ratio.of_medians:.2f}\n({ratio.of_means:.2f}, {low:.2f} to {high:.2f})"


def _ms(seconds: float) -> str:
    return f"{seconds * 1e3:.3g}"
