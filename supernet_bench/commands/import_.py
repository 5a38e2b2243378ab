"""``supernet-bench import``: what was made elsewhere, and published files that are too large to be read each time."""

from dataclasses import dataclass, field
from pathlib import Path

from supernet_bench.commands import _scores
from supernet_bench.commands._command import Command, argument
from supernet_bench.commands._progress import progress_shown


@dataclass(frozen=True)
class NasBench201Options:
    """What is read."""

    file: Path = field(metadata=argument("The official .pth file, such as NAS-Bench-201-v1_1-096897.pth."))


def import_nasbench201(options: NasBench201Options) -> None:
    """Read the official NAS-Bench-201 file; later reports use its accuracies."""
    from supernet_bench.spaces.nasbench201.official import import_official
    from supernet_bench.spaces.nasbench201.space import NasBench201

    with progress_shown() as progress:
        table = import_official(options.file, NasBench201(), progress=progress)
    print(f"wrote {table}; every `supernet-bench run` uses it from now on")


COMMANDS = (
    _scores.COMMAND,
    Command("import nasbench201", NasBench201Options, import_nasbench201),
)
