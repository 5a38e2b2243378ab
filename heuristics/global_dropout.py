"""Dropout before the classifier."""

from dataclasses import dataclass, field

import torch
from torch import Tensor

from supernet_bench.heuristics.base import Heuristic, Step
from supernet_bench.spaces.base import FeatureHook


def drop_elements(features: Tensor, probability: float, generator: torch.Generator) -> Tensor:
    """Zero each element of `features` with `probability`, and divide the others by its complement."""
    keep = 1 - probability
    kept = torch.rand(features.shape, generator=generator, device=features.device) < keep
    # The scale in at least single precision: rounded to a shorter type, it would not keep the mean.
    scale = kept.to(torch.promote_types(features.dtype, torch.float32)) / keep
    return (features * scale).to(features.dtype)


@dataclass
class GlobalDropout(Heuristic):
    """What global pooling leaves for the classifier is dropped, element by element, in training only.

    Each of the paths of a step, and each pass of it, draws anew.
    """

    name = "global_dropout"
    source = (
        "Srivastava et al. 2014, Dropout: A Simple Way to Prevent Neural Networks from Overfitting, "
        "Journal of Machine Learning Research 15"
    )
    levels = tuple({"rate": rate} for rate in (0.0, 0.1, 0.2))
    labels = {"rate": "dropout {} of features"}
    default = True

    rate: float = field(default=0.0, metadata={"help": "drop probability", "low": 0.0, "high": 0.95})

    def on_features(self, step: Step) -> FeatureHook | None:
        if self.rate == 0:
            return None
        return lambda features: drop_elements(features, self.rate, step.generator("global_dropout", features.device))
