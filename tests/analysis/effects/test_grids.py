"""Which cells of a grid belong together."""

from supernet_bench.analysis.effects.grids import find_grids
from supernet_bench.records.manifest import Level


def level(first: str, second: str, *, baseline: bool = False) -> Level:
    return Level("a x b", f"a {first}, b {second}", baseline, uses_truth=False, cell=(("a", first), ("b", second)))


def test_the_baseline_is_the_reference_wherever_it_is() -> None:
    levels = [level(a, b, baseline=(a, b) == ("2", "v")) for a in "123" for b in "uv"]
    (grid,) = find_grids(levels)
    assert (grid.axes, grid.rows, grid.columns) == (("a", "b"), ["1", "2", "3"], ["u", "v"])
    assert grid.reference == ("2", "v")
    assert grid.corners(("3", "u")) == (level("2", "v", baseline=True), level("3", "v"), level("2", "u"))
    alone = [place for place in grid.cells if grid.corners(place) is None]
    assert alone == [("1", "v"), ("2", "u"), ("2", "v"), ("3", "v")]


def test_without_the_baseline_the_first_cell_is_the_reference() -> None:
    (grid,) = find_grids([level(a, b) for a in "12" for b in "uv"])
    assert grid.reference == ("1", "u")
    assert grid.corners(("2", "v")) == (level("1", "u"), level("2", "u"), level("1", "v"))


def test_a_cell_without_its_corners_has_no_interaction() -> None:
    (grid,) = find_grids([level("1", "u"), level("2", "v"), level("2", "u")])
    assert grid.corners(("2", "v")) is None


def test_other_levels_are_no_grid() -> None:
    three = Level("a x b x c", "abc", baseline=False, uses_truth=False, cell=(("a", "1"), ("b", "1"), ("c", "1")))
    assert find_grids([Level("a", "1", baseline=False, uses_truth=False), three]) == []
    grids = find_grids([level("1", "u"), three, Level("c x b", "x", False, False, (("c", "1"), ("b", "1")))])
    assert [(grid.factor, grid.axes) for grid in grids] == [("a x b", ("a", "b")), ("c x b", ("c", "b"))]
