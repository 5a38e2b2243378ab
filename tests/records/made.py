"""Records, manifests and files of a store that are made up."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from supernet_bench.core.files import write_atomically
from supernet_bench.records.form import seal
from supernet_bench.records.manifest import Manifest, PlannedRun
from supernet_bench.records.run import Checkpoint, Epoch, ExecutionRecord, RunRecord


def run_record(run_id: str = "ab12", status: str = "finished", **changed: Any) -> RunRecord:
    """Return a record of a run that scored two architectures."""
    parts: dict[str, Any] = {
        "error": None,
        "spec": {"seed": 0},
        "revised": {},
        "heuristics": {},
        "architectures": (3, 5),
        "curve": (Epoch(1, 0.1, 0.9, 0.05),),
        "checkpoints": (Checkpoint(1, True, (0.25, 0.5), (1.5, None)),),
        "counts": {},
        "execution": executed(),
    }
    return RunRecord(run_id, status, **(parts | changed))


def executed(**changed: Any) -> ExecutionRecord:
    """Return how a run was executed."""
    parts: dict[str, Any] = {
        "code_version": "1.0",
        "code": {},
        "started": "2026-01-01T00:00:00",
        "seconds": {"setup": 1.0},
        "environment": {},
        "resumed": 0,
        "truth": None,
        "peak_memory_bytes": None,
        "peak_device_bytes": None,
    }
    return ExecutionRecord(**(parts | changed))


def manifest(study: str = "mine", seeds: Sequence[int] = (0, 1), **changed: Any) -> Manifest:
    """Return the manifest of a study with a run for each seed."""
    parts: dict[str, Any] = {
        "title": "t",
        "space": "toy",
        "images": "digits",
        "target": None,
        "levels": (),
        "runs": tuple(PlannedRun("f", "l", seed, f"run{seed}") for seed in seeds),
    }
    return Manifest(study, seeds=tuple(seeds), **(parts | changed))


def write_sealed(path: Path, content: Mapping[str, Any]) -> Path:
    """Write anything with the checksum that it needs, be it a record or not."""
    write_atomically(
        path, json.dumps(seal({key: value for key, value in content.items() if key != "checksum"})).encode()
    )
    return path
