"""``supernet-bench show``: one run."""

import json
import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from supernet_bench.commands._command import Command, argument
from supernet_bench.commands._options import STORE, STORE_HELP
from supernet_bench.core.errors import InputError
from supernet_bench.core.output import WIDTH, wrapped

if TYPE_CHECKING:
    from supernet_bench.records.run import RunRecord

INDENT = "  "


@dataclass(frozen=True)
class Options:
    """What is shown."""

    run_id: str = field(metadata=argument("Id of a run, or the start of one.", "RUN"))
    store: Path = field(default=STORE, metadata=STORE_HELP)


def show(options: Options) -> None:
    """Show one run: its spec, status, training curve and checkpoints."""
    from supernet_bench.records.store import Store

    store = Store(options.store)
    found = store.find(options.run_id)
    if len(found) != 1:
        raise InputError(
            f"run {options.run_id!r} names {len(found)} records in {options.store}; "
            "allowed: the start of exactly one id" + (f", such as {', '.join(found[:3])}" if found else "")
        )
    record = store.read_record(found[0])
    assert record is not None
    print("\n".join(as_text(record)))


COMMAND = Command("show", Options, show)


def as_text(record: "RunRecord") -> Iterator[str]:
    """Yield a record in lines for a terminal."""
    yield f"run {record.run_id}: {record.status}"
    if record.error:
        for line in (record.error.traceback or record.error.message).splitlines():
            yield _within(line)
    content = record.to_json()
    for key in ("spec", "counts", "execution"):
        yield from _named(key, content[key], "")
    if record.imported:
        yield from _scores(record)
        return
    yield f"\n{'epoch':>5}  {'loss':>10}  {'accuracy':>10}  {'learning rate':>13}"
    for row in record.curve:
        loss = math.nan if row.loss is None else row.loss
        yield f"{row.epoch:>5}  {loss:>10.4g}  {row.accuracy:>10.4g}  {row.learning_rate:>13.4g}"
    yield f"\n{'epoch':>5}  {'late':>4}  {'mean accuracy':>13}  {'best accuracy':>13}"
    for checkpoint in record.checkpoints:
        accuracy = checkpoint.accuracy
        late, mean = "yes" if checkpoint.late else "no", sum(accuracy) / len(accuracy)
        yield f"{checkpoint.epoch:>5}  {late:>4}  {mean:>13.4f}  {max(accuracy):>13.4f}"


def _scores(record: "RunRecord") -> Iterator[str]:
    """Yield how imported scores spread at each epoch."""
    yield f"\n{'epoch':>5}  {'late':>4}  {'architectures':>13}  {'lowest score':>12}  {'highest score':>13}"
    for checkpoint in record.checkpoints:
        late, low, high = "yes" if checkpoint.late else "no", min(checkpoint.score), max(checkpoint.score)
        yield f"{checkpoint.epoch:>5}  {late:>4}  {len(checkpoint.score):>13}  {low:>12.5g}  {high:>13.5g}"


def _named(name: str, value: Any, indent: str) -> Iterator[str]:
    """Yield a value under its name; one with parts has these below, if it does not fit a line."""
    line = f"{indent}{name}: {json.dumps(value)}"
    if isinstance(value, dict) and value and len(line) > WIDTH:
        yield f"{indent}{name}:"
        for key, part in value.items():
            yield from _named(key, part, indent + INDENT)
    else:
        yield wrapped(line.lstrip(), indent, indent + INDENT)


def _within(line: str) -> str:
    """Return a line of a traceback in no more than `WIDTH`, with its indentation."""
    text = line.lstrip()
    indent = line[: len(line) - len(text)]
    return wrapped(text, indent, indent + INDENT) if text else line
