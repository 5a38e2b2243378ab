"""Executing runs: from a spec to a record in the store.

A worker needs PyTorch and NumPy only; neither the published accuracies nor the analysis packages are imported here.
"""

import gc
import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from time import perf_counter
from typing import Any

import torch

from supernet_bench.benchmark.execution.environment import environment_of, find_device, open_device, peak_memory
from supernet_bench.benchmark.plugins.plugin_file import PluginFile
from supernet_bench.benchmark.study.origins import code_of
from supernet_bench.benchmark.study.spec import RunSpec
from supernet_bench.benchmark.training.trainer import Trainer
from supernet_bench.core.errors import InputError, in_one_line
from supernet_bench.core.fields import Fields
from supernet_bench.core.output import say
from supernet_bench.core.settings import values_of
from supernet_bench.core.versions import code_version
from supernet_bench.images.base import ImageData
from supernet_bench.records import leases
from supernet_bench.records.damage import Damaged, set_aside
from supernet_bench.records.run import Blocks, Checkpoint, Epoch, ExecutionRecord, Failure, RunRecord, Strata
from supernet_bench.records.store import Store

ATTEMPTS = 3
"""How many processes of a run may die before one has saved anything more; the run has failed then."""


@dataclass(frozen=True)
class Execution:
    """How runs are executed; nothing here belongs to what a run is.

    Attributes
    ----------
    store : Path
    data : Path or None
        Where the user keeps images and tables.
    device : {"auto", "cpu", "cuda", "cuda:0", ...}
        ``auto`` is a GPU where there is one.
    threads : int
        Threads of one run on the CPU.
    lease_s : float
        How long a run stays reserved for a process that no longer shows that it lives, seconds.
    plugins : tuple of PluginFile
        The files of the user's own whose plug-ins runs may name.
    """

    store: Path
    data: Path | None = None
    device: str = "auto"
    threads: int = 1
    lease_s: float = leases.TTL_S
    plugins: tuple[PluginFile, ...] = ()


def execute(spec: RunSpec, execution: Execution, advance: Callable[[float], None] = lambda share: None) -> str:
    """Execute one run, or what is left of it, and write its record, unless it has one.

    The run is held by a lease meanwhile. Damaged files of it are set aside, and what they held is done again.

    Parameters
    ----------
    spec : RunSpec
    execution : Execution
    advance : callable
        Told how much is done, as a fraction.

    Returns
    -------
    str
        Status in the record: ``"finished"``, or ``"failed"`` where training diverged, raised an error, or killed
        `ATTEMPTS` processes.

    Raises
    ------
    leases.Held
        If another process, which lives, executes the run; nothing is done then.
    leases.Lost
        If another process took over, since this process did not show that it lives; nothing more is written then.
    InputError, OSError
        If images cannot be read, or the store cannot be written; nothing is recorded then.
    """
    store = Store(execution.store)
    with leases.take(store.folder, spec.run_id, execution.lease_s) as lease:
        store.remove_temporaries(spec.run_id)
        record = store.usable_record(spec.run_id)
        if record is not None:
            return record.status
        try:
            if lease.deaths >= ATTEMPTS:
                return _give_up(spec, store, lease)
            return _execute(spec, execution, store, lease, advance)
        except OSError:
            lease.check()  # Whoever takes over removes temporary files; that is no fault of the disk.
            raise


def _give_up(spec: RunSpec, store: Store, lease: leases.Lease) -> str:
    """Record that a run kills its processes."""
    message = f"its process died {lease.deaths} times, and nothing was saved in between"
    write_failure(store, spec, killed(message), lease.check)
    return "failed"


def _execute(
    spec: RunSpec, execution: Execution, store: Store, lease: leases.Lease, advance: Callable[[float], None]
) -> str:
    """Execute a run that has no record, and return its status."""
    torch.set_num_threads(execution.threads)
    started, clock, device = datetime.now(UTC), perf_counter(), find_device(execution.device)
    open_device(device)
    code = code_of(spec)
    data = spec.load_images(execution.data)
    trainer, resumed, error, setup = None, 0, None, 0.0

    def save(trainer: Trainer) -> None:
        store.write_checkpoint(spec.run_id, {**trainer.state_dict(), "resumed": resumed, "code": code}, lease.check)

    def advance_unless_lost(share: float) -> None:
        if lease.is_lost():
            lease.check()
        advance(share)

    try:
        trainer, resumed = _trainer(spec, data, execution, store, code)
        gc.freeze()  # What exists by now lives as long as the run; looking through it again and again takes time.
        setup = perf_counter() - clock
        trainer.run(advance_unless_lost, save)
    except (InputError, OSError, leases.Lost):
        raise
    except Exception as failure:  # Whatever else goes wrong in training is a result, and stays in the tables.
        error = describe(failure)
    finally:
        gc.unfreeze()
    memory = peak_memory(device)
    executed = ExecutionRecord(
        code_version=code_version(),
        code=code,
        started=started.isoformat(timespec="seconds"),
        seconds={"setup": setup, **(trainer.seconds if trainer else {})},
        environment=environment_of(device, execution.threads),
        resumed=resumed,
        truth=_truth_seen(trainer),
        peak_memory_bytes=memory["peak_memory_bytes"],
        peak_device_bytes=memory["peak_device_bytes"],
    )
    record = replace(result(spec, trainer, error), execution=executed)
    store.write_record(record, lease.check)
    return record.status


def _trainer(
    spec: RunSpec, data: ImageData, execution: Execution, store: Store, code: Mapping[str, str]
) -> tuple[Trainer, int]:
    """Return a trainer that has continued from the checkpoint, if a usable one is there, and how often that was."""
    state = store.usable_checkpoint(spec.run_id)
    trainer = new_trainer(spec, data, execution)
    if state is None:
        return trainer, 0
    if state.get("code", code) != code:
        say(f"warning: run {spec.run_id} starts again: what it had saved is of other code of plug-ins")
        return trainer, 0
    try:
        trainer.load_state_dict(state)
        return trainer, int(state["resumed"]) + 1
    except torch.OutOfMemoryError:
        raise
    except Exception as error:  # What the state of another version makes a heuristic raise is not specified.
        reason = f"it does not fit this version ({in_one_line(error)})"
        set_aside(store.folder, Damaged(store.checkpoint_path(spec.run_id), reason))
    return new_trainer(spec, data, execution), 0  # A part of the state may have been loaded.


def new_trainer(spec: RunSpec, data: ImageData, execution: Execution) -> Trainer:
    """Return a trainer whose heuristics may ask for published accuracies; they are read only then."""
    return Trainer(spec, data, find_device(execution.device), truth=lambda: spec.space.truth(execution.data))


def _truth_seen(trainer: Trainer | None) -> dict[str, str] | None:
    """Return which published accuracies training saw."""
    seen = trainer.truth_seen if trainer else None
    return {"table": seen.table, "column": seen.target} if seen else None


def result(spec: RunSpec, trainer: Trainer | None, error: Failure | None) -> RunRecord:
    """Return what depends on the spec alone; `trainer` is None if none could be made."""
    heuristics, revised = spec.by_factor(), spec.revised()
    return RunRecord(
        run_id=spec.run_id,
        status="failed" if error else "finished",
        error=error,
        spec=spec.canonical(),
        revised={part: values_of(getattr(revised, part)) for part in ("space", "images", "training", "scoring")},
        heuristics={factor: {"name": h.name, **values_of(h)} for factor, h in heuristics.items()},
        architectures=tuple(trainer.architectures) if trainer else (),
        strata=_strata(spec, trainer) if trainer else None,
        curve=tuple(Epoch(**epoch) for epoch in trainer.curve) if trainer else (),
        checkpoints=tuple(map(_checkpoint, trainer.checkpoints)) if trainer else (),
        counts=trainer.counts if trainer else {},
        execution=None,
    )


def _checkpoint(scores: Mapping[str, Any]) -> Checkpoint:
    """Return the scores of a checkpoint as they are read from a record; older saved states have no blocks."""
    blocks = scores.get("blocks")
    return Checkpoint(
        epoch=scores["epoch"],
        late=scores["late"],
        accuracy=tuple(scores["accuracy"]),
        cross_entropy=tuple(scores["cross_entropy"]),
        blocks=blocks and Blocks.from_fields(Fields(blocks)),
    )


def _strata(spec: RunSpec, trainer: Trainer) -> Strata | None:
    """Return what the scored architectures were drawn from, if not from the whole space alike."""
    choice = trainer.choice
    return Strata(spec.scoring.strata, choice.sizes, tuple(choice.strata)) if choice.strata is not None else None


def write_failure(store: Store, spec: RunSpec, error: Failure, guard: Callable[[], None] = lambda: None) -> None:
    """Record that a run failed outside of training; see `Store.write_record`."""
    store.write_record(result(spec, None, error), guard)


def killed(message: str) -> Failure:
    """Return that processes of a run were killed."""
    return Failure("Killed", message, "")


def describe(failure: Exception) -> Failure:
    """Return what went wrong."""
    return Failure(
        type=type(failure).__name__,
        message=(str(failure).splitlines() or [""])[0],
        traceback="".join(traceback.format_exception(failure)),
    )
