"""Clipping of the gradient."""

from collections.abc import Callable
from dataclasses import dataclass, field

from torch import nn
from torch.nn.utils import clip_grad_norm_

from supernet_bench.heuristics.base import Heuristic, Step


@dataclass
class GradientClip(Heuristic):
    """The gradient of a step, over all parameters that have one, is made no longer than `norm`."""

    name = "gradient_clip"
    source = "Pascanu et al. 2013, Training recurrent neural networks, arXiv 1211.5063"
    levels = tuple({"norm": norm} for norm in (0.0, 5.0, 1.0))
    labels = {"norm": "gradients clipped at {}", "norm=0.0": "gradients not clipped"}
    default = True
    order = 100  # What is clipped is the gradient that the step is made with.

    norm: float = field(default=0.0, metadata={"help": "largest Euclidean norm; 0 does not clip", "low": 0.0})

    def on_gradients(self, parameters: list[nn.Parameter], step: Step, recompute: Callable[[], object]) -> None:
        if self.norm > 0:
            clip_grad_norm_(parameters, self.norm)
