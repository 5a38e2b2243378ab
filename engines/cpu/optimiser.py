"""Stochastic gradient descent that is fast on the many small tensors of a path."""

import ctypes
from typing import Any

import torch
from torch import Tensor

from supernet_bench.engines.cpu.library import library


class SGD(torch.optim.SGD):
    """`torch.optim.SGD` with momentum, its state and its results to the last bit, in one call on processors."""

    @torch.no_grad()
    def step(self, closure: Any = None) -> Any:
        """Update all parameters that have a gradient."""
        active = [
            (group, [parameter for parameter in group["params"] if parameter.grad is not None])
            for group in self.param_groups
        ]
        plain = all(_plain(group, parameters) for group, parameters in active)
        if closure is not None or not plain or (kernels := library()) is None:
            return super().step(closure)
        for group, parameters in active:
            self._update(kernels, group, parameters)
        return None

    def _update(self, kernels: ctypes.CDLL, group: dict[str, Any], parameters: list[Any]) -> None:
        states = [self.state[parameter] for parameter in parameters]
        first = [state.get("momentum_buffer") is None for state in states]
        for parameter, state, new in zip(parameters, states, first, strict=True):
            if new:
                state["momentum_buffer"] = torch.empty_like(parameter)
        count = len(parameters)
        kernels.supernet_sgd(
            count,
            (ctypes.c_long * count)(*(parameter.numel() for parameter in parameters)),
            (ctypes.c_void_p * count)(*(parameter.data_ptr() for parameter in parameters)),
            (ctypes.c_void_p * count)(*(parameter.grad.data_ptr() for parameter in parameters)),
            (ctypes.c_void_p * count)(*(state["momentum_buffer"].data_ptr() for state in states)),
            (ctypes.c_int * count)(*first),
            group["lr"],
            group["weight_decay"],
            group["momentum"],
            int(group["nesterov"]),
        )
        torch.autograd.graph.increment_version(parameters)


def _plain(group: dict[str, Any], parameters: list[Any]) -> bool:
    """Return whether the kernel can update these parameters."""
    return (
        group["momentum"] != 0
        and group["dampening"] == 0
        and not group["maximize"]
        and all(
            parameter.device.type == "cpu"
            and parameter.dtype == parameter.grad.dtype == torch.float32
            and parameter.stride() == parameter.grad.stride()
            and _dense(parameter)
            for parameter in parameters
        )
    )


def _dense(tensor: Tensor) -> bool:
    return tensor.is_contiguous() or (tensor.dim() == 4 and tensor.is_contiguous(memory_format=torch.channels_last))
