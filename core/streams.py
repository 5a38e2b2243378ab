"""Named random streams.

Each consumer of random numbers has a stream of its own, derived from the run's seed, the stream's name and a step.
Toggling one heuristic therefore never shifts another's numbers, and a resumed run needs no generator state.
"""

import hashlib

import torch


def stream_seed(seed: int, name: str, step: int = 0) -> int:
    """Return a 63-bit seed that depends on all three arguments."""
    digest = hashlib.blake2b(f"{seed}/{name}/{step}".encode(), digest_size=8).digest()
    return int.from_bytes(digest) >> 1


def stream(seed: int, name: str, step: int = 0, device: torch.device | str = "cpu") -> torch.Generator:
    """Return the generator of one stream at one step."""
    return torch.Generator(device).manual_seed(stream_seed(seed, name, step))


class StepStreams:
    """The streams of one step; asking twice for a stream continues it."""

    def __init__(self, seed: int, step: int) -> None:
        self._seed = seed
        self._step = step
        self._open: dict[tuple[str, str], torch.Generator] = {}

    def __call__(self, name: str, device: torch.device | str = "cpu") -> torch.Generator:
        """Return the generator of the stream `name` on `device`."""
        key = (name, str(device))
        if key not in self._open:
            self._open[key] = stream(self._seed, name, self._step, device)
        return self._open[key]
