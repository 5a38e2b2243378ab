"""Runs of a fraction of a second, for checks."""

from collections.abc import Mapping
from typing import Any

from supernet_bench.benchmark.study.spec import RunSpec

CELLS = {"name": "nasbench201", "width": 2, "cells": 1}
"""A small space with what the toy space lacks, such as weights that operations can have in common."""


def small_run(
    heuristics: Mapping[str, Mapping[str, Any]] | None = None,
    seed: int = 0,
    training: Mapping[str, Any] | None = None,
    scoring: Mapping[str, Any] | None = None,
    space: str | Mapping[str, Any] = "toy",
    images: Mapping[str, Any] | None = None,
) -> RunSpec:
    """Return the spec of a small run, with some settings otherwise."""
    return RunSpec.from_tables(
        {
            "space": {"name": space} if isinstance(space, str) else space,
            "images": {"name": "digits", "train": 96, "valid": 32, **(images or {})},
            "training": {"epochs": 3, "batch_size": 16, **(training or {})},
            "heuristics": heuristics or {},
            "scoring": {"architectures": 8, "checkpoints": 2, **(scoring or {})},
            "seed": seed,
        }
    )
