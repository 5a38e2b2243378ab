"""Whether convolutions of different sizes share a kernel."""

from dataclasses import dataclass, field, replace

from supernet_bench.core.errors import InputError
from supernet_bench.heuristics.base import Heuristic
from supernet_bench.heuristics.setup import Setup
from supernet_bench.spaces.base import Construction

KERNELS = {"none": "own", "crop": "centre", "transform": "transformed"}
"""What each mode is called in a construction."""


@dataclass
class KernelSharing(Heuristic):
    """At each place with convolutions of several sizes, a kernel for each, or one for all.

    * ``none``: each convolution has a kernel of its own;
    * ``crop``: there is one of the largest size, and the smaller ones are its centre;
    * ``transform``: every channel's centre, of k x k values, is also multiplied by a learned matrix [k*k, k*k], which
      starts as the identity; one matrix per place and size.

    Norms stay separate per operation. The matrices have the weight decay of convolutions, which draws them to zero, not
    to the identity. A step through a smaller kernel has gradient zero for the rest of the largest, which weight decay
    and momentum move all the same.
    """

    name = "kernel_sharing"
    source = (
        "Cai et al. 2020, Once-for-All: Train One Network and Specialize it for Efficient Deployment, arXiv 1908.09791"
    )
    levels = tuple({"mode": mode} for mode in KERNELS)
    labels = {
        "mode=none": "kernels of their own",
        "mode=crop": "small kernels cropped from large",
        "mode=transform": "small kernels cropped and transformed",
    }
    default = True

    mode: str = field(
        default="none",
        metadata={"help": "smaller kernels are their own, or made from the largest", "choices": tuple(KERNELS)},
    )

    def check(self, setup: Setup) -> None:
        if self.mode != "none" and "kernels" not in setup.space.mappings:
            raise InputError(
                f"heuristics.kernel_sharing.mode is {self.mode!r}; allowed: 'none', "
                f"since space {setup.space.name} has no place with convolutions that differ in kernel size alone"
            )

    def construct(self, construction: Construction) -> Construction:
        return replace(construction, kernels=KERNELS[self.mode])
