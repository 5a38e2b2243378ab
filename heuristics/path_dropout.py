"""Dropping the outputs of operations."""

from dataclasses import dataclass, field

import torch
from torch import Tensor

from supernet_bench.heuristics.base import Heuristic, Step
from supernet_bench.spaces.base import OperationHook


def drop_probability(rate: float, depth: float, ramp: float) -> float:
    """Return the probability of a drop at relative depth and share of the ramp, both in (0, 1]."""
    return rate * depth * ramp


def drop_per_sample(output: Tensor, probability: float, generator: torch.Generator) -> Tensor:
    """Zero each sample of `output`, [batch, ...], with `probability`, and divide the others by its complement."""
    keep = 1 - probability
    kept = torch.rand(len(output), generator=generator, device=output.device) < keep
    # The scale in at least single precision: rounded to a shorter type, it would not keep the mean.
    scale = kept.to(torch.promote_types(output.dtype, torch.float32)) / keep
    return (output * scale.view(-1, *[1] * (output.dim() - 1))).to(output.dtype)


@dataclass
class PathDropout(Heuristic):
    """Each active operation's output is dropped per sample, more often late in training and deep in the network.

    The probability grows linearly with the depth of the cell and with the training step up to `rate` in the last
    cell at the last step. Identities are never dropped, and nothing is while scoring: only training passes a hook to
    the supernet.
    """

    name = "path_dropout"
    source = "Luo et al. 2018, Neural Architecture Optimization, arXiv 1808.07233"
    levels = tuple({"rate": rate} for rate in (0.0, 0.1, 0.2, 0.4))
    labels = {"rate": "paths dropped at {}", "rate=0.0": "no path dropout"}
    default = True

    rate: float = field(
        default=0.0,
        metadata={"help": "drop probability in the last cell at the end", "low": 0.0, "high": 0.95},
    )

    def on_operation(self, step: Step) -> OperationHook | None:
        if self.rate == 0:
            return None
        ramp = (step.index - step.start + 1) / step.length

        def drop(output: Tensor, depth: float) -> Tensor:
            probability = drop_probability(self.rate, depth, ramp)
            return drop_per_sample(output, probability, step.generator("path_dropout", output.device))

        return drop
