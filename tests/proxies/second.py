"""A second implementation of proxies, on networks written as one would first write them, with the same weights."""

import numpy as np
import torch
from scipy.spatial.distance import pdist, squareform
from torch import Tensor, nn
from torch.func import functional_call
from torch.nn import functional

from speed.names import plain_name
from speed.plain import PlainSupernet
from supernet_bench.proxies.base import Batch


class PlainPath(nn.Module):
    """A path of the plain supernet with the weights of a stand-alone network of NAS-Bench-201.

    Parameters
    ----------
    network : nn.Module
        The stand-alone network.
    architecture : tuple of int
    width, channels, classes : int
        Its settings; it has one cell per stage.
    """

    def __init__(
        self, network: nn.Module, architecture: tuple[int, ...], width: int, channels: int, classes: int
    ) -> None:
        super().__init__()
        self.net = PlainSupernet(width, 1, channels, classes)
        self.architecture = architecture
        state = {plain_name(name, 1): tensor.clone() for name, tensor in network.state_dict().items()}
        self.on_path = {f"net.{name}" for name in state}
        unknown = self.net.load_state_dict(state, strict=False).unexpected_keys
        assert all(
            name.rpartition(".")[2] in ("running_mean", "running_var", "num_batches_tracked") for name in unknown
        )

    def forward(self, images: Tensor) -> Tensor:
        return self.net(images, self.architecture)

    def weights(self) -> dict[str, Tensor]:
        """Return what is convolved or multiplied with on the path, by name."""
        named = self.named_parameters()
        return {name: each for name, each in named if name in self.on_path and each.dim() > 1}


def l2_norm(path: PlainPath, batch: Batch) -> float:
    return sum((each.detach() ** 2).sum().sqrt().item() for each in path.weights().values())


def grad_norm(path: PlainPath, batch: Batch) -> float:
    logits = path(batch.images)
    chosen = torch.log_softmax(logits, 1)[range(len(logits)), batch.labels]
    (-chosen.mean()).backward()
    gradients = [each.grad for each in path.weights().values()]
    return sum((each**2).sum().sqrt().item() for each in gradients if each is not None)


def snip(path: PlainPath, batch: Batch) -> float:
    """Differentiate in masks of ones, as SNIP is told."""
    weights = path.weights()
    masks = {name: torch.ones_like(each, requires_grad=True) for name, each in weights.items()}
    masked = {name: each.detach() * masks[name] for name, each in weights.items()}
    logits = functional_call(path, masked, (batch.images,))
    functional.cross_entropy(logits, batch.labels).backward()
    return sum(mask.grad.abs().sum().item() for mask in masks.values() if mask.grad is not None)


def fisher(path: PlainPath, batch: Batch) -> float:
    """Differentiate in a gate of one for each image and channel of each layer that runs."""
    gates: list[Tensor] = []

    def gated(module: nn.Module, inputs: object, output: Tensor) -> Tensor:
        gates.append(torch.ones(output.shape[:2], requires_grad=True))
        return output * gates[-1].view(*output.shape[:2], *(1 for _ in output.shape[2:]))

    for module in path.modules():
        if type(module) in (nn.Conv2d, nn.Linear):
            module.register_forward_hook(gated)
    functional.cross_entropy(path(batch.images), batch.labels).backward()
    return sum(((gate.grad**2).mean(0) / 2).sum().item() for gate in gates if gate.grad is not None)


def synflow(path: PlainPath, batch: Batch) -> float:
    """Take the norms out, rather than silence them."""
    path.double()
    for parent in list(path.modules()):
        for name, child in parent.named_children():
            if isinstance(child, nn.BatchNorm2d):
                setattr(parent, name, nn.Identity())
    for each in path.parameters():
        each.data = each.data.abs()
    path(torch.ones(1, *batch.images.shape[1:], dtype=torch.float64)).sum().backward()
    weights = path.weights().values()
    return sum((each.data * each.grad).sum().item() for each in weights if each.grad is not None)


def jacov(path: PlainPath, batch: Batch) -> float:
    images = batch.images.clone().requires_grad_()
    path(images).backward(torch.ones(len(images), 10))
    rows = images.grad.reshape(len(images), -1).numpy().astype(float)
    rows = rows - rows.mean(1, keepdims=True)
    rows = rows / np.sqrt((rows**2).sum(1, keepdims=True))
    values = np.linalg.eig(rows @ rows.T)[0].real + 1e-5
    return -float(np.sum(np.log(values)) + np.sum(1 / values))


def naswot(path: PlainPath, batch: Batch) -> float:
    """Look at what each rectifier is given, and compare codes bit by bit."""
    codes: list[Tensor] = []
    for module in path.modules():
        if isinstance(module, nn.ReLU):
            module.register_forward_pre_hook(lambda module, given: codes.append(given[0] > 0))
    path.net.norm.register_forward_hook(lambda module, given, output: codes.append(output > 0))
    path(batch.images)
    bits = torch.cat([each.flatten(1) for each in codes], dim=1).numpy()
    kernel = bits.shape[1] * (1 - squareform(pdist(bits, "hamming")))
    return float(np.log(np.linalg.eigvalsh(kernel)).sum())
