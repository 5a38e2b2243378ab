"""What several proxies look at: layers with weights, and the gradients of the loss in them."""

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.overrides import TorchFunctionMode

from supernet_bench.proxies.base import Batch

RECTIFIERS = frozenset(
    (
        functional.relu,
        functional.relu_,
        functional.relu6,
        torch.relu,
        torch.relu_,
        torch.Tensor.relu,
        torch.Tensor.relu_,
    )
)
CONVOLUTIONS = frozenset((functional.conv2d, torch.conv2d))


def weighted(network: nn.Module) -> list[nn.Conv2d | nn.Linear]:
    """Return the convolutions and linear layers of a network: what pruning, and so the proxies made of it, looks at."""
    return [module for module in network.modules() if isinstance(module, nn.Conv2d | nn.Linear)]


def weights_with_gradients(network: nn.Module, batch: Batch) -> list[tuple[Tensor, Tensor]]:
    """Return the weights of convolutions and linear layers, biases left out, each with its gradient of the loss.

    The loss is the mean cross-entropy of the batch. What the logits do not depend on has no gradient and is left out:
    all that is made of gradients would be zero there.
    """
    weights = [layer.weight for layer in weighted(network)]
    return with_gradients(functional.cross_entropy(network(batch.images), batch.labels), weights)


def with_gradients(total: Tensor, tensors: Sequence[Tensor]) -> list[tuple[Tensor, Tensor]]:
    """Return those of some tensors that a sum depends on, each with the gradient of the sum in it."""
    gradients = torch.autograd.grad(total, tensors, allow_unused=True) if tensors else ()
    pairs = zip(tensors, gradients, strict=True)
    return [(tensor.detach(), gradient) for tensor, gradient in pairs if gradient is not None]


class Rectified(TorchFunctionMode):
    """Tells what rectifiers give while a network is executed in its block, be they modules, methods or functions.

    A map that several convolutions rectify first may be rectified once for all of them, or once for each: how a network
    is written must not count. So what a rectifier gives is told once for each convolution that reads it, and once if
    none does.

    Parameters
    ----------
    see : callable
        Given what a rectifier gave and the number of its readers, in the order in which rectifiers ran, when the block
        is over.
    """

    def __init__(self, see: Callable[[Tensor, int], None]) -> None:
        super().__init__()
        self._see = see
        self._maps: dict[int, tuple[Tensor, int]] = {}

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        result = func(*args, **(kwargs or {}))
        if func in RECTIFIERS:
            self._maps[id(result)] = result, 0
        elif func in CONVOLUTIONS and id(args[0]) in self._maps:
            features, readers = self._maps[id(args[0])]
            self._maps[id(args[0])] = features, readers + 1
        return result

    def __exit__(self, *error: object) -> None:
        super().__exit__(*error)
        if error[0] is None:
            for features, readers in self._maps.values():
                self._see(features, max(1, readers))
        self._maps.clear()
