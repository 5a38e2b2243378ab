"""Write the whole report of a study from its store."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from supernet_bench.analysis.effects.effects import Effects
from supernet_bench.analysis.effects.estimate import compute_effects
from supernet_bench.analysis.figures import Plot, plots_of
from supernet_bench.analysis.figures.style import save, style
from supernet_bench.analysis.figures.svg import inline
from supernet_bench.analysis.pages.html_page import page_as_html
from supernet_bench.analysis.pages.page import compose, main_tables, other_tables
from supernet_bench.analysis.pages.render import as_latex, as_markdown, page_as_markdown
from supernet_bench.analysis.pages.tables import full_frame
from supernet_bench.analysis.pages.terminal import terminal_text
from supernet_bench.analysis.ranking.resampling import RESAMPLES
from supernet_bench.analysis.results import Results, load_results
from supernet_bench.core.folders import files_of, replaced
from supernet_bench.core.progress import SILENT, Part, Progress
from supernet_bench.records.manifest import PlannedRun, conflict

RUNS = "runs.parquet"

CONTENTS = frozenset(
    (
        "table.md",
        "table.csv",
        "table.tex",
        "report.md",
        "report.html",
        RUNS,
        "scores.parquet",
        "curve.parquet",
        "plots",
    )
)


@dataclass(frozen=True)
class Report:
    """What was written.

    Attributes
    ----------
    text : str
        The main tables and a few lines on them, for a terminal.
    paths : tuple of Path
        All files, sorted.
    warnings : tuple of str
        One line each: damaged, failed and missing runs, and what could not be computed.
    """

    text: str
    paths: tuple[Path, ...]
    warnings: tuple[str, ...]


def write_report(
    store: Path,
    study: str,
    folder: Path,
    target: str | None = None,
    resamples: int = RESAMPLES,
    seed: int = 0,
    progress: Progress = SILENT,
) -> Report:
    """Write tables, plots and tidy result files of a study.

    Parameters
    ----------
    store : Path
        Folder of the store; nothing else is read.
    study : str
        Name of the study.
    folder : Path
        Where the report goes. An older report there is replaced once the new one is whole.
    target : str, optional
        Truth column of the reference table; otherwise the study's, otherwise the default of the space.
    resamples : int
        Bootstrap resamples of the architectures, at least 100.
    seed : int
        Of the resamples.
    progress : Progress

    Returns
    -------
    Report
        What was written. Failed, missing and damaged runs are in it as such.

    Raises
    ------
    InputError
        If the study or the target column is unknown, the manifest or the reference table is damaged, runs
        scored different architectures, or the folder holds anything that is not part of a report.
    """
    results = load_results(store, study, target)
    return write_report_of(results, compute_effects(results, resamples, seed, progress), folder, progress)


def other_study(folder: Path, runs: Iterable[PlannedRun]) -> str | None:
    """Return which run shows that the report in a folder is of another study of that name, or None.

    A folder without a report that can be read is none of another study.
    """
    columns = ["factor", "level", "seed", "run_id"]
    try:
        reported = pd.read_parquet(folder / RUNS, columns=columns)
    except Exception:  # What a foreign file makes pyarrow raise is not specified, and it is replaced anyway.
        return None
    return conflict((PlannedRun(*row) for row in reported.itertuples(index=False)), runs)


def save_plot(plot: Plot, folder: Path) -> str:
    """Write a plot as PNG and SVG, and return it as an element of HTML."""
    return inline(save(plot.draw(), folder, plot.name), plot.name)


def write_report_of(
    results: Results,
    effects: Effects,
    folder: Path,
    progress: Progress = SILENT,
    write_plot: Callable[[Plot, Path], str] = save_plot,
) -> Report:
    """Write the report of a study that has been read and estimated, each plot by `write_plot`; see `write_report`."""
    with replaced(folder.absolute(), CONTENTS) as new:
        _write_tables(new, results, effects)
        _write_frames(new, results, effects)
        plots = plots_of(results, effects)
        pictures = _write_plots(new / "plots", plots, progress, write_plot)
        page = compose(results, effects, {plot.name: plot.caption for plot in plots})
        (new / "report.md").write_text(page_as_markdown(page), encoding="utf-8")
        (new / "report.html").write_text(page_as_html(page, pictures), encoding="utf-8")
    return Report(terminal_text(results, effects), tuple(files_of(folder)), effects.warnings)


def _write_tables(folder: Path, results: Results, effects: Effects) -> None:
    main, others = main_tables(results, effects), other_tables(effects)
    tables, lines = (*main.tables, *others.tables), (*main.notes, *others.notes)
    (folder / "table.md").write_text(as_markdown(tables, lines), encoding="utf-8")
    (folder / "table.tex").write_text(as_latex(tables, lines), encoding="utf-8")
    # Six digits are more than any number here means, and equal on every machine.
    full_frame(effects).to_csv(folder / "table.csv", index=False, float_format="%.6f", lineterminator="\n")


def _write_frames(folder: Path, results: Results, effects: Effects) -> None:
    """Write the tidy result files; the scores carry the truth, so that a notebook needs nothing else."""
    scores = results.scores.assign(truth=results.scores["architecture"].map(effects.truth).astype(float))
    scores.attrs = {"target": results.target}
    frames = {RUNS: effects.runs, "scores.parquet": scores, "curve.parquet": results.curve}
    for name, frame in frames.items():
        with (folder / name).open("wb") as file:  # Given a name, pyarrow takes UTF-8 alone.
            frame.to_parquet(file, index=False)


def _write_plots(
    folder: Path,
    plots: Iterable[Plot],
    progress: Progress,
    write_plot: Callable[[Plot, Path], str],
) -> dict[str, str]:
    """Write every plot and return what stands in a page in HTML, by name."""
    folder.mkdir()
    pictures = {}
    with style():
        for plot in plots:
            pictures[plot.name] = write_plot(plot, folder)
            progress.advanced(Part("drawing", f"drew {plot.name}"), None)
        progress.advanced(Part("drawing"), 1.0)
    return pictures
