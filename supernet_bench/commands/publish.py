"""``supernet-bench publish``: a study as it is committed."""

import sys
from dataclasses import dataclass, field
from pathlib import Path

from supernet_bench.commands._command import Command
from supernet_bench.commands._options import (
    DATA_HELP,
    PLUGIN_HELP,
    RESULTS,
    RESULTS_HELP,
    STORE,
    STORE_HELP,
    STUDY_HELP,
)
from supernet_bench.commands._plugins import use
from supernet_bench.commands._progress import progress_shown
from supernet_bench.commands._published import say_written
from supernet_bench.commands._stored import reference_from, stored, warn_of_other_code
from supernet_bench.core.files import check_writable


@dataclass(frozen=True)
class Options:
    """What is published where."""

    study: str = field(metadata=STUDY_HELP)
    store: Path = field(default=STORE, metadata=STORE_HELP)
    results: Path = field(default=RESULTS, metadata=RESULTS_HELP)
    data: Path | None = field(default=None, metadata=DATA_HELP)
    plugin: list[Path] | None = field(default=None, metadata=PLUGIN_HELP)


def publish(options: Options) -> None:
    """Write a study with all its records and its report to a folder that can be committed, and the index of all."""
    from supernet_bench.analysis.publishing.api import publish_study
    from supernet_bench.analysis.publishing.provenance import is_imported, read_source

    use(options.plugin)
    check_writable(options.results, "--results")
    name = stored(options.study, options.store)
    reference_from(options.data)(options.store, name)
    with progress_shown() as progress:
        written = publish_study(options.store, name, options.results, progress)
    source = read_source(options.results / name)
    if is_imported(source):
        warning = f"{source['table']} was imported here; only who has imported it too can check what was published"
        print(f"warning: {warning}", file=sys.stderr)
    say_written(written)
    warn_of_other_code(options.store, name, options.study)


COMMAND = Command("publish", Options, publish)
