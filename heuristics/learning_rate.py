"""The learning rate and its schedule."""

import math
from dataclasses import dataclass, field

from supernet_bench.core.errors import InputError
from supernet_bench.heuristics.base import Heuristic, Step
from supernet_bench.heuristics.setup import Setup


def scheduled_rate(rate: float, minimum: float, schedule: str, progress: float) -> float:
    """Return the learning rate after a share `progress` of the schedule.

    Parameters
    ----------
    rate, minimum : float
        Learning rates at the start, and at the end of the cosine.
    schedule : {"cosine", "constant", "step"}
        ``step`` divides by ten after one half and again after three quarters.
    progress : float
        In [0, 1].
    """
    if schedule == "cosine":
        return minimum + (rate - minimum) * (1 + math.cos(math.pi * progress)) / 2
    if schedule == "step":
        return rate * 0.1 ** ((progress >= 0.5) + (progress >= 0.75))
    return rate


@dataclass
class LearningRate(Heuristic):
    """A learning rate that is a pure function of the position in the schedule, so nothing can leave it decayed."""

    name = "learning_rate"
    source = "Yu et al. 2020, How to Train Your Super-Net, arXiv 2003.04276"
    levels = (
        *({"rate": rate} for rate in (0.01, 0.025, 0.05, 0.1, 0.2)),
        {"schedule": "constant"},
        {"schedule": "step"},
    )
    labels = {"rate": "rate {}", "minimum": "down to {}", "schedule": "{} schedule"}
    default = True

    rate: float = field(default=0.05, metadata={"help": "learning rate at the start", "low": 0.0, "high": 10.0})
    minimum: float = field(
        default=0.0, metadata={"help": "learning rate at the end of the cosine", "low": 0.0, "high": 10.0}
    )
    schedule: str = field(default="cosine", metadata={"help": "its shape", "choices": ("cosine", "constant", "step")})

    def check(self, setup: Setup) -> None:
        if self.minimum > self.rate:
            raise InputError(
                f"heuristics.learning_rate.minimum is {self.minimum}; allowed: 0.0 to the rate, {self.rate}"
            )

    def learning_rate(self, rate: float, step: Step) -> float:
        return scheduled_rate(self.rate, self.minimum, self.schedule, step.progress)
