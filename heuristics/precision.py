"""In which type feature maps are kept and convolved."""

from dataclasses import dataclass, field, replace

import torch

from supernet_bench.heuristics.base import Heuristic
from supernet_bench.spaces.base import Construction


@dataclass
class Precision(Heuristic):
    """Feature maps, their gradients and the weights of convolutions as they are used, in fewer bits.

    With ``bfloat16``, which has the range of float32 and 8 bits of precision, convolutions are several times as fast
    where the hardware has instructions for it. Stored parameters, the optimiser, statistics of normalisation, logits
    and the loss stay float32, in training as in scoring.
    """

    name = "precision"
    source = "Kalamkar et al. 2019, A Study of BFLOAT16 for Deep Learning Training, arXiv 1905.12322"
    levels = ({"dtype": "float32"}, {"dtype": "bfloat16"})
    labels = {"dtype": "{}"}
    default = True

    dtype: str = field(
        default="float32", metadata={"help": "type of the feature maps", "choices": ("float32", "bfloat16")}
    )

    def construct(self, construction: Construction) -> Construction:
        return replace(construction, dtype=getattr(torch, self.dtype))
