"""One fidelity on one device: agreement, training steps, scores, runs together and memory."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import torch

from speed.agreement import deviations
from speed.contenders import Other, Ours, Plain, Xautodl
from speed.fidelities import SCORED_IMAGES, Fidelity, draw, whole
from speed.memory import peak_memory
from speed.report import Measurement
from speed.scores import measure_scoring
from speed.timing import TimingSpread, alternate, ratio
from speed.together import measure_together
from supernet_bench.benchmark.execution import compute_exactly, environment_of
from supernet_bench.benchmark.plugins.registry import heuristic_types
from supernet_bench.core.settings import in_words
from supernet_bench.heuristics.base import is_neutral

WARMUP = 3
MEMORY_STEPS = 3
TOGETHER_S = 3.0
"""About how long a block of steps of all processes takes."""

Settings = Mapping[str, Mapping[str, Any]]


@dataclass(frozen=True)
class Effort:
    """How much is measured.

    Attributes
    ----------
    steps, sample : int
        Training steps and architectures scored by the others.
    agreement : int
        Random architectures that are compared.
    threads : int
        Of the process of all contenders; as many processes of one thread make steps together.
    patience_s : float
        How long ours may score, seconds.
    """

    steps: int
    sample: int
    threads: int
    agreement: int = 2
    patience_s: float = 40.0


def precisions() -> dict[str, Settings]:
    """Return by name the default precision and all levels of the factor `precision`, if there is one."""
    found: dict[str, Settings] = {"float32": {}}
    for name, kind in heuristic_types().items():
        if kind.factor == "precision":
            for level in kind.levels:
                if not is_neutral(kind(**level)):
                    found[in_words(level) or name] = {name: level}
    return found


def measure(fidelity: Fidelity, device: torch.device, effort: Effort, tell: Callable[[str], None]) -> list[Measurement]:
    """Return a measurement for each precision; all of them take turns.

    Parameters
    ----------
    fidelity : Fidelity
    device : torch.device
    effort : Effort
    tell : callable
        Told what is done next.
    """
    torch.manual_seed(0)
    torch.set_num_threads(effort.threads)
    compute_exactly()  # As runs do; PyTorch would round what is convolved on GPUs.
    data = fidelity.pictures(fidelity.batch_size, SCORED_IMAGES)
    settings = precisions()
    tell(f"{fidelity.name} on {device}: agreement")
    agreement = {name: deviations(fidelity, data, device, each, effort.agreement) for name, each in settings.items()}
    others: dict[str, Other] = {"xautodl": Xautodl(fidelity, data, device), "plain": Plain(fidelity, data, device)}
    ours = {name: Ours(fidelity, data, device, each) for name, each in settings.items()}
    tell(f"{fidelity.name} on {device}: training")
    architectures = draw(whole(fidelity.space), WARMUP + effort.steps, "steps")
    steps = alternate(
        {**{name: each.train for name, each in others.items()}, **{name: each.train for name, each in ours.items()}},
        architectures,
        WARMUP,
        device,
    )
    measurements = []
    for name, each in ours.items():
        tell(f"{fidelity.name} on {device}: scoring, {name}")
        scored = measure_scoring(fidelity, each, others, device, effort.sample, effort.patience_s)
        together, memory = None, None
        if device.type == "cpu":
            tell(f"{fidelity.name} on {device}: runs together, {name}")
            block = max(2, min(effort.steps, round(TOGETHER_S / float(steps["xautodl"].mean()))))
            together = measure_together(fidelity.name, settings[name], others["xautodl"], effort.threads, block)
            if fidelity.name == "paper" and not settings[name]:
                tell(f"{fidelity.name} on {device}: memory")
                memory = peak_memory(fidelity, MEMORY_STEPS, scored.part.architectures, effort.threads)
        seconds = {"ours": steps[name], **{other: steps[other] for other in others}}
        train = {other: ratio(seconds[other], seconds["ours"], paired=True) for other in others}
        scores = {other: ratio(scored.seconds[other], scored.seconds["ours"], paired=False) for other in others}
        measurements.append(
            Measurement(
                fidelity=fidelity.name,
                device=device.type,
                hardware=environment_of(device, effort.threads)["device"],
                precision=name,
                torch=torch.__version__,
                threads=effort.threads,
                train_ratio=train["xautodl"].of_medians,
                score_ratio=scores["xautodl"].of_medians,
                train_ratios=train,
                score_ratios=scores,
                train_seconds={who: TimingSpread.of(times) for who, times in seconds.items()},
                score_seconds={who: TimingSpread.of(times) for who, times in scored.seconds.items()},
                scored_images=SCORED_IMAGES,
                scored_architectures=len(scored.part.architectures),
                represented_architectures=round(scored.part.stands_for),
                agreement=agreement[name],
                together=together,
                peak_memory_bytes=memory,
            )
        )
    return measurements
