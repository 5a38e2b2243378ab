"""The store: one folder with a self-contained record per run, found by the hash of its spec."""

import hashlib
import io
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from benchmark import layout
from benchmark.errors import InputError
from benchmark.files import write_atomically


class Store:
    """A folder of results.

    Records, manifests and checkpoints are whole or absent: each is written under another name first.

    Parameters
    ----------
    folder : Path
        Made when something is written.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def record_path(self, run_id: str) -> Path:
        """Return where the record of a run is."""
        return layout.record_path(self.folder, run_id)

    def checkpoint_path(self, run_id: str) -> Path:
        """Return where the latest state of an unfinished run is."""
        return layout.checkpoint_path(self.folder, run_id)

    def read_record(self, run_id: str) -> dict[str, Any] | None:
        """Return the record of a run, or None if there is none.

        Raises
        ------
        InputError
            If the file is damaged, of another schema, or the record of another run.
        """
        path = self.record_path(run_id)
        if not path.exists():
            return None
        try:
            record = json.loads(path.read_bytes())
            checksum = record.pop("checksum")
        except (ValueError, KeyError, TypeError, AttributeError):
            raise _damaged(path, "it is no complete record") from None
        if checksum != layout.record_checksum(record):
            raise _damaged(path, "its checksum differs")
        if record["schema"] != layout.SCHEMA:
            raise InputError(f"{path}: schema is {record['schema']}; allowed: {layout.SCHEMA}")
        if record["run_id"] != run_id:
            raise _damaged(path, f"it is the record of run {record['run_id']}")
        return dict(record)

    def write_record(self, record: Mapping[str, Any]) -> None:
        """Write a record with its checksum and drop the run's checkpoint."""
        content = {"schema": layout.SCHEMA, **record}
        content["checksum"] = layout.record_checksum(content)
        write_atomically(self.record_path(record["run_id"]), json.dumps(content).encode())
        self.checkpoint_path(record["run_id"]).unlink(missing_ok=True)

    def remove_record(self, run_id: str) -> None:
        """Forget a run, so that it is executed again."""
        self.record_path(run_id).unlink(missing_ok=True)

    def write_checkpoint(self, run_id: str, state: Mapping[str, Any]) -> None:
        """Write the state of an unfinished run, with its checksum in front."""
        buffer = io.BytesIO()
        torch.save(state, buffer)
        content = buffer.getvalue()
        write_atomically(self.checkpoint_path(run_id), hashlib.sha256(content).digest() + content)

    def read_checkpoint(self, run_id: str) -> dict[str, Any] | None:
        """Return the state of an unfinished run, or None if there is none; executes no code from the file.

        Raises
        ------
        InputError
            If the file is damaged, or holds something other than tensors and plain values.
        """
        content = self.checkpoint_content(run_id)
        if content is None:
            return None
        try:
            return dict(torch.load(io.BytesIO(content), weights_only=True))
        except Exception as error:  # What a foreign file makes PyTorch raise is not specified.
            reason = str(error).splitlines()[0]
            raise _damaged(self.checkpoint_path(run_id), f"it cannot be loaded ({reason})") from None

    def checkpoint_content(self, run_id: str) -> bytes | None:
        """Return the checked bytes of a checkpoint, or None if there is none."""
        path = self.checkpoint_path(run_id)
        if not path.exists():
            return None
        content = path.read_bytes()
        checksum, state = content[:32], content[32:]
        if hashlib.sha256(state).digest() != checksum:
            raise _damaged(path, "its checksum differs")
        return state

    def write_manifest(self, study: str, manifest: Mapping[str, Any]) -> None:
        """Write which runs make up a study."""
        content = json.dumps(manifest, indent=1, ensure_ascii=False)
        write_atomically(layout.manifest_path(self.folder, study), content.encode())

    def find(self, prefix: str) -> list[str]:
        """Return the ids of all recorded runs that start with `prefix`."""
        files = layout.record_path(self.folder, "").parent.glob("*.json")
        return sorted(path.stem for path in files if path.stem.startswith(prefix) and path.stem)


def _damaged(path: Path, reason: str) -> InputError:
    return InputError(f"{path} is damaged: {reason}; delete it to have the run done again")
