"""The number of images per step."""

from dataclasses import dataclass, field, replace

from supernet_bench.heuristics._scaling import scaled
from supernet_bench.heuristics.base import Heuristic
from supernet_bench.heuristics.setup import Setup


@dataclass
class BatchSize(Heuristic):
    """The batch size of the study times `scale`, rounded, at least two.

    The epochs stay, so a run with batches twice as large makes half as many steps, and trains half as many sampled
    architectures. The learning rate stays too.
    """

    name = "batch_size"
    source = "Yu et al. 2020, How to Train Your Super-Net, arXiv 2003.04276"
    levels = tuple({"scale": scale} for scale in (0.5, 1.0, 2.0, 4.0))
    labels = {"scale": "{} x the batch"}
    default = True

    scale: float = field(
        default=1.0, metadata={"help": "images per step, as a multiple of the study's", "low": 0.001, "high": 1000.0}
    )

    def revise(self, setup: Setup) -> Setup:
        training = setup.training
        return replace(setup, training=replace(training, batch_size=scaled(training.batch_size, self.scale, 2)))
