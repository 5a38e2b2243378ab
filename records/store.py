"""The store: one folder with a self-contained record per run, found by the hash of its spec.

It is what executes runs that writes through it, and whoever holds the lease of a run; a report reads files by
`supernet_bench.records.run` and `supernet_bench.records.manifest`.
"""

import hashlib
import io
import json
import uuid
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import torch

from supernet_bench.core.errors import InputError
from supernet_bench.core.files import read_if_there, remove_temporaries, saved_at, write_atomically
from supernet_bench.core.states import check_state
from supernet_bench.records import layout
from supernet_bench.records.damage import Damaged, unless_damaged
from supernet_bench.records.form import seal
from supernet_bench.records.manifest import Manifest, parse_stored_manifest
from supernet_bench.records.run import RunRecord, read_record


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

    def manifest_path(self, study: str) -> Path:
        """Return where it is written which runs make up a study."""
        return layout.manifest_path(self.folder, study)

    def saved_at(self, run_id: str) -> int:
        """Return when an unfinished run last saved its state, nanoseconds; 0 if there is no checkpoint."""
        return saved_at(self.checkpoint_path(run_id))

    def read_record(self, run_id: str) -> RunRecord | None:
        """Return the record of a run, or None if there is none; see `supernet_bench.records.run.read_record`."""
        return read_record(self.record_path(run_id))

    def write_record(self, record: RunRecord, guard: Callable[[], None] = lambda: None) -> None:
        """Write a record and drop the run's checkpoint, unless `guard` raises at the last moment."""
        self.put_record(record.run_id, json.dumps(seal(record.to_json())).encode(), guard)

    def put_record(self, run_id: str, content: bytes, guard: Callable[[], None] = lambda: None) -> None:
        """Write the content of the file of a record and drop the run's checkpoint."""
        write_atomically(self.record_path(run_id), content, guard)
        self.checkpoint_path(run_id).unlink(missing_ok=True)

    def tidy(self, run_id: str) -> None:
        """Remove what a run with a record no longer needs; for the holder of its lease.

        The process that wrote the record did that too, unless it was killed right after it.
        """
        if self.usable_record(run_id) is not None:
            self.checkpoint_path(run_id).unlink(missing_ok=True)

    def remove_record(self, run_id: str) -> None:
        """Forget a run, so that it is executed again."""
        self.record_path(run_id).unlink(missing_ok=True)

    def supersede_record(self, run_id: str) -> None:
        """Keep the record of a run elsewhere, so that the run is executed again; for the holder of its lease."""
        path = self.record_path(run_id)
        kept = layout.superseded_path(self.folder, f"{run_id}.{uuid.uuid4().hex[:12]}.json")
        kept.parent.mkdir(parents=True, exist_ok=True)
        path.replace(kept)

    def write_checkpoint(self, run_id: str, state: Mapping[str, Any], guard: Callable[[], None] = lambda: None) -> None:
        """Write the state of an unfinished run and whose it is, with its checksum in front; see `write_record`.

        Raises
        ------
        InputError
            If the state holds what could not be read again.
        """
        check_state(state, f"state of run {run_id}")
        buffer = io.BytesIO()
        torch.save({**state, "run_id": run_id}, buffer)
        content = buffer.getvalue()
        write_atomically(self.checkpoint_path(run_id), hashlib.sha256(content).digest() + content, guard)

    def read_checkpoint(self, run_id: str) -> dict[str, Any] | None:
        """Return the state of an unfinished run, or None if there is none; executes no code from the file.

        Raises
        ------
        Damaged
            If the file is cut off or changed, is that of another run, or holds something other than tensors and
            plain values.
        """
        path = self.checkpoint_path(run_id)
        content = _content(path)
        return None if content is None else parse_checkpoint(content, path)

    def check_checkpoint(self, run_id: str) -> None:
        """Raise Damaged if the checkpoint of a run is cut off or changed; quicker than to read it."""
        path = self.checkpoint_path(run_id)
        content = _content(path)
        if content is not None:
            _checked(content, path)

    def usable_record(self, run_id: str) -> RunRecord | None:
        """Return the record of a run, or None after a damaged one was set aside; for the holder of its lease."""
        return unless_damaged(self.folder, lambda: self.read_record(run_id))

    def usable_checkpoint(self, run_id: str) -> dict[str, Any] | None:
        """Return the state of a run, or None after a damaged one was set aside; for the holder of its lease."""
        return unless_damaged(self.folder, lambda: self.read_checkpoint(run_id))

    def remove_temporaries(self, run_id: str) -> None:
        """Remove what processes left that were killed while they wrote; for the holder of the lease of the run."""
        remove_temporaries(self.record_path(run_id))
        remove_temporaries(self.checkpoint_path(run_id))

    def check_name(self, study: str) -> None:
        """Raise InputError if only their case tells a study from another one, whose files some systems would give."""
        for path in self.manifest_path(study).parent.glob("*.json"):
            if path.stem != study and path.stem.casefold() == study.casefold():
                raise InputError(
                    f"study is {study!r}, and {path} is there; allowed: a name that differs in more than case"
                )

    def read_manifest(self, study: str) -> Manifest | None:
        """Return which runs make up a study, or None if that is not written; see `parse_stored_manifest`."""
        path = self.manifest_path(study)
        content = read_if_there(path)
        return None if content is None else parse_stored_manifest(content, path)

    def write_manifest(self, manifest: Manifest) -> None:
        """Write which runs make up a study."""
        content = json.dumps(seal(manifest.to_json()), indent=1, ensure_ascii=False)
        write_atomically(self.manifest_path(manifest.study), content.encode())

    def find(self, prefix: str) -> list[str]:
        """Return the ids of all recorded runs that start with `prefix`."""
        files = layout.record_path(self.folder, "").parent.glob("*.json")
        return sorted(
            path.stem for path in files if path.stem.startswith(prefix) and layout.RUN_ID.fullmatch(path.stem)
        )


def _content(path: Path) -> bytes | None:
    try:
        return read_if_there(path)
    except IsADirectoryError:
        raise Damaged(path, "it is a folder") from None


def parse_checkpoint(content: bytes, path: Path) -> dict[str, Any]:
    """Return the state in the content of a checkpoint; see `Store.read_checkpoint`."""
    checked = _checked(content, path)
    try:
        state = dict(torch.load(io.BytesIO(checked), map_location="cpu", weights_only=True))
    except MemoryError:  # The file is whole, as its checksum says.
        raise
    except Exception as error:  # What a foreign file makes PyTorch raise is not specified.
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise Damaged(path, f"it cannot be loaded ({reason})") from None
    if state.get("run_id") != path.stem:
        raise Damaged(path, f"it is the checkpoint of run {state.get('run_id')}")
    return state


def _checked(content: bytes, path: Path) -> bytes:
    """Return the content of a checkpoint after its checksum."""
    checksum, state = content[:32], content[32:]
    if hashlib.sha256(state).digest() != checksum:
        raise Damaged(path, "its checksum differs")
    return state
