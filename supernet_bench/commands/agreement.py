"""``supernet-bench agreement``: published studies beside each other."""

from dataclasses import dataclass, field
from pathlib import Path

from supernet_bench.commands._command import Command, argument, option
from supernet_bench.commands._options import DATA_HELP, PLUGIN_HELP, RESULTS, RESULTS_HELP
from supernet_bench.commands._plugins import use
from supernet_bench.commands._progress import progress_shown
from supernet_bench.commands._published import say_compared, say_written
from supernet_bench.commands._stored import reference_from
from supernet_bench.core.files import check_writable
from supernet_bench.core.output import wrapped


@dataclass(frozen=True)
class Options:
    """Which studies are compared."""

    studies: list[str] | None = field(
        default=None, metadata=argument("Published studies, the cheapest first.", "FIRST SECOND...")
    )
    results: Path = field(default=RESULTS, metadata=RESULTS_HELP)
    data: Path | None = field(default=None, metadata=DATA_HELP)
    check: bool = field(
        default=False, metadata=option("Compare again what was compared, and compare that; write nothing.")
    )
    plugin: list[Path] | None = field(default=None, metadata=PLUGIN_HELP)


def agreement(options: Options) -> int:
    """Say whether the effects in one published study predict those in another."""
    from supernet_bench.analysis.publishing.api import check_comparison, compare_studies, conclusions
    from supernet_bench.records.archive import AGREEMENT

    use(options.plugin)
    studies, write_reference = options.studies or [], reference_from(options.data)
    with progress_shown() as progress:
        if options.check:
            return say_compared(check_comparison(studies, options.results, write_reference, progress))
        check_writable(options.results, "--results")
        written = compare_studies(studies, options.results, write_reference, progress)
    folder = options.results / AGREEMENT
    for names, conclusion in conclusions(options.results).items():
        print(wrapped(names))
        print(wrapped(conclusion, "  "), end="\n\n")
    print(f"the whole page: {folder / 'report.md'}")
    say_written(written)
    return 0


COMMAND = Command("agreement", Options, agreement)
