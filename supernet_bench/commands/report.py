"""``supernet-bench report``: tables and plots from records."""

import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from supernet_bench.commands._command import Command, option
from supernet_bench.commands._options import (
    DATA_HELP,
    PLUGIN_HELP,
    REPORTS,
    REPORTS_HELP,
    RESULTS,
    RESULTS_HELP,
    STORE,
    STORE_HELP,
    STUDY_HELP,
)
from supernet_bench.commands._plugins import use
from supernet_bench.commands._progress import progress_shown
from supernet_bench.commands._published import say_compared
from supernet_bench.commands._stored import reference_from, stored, warn_of_other_code
from supernet_bench.core.errors import InputError
from supernet_bench.core.output import say, wrapped


@dataclass(frozen=True)
class Options:
    """Of what a report is made, and where."""

    study: str = field(metadata=STUDY_HELP)
    store: Path = field(default=STORE, metadata=STORE_HELP)
    reports: Path = field(default=REPORTS, metadata=REPORTS_HELP)
    data: Path | None = field(default=None, metadata=DATA_HELP)
    target: str | None = field(default=None, metadata=option("Column of published accuracies to compare with."))
    check: bool = field(
        default=False, metadata=option("Rebuild a published report from its records and compare; write nothing.")
    )
    results: Path = field(default=RESULTS, metadata=RESULTS_HELP)
    plugin: list[Path] | None = field(default=None, metadata=PLUGIN_HELP)


def report(options: Options) -> int:
    """Rebuild table, plots and result files of a study from the store alone."""
    use(options.plugin)
    if options.check:
        return _check(options)
    name = stored(options.study, options.store)
    reference_from(options.data)(options.store, name)
    make_report(name, options.store, options.reports, options.target)
    warn_of_other_code(options.store, name, options.study)
    return 0


COMMAND = Command("report", Options, report)


def make_report(study: str, store: Path, reports: Path, target: str | None = None) -> None:
    """Write the report of a study whose store has everything, and print what it says in short."""
    from supernet_bench.analysis.pages.report import other_study, write_report
    from supernet_bench.records.manifest import read_manifest

    other = other_study(reports / study, read_manifest(store, study).runs)
    if other:
        print(f"warning: the report in {reports / study} is replaced; its {other} was another run", file=sys.stderr)
    with progress_shown() as progress:
        written = write_report(store, study, reports / study, target, progress=progress)
    print(written.text)
    for warning in written.warnings:
        print(f"warning: {warning}", file=sys.stderr)
    print(f"the whole report: {reports / study / 'report.html'}")
    print(wrapped("beside it report.md, table.md, table.csv, table.tex, plots, and what they were made from"))


def _check(options: Options) -> int:
    """Compare a published study with what its records make; the exit code is 1 if they differ."""
    from supernet_bench.analysis.publishing.api import check_study
    from supernet_bench.benchmark.study.naming import check_stored
    from supernet_bench.benchmark.study.study import is_study_file, load_study
    from supernet_bench.benchmark.study.verify import check_runs, check_shipped, is_redefined

    given = {
        "--store": options.store != STORE,
        "--reports": options.reports != REPORTS,
        "--target": options.target is not None,
    }
    if any(given.values()):
        names = ", ".join(name for name in given if given[name])
        raise InputError(f"{names} given with --check, which rebuilds what was published; allowed: --results, --data")
    loaded = load_study(options.study) if is_study_file(options.study) else None
    name = loaded.name if loaded else options.study

    def verify(store: Path) -> Iterator[str]:
        if loaded:
            check_stored(loaded, store, options.results / name)
        if is_redefined(store, name):
            say(f"note: the shipped study {name} has another baseline by now than what was published")
        else:
            yield from check_shipped(store, name)
        yield from check_runs(store, name)

    with progress_shown() as progress:
        found = check_study(name, options.results, reference_from(options.data), verify, progress)
    return say_compared(found)
