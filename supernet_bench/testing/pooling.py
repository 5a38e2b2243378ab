"""Watching for the one gradient that PyTorch computes wrongly on GPUs, on any device."""

from typing import Any

import torch
from torch.utils._python_dispatch import TorchDispatchMode

FAULTY = torch.ops.aten.avg_pool2d_backward.default


class NoPaddedPooling(TorchDispatchMode):
    """Fails where PyTorch is asked for the gradient of a padded average pooling.

    That of channels-last maps is wrong on GPUs (pytorch/pytorch#188344), and all maps are channels-last there.
    """

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        """Run an operation, unless it is that one."""
        if func is FAULTY:
            padding = args[4]
            assert not any(padding), "use engines.pooling.mean_of_neighbours: this gradient is wrong on GPUs"
        return func(*args, **(kwargs or {}))
