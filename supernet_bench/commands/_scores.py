"""``supernet-bench import scores``: scores of one's own become a study."""

import sys
from dataclasses import dataclass, field
from pathlib import Path
from shlex import quote
from typing import TYPE_CHECKING

from supernet_bench.commands._command import Command, argument, option
from supernet_bench.commands._options import DATA_HELP, PLUGIN_HELP, STORE, STORE_HELP
from supernet_bench.commands._plugins import use
from supernet_bench.core.files import check_writable
from supernet_bench.core.output import wrapped

if TYPE_CHECKING:
    from supernet_bench.imports.collect import Columns
    from supernet_bench.imports.tables import Table


@dataclass(frozen=True)
class Options:
    """What is read, and what it is called."""

    name: str = field(metadata=argument("What the study is called."))
    files: list[Path] = field(metadata=argument("CSV, Parquet or NPZ with architectures and scores.", "FILE..."))
    space: str = field(default="nasbench201", metadata=option("Space of the architectures."))
    lower_is_better: bool = field(default=False, metadata=option("Lower scores are better, as of a loss."))
    baseline: str | None = field(
        default=None, metadata=option("Level that others are compared with; else the one of that name, else the first.")
    )
    architecture_column: str = field(
        default="architecture", metadata=option("Column of numbers or published strings of architectures.")
    )
    score_column: str = field(default="score", metadata=option("Column of scores, on any scale."))
    level_column: str | None = field(default=None, metadata=option("Column of levels; else 'level', if there is one."))
    seed_column: str | None = field(default=None, metadata=option("Column of seeds; else 'seed', if there is one."))
    epoch_column: str | None = field(
        default=None, metadata=option("Column of epochs, the last of which counts; else 'epoch', if there is one.")
    )
    title: str | None = field(default=None, metadata=option("Title of the study."))
    target: str | None = field(default=None, metadata=option("Column of published accuracies to compare with."))
    store: Path = field(default=STORE, metadata=STORE_HELP)
    data: Path | None = field(default=None, metadata=DATA_HELP)
    plugin: list[Path] | None = field(default=None, metadata=PLUGIN_HELP)


def import_scores(options: Options) -> None:
    """Make scores of your own a study in the store, which report, publish and agreement then treat like any other.

    Each row is an architecture and its score; columns level, seed and epoch are read where there are such. Of several
    files without levels each is one.
    """
    from supernet_bench.benchmark.study.study import shipped_studies
    from supernet_bench.imports.collect import choose_baseline, collect, coverage
    from supernet_bench.imports.study import baseline_of, manifest_of, records_of, stored_import, united, write_import
    from supernet_bench.imports.tables import read_table
    from supernet_bench.imports.truth import spaces_for, store_reference
    from supernet_bench.records.store import Store

    use(options.plugin)
    check_writable(options.store, "--store")
    space, others = spaces_for(options.space)
    columns = _columns(options)
    tables = [read_table(file) for file in options.files]
    brought = collect(tables, columns, space, others, options.lower_is_better)
    store = Store(options.store)
    stored = stored_import(options.name, store, list(shipped_studies()))
    baseline = choose_baseline(brought, options.baseline, baseline_of(stored) if stored else None)
    title = options.title or (stored.title if stored else None)
    records = records_of(brought, space.name, options.lower_is_better)
    manifest = manifest_of(options.name, title, space.name, options.target, baseline, records)
    if stored:
        manifest = united(stored, manifest, baseline, store.manifest_path(options.name))
    store_reference(space, options.store, options.target, options.data)
    write_import(manifest, records, store)
    for line in coverage(brought, space):
        print(wrapped(line))
    _warn_of_unused(tables, columns)
    print(wrapped(f"study {options.name}, baseline {baseline}: supernet-bench report {quote(options.name)}"))


COMMAND = Command("import scores", Options, import_scores)


def _columns(options: Options) -> "Columns":
    from supernet_bench.imports.collect import Columns

    return Columns(
        options.architecture_column,
        options.score_column,
        options.level_column,
        options.seed_column,
        options.epoch_column,
    )


def _warn_of_unused(tables: "list[Table]", columns: "Columns") -> None:
    """Say which columns were not read: one of them may be a level under another name."""
    for table in tables:
        unused = columns.unused(table)
        if unused:
            print(f"warning: {table.name} has columns that are not read: {', '.join(unused)}", file=sys.stderr)
