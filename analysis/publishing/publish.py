"""A study as it is published: its records in one file, and the report that they make."""

import shutil
import tempfile
from pathlib import Path

import pandas as pd

from supernet_bench.analysis.conclude import find_in_study
from supernet_bench.analysis.effects.estimate import compute_effects
from supernet_bench.analysis.figures import Plot
from supernet_bench.analysis.figures.style import FORMATS, save_small
from supernet_bench.analysis.findings import VERDICTS, write_findings
from supernet_bench.analysis.pages.report import write_report_of
from supernet_bench.analysis.publishing.provenance import SOURCE, write_source
from supernet_bench.analysis.ranking.resampling import RESAMPLES
from supernet_bench.analysis.results import Results, load_results, read_proxies
from supernet_bench.core.errors import InputError
from supernet_bench.core.folders import SUMS, files_of, replaced, write_sums
from supernet_bench.core.progress import SILENT, Progress
from supernet_bench.records.archive import MANIFEST, PROXIES, RECORDS, check_name, pack, pack_proxies
from supernet_bench.records.layout import manifest_path
from supernet_bench.records.manifest import PlannedRun, conflict, read_published_manifest

ARCHITECTURES = "architectures.csv"
PAGES = ("report.md", "table.md", "table.csv")
"""Of a report, besides the plots; what is left out can be had from the records.

`report.html` holds every plot once more, and those who read what is published on a forge see `report.md`.
"""

CONTENTS = frozenset((RECORDS, PROXIES, MANIFEST, ARCHITECTURES, SOURCE, VERDICTS, SUMS, *PAGES, "plots"))


def publish(store: Path, study: str, results: Path, progress: Progress = SILENT) -> tuple[Path, ...]:
    """Write a study with its records to a folder that can be committed.

    Parameters
    ----------
    store : Path
        Folder of the store, with the reference table.
    study : str
        Name of the study.
    results : Path
        Folder of the published studies; that of this study is replaced once the new one is whole.
    progress : Progress

    Returns
    -------
    tuple of Path
        All files, sorted. Runs without a record are in the report as missing.

    Raises
    ------
    InputError
        If the study is unknown, a file of it is damaged, or the folder holds anything that is not published.
    """
    study_results = load_results(store, study)
    check_name(study)
    runs = study_results.runs
    for message in runs.loc[runs["status"] == "damaged", "message"]:
        raise InputError(message)
    proxies, lost = read_proxies(store, study_results.manifest)
    for message in lost:
        raise InputError(message)
    folder = results / study
    _check_same(folder, study_results.manifest.runs)
    with replaced(folder.absolute(), CONTENTS) as new:
        write_pages(study_results, new, progress)
        shutil.copyfile(manifest_path(store, study), new / MANIFEST)
        (new / RECORDS).write_bytes(pack(store, runs["run_id"]))
        if proxies:
            scored = study_results.architectures.tolist()
            (new / PROXIES).write_bytes(pack_proxies(found.only(scored) for found in proxies.values()))
        write_source(store, study, new)
        write_sums(new)
    return tuple(files_of(folder))


def _check_same(folder: Path, runs: tuple[PlannedRun, ...]) -> None:
    """Raise InputError if another study is published in a folder, or in what some file systems take for it.

    One that is damaged there may be replaced.
    """
    for other in folder.parent.glob(f"*/{MANIFEST}"):
        name = other.parent.name
        if name != folder.name and name.casefold() == folder.name.casefold():
            raise InputError(
                f"study is {folder.name!r}, and {other.parent} is there; allowed: {name!r}, or another name"
            )
    try:
        published = read_published_manifest(folder / MANIFEST).runs
    except InputError:
        return
    run = conflict(published, runs)
    if run:
        raise InputError(f"{folder} is another study, whose {run} is another run; allowed: another name or --results")


def write_pages(results: Results, folder: Path, progress: Progress = SILENT, pictures: bool = True) -> None:
    """Write what is published of the report of a study into an empty folder.

    Without pictures every plot is an empty file: a check compares which plots there are, and drawing takes longest.
    """
    effects = compute_effects(results, RESAMPLES, 0, progress)
    with tempfile.TemporaryDirectory() as temporary:
        report = Path(temporary) / "report"
        write_report_of(results, effects, report, progress, _save_small if pictures else _save_nothing)
        for page in PAGES:
            shutil.copyfile(report / page, folder / page)
        (folder / "plots").mkdir()
        for plot in sorted((report / "plots").iterdir()):
            shutil.copyfile(plot, folder / "plots" / plot.name)
    write_findings(find_in_study(results, effects), folder)
    _write_architectures(results, folder / ARCHITECTURES)


def _save_small(plot: Plot, folder: Path) -> str:
    """Write a plot as it is published; the page in HTML is not."""
    save_small(plot.draw(), folder, plot.name)
    return ""


def _save_nothing(plot: Plot, folder: Path) -> str:
    for suffix in FORMATS:
        (folder / f"{plot.name}{suffix}").touch()
    return ""


def _write_architectures(results: Results, file: Path) -> None:
    """Write what was scored and its truth, so that the records can be analysed without the table of the space."""
    known = results.reference.loc[results.architectures]
    columns = {name: known[name] for name in ("architecture", "parameters", "macs") if name in known}
    table = pd.DataFrame({**columns, "truth": known[results.target]})
    table.to_csv(file, index_label="index", lineterminator="\n")
