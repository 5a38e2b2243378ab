"""Figures of a study keep their text inside their edges and leave matplotlib as it was."""

import math
import re
from pathlib import Path

import pytest
from matplotlib.figure import Figure
from matplotlib.text import Text

from supernet_bench.analysis import figures
from supernet_bench.analysis.effects.effects import Effects
from supernet_bench.analysis.effects.estimate import compute_effects
from supernet_bench.analysis.figures import plots_of
from supernet_bench.analysis.figures.style import style
from supernet_bench.analysis.results import Results, load_results
from tests.analysis.figures.reading import draw
from tests.analysis.figures.scenarios import SCENARIOS, study
from tests.analysis.synthetic import write_store

# matplotlib only warns where a layout does not fit.
pytestmark = pytest.mark.filterwarnings("error")


def visible_texts(figure: Figure) -> list[Text]:
    """Return all texts that are drawn, those of figure legends and titles too; ticks beyond an axis are not."""
    beyond = set()
    for axes in figure.axes:
        for axis in (axes.xaxis, axes.yaxis):
            low, high = sorted(axis.get_view_interval())
            ticks = (*axis.get_major_ticks(), *axis.get_minor_ticks())
            beyond |= {id(t) for tick in ticks if not low <= tick.get_loc() <= high for t in (tick.label1, tick.label2)}
    texts = (text for text in figure.findobj(Text) if text.get_visible() and text.get_text() and id(text) not in beyond)
    return [text for text in texts if text.axes is None or text.axes.get_visible()]


def test_no_text_leaves_the_figure(drawn: tuple[Results, Effects]) -> None:
    with style():
        for plot in plots_of(*drawn):
            figure = plot.draw()
            renderer = draw(figure).get_renderer()
            texts = visible_texts(figure)
            assert any(text.axes is None for text in texts), "the title is among them"
            for text in texts:
                box = text.get_window_extent(renderer)
                edges = (-box.x0, -box.y0, box.x1 - figure.bbox.x1, box.y1 - figure.bbox.y1)
                assert max(edges) <= 1, f"{plot.name}: {text.get_text()!r}"


def test_a_study_without_any_tau_has_figures(tmp_path: Path) -> None:
    store = write_store(tmp_path / "store", SCENARIOS["usual"])
    for path in (store / "runs").iterdir():
        path.unlink()
    results = load_results(store, "default")
    effects = compute_effects(results, 100, seed=0)
    assert math.isnan(effects.baseline.tau.value)
    with style():
        assert all(draw(plot.draw()) for plot in plots_of(results, effects))


def test_captions_explain_open_diamonds_where_there_are_any(tmp_path: Path) -> None:
    explained = {}
    for name in ("usual", "one seed"):
        plots = plots_of(*study(tmp_path / name, SCENARIOS[name]))
        explained[name] = {plot.name for plot in plots if "open diamond" in plot.caption}
    differences = {"effects_forest", "size_forest"}
    assert explained == {"usual": set(), "one seed": {"effect_sampling", "effect_batch_norm", *differences}}


def test_figures_know_nothing_of_pages() -> None:
    files = sorted(Path(figures.__file__).parent.glob("*.py"))
    assert len(files) > 5
    for file in files:
        assert not re.search(r"analysis\.(pages|publishing)|import (pages|publishing)", file.read_text()), file
