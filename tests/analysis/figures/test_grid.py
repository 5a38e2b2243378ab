"""Heat maps show every cell."""

import json
from pathlib import Path

import numpy as np
import pytest

from supernet_bench.analysis.effects.effects import Effects
from supernet_bench.analysis.effects.estimate import compute_effects
from supernet_bench.analysis.figures.grid import PALE, draw_heat_maps, heat_maps
from supernet_bench.analysis.numbers import in_full
from supernet_bench.analysis.results import load_results
from supernet_bench.records.layout import record_path
from tests.analysis.figures.reading import said_by
from tests.analysis.figures.scenarios import SCENARIOS
from tests.analysis.synthetic import run_id, write_record, write_store

# matplotlib only warns where a layout does not fit.
pytestmark = pytest.mark.filterwarnings("error")


def grid_study(folder: Path) -> tuple[Path, Effects]:
    store = write_store(folder / "store", SCENARIOS["grid of two factors"])
    for seed in (0, 1):
        name = run_id("sampling x learning_rate", "sampling uniform, learning_rate w", seed)
        error = {"type": "Diverged", "message": "loss is NaN", "traceback": ""}
        content = json.loads(record_path(store, name).read_text())
        write_record(store, content | {"status": "failed", "error": error, "checkpoints": []})
    return store, compute_effects(load_results(store, "default"), 100, seed=0)


def test_heat_maps_colour_and_write_every_cell(tmp_path: Path) -> None:
    effects = grid_study(tmp_path)[1]
    (grid,) = effects.grids
    assert set(heat_maps(effects, grid).maps[0].cells) == set(grid.cells)
    above, below = draw_heat_maps(heat_maps(effects, grid)).axes[:2]
    texts = {text.get_position(): text.get_text() for text in above.texts}
    colors = above.collections[0].get_array()
    interactions = below.collections[0].get_array()
    assert colors is not None
    assert interactions is not None
    assert (
        above.collections[0].get_clim()[0] == -above.collections[0].get_clim()[1] == below.collections[0].get_clim()[0]
    )
    for (row, column), level in grid.cells.items():
        y, x = grid.rows.index(row), grid.columns.index(column)
        effect, text = effects.of_level(level), texts[x + 0.5, y + 0.5]
        if level.baseline:
            assert (text, colors[y, x]) == ("baseline", 0)
        elif effect.counts.failed:
            assert text == "2 failed"
            assert np.ma.getmaskarray(colors)[y, x]
        else:
            assert effect.difference is not None
            decided = effect.difference.excludes_zero
            assert heat_maps(effects, grid).maps[0].cells[row, column].decided == decided
            assert colors[y, x] == pytest.approx(effect.difference.value * (1 if decided else PALE))
            assert f"[{effect.difference.low:+.3f}, {effect.difference.high:+.3f}]" in text
            assert f"{level.name}: {in_full(effect.difference, '+')}" in said_by(above)
        known = effect.interaction is not None and effect.interaction.seeds > 0
        assert np.ma.getmaskarray(interactions)[y, x] == (not known and not level.baseline)
    fairnas = effects.of_level(grid.cells["fairnas accounting=compute", "v"]).interaction
    assert fairnas is not None
    assert not fairnas.excludes_zero
    assert interactions[1, 1] == pytest.approx(PALE * fairnas.value)
    hatched = [patch for patch in above.patches if patch.get_hatch()]
    undecided = [effects.of_level(level).difference for level in grid.cells.values() if not level.baseline]
    assert len(hatched) == sum(bool(each and each.seeds and not each.excludes_zero) for each in undecided) > 0
    assert [text.get_text() for text in below.texts].count("no seed of all four") == 1
