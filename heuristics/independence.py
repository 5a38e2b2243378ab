"""Independence of training iterations."""

from dataclasses import dataclass, field

from supernet_bench.core.errors import InputError
from supernet_bench.heuristics.base import Heuristic, Reset
from supernet_bench.heuristics.setup import Setup


def iteration_window(index: int, total_steps: int, iterations: int) -> tuple[int, int]:
    """Return the first step and the length of the iteration that step `index` belongs to.

    The run is cut into `iterations` parts whose lengths differ by at most one step.
    """
    bounds = [k * total_steps // iterations for k in range(iterations + 1)]
    k = next(k for k in range(iterations) if index < bounds[k + 1])
    return bounds[k], bounds[k + 1] - bounds[k]


@dataclass
class Independence(Heuristic):
    """Training is cut into iterations, and each starts afresh in what `reset` says.

    * ``none``: nothing; one schedule over the whole run;
    * ``schedule``: the learning rate and every ramp that depends on the step (what the published code does);
    * ``momentum``: also the state of the optimiser;
    * ``full``: also the weights.

    Schedules are functions of the position in the iteration, so a restarted learning rate is the initial one.

    Results are averaged over late checkpoints; with ``full``, all of them have to lie in the last iteration, since
    before it the weights are those of another supernet.
    """

    name = "independence"
    source = "Luo et al. 2019, Understanding and Improving One-shot NAS (NAO-V2), arXiv 1909.10815"
    levels = tuple({"reset": reset} for reset in ("none", "schedule", "momentum", "full"))
    labels = {
        "reset=none": "one iteration",
        "reset=schedule": "schedule restarts",
        "reset=momentum": "schedule and momentum restart",
        "reset=full": "weights drawn anew",
        "iterations": "{} iterations",
    }
    default = True
    neutral = {"reset": "none"}

    reset: str = field(
        default="none",
        metadata={
            "help": "what an iteration starts afresh, each including those before it",
            "choices": ("none", "schedule", "momentum", "full"),
        },
    )
    iterations: int = field(
        default=4, metadata={"help": "number of iterations; without effect if reset is none", "low": 2}
    )

    def check(self, setup: Setup) -> None:
        if self.reset != "none" and 0 < setup.training.epochs < self.iterations:
            raise InputError(
                f"heuristics.independence.iterations is {self.iterations}; "
                f"allowed: 2 to the number of epochs, {setup.training.epochs}"
            )
        if self.reset == "full" and setup.training.epochs > 0:
            self._check_checkpoints(setup.training.epochs, setup.scoring.late_epochs(setup.training.epochs)[0])

    def iteration(self, index: int, total_steps: int) -> tuple[int, int] | None:
        return None if self.reset == "none" else iteration_window(index, total_steps, self.iterations)

    def resets(self) -> Reset:
        return Reset(momentum=self.reset in ("momentum", "full"), weights=self.reset == "full")

    def _check_checkpoints(self, epochs: int, first_late: int) -> None:
        """Raise InputError unless the last iteration has begun when the first late checkpoint is scored."""
        if first_late * self.iterations <= epochs * (self.iterations - 1):
            raise InputError(
                "heuristics.independence.reset is 'full'; allowed: 'none', 'schedule', 'momentum', since the first "
                f"late checkpoint, after epoch {first_late} of {epochs}, lies before the last of {self.iterations} "
                "iterations"
            )
