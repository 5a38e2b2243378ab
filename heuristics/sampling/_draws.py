"""Draws that several samplers have in common."""

import numpy as np
import torch

from supernet_bench.heuristics.base import Task
from supernet_bench.spaces.base import Architecture, Space


def draw_uniform(space: Space, generator: torch.Generator) -> Architecture:
    """Return an architecture drawn uniformly from `space`."""
    return space.architecture(int(torch.randint(space.size, (), generator=generator)))


def draw_pool(task: Task, size: int) -> np.ndarray:
    """Return the indices of `size` different architectures, int64 [size]; the seed of the run decides which."""
    if size == task.space.size:
        return np.arange(size)
    return torch.randperm(task.space.size, generator=task.generator("pool"))[:size].numpy()
