"""Heuristics and steps outside a training loop."""

from typing import TypeVar

import numpy as np

from supernet_bench.core.streams import StepStreams, stream
from supernet_bench.heuristics.base import Heuristic, Step, Task
from supernet_bench.spaces.base import Architecture, Space
from supernet_bench.spaces.toy import Toy

H = TypeVar("H", bound=Heuristic)


class OnePath(Heuristic):
    """Trains the same path in every step, whatever has been sampled."""

    name, order = "one_path", 300

    def __init__(self, path: Architecture) -> None:
        self.path = path

    def sample(self, architectures, step):
        return [self.path]


def begun(heuristic: H, space: Space | None = None, truth: np.ndarray | None = None) -> H:
    """Return the heuristic, prepared for a run; no accuracies are published unless given."""
    heuristic.begin(task_of(truth, space))
    return heuristic


def task_of(truth: np.ndarray | None = None, space: Space | None = None) -> Task:
    """Return the task of a run with seed 0."""
    return Task(
        space=space or Toy(),
        in_channels=1,
        classes=10,
        resolution=8,
        generator=lambda name: stream(0, name),
        training_images=lambda count: [],
        truth=lambda: np.full((space or Toy()).size, np.nan) if truth is None else truth,
    )


def step(index: int, seed: int = 0, start: int = 0, length: int = 1_000_000) -> Step:
    """Return a step of a long run."""
    return Step(index, start, length, StepStreams(seed, index))
