"""What all figures share."""

from pathlib import Path

import matplotlib
import numpy as np
import pytest
from matplotlib.figure import Figure
from PIL import Image, ImageColor

from supernet_bench.analysis.figures.style import (
    FORMATS,
    NAMED,
    PALETTE,
    file_names,
    save,
    save_small,
    style,
    with_palette,
)


def test_settings_of_matplotlib_come_back() -> None:
    before = dict(matplotlib.rcParams)
    with style():
        assert dict(matplotlib.rcParams) != before
    assert dict(matplotlib.rcParams) == before


def test_texts_have_different_names_of_files() -> None:
    names = file_names(["sampling x batch_norm", "../a/b c", "a b c", "A-B-C", "..."])
    assert list(names.values()) == ["sampling_x_batch_norm", "a_b_c", "a_b_c_2", "A_B_C_3", "factor"]


@pytest.fixture
def noise() -> Figure:
    """Return a figure of thousands of colours with one small mark in each that is named."""
    figure = Figure()
    axes = figure.add_subplot()
    axes.imshow(np.random.default_rng(0).random((40, 40)))
    for place, color in enumerate(NAMED):
        axes.plot(5 * place, 5, "s", color=color, markersize=4)
    return figure


def test_figures_are_saved_as_pixels_and_as_vectors_and_smaller_to_be_published(tmp_path: Path, noise: Figure) -> None:
    (tmp_path / "small").mkdir()
    with style():
        assert save(noise, tmp_path, "noise") == (tmp_path / "noise.svg").read_text(encoding="utf-8")
        save_small(noise, tmp_path / "small", "noise")
    assert sorted(path.name for path in (tmp_path / "small").iterdir()) == [f"noise{suffix}" for suffix in FORMATS]
    with Image.open(tmp_path / "noise.png") as whole, Image.open(tmp_path / "small" / "noise.png") as small:
        assert whole.size == small.size
        assert len(small.getcolors()) <= PALETTE < len(whole.getcolors(maxcolors=10**6))
    assert (tmp_path / "small" / "noise.png").stat().st_size < 0.6 * (tmp_path / "noise.png").stat().st_size


def test_a_palette_keeps_named_colours_and_hardly_changes_the_others(tmp_path: Path, noise: Figure) -> None:
    """The usual choice of a palette loses some of them, which is why there is another."""
    with style():
        noise.savefig(tmp_path / "noise.png")
    with Image.open(tmp_path / "noise.png") as image:
        whole = image.convert("RGB")
    small = with_palette(whole).convert("RGB")
    usual = whole.quantize(64, dither=Image.Dither.NONE).convert("RGB")
    named = {ImageColor.getrgb(color) for color in NAMED}
    assert named <= colors_of(whole)
    assert named <= colors_of(small)
    assert not named <= colors_of(usual)
    assert np.abs(np.asarray(small, dtype=int) - np.asarray(whole, dtype=int)).mean() < 1


def colors_of(image: Image.Image) -> set[object]:
    return {color for _, color in image.getcolors(maxcolors=10**6)}
