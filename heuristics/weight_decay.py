"""Weight decay, and of which layers."""

from dataclasses import dataclass, field

from torch import nn
from torch.nn.modules.batchnorm import _NormBase

from supernet_bench.heuristics.base import Heuristic


@dataclass
class WeightDecay(Heuristic):
    """Every step pulls the parameters of the sampled paths towards zero in proportion to their size.

    Parameters of layers that no sampled path used stay as they are, as they have no gradient.
    """

    name = "weight_decay"
    source = "Yu et al. 2020, How to Train Your Super-Net, arXiv 2003.04276"
    levels = (*({"decay": decay} for decay in (0.0, 1e-4, 3e-4, 5e-4, 1e-3)), {"norms": False})
    labels = {"decay": "decay {}", "norms=true": "norms decayed", "norms=false": "norms not decayed"}
    default = True

    decay: float = field(default=5e-4, metadata={"help": "weight decay", "low": 0.0, "high": 1.0})
    norms: bool = field(default=True, metadata={"help": "decay scales and shifts of normalisation layers too"})

    def weight_decay(self, decay: float, module: nn.Module) -> float:
        return 0.0 if isinstance(module, _NormBase) and not self.norms else self.decay
