"""The length of training."""

from dataclasses import dataclass, field, replace

from supernet_bench.heuristics._scaling import scaled
from supernet_bench.heuristics.base import Heuristic
from supernet_bench.heuristics.setup import Setup


@dataclass
class Epochs(Heuristic):
    """The epochs of the study times `scale`, rounded, at least one; an untrained supernet stays untrained.

    Every schedule stretches with the length of the run: the learning rate reaches its end in the last epoch.
    """

    name = "epochs"
    source = "Yu et al. 2020, How to Train Your Super-Net, arXiv 2003.04276"
    levels = tuple({"scale": scale} for scale in (0.5, 1.0, 2.0))
    labels = {"scale": "{} x the epochs"}
    default = True

    scale: float = field(
        default=1.0, metadata={"help": "epochs, as a multiple of the study's", "low": 0.001, "high": 1000.0}
    )

    def revise(self, setup: Setup) -> Setup:
        training = setup.training
        epochs = scaled(training.epochs, self.scale, min(1, training.epochs))
        return replace(setup, training=replace(training, epochs=epochs))
