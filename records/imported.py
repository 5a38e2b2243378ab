"""Scores that somebody brings: what their records say, and what their ids are the hash of.

A record of such scores is one of a level and a seed, like that of a run, but nothing was trained here: its spec has no
images, training or heuristics, it has neither a curve nor counts, and its checkpoints hold scores alone.
"""

import hashlib
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from supernet_bench.records.form import name_of

if TYPE_CHECKING:
    from supernet_bench.records.run import RunRecord

KIND = "imported"
"""What such a spec has under ``kind``; that of a run has no such field."""

UNKNOWN_IMAGES = "unknown"
"""What a manifest has in place of the name of images."""

FORM = 1
"""Version of these specs, which are part of ids."""


def is_imported(spec: Mapping[str, Any]) -> bool:
    """Return whether a spec is that of imported scores."""
    return spec.get("kind") == KIND


def imported_spec(space: str, level: str, seed: int, lower_is_better: bool, scores: str) -> dict[str, Any]:
    """Return the spec of imported scores.

    Parameters
    ----------
    space, level : str
        Names.
    seed : int
    lower_is_better : bool
        Whether they had to be reversed: in a record, higher is better.
    scores : str
        What `digest` returns of them.
    """
    return {
        "schema": FORM,
        "kind": KIND,
        "space": {"name": space},
        "level": level,
        "seed": seed,
        "lower_is_better": lower_is_better,
        "scores": scores,
    }


def imported_id(spec: Mapping[str, Any]) -> str:
    """Return the 16 hexadecimal digits that name imported scores in a store."""
    return name_of(spec)


def digest(architectures: Sequence[int], checkpoints: Mapping[int, Sequence[float]]) -> str:
    """Return the SHA-256 of scores.

    Parameters
    ----------
    architectures : sequence of int, [n]
        Their numbers.
    checkpoints : mapping of int to sequence of float, each [n]
        The scores by epoch.
    """
    found = hashlib.sha256(np.asarray(architectures, dtype="<i8").tobytes())
    for epoch in sorted(checkpoints):
        found.update(f"{epoch} ".encode() + np.asarray(checkpoints[epoch], dtype="<f8").tobytes())
    return found.hexdigest()


def problem(record: "RunRecord") -> str | None:
    """Return in a few words why a record of imported scores is not what its id names, or None."""
    if record.spec.get("scores") != digest(
        record.architectures, {each.epoch: each.score for each in record.checkpoints}
    ):
        return "has other scores than its spec says"
    own = imported_id(record.spec)
    return None if own == record.run_id else f"has the spec of run {own}"


def without_seed(spec: Mapping[str, Any]) -> dict[str, Any]:
    """Return what the specs of all seeds of a level have in common, of a run or of imported scores."""
    own = ("seed", "scores") if is_imported(spec) else ("seed",)
    return {name: None if name in own else value for name, value in spec.items()}
