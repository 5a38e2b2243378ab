"""``supernet-bench doctor``: whether everything is there that runs and reports need."""

from dataclasses import dataclass, field
from pathlib import Path

from supernet_bench.commands._command import Command, option
from supernet_bench.commands._options import DATA_HELP, STORE, STORE_HELP
from supernet_bench.core.output import wrapped


@dataclass(frozen=True)
class Options:
    """What is looked at."""

    store: Path = field(default=STORE, metadata=STORE_HELP)
    data: Path | None = field(default=None, metadata=DATA_HELP)
    device: str | None = field(
        default=None, metadata=option("Also compare what cpu or cuda computes, all kinds of layers, with float64.")
    )


def doctor(options: Options) -> None:
    """Say what is installed, cached and missing, and what to do about it."""
    from supernet_bench.commands._examination import examine

    for finding in examine(options.store, options.data, options.device):
        advice = f"; {finding.advice}" if finding.advice else ""
        print(wrapped(f"{finding.what}: {finding.found}{advice}", "ok  " if finding.good else "--  ", "    "))


COMMAND = Command("doctor", Options, doctor)
