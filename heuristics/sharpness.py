"""Sharpness-aware minimisation."""

from collections.abc import Callable
from dataclasses import dataclass, field

import torch
from torch import Tensor, nn

from supernet_bench.heuristics.base import Heuristic, Step


@torch.no_grad()
def climb(parameters: list[Tensor], radius: float) -> None:
    """Move parameters by `radius` in the direction of their gradient, all of which they have; not if it is zero."""
    gradients = [parameter.grad for parameter in parameters if parameter.grad is not None]
    length = torch.linalg.vector_norm(torch.stack(torch._foreach_norm(gradients)))
    torch._foreach_add_(parameters, list(torch._foreach_mul(gradients, radius / (length + 1e-12))))


@dataclass
class Sharpness(Heuristic):
    """A step is made with the gradient at the weights where the loss is higher: `radius` away, up the gradient.

    The gradient at the weights as they are gives the direction, over all parameters that have one and without weight
    decay. A second pass over the same images and architectures gives the gradient of the step; then the weights are
    put back, bit for bit, before they are updated.

    Every step so costs two. What is drawn in a pass, such as masks of dropout, is drawn anew in the second, and
    running statistics of normalisation layers (`batch_norm`: tracked) see both. The recorded curve is that of the
    first.
    """

    name = "sharpness"
    source = (
        "Foret et al. 2021, Sharpness-Aware Minimization for Efficiently Improving Generalization, arXiv 2010.01412; "
        "Elsken et al. 2021, Bag of Tricks for Neural Architecture Search, arXiv 2107.03719"
    )
    levels = ({"radius": 0.0}, {"radius": 0.05})
    labels = {"radius": "sharpness-aware, radius {}", "radius=0.0": "plain gradients"}
    default = True
    order = -100  # The others average, clip or correct the gradients that it makes.

    radius: float = field(default=0.0, metadata={"help": "distance of the second pass; 0 has none", "low": 0.0})

    def on_gradients(self, parameters: list[nn.Parameter], step: Step, recompute: Callable[[], object]) -> None:
        moved: list[Tensor] = [parameter for parameter in parameters if parameter.grad is not None]
        if self.radius == 0 or not moved:
            return
        before = [parameter.detach().clone() for parameter in moved]
        climb(moved, self.radius)
        try:
            recompute()
        finally:
            with torch.no_grad():
                torch._foreach_copy_(moved, before)
