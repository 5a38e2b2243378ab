"""Whether all implementations compute the same: logits, loss, gradients, an optimiser step, and scores.

Ours is compared through the trainer and the scoring that are timed: what a real step does to the weights stands for
its gradients, since with equal settings one follows from the other.

The reference is `plain`, in float64: a chain of up to 47 norms and activations magnifies rounding, in some
architectures of the paper's fidelity until `plain` in float32 has two percent of error in its gradients. So the
tolerance is the larger of a fixed one and a multiple of the error that `plain` makes in float32.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from speed.contenders import Other, Ours, Plain, Xautodl
from speed.fidelities import Fidelity, draw, whole
from supernet_bench.images.base import ImageData
from supernet_bench.spaces.base import Architecture

TOLERANCE = 1e-3
"""Relative difference, in the Euclidean norm, that is always allowed in float32."""

REDUCED_TOLERANCE = 0.25
"""That in a reduced precision, of about three decimal digits per operation; gradients are not compared there."""

AMPLIFICATION = 10.0
"""Allowed error as a multiple of that of `plain` in float32."""

EXTREMES = [(choice,) * 6 for choice in range(5)] + [(0, 0, 2, 0, 3, 1)]
"""One operation throughout, and convolutions of nodes that are zero."""


@dataclass(frozen=True)
class Deviation:
    """How far one quantity is from the reference.

    Attributes
    ----------
    what : str
    architecture : tuple of int or None
        Where it comes closest to what is allowed; None for the scores of all.
    relative : float
        Norm of the difference over the norm of the reference.
    allowed : float
    """

    what: str
    architecture: Architecture | None
    relative: float
    allowed: float

    @property
    def agrees(self) -> bool:
        """Whether it is within the tolerance."""
        return self.relative <= self.allowed < math.inf


def deviations(
    fidelity: Fidelity,
    data: ImageData,
    device: torch.device,
    heuristics: Mapping[str, Mapping[str, Any]],
    count: int,
) -> list[Deviation]:
    """Compare all implementations with the same weights; return the worst case of each quantity.

    Parameters
    ----------
    fidelity : Fidelity
    data : ImageData
    device : torch.device
    heuristics : mapping
        Those of ours that are not at their default; any is taken for a reduced precision.
    count : int
        Random architectures, besides the extremes.
    """
    architectures = EXTREMES + draw(whole(fidelity.space), count, "agreement")
    found: list[Deviation] = []
    for architecture in architectures:
        found += _Quartet(fidelity, data, device, heuristics).compare(architecture)
    found += _Quartet(fidelity, data, device, heuristics).compare_scores(architectures)
    worst: dict[str, Deviation] = {}
    for each in found:
        if (
            each.what not in worst
            or each.relative / each.allowed > worst[each.what].relative / worst[each.what].allowed
        ):
            worst[each.what] = each
    return list(worst.values())


def relative_difference(found: Tensor, expected: Tensor) -> float:
    """Return the norm of the difference over that of `expected`; infinite where something is not a number."""
    found, expected = found.double().cpu(), expected.double().cpu()
    relative = torch.linalg.vector_norm(found - expected) / torch.linalg.vector_norm(expected).clamp_min(1e-12)
    return float(relative.nan_to_num(nan=torch.inf))


class _Quartet:
    """All implementations, and plain again in float64, with equal weights before their first step."""

    def __init__(
        self, fidelity: Fidelity, data: ImageData, device: torch.device, heuristics: Mapping[str, Mapping[str, Any]]
    ) -> None:
        self.reduced = bool(heuristics)
        self.ours = Ours(fidelity, data, device, heuristics)
        self.plain, self.exact = Plain(fidelity, data, device), Plain(fidelity, data, device)
        self.xautodl = Xautodl(fidelity, data, device)
        self.before = self.ours.weights()
        for other in (self.plain, self.exact, self.xautodl):
            other.load(self.before)
        self.exact.double()

    def compare(self, architecture: Architecture) -> list[Deviation]:
        """Compare one architecture: a pass and a step."""
        exact, plain, xautodl = (self._pass(other, architecture) for other in (self.exact, self.plain, self.xautodl))
        found = {f"xautodl: {what}": (xautodl[what], plain[what], exact[what]) for what in exact}
        found["ours: logits"] = self.ours.logits(architecture), plain["logits"], exact["logits"]
        for contender in (self.ours, self.plain, self.exact):
            contender.train(architecture)
        loss = torch.tensor(self.ours.trainer.curve[-1]["loss"])
        found["ours: loss"] = loss, plain["loss"], exact["loss"]
        if not self.reduced:
            start, after = self._flat(self.before), self._flat(self.ours.weights())
            steps = [self._flat(other.weights(self.before)) - start for other in (self.plain, self.exact)]
            found["ours: optimiser step"] = after - start, steps[0], steps[1]
        return [self._deviation(what, architecture, *tensors) for what, tensors in found.items()]

    def compare_scores(self, architectures: Sequence[Architecture]) -> list[Deviation]:
        """Compare the cross-entropies of all architectures, scored together."""
        ours = self.ours.score(architectures).cross_entropy
        plain, exact = (
            torch.stack([functional.cross_entropy(other.score(each), other.scored_labels) for each in architectures])
            for other in (self.plain, self.exact)
        )
        return [self._deviation("ours: scores", None, ours, plain, exact)]

    def _pass(self, other: Other, architecture: Architecture) -> dict[str, Tensor]:
        other.network.zero_grad()
        logits = other.logits(architecture)
        loss = functional.cross_entropy(logits, other.labels)
        loss.backward()
        gradients = self._flat(other.gradients(self.before))
        return {"logits": logits.detach(), "loss": loss.detach(), "gradients": gradients}

    def _flat(self, tensors: Mapping[str, Tensor]) -> Tensor:
        return torch.cat([tensors[name].flatten().double() for name in self.before])

    def _deviation(
        self, what: str, architecture: Architecture | None, found: Tensor, plain: Tensor, exact: Tensor
    ) -> Deviation:
        fixed = REDUCED_TOLERANCE if self.reduced and what.startswith("ours") else TOLERANCE
        allowed = max(fixed, AMPLIFICATION * relative_difference(plain, exact))
        return Deviation(what, architecture, relative_difference(found, exact), allowed)
