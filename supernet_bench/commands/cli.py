"""The command line: ``supernet-bench``."""

import json
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from enum import StrEnum
from functools import wraps
from itertools import chain
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Annotated, Any

import typer

from supernet_bench.core.errors import InputError
from supernet_bench.core.output import steady, wrapped

if TYPE_CHECKING:
    from supernet_bench.benchmark.study.study import Study

app = typer.Typer(
    name="supernet-bench",
    help="Benchmark of supernet-training heuristics: which of them make the ranking of architectures better.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)
import_app = typer.Typer(no_args_is_help=True, help="Read a published benchmark file once, into a compact table.")
new_app = typer.Typer(no_args_is_help=True, help="Write a new plug-in that works, and its test.")
app.add_typer(import_app, name="import")
app.add_typer(new_app, name="new")

StudyName = Annotated[str, typer.Argument(help="Name of a shipped study, or path of a TOML file.")]
StoreFolder = Annotated[Path, typer.Option("--store", help="Folder of the records.")]
ReportFolder = Annotated[Path, typer.Option("--reports", help="Folder of the reports.")]
DataFolder = Annotated[
    Path | None,
    typer.Option("--data", help="Folder with images and tables; else $SUPERNET_BENCH_DATA, else downloaded."),
]
PluginFiles = Annotated[
    list[Path] | None,
    typer.Option("--plugin", metavar="FILE", help="Python file with plug-ins of your own; repeat it for more."),
]
ResultsFolder = Annotated[Path, typer.Option("--results", help="Folder of the published studies.")]
Target = Annotated[str | None, typer.Option("--target", help="Column of published accuracies to compare with.")]

STORE, REPORTS, RESULTS = Path("store"), Path("reports"), Path("results")

SHOWN = 20
"""Lines that are printed of what differs."""


class Listed(StrEnum):
    """What can be listed."""

    spaces = "spaces"
    heuristics = "heuristics"
    studies = "studies"
    images = "images"


def main() -> None:
    """Run the command line; bad input ends with one line and exit code 2."""
    steady()
    try:
        app()
    except KeyboardInterrupt:
        sys.exit(130)


def _one_line_errors(command: Callable[..., None]) -> Callable[..., None]:
    @wraps(command)
    def wrapped(*arguments: Any, **options: Any) -> None:
        try:
            command(*arguments, **options)
        except (InputError, OSError) as error:
            print(f"error: {' '.join(str(error).split())}", file=sys.stderr)
            raise typer.Exit(2) from None

    return wrapped


def _print_version(wanted: bool) -> None:
    if wanted:
        from supernet_bench.core.versions import code_version

        print(f"supernet-bench {code_version()}")
        raise typer.Exit


@app.callback()
def options(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version, and stop.")
    ] = False,
) -> None:
    """Take what is said before the command."""


@app.command()
@_one_line_errors
def run(
    study: StudyName,
    store: StoreFolder = STORE,
    reports: ReportFolder = REPORTS,
    data: DataFolder = None,
    device: Annotated[str, typer.Option(help="auto, cpu, or cuda.")] = "auto",
    jobs: Annotated[int | None, typer.Option(help="Runs at once; else cores and GPUs decide.")] = None,
    threads: Annotated[int | None, typer.Option(help="Threads per run; else cores / jobs.")] = None,
    executor: Annotated[str, typer.Option(help="What executes the runs: local, dask, or slurm.")] = "local",
    runs_per_gpu: Annotated[int | None, typer.Option(help="Runs at once on each GPU; else one.")] = None,
    scheduler: Annotated[
        str | None, typer.Option(metavar="ADDRESS", help="Existing dask scheduler; else one on this machine.")
    ] = None,
    slurm: Annotated[
        list[str] | None, typer.Option(metavar="KEY=VALUE", help="What Slurm is asked for, such as time=60; repeat it.")
    ] = None,
    retry_failed: Annotated[bool, typer.Option("--retry-failed", help="Execute failed runs again.")] = False,
    redo: Annotated[bool, typer.Option("--redo", help="Execute runs again that other code of a plug-in made.")] = False,
    report: Annotated[bool, typer.Option(help="Make the report at the end.")] = True,
    plugin: PluginFiles = None,
) -> None:
    """Execute the runs of a study that are not in the store yet, then report.

    Interrupt it as you like: the same command continues.
    """
    from supernet_bench.benchmark.execution import Resources, run_study
    from supernet_bench.benchmark.plugins.registry import warn_of_broken_plugins
    from supernet_bench.benchmark.study.study import load_study
    from supernet_bench.commands.progress import Lines, progress_shown
    from supernet_bench.records.naming import check_stored

    _use(plugin)
    warn_of_broken_plugins()
    loaded = load_study(study)
    resources = Resources(
        store=store,
        data=data,
        device=device,
        jobs=jobs,
        threads=threads,
        executor=executor,
        runs_per_gpu=runs_per_gpu,
        scheduler=scheduler,
        slurm=tuple(slurm or ()),
    )
    if report:
        _prepare_report(loaded, store, reports, data)
    try:
        with progress_shown(Lines()) as progress:
            run_study(loaded, resources, progress, retry_failed=retry_failed, redo=redo, given=study)
    except KeyboardInterrupt:
        print("interrupted; the same command continues", file=sys.stderr)
        raise typer.Exit(130) from None
    if report:
        check_stored(loaded, store)  # Somebody else may have run another study of that name meanwhile.
        _ensure_reference(store, loaded.name, data)
        _report(loaded.name, store, reports, None)


@app.command()
@_one_line_errors
def report(
    study: StudyName,
    store: StoreFolder = STORE,
    reports: ReportFolder = REPORTS,
    data: DataFolder = None,
    target: Target = None,
    check: Annotated[
        bool, typer.Option("--check", help="Rebuild a published report from its records and compare; write nothing.")
    ] = False,
    results: ResultsFolder = RESULTS,
    plugin: PluginFiles = None,
) -> None:
    """Rebuild table, plots and result files of a study from the store alone."""
    _use(plugin)
    if check:
        given = {"--store": store != STORE, "--reports": reports != REPORTS, "--target": target is not None}
        if any(given.values()):
            options = ", ".join(option for option in given if given[option])
            raise InputError(
                f"{options} given with --check, which rebuilds what was published; allowed: --results, --data"
            )
        _check_study(study, results, data)
        return
    name = _stored(study, store)
    _ensure_reference(store, name, data)
    _report(name, store, reports, target)
    _warn_of_other_code(store, name, study)


@app.command()
@_one_line_errors
def publish(
    study: StudyName,
    store: StoreFolder = STORE,
    results: ResultsFolder = RESULTS,
    data: DataFolder = None,
    plugin: PluginFiles = None,
) -> None:
    """Write a study with all its records and its report to a folder that can be committed, and the index of all."""
    from supernet_bench.analysis.pages.index import index, write_index
    from supernet_bench.analysis.publishing.provenance import is_imported, read_source
    from supernet_bench.analysis.publishing.publish import publish as write
    from supernet_bench.commands.progress import progress_shown

    _use(plugin)
    name = _stored(study, store)
    _ensure_reference(store, name, data)
    index(results, without=name)  # What is damaged there is refused before anything is replaced.
    with progress_shown() as progress:
        written = write(store, name, results, progress=progress)
    source = read_source(results / name)
    if is_imported(source):
        warning = f"{source['table']} was imported here; only who has imported it too can check what was published"
        print(f"warning: {warning}", file=sys.stderr)
    _say_written([*written, write_index(results)])
    _warn_of_other_code(store, name, study)


@app.command()
@_one_line_errors
def agreement(
    studies: Annotated[
        list[str] | None, typer.Argument(metavar="FIRST SECOND...", help="Published studies, the cheapest first.")
    ] = None,
    results: ResultsFolder = RESULTS,
    data: DataFolder = None,
    check: Annotated[
        bool, typer.Option("--check", help="Compare again what was compared, and compare that; write nothing.")
    ] = False,
    plugin: PluginFiles = None,
) -> None:
    """Say whether the effects in one published study predict those in another."""
    from supernet_bench.analysis.pages.agreement import compared, read_pairs
    from supernet_bench.analysis.pages.index import index, write_index
    from supernet_bench.records.archive import AGREEMENT

    _use(plugin)
    folder = results / AGREEMENT
    names = list(dict.fromkeys(studies or (compared(folder) if check else [])))
    if len(names) < 2:
        raise InputError(f"studies are {', '.join(names) or 'none'}; allowed: at least two published ones")
    if check:
        with TemporaryDirectory() as temporary:
            _write_agreement(names, results, Path(temporary) / AGREEMENT, data)
            _compare(folder, Path(temporary) / AGREEMENT, results, names)
        return
    index(results, without=AGREEMENT)
    written = _write_agreement(names, results, folder, data)
    for pair in read_pairs(folder):
        print(wrapped(f"{pair['first']} and {pair['second']}"))
        print(wrapped(str(pair["conclusion"]), "  "), end="\n\n")
    print(f"the whole page: {folder / 'report.md'}")
    _say_written([*written, write_index(results)])


@app.command("list")
@_one_line_errors
def list_(what: Annotated[Listed, typer.Argument(help="What to list.")], plugin: PluginFiles = None) -> None:
    """List what exists, with settings, levels and source."""
    from supernet_bench.benchmark.plugins.registry import warn_of_broken_plugins
    from supernet_bench.commands.catalogue import as_text, catalogue

    _use(plugin)
    warn_of_broken_plugins()
    print("\n\n".join(map(as_text, catalogue(what.value))))


@app.command()
@_one_line_errors
def check(file: Annotated[Path, typer.Argument(metavar="FILE", help="Python file with plug-ins of your own.")]) -> None:
    """Examine the plug-ins in a file, run its heuristics on small tasks, and say in one line each what is wrong."""
    from supernet_bench.benchmark.plugins.plugin_file import read_plugin_file
    from supernet_bench.benchmark.plugins.registry import admit_files, plugins_of
    from supernet_bench.testing.check import findings

    read, count = read_plugin_file(file), 0
    for count, line in enumerate(chain(admit_files([read]), findings(read)), 1):  # noqa: B007  # The last is how many.
        print(line, flush=True)
    if count:
        raise typer.Exit(1)
    names = [f"{kind} {plugin.name}" for kind, plugins in plugins_of(read).items() for plugin in plugins]
    print(f"{read.path}: nothing is wrong with {', '.join(names)}")


@app.command()
@_one_line_errors
def show(
    run_id: Annotated[str, typer.Argument(metavar="RUN", help="Id of a run, or the start of one.")],
    store: StoreFolder = STORE,
) -> None:
    """Show one run: its spec, status, training curve and checkpoints."""
    from supernet_bench.records.store import Store

    found = Store(store).find(run_id)
    if len(found) != 1:
        raise InputError(
            f"run {run_id!r} names {len(found)} records in {store}; allowed: the start of exactly one id"
            + (f", such as {', '.join(found[:3])}" if found else "")
        )
    record = Store(store).read_record(found[0])
    assert record is not None
    _show(record)


@app.command()
@_one_line_errors
def merge(
    sources: Annotated[
        list[Path], typer.Argument(metavar="SOURCE...", help="Stores of other machines, or published studies.")
    ],
    store: StoreFolder = STORE,
) -> None:
    """Bring separate stores together; sources stay as they are."""
    from supernet_bench.records.merge import OUTCOMES
    from supernet_bench.records.merge import merge as bring_together

    for kind, counts in bring_together(sources, store).items():
        print(f"{kind}: {', '.join(f'{counts[outcome]} {outcome}' for outcome in OUTCOMES)}")


@app.command()
@_one_line_errors
def doctor(
    store: StoreFolder = STORE,
    data: DataFolder = None,
    device: Annotated[
        str | None, typer.Option(help="Also compare what cpu or cuda computes, all kinds of layers, with float64.")
    ] = None,
) -> None:
    """Say what is installed, cached and missing, and what to do about it."""
    from supernet_bench.commands.doctor import examine

    for finding in examine(store, data, device):
        advice = f"; {finding.advice}" if finding.advice else ""
        print(wrapped(f"{finding.what}: {finding.found}{advice}", "ok  " if finding.good else "--  ", "    "))


@import_app.command("nasbench201")
@_one_line_errors
def import_nasbench201(
    file: Annotated[Path, typer.Argument(help="The official .pth file, such as NAS-Bench-201-v1_1-096897.pth.")],
) -> None:
    """Read the official NAS-Bench-201 file; later reports use its accuracies."""
    from supernet_bench.commands.progress import progress_shown
    from supernet_bench.spaces.nasbench201.official import import_official
    from supernet_bench.spaces.nasbench201.space import NasBench201

    with progress_shown() as progress:
        table = import_official(file, NasBench201(), progress=progress)
    print(f"wrote {table}; every `supernet-bench run` uses it from now on")


@new_app.command("heuristic")
@_one_line_errors
def new_heuristic(
    name: Annotated[str, typer.Argument(help="Name of the heuristic, in lower case with underscores.")],
    folder: Annotated[Path, typer.Option(help="Root of the checkout.")] = Path(),
) -> None:
    """Write heuristics/NAME.py and its test, which pass."""
    from supernet_bench.commands.scaffold import new_heuristic as write

    for path in write(name, folder):
        print(f"wrote {path}")


def _use(files: list[Path] | None) -> None:
    """Have the plug-ins in these files exist, and in no others yet."""
    from supernet_bench.benchmark.plugins.plugin_file import merged, read_plugin_file
    from supernet_bench.benchmark.plugins.registry import use_files

    use_files(merged(map(read_plugin_file, files or ())))


def _prepare_report(study: "Study", store: Path, reports: Path, data: Path | None) -> None:
    """Refuse what a report would refuse, before anything is trained; take over a table imported meanwhile."""
    from supernet_bench.analysis.pages.report import CONTENTS
    from supernet_bench.analysis.records import choose_target, read_reference
    from supernet_bench.benchmark.study.reference import write_reference
    from supernet_bench.core.folders import check_replaceable

    check_replaceable(reports / study.name, CONTENTS)
    write_reference(study.baseline.space, store, data)
    choose_target(read_reference(store, study.baseline.space.name), study.target)


def _stored(study: str, store: Path) -> str:
    """Return the name of a study in a store; one that is given as a file must be what the store has."""
    from supernet_bench.benchmark.study.study import is_study_file, load_study
    from supernet_bench.records.naming import check_stored

    if not is_study_file(study):
        return study
    loaded = load_study(study)
    check_stored(loaded, store)
    return loaded.name


def _ensure_reference(store: Path, study: str, data: Path | None) -> None:
    from supernet_bench.analysis.records import read_manifest
    from supernet_bench.benchmark.study.reference import ensure_reference

    ensure_reference(store, read_manifest(store, study).space, data)


def _check_study(study: str, results: Path, data: Path | None) -> None:
    """Rebuild the pages of a published study and compare; exit with code 1 if they differ."""
    from supernet_bench.analysis.publishing.publish import write_pages
    from supernet_bench.analysis.results import load_results
    from supernet_bench.benchmark.study.study import is_study_file, load_study
    from supernet_bench.benchmark.study.verify import check_runs, check_shipped
    from supernet_bench.commands.progress import progress_shown
    from supernet_bench.records.naming import check_stored

    given = load_study(study) if is_study_file(study) else None
    study = given.name if given else study
    with _opened(results, study, data) as store, TemporaryDirectory() as temporary:
        if given:
            check_stored(given, store, results / study)
        with progress_shown() as progress:
            write_pages(load_results(store, study), Path(temporary), progress=progress, pictures=False)
        lines = [f"{results / study}: {line}" for line in (*check_shipped(store, study), *check_runs(store, study))]
        _compare(results / study, Path(temporary), results, [study], lines)


@contextmanager
def _opened(results: Path, study: str, data: Path | None) -> Iterator[Path]:
    """Give a store with a published study and the published accuracies that it was published with."""
    from supernet_bench.analysis.publishing.provenance import check_table
    from supernet_bench.records.archive import opened

    with opened(results / study) as store:
        _ensure_reference(store, study, data)
        check_table(results / study, store, study)
        yield store


def _write_agreement(studies: list[str], results: Path, folder: Path, data: Path | None) -> tuple[Path, ...]:
    from supernet_bench.analysis.pages.agreement import read_study, write_agreement
    from supernet_bench.commands.progress import progress_shown

    read = []
    for study in studies:
        with _opened(results, study, data) as store, progress_shown() as progress:
            read.append(read_study(store, study, progress=progress))
    with progress_shown() as progress:
        return write_agreement(read, folder, progress=progress)


def _compare(committed: Path, rebuilt: Path, results: Path, studies: Sequence[str], others: Sequence[str] = ()) -> None:
    """Say what differs, also in the index, and which versions may be why; exit with code 1 if anything differs."""
    from supernet_bench.analysis.pages.index import check_index
    from supernet_bench.analysis.publishing.check import differences
    from supernet_bench.analysis.publishing.provenance import other_versions
    from supernet_bench.core.folders import check_sums

    lines = [*check_sums(committed), *others, *differences(committed, rebuilt)]
    try:
        lines += check_index(results)
    except InputError as error:
        lines.append(f"the index cannot be checked: {error}")
    lines = list(dict.fromkeys(lines))
    for line in lines[:SHOWN]:
        print(line)
    if lines:
        print(f"{len(lines)} differences")
        for hint in dict.fromkeys(other_versions(results / study) for study in studies):
            if hint:
                print(hint)
        raise typer.Exit(1)
    files = sum(path.is_file() and path.suffix in (".md", ".csv") for path in rebuilt.rglob("*"))
    print(f"{files + 1} files are as committed; of the plots, the checksums")


def _report(study: str, store: Path, reports: Path, target: str | None) -> None:
    from supernet_bench.analysis.pages.report import other_study, write_report
    from supernet_bench.analysis.records import read_manifest
    from supernet_bench.commands.progress import progress_shown

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


def _warn_of_other_code(store: Path, study: str, given: str) -> None:
    from supernet_bench.analysis.records import read_manifest
    from supernet_bench.analysis.results import read_records
    from supernet_bench.benchmark.plugins.origins import notes

    records, _ = read_records(store, read_manifest(store, study))
    for line in notes(records.values(), given):
        print(f"warning: {line}", file=sys.stderr)


def _say_written(paths: Sequence[Path]) -> None:
    print(f"wrote {len(paths)} files:")
    for path in paths:
        print(f"  {path}")


def _show(record: dict[str, Any]) -> None:
    print(f"run {record['run_id']}: {record['status']}")
    if record["error"]:
        print(record["error"]["traceback"] or record["error"]["message"])
    for key in ("spec", "counts", "execution"):
        print(f"{key}: {json.dumps(record[key], indent=2)}")
    print(f"\n{'epoch':>5}  {'loss':>10}  {'accuracy':>10}  {'learning rate':>13}")
    for row in record["curve"]:
        print(f"{row['epoch']:>5}  {row['loss']:>10.4g}  {row['accuracy']:>10.4g}  {row['learning_rate']:>13.4g}")
    print(f"\n{'epoch':>5}  {'late':>4}  {'mean accuracy':>13}  {'best accuracy':>13}")
    for checkpoint in record["checkpoints"]:
        accuracy = checkpoint["accuracy"]
        late, mean = "yes" if checkpoint["late"] else "no", sum(accuracy) / len(accuracy)
        print(f"{checkpoint['epoch']:>5}  {late:>4}  {mean:>13.4f}  {max(accuracy):>13.4f}")
