"""Files of scores of the toy space, as users bring them."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from supernet_bench.spaces.toy import Toy

SPACE = Toy()


def scores(level: str = "baseline", seed: int = 0, noise: float = 0.02, epoch: int | None = None) -> pd.DataFrame:
    """Return a score for each architecture of the toy space, around its truth."""
    truth = SPACE.truth()
    rng = np.random.default_rng([seed, len(level), epoch or 0])
    values = truth.columns[truth.target] + noise * rng.normal(size=SPACE.size)
    frame = pd.DataFrame({"architecture": range(SPACE.size), "score": values, "level": level, "seed": seed})
    return frame if epoch is None else frame.assign(epoch=epoch)


def two_levels(seeds: int = 2) -> pd.DataFrame:
    """Return scores of a good level, which is first, and of a bad one."""
    parts = [scores(level, seed, noise) for level, noise in (("good", 0.005), ("bad", 0.2)) for seed in range(seeds)]
    return pd.concat(parts, ignore_index=True)


def write(frame: pd.DataFrame, file: Path) -> Path:
    """Write a frame in the form that the suffix of the file says."""
    if file.suffix == ".csv":
        frame.to_csv(file, index=False)
    elif file.suffix == ".parquet":
        frame.to_parquet(file, index=False)
    else:
        arrays: dict[str, Any] = {
            str(name): values.to_numpy() if values.dtype.kind in "if" else values.to_numpy(dtype=str)
            for name, values in frame.items()
        }
        np.savez(file, **arrays)
    return file
