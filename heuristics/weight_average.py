"""Scoring with an average of the weights that training went through."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from supernet_bench.heuristics.base import Heuristic, Step, Task
from supernet_bench.spaces.base import Supernet


def newest_share(decay: float, count: int) -> float:
    """Return the share of the newest of `count` values in their average with weights that fall by `decay` each."""
    return (1 - decay) / (1 - decay**count)


@dataclass
class WeightAverage(Heuristic):
    """Architectures are scored with averages of all parameters; training goes on with the parameters themselves.

    * ``none``: no average;
    * ``ema``: over the weights after every step, those k steps ago in proportion to `decay` to the power of k. These
      weights add up to one from the first step on, so nothing of the initial parameters is in it;
    * ``mean``: the plain mean of the weights at the ends of the last `checkpoints` epochs, or as many as there are.

    The default `decay` averages over about the last 100 steps: a small part of a run of 1,000 to 10,000 steps, in
    which an operation that is one of five choices is still updated some 20 times.

    An average starts afresh with every iteration (`independence`): weights from before and after they were drawn
    anew have nothing in common, and where they are kept, the learning rate has jumped in between.

    Only parameters are averaged. Running statistics remain those of training (`batch_norm`: tracked), which are not
    quite those of averaged weights; `batch` and `recalibrated` have no such gap.
    """

    name = "weight_average"
    source = (
        "Polyak and Juditsky 1992, Acceleration of Stochastic Approximation by Averaging; "
        "Izmailov et al. 2018, Averaging Weights Leads to Wider Optima and Better Generalization, arXiv 1803.05407"
    )
    levels = ({"kind": "none"}, {"kind": "ema"}, {"kind": "mean"})
    labels = {
        "kind=none": "last weights",
        "kind=ema": "moving average of weights",
        "kind=mean": "mean weights of epochs",
    }
    default = True
    neutral = {"kind": "none"}

    kind: str = field(
        default="none", metadata={"help": "of which weights the average is", "choices": ("none", "ema", "mean")}
    )
    decay: float = field(
        default=0.99, metadata={"help": "weight of a step over that of the next (ema only)", "low": 0.0, "high": 0.9999}
    )
    checkpoints: int = field(default=5, metadata={"help": "epochs whose ends are averaged (mean only)", "low": 1})

    def begin(self, task: Task) -> None:
        self._parameters: list[Tensor] = []
        self._steps = 0  # In the average of ema.
        self._kept: list[list[Tensor]] = []  # For ema the average, for mean the ends of epochs; all parameters of each.

    def after_step(self, supernet: Supernet, step: Step) -> None:
        if self.kind == "none":
            return
        if step.starts_iteration:
            self._steps, self._kept = 0, []
        parameters = self._parameters_of(supernet)
        if self.kind == "ema":
            self._add_to_average(parameters)
        elif step.ends_epoch:
            self._kept = [*self._kept, _copies(parameters)][-self.checkpoints :]

    @contextmanager
    def while_scoring(self, supernet: Supernet, generator: Callable[..., torch.Generator]) -> Iterator[None]:
        parameters = self._parameters_of(supernet)
        if not self._kept:
            yield
            return
        trained = _copies(parameters)
        _assign(parameters, _mean(self._kept))
        try:
            yield
        finally:
            _assign(parameters, trained)

    def state_dict(self) -> dict[str, Any]:
        return {"steps": self._steps, "kept": [list(copies) for copies in self._kept]}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        self._steps = state["steps"]
        self._kept = [[copy.clone() for copy in copies] for copies in state["kept"]]
        self._parameters = []

    def _add_to_average(self, parameters: list[Tensor]) -> None:
        self._steps += 1
        if self._kept:
            torch._foreach_lerp_(self._kept[0], parameters, newest_share(self.decay, self._steps))
        else:
            self._kept = [_copies(parameters)]

    def _parameters_of(self, supernet: Supernet) -> list[Tensor]:
        """Return all parameters, which take a while to find, and have what was loaded on their device."""
        if not self._parameters:
            self._parameters = list(supernet.parameters())
            self._kept = [
                [copy.to(parameter.device) for copy, parameter in zip(copies, self._parameters, strict=True)]
                for copies in self._kept
            ]
        return self._parameters


def _copies(parameters: list[Tensor]) -> list[Tensor]:
    return [parameter.detach().clone() for parameter in parameters]


def _mean(lists: list[list[Tensor]]) -> list[Tensor]:
    """Return the mean of each tensor over some lists of them."""
    if len(lists) == 1:
        return lists[0]
    totals = torch._foreach_add(lists[0], lists[1])
    for other in lists[2:]:
        torch._foreach_add_(totals, other)
    torch._foreach_div_(totals, len(lists))
    return list(totals)


@torch.no_grad()
def _assign(parameters: list[Tensor], values: list[Tensor]) -> None:
    torch._foreach_copy_(parameters, values)
