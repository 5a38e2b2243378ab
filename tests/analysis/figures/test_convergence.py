"""Curves join runs of several lengths; the baseline has one, and each candidate."""

import json
from pathlib import Path

import pytest

from supernet_bench.analysis.effects.effects import Effects
from supernet_bench.analysis.effects.estimate import compute_effects
from supernet_bench.analysis.figures import plots_of
from supernet_bench.analysis.figures.convergence import convergence, draw_convergence
from supernet_bench.analysis.figures.style import BASELINE_COLOR, style
from supernet_bench.analysis.results import Results, load_results
from supernet_bench.records.layout import record_path
from tests.analysis.figures.reading import draw, said_by
from tests.analysis.synthetic import Scenario, run_id, write_record, write_store

# matplotlib only warns where a layout does not fit.
pytestmark = pytest.mark.filterwarnings("error")

LENGTHS = {"1": 10, "2": 20, "4": 40}


def grown(folder: Path, lengths: dict[str, int]) -> tuple[Results, Effects]:
    """Return a study of a grid of epochs and sampling, whose runs have the lengths that they say."""
    noise, cells = {}, {}
    for scale in lengths:
        for sampler in ("uniform", "pool"):
            name = f"epochs {scale}, sampling {sampler}"
            noise[name] = {"uniform": 2.0, "pool": 1.0}[sampler] / float(scale)
            cells[name] = {"epochs": scale, "sampling": sampler}
    scenario = Scenario(architectures=40, epochs=(5, 10), factors={"epochs x sampling": noise}, cells=cells)
    store = write_store(folder / "store", scenario)
    for name, cell in cells.items():
        for seed in scenario.seeds:
            if name == next(iter(cells)):
                continue
            path = record_path(store, run_id("epochs x sampling", name, seed))
            content = json.loads(path.read_text())
            for checkpoint, share in zip(content["checkpoints"], (0.5, 1.0), strict=True):
                checkpoint["epoch"] = int(share * lengths[cell["epochs"]])
            write_record(store, content)
    results = load_results(store, "default")
    return results, compute_effects(results, 100, seed=0)


def test_each_candidate_has_a_curve_over_the_lengths(tmp_path: Path) -> None:
    results, effects = grown(tmp_path, LENGTHS)
    found = convergence(effects)
    assert [line.label for line in found.lines] == ["baseline", "sampling pool"]
    for line, sampler in zip(found.lines, ("uniform", "pool"), strict=True):
        assert [stop.epochs for stop in line.stops] == [10, 20, 40]
        for stop, scale in zip(line.stops, LENGTHS, strict=True):
            level = next(row for row in effects.levels if row.level.name == f"epochs {scale}, sampling {sampler}")
            assert stop.estimates["tau"] == level.tau
    assert found.lines[0].color == BASELINE_COLOR
    names = [line.label.partition(" (")[0] for line in found.references["tau"]]
    assert names[:2] == ["untrained", "parameter count"]
    assert "published accuracy, 12 epochs" in names
    assert any("two published runs" in line for line in found.title)
    with style():
        figure = draw_convergence(found)
        draw(figure)
    assert len(figure.axes) == 2
    for axes, metric in zip(figure.axes, ("Kendall's tau", "tau of the better half"), strict=True):
        assert sum(f"epochs: {metric}" in text for text in said_by(axes)) == 2 * 3
        assert [tick.get_text() for tick in axes.get_xticklabels()] == ["10", "20", "40"]
    assert "convergence" in {plot.name for plot in plots_of(results, effects)}


def test_two_lengths_are_no_curve(tmp_path: Path) -> None:
    results, effects = grown(tmp_path, {"1": 10, "2": 20})
    assert convergence(effects).lines == ()
    assert "convergence" not in {plot.name for plot in plots_of(results, effects)}


def test_the_usual_study_has_no_curve(usual: tuple[Results, Effects]) -> None:
    assert convergence(usual[1]).lines == ()
