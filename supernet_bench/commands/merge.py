"""``supernet-bench merge``: stores of several machines become one."""

from dataclasses import dataclass, field
from pathlib import Path

from supernet_bench.commands._command import Command, argument
from supernet_bench.commands._options import STORE, STORE_HELP
from supernet_bench.core.files import check_writable


@dataclass(frozen=True)
class Options:
    """What is brought where."""

    sources: list[Path] = field(metadata=argument("Stores of other machines, or published studies.", "SOURCE..."))
    store: Path = field(default=STORE, metadata=STORE_HELP)


def merge(options: Options) -> None:
    """Bring separate stores together; sources stay as they are."""
    from supernet_bench.records.merge import OUTCOMES
    from supernet_bench.records.merge import merge as bring_together

    check_writable(options.store, "--store")
    for kind, counts in bring_together(options.sources, options.store).items():
        print(f"{kind}: {', '.join(f'{counts[outcome]} {outcome}' for outcome in OUTCOMES)}")


COMMAND = Command("merge", Options, merge)
