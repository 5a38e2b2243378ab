"""A report on scores in a frame, for notebooks: nothing is stored."""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from tempfile import TemporaryDirectory

import pandas as pd

from supernet_bench.analysis.effects.effects import Effects
from supernet_bench.analysis.effects.estimate import compute_effects
from supernet_bench.analysis.pages.report import Report, write_report_of
from supernet_bench.analysis.pages.tables import full_frame
from supernet_bench.analysis.pages.terminal import terminal_text
from supernet_bench.analysis.ranking.resampling import RESAMPLES
from supernet_bench.analysis.results import Results, results_of
from supernet_bench.core.errors import InputError
from supernet_bench.imports.collect import Columns, choose_baseline, collect
from supernet_bench.imports.study import manifest_of, records_of
from supernet_bench.imports.tables import table_of
from supernet_bench.imports.truth import reference_of, spaces_for
from supernet_bench.records.reference import choose_target


@dataclass(frozen=True)
class FrameReport:
    """What is known of scores in a frame; a notebook shows its table.

    Attributes
    ----------
    results : Results
        The scores beside the published accuracies.
    effects : Effects
        Every level and every reference with its estimates.
    """

    results: Results
    effects: Effects

    @cached_property
    def table(self) -> pd.DataFrame:
        """Every estimate of every level and reference with its interval: ``table.csv`` of a report."""
        return full_frame(self.effects)

    @cached_property
    def page(self) -> str:
        """The whole report as one page of HTML, plots included, as for ``IPython.display.HTML``."""
        with TemporaryDirectory() as temporary:
            folder = Path(temporary) / "report"
            self.write(folder)
            return (folder / "report.html").read_text(encoding="utf-8")

    def write(self, folder: Path | str) -> Report:
        """Write tables, plots and page to a folder, as ``supernet-bench report`` does."""
        return write_report_of(self.results, self.effects, Path(folder))

    def __str__(self) -> str:
        """Return the main tables and a few lines on them, for a terminal."""
        return terminal_text(self.results, self.effects)

    def _repr_html_(self) -> str:
        shown = ["factor", "level", "architectures", *_with_interval("tau"), *_with_interval("difference")]
        return str(self.table[shown].to_html(index=False, float_format="{:.3f}".format, na_rep=""))


def _with_interval(metric: str) -> list[str]:
    return [metric, f"{metric}_low", f"{metric}_high"]


def frame_report(
    frame: pd.DataFrame,
    space: str = "nasbench201",
    *,
    lower_is_better: bool = False,
    baseline: str | None = None,
    architecture: str = "architecture",
    score: str = "score",
    level: str | None = None,
    seed: str | None = None,
    epoch: str | None = None,
    target: str | None = None,
    data: Path | str | None = None,
    title: str = "scores in a frame",
    resamples: int = RESAMPLES,
) -> FrameReport:
    """Say how well scores in a frame rank architectures: ``supernet-bench import scores`` and ``report``, in memory.

    Parameters
    ----------
    frame : DataFrame
        A row for each architecture, and level, seed and epoch where there are such.
    space : str
        Name of the space.
    lower_is_better : bool
        Whether lower scores are better, as of a loss.
    baseline : str, optional
        The level that others are compared with; else the one of that name, else the first.
    architecture, score : str
        Names of the columns, or of a part of the index: numbers or published strings, and a score on any scale.
    level, seed, epoch : str, optional
        Names of columns; without one, those that are called so are read.
    target : str, optional
        Column of published accuracies to compare with, else the default of the space.
    data : Path or str, optional
        Folder with published tables.
    title : str
    resamples : int
        Bootstrap resamples of the architectures, at least 100.

    Raises
    ------
    InputError
        In one line with row and column, counted from 0, if something is not what it should be.
    """
    if not len(frame):
        raise InputError("frame has no rows; allowed: at least one row of scores")
    of, others = spaces_for(space)
    columns = Columns(architecture, score, level, seed, epoch)
    brought = collect([table_of(frame, "frame")], columns, of, others, lower_is_better)
    records = records_of(brought, of.name, lower_is_better)
    reference = reference_of(of, None if data is None else Path(data))
    column = choose_target(reference, target)
    manifest = manifest_of("frame", title, of.name, target, choose_baseline(brought, baseline), records)
    results = results_of(manifest, {record.run_id: record for record in records}, {}, reference, column)
    return FrameReport(results, compute_effects(results, resamples))
