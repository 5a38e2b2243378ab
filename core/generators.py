"""The random generators that all code of a process shares.

The suite draws from streams of its own. A plug-in may draw from PyTorch's, NumPy's or Python's generator all the same,
as layers such as dropout do; these are seeded from the run and the step, so that its runs can be repeated and resumed,
and differ between seeds.
"""

import random
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import torch


class SharedGenerators:
    """PyTorch's generators of the processor and of one device, NumPy's and Python's.

    Parameters
    ----------
    device : torch.device
    """

    def __init__(self, device: torch.device) -> None:
        self._gpu = _index(device)

    @contextmanager
    def seeded(self, seed: int) -> Iterator[None]:
        """Seed all of them, and have them afterwards as they were."""
        of_python, of_numpy = random.getstate(), np.random.get_state()  # noqa: NPY002  # The one to seed.
        try:
            with torch.random.fork_rng(devices=[] if self._gpu is None else [self._gpu]):
                self.seed(seed)
                yield
        finally:
            random.setstate(of_python)
            np.random.set_state(of_numpy)  # noqa: NPY002

    def seed(self, seed: int) -> None:
        """Seed all of them, which is much quicker than to keep what they were; for use within `seeded`.

        Parameters
        ----------
        seed : int
            At least 0, below 2**63.
        """
        torch.default_generator.manual_seed(seed)
        if self._gpu is not None:
            torch.cuda.default_generators[self._gpu].manual_seed(seed)
        random.seed(seed)
        np.random.seed(seed % 2**32)  # noqa: NPY002  # It takes no larger one.


def _index(device: torch.device) -> int | None:
    """Return the number of a GPU."""
    if device.type != "cuda":
        return None
    return torch.cuda.current_device() if device.index is None else device.index
