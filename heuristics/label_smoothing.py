"""Smoothing of the labels that are trained on."""

from dataclasses import dataclass, field

from torch import Tensor
from torch.nn import functional

from supernet_bench.heuristics.base import Heuristic, Step


@dataclass
class LabelSmoothing(Heuristic):
    """The label counts for 1 - `smoothing`, and `smoothing` is spread evenly over all classes, the label among them.

    Only the loss of the sampled paths is so changed: the curve that is recorded, the scores and the losses that other
    heuristics add stay plain cross-entropies.
    """

    name = "label_smoothing"
    source = "Szegedy et al. 2016, Rethinking the Inception Architecture, arXiv 1512.00567"
    levels = ({"smoothing": 0.0}, {"smoothing": 0.1})
    labels = {"smoothing": "labels smoothed by {}", "smoothing=0.0": "labels not smoothed"}
    default = True
    order = -100  # It makes the loss from the logits; what others do to a loss, they do to this one.

    smoothing: float = field(
        default=0.0, metadata={"help": "share of the label that all classes get", "low": 0.0, "high": 0.95}
    )

    def loss(self, loss: Tensor, logits: Tensor, labels: Tensor, step: Step) -> Tensor:
        if self.smoothing == 0:
            return loss
        return functional.cross_entropy(logits, labels, label_smoothing=self.smoothing)
