"""The record of a run: all that is known of it when it has ended, in one file that needs no other."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from supernet_bench.core.fields import Fields, Malformed
from supernet_bench.core.files import read_if_there
from supernet_bench.records.damage import Damaged
from supernet_bench.records.form import RECORD_VERSION, unseal, upgrade
from supernet_bench.records.imported import is_imported

STATUSES = ("finished", "failed")

PARTS = ("space", "images", "training", "scoring", "heuristics")
"""Parts of a spec that hold settings by name."""

NUMBER = (float, int)

NOTHING = type(None)


@dataclass(frozen=True)
class Failure:
    """Why a run failed.

    Attributes
    ----------
    type : str
        Of the error, or ``"Killed"``.
    message : str
        One line.
    traceback : str
        Empty if there is none.
    extra : mapping
        What a newer version of the suite says of it.
    """

    type: str
    message: str
    traceback: str
    extra: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def from_fields(cls, fields: Fields) -> "Failure":
        """Read it; raise Malformed if it is none."""
        return cls(
            type=fields.read("type", str),
            message=fields.read("message", str),
            traceback=fields.read("traceback", str, default=""),
            extra=fields.rest(),
        )

    def to_json(self) -> dict[str, Any]:
        """Return it as JSON has it."""
        return {"type": self.type, "message": self.message, "traceback": self.traceback, **self.extra}


@dataclass(frozen=True)
class Epoch:
    """What was measured in an epoch of training; a loss of None was not finite, `extra` is of a newer version."""

    epoch: int
    loss: float | None
    accuracy: float
    learning_rate: float
    extra: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def from_fields(cls, fields: Fields) -> "Epoch":
        """Read it; raise Malformed if it is none."""
        return cls(
            epoch=fields.read("epoch", int),
            loss=fields.read("loss", *NUMBER, NOTHING, allowed="a number or null"),
            accuracy=fields.read("accuracy", *NUMBER, allowed="a number"),
            learning_rate=fields.read("learning_rate", *NUMBER, allowed="a number"),
            extra=fields.rest(),
        )

    def to_json(self) -> dict[str, Any]:
        """Return it as JSON has it."""
        return {
            "epoch": self.epoch,
            "loss": self.loss,
            "accuracy": self.accuracy,
            "learning_rate": self.learning_rate,
            **self.extra,
        }


@dataclass(frozen=True)
class Blocks:
    """The scores of a checkpoint by block of images: what a delete-a-group jackknife needs.

    Attributes
    ----------
    images : tuple of int, [blocks]
        How many are in each block; blocks are the same images for all architectures and runs of a study, unless a
        heuristic draws them.
    correct : tuple of tuple of int, [blocks][architectures]
        Correct labels.
    cross_entropy : tuple of tuple of float or None, [blocks][architectures]
        Mean over the images of the block, nats, rounded to 0.01 or 0.05; None or infinite where it overflowed.
    extra : mapping
        What a newer version of the suite says of it.
    """

    images: tuple[int, ...]
    correct: tuple[tuple[int, ...], ...]
    cross_entropy: tuple[tuple[float | None, ...], ...]
    extra: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def from_fields(cls, fields: Fields) -> "Blocks":
        """Read them; raise Malformed if they are none."""
        return cls(
            images=fields.entries("images", int),
            correct=fields.rows("correct", int),
            cross_entropy=fields.rows("cross_entropy", *NUMBER, NOTHING, allowed="a number or null"),
            extra=fields.rest(),
        )

    def to_json(self) -> dict[str, Any]:
        """Return it as JSON has it."""
        return {
            "images": list(self.images),
            "correct": [list(block) for block in self.correct],
            "cross_entropy": [list(block) for block in self.cross_entropy],
            **self.extra,
        }

    def check(self, architectures: int) -> None:
        """Raise Malformed unless every block has a score per architecture, and no more correct labels than images."""
        if not len(self.images) == len(self.correct) == len(self.cross_entropy):
            raise Malformed("blocks do not have one row of scores each")
        for images, correct, losses in zip(self.images, self.correct, self.cross_entropy, strict=True):
            if not len(correct) == len(losses) == architectures:
                raise Malformed("a block does not have one score per architecture")
            if images < 1 or not all(0 <= number <= images for number in correct):
                raise Malformed("a block has more correct labels than images, or no image")


@dataclass(frozen=True)
class Strata:
    """What the scored architectures were drawn from, where not from the space as a whole.

    Attributes
    ----------
    by : str
        What orders the space: ``"truth"`` or ``"parameters"``.
    sizes : tuple of int, [strata]
        Architectures of the space in each stratum.
    of : tuple of int, [architectures]
        The stratum of each scored architecture.
    extra : mapping
        What a newer version of the suite says of it.
    """

    by: str
    sizes: tuple[int, ...]
    of: tuple[int, ...]
    extra: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def from_fields(cls, fields: Fields) -> "Strata":
        """Read them; raise Malformed if they are none."""
        return cls(
            by=fields.read("by", str),
            sizes=fields.entries("sizes", int),
            of=fields.entries("of", int),
            extra=fields.rest(),
        )

    def to_json(self) -> dict[str, Any]:
        """Return it as JSON has it."""
        return {"by": self.by, "sizes": list(self.sizes), "of": list(self.of), **self.extra}

    def check(self, architectures: int) -> None:
        """Raise Malformed unless every architecture is in a stratum that has as many in the space."""
        if len(self.of) != architectures:
            raise Malformed("strata do not have one number per architecture")
        for stratum in set(self.of):
            if not 0 <= stratum < len(self.sizes) or self.of.count(stratum) > self.sizes[stratum]:
                raise Malformed(f"stratum {stratum} is none, or has fewer architectures than are scored of it")


@dataclass(frozen=True)
class Checkpoint:
    """Scores after an epoch, in the order of the architectures of the record.

    Attributes
    ----------
    epoch : int
    late : bool
        Whether metrics are averaged over it.
    accuracy : tuple of float
        Fractions.
    cross_entropy : tuple of float or None
        None or infinite where it overflowed.
    blocks : Blocks or None
        The same by block of images, of late checkpoints; older records do not say.
    score : tuple of float
        Only of imported scores, which have neither of the others; higher is better.
    extra : mapping
        What a newer version of the suite says of it.
    """

    epoch: int
    late: bool
    accuracy: tuple[float, ...]
    cross_entropy: tuple[float | None, ...]
    blocks: Blocks | None = None
    score: tuple[float, ...] = ()
    extra: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def from_fields(cls, fields: Fields) -> "Checkpoint":
        """Read it; raise Malformed if it is none."""
        return cls(
            epoch=fields.read("epoch", int),
            late=fields.read("late", bool),
            accuracy=fields.entries("accuracy", *NUMBER, allowed="a fraction in [0, 1]"),
            cross_entropy=fields.entries("cross_entropy", *NUMBER, NOTHING, allowed="a number or null"),
            blocks=Blocks.from_fields(blocks) if (blocks := fields.object("blocks")) else None,
            score=fields.entries("score", *NUMBER, allowed="a number", default=[]),
            extra=fields.rest(),
        )

    def to_json(self) -> dict[str, Any]:
        """Return it as JSON has it."""
        blocks = {"blocks": self.blocks.to_json()} if self.blocks else {}
        return {
            "epoch": self.epoch,
            "late": self.late,
            "accuracy": list(self.accuracy),
            "cross_entropy": list(self.cross_entropy),
            **blocks,
            **({"score": list(self.score)} if self.score else {}),
            **self.extra,
        }


@dataclass(frozen=True)
class SourceFile:
    """A file that scores were read from: its name without folders, and the SHA-256 of what it held."""

    name: str
    sha256: str

    @classmethod
    def from_fields(cls, fields: Fields) -> "SourceFile":
        """Read it; raise Malformed if it is none."""
        return cls(fields.read("name", str), fields.read("sha256", str))

    def to_json(self) -> dict[str, Any]:
        """Return it as JSON has it."""
        return {"name": self.name, "sha256": self.sha256}


@dataclass(frozen=True)
class ExecutionRecord:
    """How and where a run was executed, which its result does not depend on.

    Attributes
    ----------
    code_version : str
        Of the suite.
    code : mapping of str to str, or None
        The digest of each plug-in that had a part, by what it is and its name; older records do not say.
    started : str
        Date and time, ISO 8601.
    seconds : mapping of str to float
        Of each phase: ``setup``, ``training``, ``scoring``.
    environment : mapping
        Software and hardware.
    resumed : int
        How often it went on from a saved state.
    truth : mapping of str to str, or None
        The table and the column of published accuracies that training saw, if any.
    peak_memory_bytes, peak_device_bytes : int or None
        The largest memory of the process, and of the run on a GPU; None is not known.
    files : tuple of SourceFile
        Only of imported scores: what they were read from.
    extra : mapping
        What a newer version of the suite says of it.
    """

    code_version: str
    code: Mapping[str, str] | None
    started: str
    seconds: Mapping[str, float]
    environment: Mapping[str, Any]
    resumed: int
    truth: Mapping[str, str] | None
    peak_memory_bytes: int | None
    peak_device_bytes: int | None
    files: tuple[SourceFile, ...] = ()
    extra: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def from_fields(cls, fields: Fields) -> "ExecutionRecord":
        """Read it; raise Malformed if it is none."""
        return cls(
            code_version=fields.read("code_version", str),
            code=fields.read("code", dict, NOTHING, default=None),
            started=fields.read("started", str),
            seconds=fields.read("seconds", dict, default={}),
            environment=fields.read("environment", dict, default={}),
            resumed=fields.read("resumed", int, default=0),
            truth=fields.read("truth", dict, NOTHING, default=None),
            peak_memory_bytes=fields.read("peak_memory_bytes", int, NOTHING, default=None),
            peak_device_bytes=fields.read("peak_device_bytes", int, NOTHING, default=None),
            files=tuple(map(SourceFile.from_fields, fields.objects("files", default=[]))),
            extra=fields.rest(),
        )

    def to_json(self) -> dict[str, Any]:
        """Return it as JSON has it; what no code is known of and what saw no truth says nothing of them."""
        content = {
            "code_version": self.code_version,
            "code": self.code,
            "started": self.started,
            "seconds": self.seconds,
            "environment": self.environment,
            "resumed": self.resumed,
            "truth": self.truth,
            "peak_memory_bytes": self.peak_memory_bytes,
            "peak_device_bytes": self.peak_device_bytes,
            **({"files": [file.to_json() for file in self.files]} if self.files else {}),
            **self.extra,
        }
        absent = {name for name in ("code", "truth") if content[name] is None}
        return {name: value for name, value in content.items() if name not in absent}


@dataclass(frozen=True)
class RunRecord:
    """One run that has ended.

    Attributes
    ----------
    run_id : str
    status : {"finished", "failed"}
    error : Failure or None
    spec : mapping
        The canonical form of the spec; whoever executes runs can build the spec of it.
    revised : mapping of str to mapping
        What heuristics made of space, images, training and scoring.
    heuristics : mapping of str to mapping
        The name and all settings of the heuristic of each factor, also of those that do nothing.
    architectures : tuple of int
        Numbers of what was scored.
    curve : tuple of Epoch
    checkpoints : tuple of Checkpoint
    counts : mapping of str to int
        What training took: ``optimiser_steps``, ``path_passes``, ``images``; empty if it could not begin.
    execution : ExecutionRecord or None
        None where every process was killed, so that nothing is known.
    strata : Strata or None
        What the architectures were drawn from, where not from the whole space alike.
    extra : mapping
        What a newer version of the suite says of it.
    """

    run_id: str
    status: str
    error: Failure | None
    spec: Mapping[str, Any]
    revised: Mapping[str, Mapping[str, Any]]
    heuristics: Mapping[str, Mapping[str, Any]]
    architectures: tuple[int, ...]
    curve: tuple[Epoch, ...]
    checkpoints: tuple[Checkpoint, ...]
    counts: Mapping[str, int]
    execution: ExecutionRecord | None
    strata: Strata | None = None
    extra: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def from_json(cls, content: Mapping[str, Any]) -> "RunRecord":
        """Return the record in a JSON object of the present version.

        Raises
        ------
        Malformed
            If it is none that a report could be made from.
        """
        fields = Fields(content)
        fields.read("schema", int)
        error, execution, strata = (fields.object(name) for name in ("error", "execution", "strata"))
        record = cls(
            run_id=fields.read("run_id", str),
            status=fields.read("status", str),
            error=Failure.from_fields(error) if error else None,
            spec=fields.read("spec", dict, default={}),
            revised=fields.read("revised", dict, default={}),
            heuristics=fields.read("heuristics", dict, default={}),
            architectures=fields.entries("architectures", int),
            curve=tuple(map(Epoch.from_fields, fields.objects("curve", default=()))),
            checkpoints=tuple(map(Checkpoint.from_fields, fields.objects("checkpoints"))),
            counts=fields.read("counts", dict, default={}),
            execution=ExecutionRecord.from_fields(execution) if execution else None,
            strata=Strata.from_fields(strata) if strata else None,
            extra=fields.rest(),
        )
        record._check()
        return record

    def to_json(self) -> dict[str, Any]:
        """Return it as JSON has it, without a checksum."""
        return {
            "schema": RECORD_VERSION,
            **self.result(),
            "execution": self.execution.to_json() if self.execution else {},
        }

    def result(self) -> dict[str, Any]:
        """Return, as JSON has it, what the spec of the run determines."""
        strata = {"strata": self.strata.to_json()} if self.strata else {}
        return {
            "run_id": self.run_id,
            "status": self.status,
            "error": self.error.to_json() if self.error else None,
            "spec": self.spec,
            "revised": self.revised,
            "heuristics": self.heuristics,
            "architectures": list(self.architectures),
            **strata,
            "curve": [epoch.to_json() for epoch in self.curve],
            "checkpoints": [checkpoint.to_json() for checkpoint in self.checkpoints],
            "counts": self.counts,
            **self.extra,
        }

    def part(self, name: str) -> Mapping[str, Any]:
        """Return the settings of a part of the spec, such as ``"training"``; none if the spec lacks it."""
        settings: Mapping[str, Any] = self.spec.get(name, {})
        return settings

    @property
    def imported(self) -> bool:
        """Whether it holds scores that somebody brought, and nothing was trained."""
        return is_imported(self.spec)

    def _check(self) -> None:
        """Raise Malformed unless the fields fit each other."""
        if self.status not in STATUSES:
            raise Malformed(f"status is {self.status!r}; allowed: {', '.join(STATUSES)}")
        for name in PARTS:
            Fields(self.part(name), f"spec.{name}")
        for factor, settings in self.heuristics.items():
            Fields(settings, f"heuristics.{factor}")
        if len(set(self.architectures)) != len(self.architectures):
            raise Malformed("an architecture appears twice")
        if self.strata:
            self.strata.check(len(self.architectures))
        for checkpoint in self.checkpoints:
            if checkpoint.blocks:
                checkpoint.blocks.check(len(self.architectures))
            n = len(self.architectures)
            found = len(checkpoint.accuracy), len(checkpoint.cross_entropy), len(checkpoint.score)
            if found != ((0, 0, n) if self.imported else (n, n, 0)):
                raise Malformed(f"epoch {checkpoint.epoch} does not have one score per architecture")
            if not all(map(math.isfinite, checkpoint.score)):
                raise Malformed(f"a score of epoch {checkpoint.epoch} is not finite")
            if not all(0 <= accuracy <= 1 for accuracy in checkpoint.accuracy):
                raise Malformed(f"an accuracy of epoch {checkpoint.epoch} is outside [0, 1]")
        if self.status == "finished" and not any(checkpoint.late for checkpoint in self.checkpoints):
            raise Malformed("it is finished but has no late checkpoint")


def parse_record(content: bytes, path: Path) -> RunRecord:
    """Return the record in the content of a file, whichever version of the suite wrote it.

    Raises
    ------
    Damaged
        If it is no whole record, or that of another run than the name of the file says.
    InputError
        If a newer version of the suite wrote it.
    """
    fields = upgrade(unseal(content, path, "record"), path)
    try:
        record = RunRecord.from_json(fields)
    except Malformed as error:
        raise Damaged(path, f"it is no complete record: {error}") from None
    if record.run_id != path.stem:
        raise Damaged(path, f"it is the record of run {record.run_id}")
    return record


def read_record(path: Path) -> RunRecord | None:
    """Read ``runs/<run_id>.json`` of a store; None if there is no such file. See `parse_record`."""
    try:
        content = read_if_there(path)
    except IsADirectoryError:
        raise Damaged(path, "it is a folder") from None
    return None if content is None else parse_record(content, path)
