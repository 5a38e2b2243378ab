"""Names beside points cover neither each other nor the edge."""

from itertools import combinations

import numpy as np
import pytest
from matplotlib.figure import Figure
from matplotlib.text import Annotation

from supernet_bench.analysis.figures.labels import put_names
from supernet_bench.analysis.figures.style import style
from tests.analysis.figures.reading import draw

# matplotlib only warns where a layout does not fit.
pytestmark = pytest.mark.filterwarnings("error")


@pytest.mark.parametrize("seed", range(3))
def test_names_of_close_points_do_not_overlap(seed: int) -> None:
    points = 0.5 + 0.08 * np.random.default_rng(seed).normal(size=(12, 2))
    names = [f"a level of name {place}" for place in range(len(points))]
    with style():
        figure = Figure(figsize=(6, 5), layout="constrained")
        axes = figure.add_subplot()
        axes.plot(*points.T, "o")
        axes.set(xlim=(0, 1), ylim=(0, 1))
        put_names(axes, names, [tuple(point) for point in points])
        renderer = draw(figure).get_renderer()
        texts = [text for text in axes.texts if text.get_text()]
        assert sorted(text.get_text() for text in texts) == sorted(names)
        boxes = [Annotation.get_window_extent(text, renderer) for text in texts]
        sizes = [text.get_bbox_patch().get_window_extent(renderer) for text in texts]
    assert not any(one.overlaps(other) for one, other in combinations(sizes, 2))
    inside = axes.bbox
    assert all(inside.x0 - 2 <= box.x0 and box.x1 <= inside.x1 + 2 for box in boxes)
    for text, point in zip(texts, points, strict=True):
        assert text.xy == tuple(point)
