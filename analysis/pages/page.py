"""What the page of a report says, in blocks that any format can show."""

from dataclasses import dataclass

from supernet_bench.analysis.effects.effects import Effects
from supernet_bench.analysis.figures import EFFECTS_FOREST, effect_names, grid_names
from supernet_bench.analysis.pages.notes import introduction, metric_notes, summary, table_notes
from supernet_bench.analysis.pages.reading import Finding, reading, size_reading
from supernet_bench.analysis.pages.tables import (
    Table,
    effects_table,
    interaction_table,
    rank_metrics_table,
    references_table,
    size_table,
    together_table,
    top_differences_table,
    top_metrics_table,
)
from supernet_bench.analysis.results import Results
from supernet_bench.core.output import count


@dataclass(frozen=True)
class Paragraph:
    """A paragraph."""

    text: str


@dataclass(frozen=True)
class Items:
    """A list of sentences, or of findings with their levels."""

    items: tuple[str | Finding, ...]


@dataclass(frozen=True)
class Picture:
    """A plot, by the name of its file, and its caption."""

    name: str
    caption: str


@dataclass(frozen=True)
class Tables:
    """Tables and the notes below them."""

    tables: tuple[Table, ...]
    notes: tuple[str, ...]


Block = Paragraph | Items | Picture | Tables


@dataclass(frozen=True)
class Section:
    """A heading and what stands below it."""

    heading: str
    blocks: tuple[Block, ...]


@dataclass(frozen=True)
class Page:
    """A report: its title, what comes first, and its sections."""

    title: str
    opening: tuple[Block, ...]
    sections: tuple[Section, ...]


def compose(results: Results, effects: Effects, captions: dict[str, str]) -> Page:
    """Return the page that puts tables, plots and their reading together.

    Parameters
    ----------
    results : Results
    effects : Effects
        Of these results.
    captions : dict of str to str
        Of every plot that was drawn, by its name.
    """
    plots = {name: Picture(name, caption) for name, caption in captions.items()}
    of_factors, of_grids = effect_names(effects), grid_names(effects)
    placed = {EFFECTS_FOREST, *of_factors.values(), *of_grids.values()}
    sections = [
        Section("Warnings", _items(list(effects.warnings))),
        Section("Tables", (main_tables(results, effects),)),
        *(_factor(effects, factor, plots) for factor in of_factors),
        Section("Other metrics", (other_tables(effects),)),
        Section("Other plots", tuple(plot for name, plot in plots.items() if name not in placed)),
    ]
    said = tuple(Paragraph(text) for text in introduction(results, effects))
    opening: tuple[Block, ...] = (*said, *_items(summary(effects)), plots[EFFECTS_FOREST])
    return Page(results.manifest.title, opening, tuple(section for section in sections if section.blocks))


def main_tables(results: Results, effects: Effects) -> Tables:
    """Return tau and its differences, and what the numbers rest on."""
    return Tables((effects_table(effects), references_table(effects)), tuple(table_notes(results, effects)))


def other_tables(effects: Effects) -> Tables:
    """Return the tables of the other metrics, and what these are."""
    differences = (size_table(effects), top_differences_table(effects))
    interactions = (interaction_table(effects, grid) for grid in effects.grids)
    metrics = (rank_metrics_table(effects), together_table(effects), top_metrics_table(effects))
    tables = (*differences, *interactions, *metrics)
    return Tables(tables, tuple(metric_notes(effects)))


def _factor(effects: Effects, factor: str, plots: dict[str, Picture]) -> Section:
    n = count(len(effects.truth), "architecture")
    found, size = _items(reading(effects, factor)), _items(size_reading(effects, factor))
    blocks: list[Block] = [Paragraph(f"Differences in tau to the baseline, {n}:")]
    blocks += found or (Paragraph("No level besides the baseline."),)
    blocks += [plots[effect_names(effects)[factor]]]
    blocks += [Paragraph("Of those that exclude zero:"), *size] if size else []
    grid = grid_names(effects).get(factor)
    return Section(factor, (*blocks, plots[grid]) if grid else tuple(blocks))


def _items(items: "list[str] | list[Finding]") -> tuple[Items, ...]:
    """Return a list as a block, or no block for an empty one."""
    return (Items(tuple(items)),) if items else ()
