"""Training all choices at once at first."""

from dataclasses import dataclass, field

import torch

from supernet_bench.heuristics.base import Heuristic, Step, Task
from supernet_bench.spaces.base import Architecture


def soft_probability(share: float, progress: float) -> float:
    """Return the probability that a decision is left open after a share `progress` of the iteration, in [0, 1)."""
    return 1 - progress / share if progress < share else 0.0


@dataclass
class Warmup(Heuristic):
    """Decisions of the sampled architectures are left open in the first steps: all their choices run at once.

    Each decision of each sampled architecture is left open independently, with a probability that falls linearly
    from 1 at the first step of an iteration to 0 after `share` of it. What an open decision runs is up to the space;
    for operations it is the average of the outputs of all choices.

    A path with open decisions counts as one path, but costs more.
    """

    name = "warmup"
    source = (
        "Bender et al. 2020, Can Weight Sharing Outperform Random Architecture Search? An Investigation With TuNAS, "
        "arXiv 2008.06120"
    )
    levels = tuple({"share": share} for share in (0.0, 0.25))
    labels = {"share": "warm-up for {} of the run", "share=0.0": "no warm-up"}
    default = True
    order = 200  # Whatever the sampler chose is softened.

    share: float = field(
        default=0.0, metadata={"help": "share of the steps with open decisions", "low": 0.0, "high": 1.0}
    )

    def begin(self, task: Task) -> None:
        self._space = task.space

    def sample(self, architectures: list[Architecture], step: Step) -> list[Architecture]:
        probability = soft_probability(self.share, step.progress)
        if probability == 0:
            return architectures
        shape = len(architectures), len(self._space.choices)
        soft = torch.rand(shape, generator=step.generator("warmup")) < probability
        return [self._space.soften(each, row) for each, row in zip(architectures, soft.tolist(), strict=True)]
