"""Several uniform paths per step."""

from dataclasses import dataclass, field

from torch import Tensor

from supernet_bench.heuristics.base import Heuristic, Step, Task
from supernet_bench.heuristics.sampling._accounting import ACCOUNTING, accounted_steps
from supernet_bench.heuristics.sampling._draws import draw_uniform
from supernet_bench.spaces.base import Architecture, TrainableSpace


@dataclass
class MultiPath(Heuristic):
    """Several architectures per step, independent and uniform over the space, so that some may be equal.

    All see the same batch, and the step is made with the average of their gradients: each path's loss, as the other
    heuristics leave it, is divided by the number of paths. What a heuristic adds to the loss of the step stays whole.

    With ``accounting="step"`` there are as many optimiser steps as with uniform sampling, hence `paths` times the
    compute. With ``accounting="compute"`` an epoch has 1/`paths` as many steps (rounded in each epoch, at least one, on
    a random part of the images), hence the same compute up to that rounding.
    """

    name = "multi_path"
    factor = "sampling"
    source = "Pham et al. 2018, Efficient Neural Architecture Search (ENAS), arXiv 1802.03268"
    levels = (
        {"paths": 2, "accounting": "step"},
        {"paths": 4, "accounting": "step"},
        {"paths": 4, "accounting": "compute"},
    )
    labels = {
        "": "",
        "paths": "{} paths per step",
        "accounting=step": "equal steps",
        "accounting=compute": "equal passes",
    }
    neutral = {"paths": 1}
    order = 100  # What is divided is the loss that other heuristics may have replaced.

    paths: int = field(
        default=2, metadata={"help": "architectures per step; 1 is uniform sampling", "low": 1, "high": 1000}
    )
    accounting: str = field(default="step", metadata=ACCOUNTING)

    def steps_per_epoch(self, batches: int, space: TrainableSpace) -> int:
        return accounted_steps(batches, self.paths, self.accounting)

    def begin(self, task: Task) -> None:
        self._space = task.space

    def sample(self, architectures: list[Architecture], step: Step) -> list[Architecture]:
        return [draw_uniform(self._space, step.generator("sampling")) for _ in range(self.paths)]

    def loss(self, loss: Tensor, logits: Tensor, labels: Tensor, step: Step) -> Tensor:
        return loss / self.paths
