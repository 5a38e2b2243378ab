"""``supernet-bench run``: from a study to its records, and to its report."""

import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from supernet_bench.commands._command import INTERRUPTED, Command, option
from supernet_bench.commands._options import (
    DATA_HELP,
    PLUGIN_HELP,
    REPORTS,
    REPORTS_HELP,
    STORE,
    STORE_HELP,
    STUDY_HELP,
)
from supernet_bench.commands._plugins import use
from supernet_bench.commands._progress import Lines, progress_shown
from supernet_bench.commands._stored import reference_from
from supernet_bench.commands.report import make_report
from supernet_bench.core.errors import InputError
from supernet_bench.core.files import check_writable
from supernet_bench.core.output import say

if TYPE_CHECKING:
    from supernet_bench.benchmark.execution import Resources
    from supernet_bench.benchmark.study.study import Study


@dataclass(frozen=True)
class Options:
    """Which study is run, with what, and what comes of it."""

    study: str = field(metadata=STUDY_HELP)
    store: Path = field(default=STORE, metadata=STORE_HELP)
    reports: Path = field(default=REPORTS, metadata=REPORTS_HELP)
    data: Path | None = field(default=None, metadata=DATA_HELP)
    device: str = field(default="auto", metadata=option("auto, cpu, or cuda."))
    jobs: int | None = field(default=None, metadata=option("Runs at once; else cores and GPUs decide."))
    threads: int | None = field(default=None, metadata=option("Threads per run; else cores / jobs."))
    executor: str = field(default="local", metadata=option("What executes the runs: local, dask, or slurm."))
    runs_per_gpu: int | None = field(default=None, metadata=option("Runs at once on each GPU; else one."))
    scheduler: str | None = field(
        default=None, metadata=option("Existing dask scheduler; else one on this machine.", "ADDRESS")
    )
    slurm: list[str] | None = field(
        default=None, metadata=option("What Slurm is asked for, such as time=60; repeat it.", "KEY=VALUE")
    )
    retry_failed: bool = field(default=False, metadata=option("Execute failed runs again."))
    redo: bool = field(default=False, metadata=option("Execute runs again that other code of a plug-in made."))
    report: bool = field(default=True, metadata=option("Make the report at the end."))
    plugin: list[Path] | None = field(default=None, metadata=PLUGIN_HELP)

    def resources(self) -> "Resources":
        """Return what the study may use."""
        from supernet_bench.benchmark.execution import Resources

        return Resources(
            store=self.store,
            data=self.data,
            device=self.device,
            jobs=self.jobs,
            threads=self.threads,
            executor=self.executor,
            runs_per_gpu=self.runs_per_gpu,
            scheduler=self.scheduler,
            slurm=tuple(self.slurm or ()),
        )


def run(options: Options) -> int:
    """Execute the runs of a study that are not in the store yet, score its architectures by proxies, then report.

    Interrupt it as you like: the same command continues. The exit code is 1 if runs failed: they are in the report as
    such, and are not done again unless asked for.
    """
    if sys.stderr.isatty():  # Elsewhere a refusal is one line.
        say(f"{options.study}: loading PyTorch, published accuracies and images; kernels are compiled once")
    from supernet_bench.benchmark.execution import run_study
    from supernet_bench.benchmark.plugins.registry import warn_of_broken_plugins
    from supernet_bench.benchmark.proxies.study import ensure_proxies
    from supernet_bench.benchmark.study.naming import check_stored
    from supernet_bench.benchmark.study.study import load_study

    use(options.plugin)
    warn_of_broken_plugins()
    study, resources = load_study(options.study), options.resources()
    check_writable(options.store, "--store")
    if options.report:
        _prepare_report(study, options)
    try:
        with progress_shown(Lines(study.name, options.store)) as progress:
            run_study(
                study,
                resources,
                progress,
                retry_failed=options.retry_failed,
                redo=options.redo,
                given=options.study,
            )
            ensure_proxies(study, resources, progress)
    except KeyboardInterrupt:
        print("interrupted; the same command continues", file=sys.stderr)
        return INTERRUPTED
    if options.report:
        check_stored(study, options.store)  # Somebody else may have run another study of that name meanwhile.
        reference_from(options.data)(options.store, study.name)
        make_report(study.name, options.store, options.reports)
    return _say_what_failed(study, options)


COMMAND = Command("run", Options, run)


def _prepare_report(study: "Study", options: Options) -> None:
    """Refuse what a report would refuse, before anything is trained; take over a table imported meanwhile."""
    try:
        from supernet_bench.analysis.pages.report import CONTENTS
    except ModuleNotFoundError as error:
        raise InputError(
            f"a report needs the package {error.name!r}, which is not installed; "
            "allowed: pip install it, or --no-report, and supernet-bench report elsewhere"
        ) from None
    from supernet_bench.benchmark.study.reference import write_reference
    from supernet_bench.core.folders import check_replaceable
    from supernet_bench.records.reference import choose_target, read_reference

    check_replaceable(options.reports / study.name, CONTENTS)
    space = study.baseline.space
    write_reference(space, options.store, options.data)
    choose_target(read_reference(options.store, space.name), study.target)


def _say_what_failed(study: "Study", options: Options) -> int:
    """Say which runs failed and what to do, and return the exit code."""
    from supernet_bench.benchmark.execution import failed_runs

    failed = failed_runs(study, options.store)
    if not failed:
        return 0
    many = f"{len(failed)} runs of {study.name} failed" if len(failed) > 1 else f"a run of {study.name} failed"
    store = f" --store {options.store}" if options.store != STORE else ""
    say(f"warning: {many}; why: supernet-bench show {failed[0]}{store}")
    say(f"after you have mended that: supernet-bench run {options.study}{store} --retry-failed")
    return 1
