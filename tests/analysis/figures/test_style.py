"""What all figures share."""

from pathlib import Path

import matplotlib
import numpy as np
from matplotlib.figure import Figure
from PIL import Image

from supernet_bench.analysis.figures.style import PALETTE, file_names, save, save_small, style


def test_settings_of_matplotlib_come_back() -> None:
    before = dict(matplotlib.rcParams)
    with style():
        assert dict(matplotlib.rcParams) != before
    assert dict(matplotlib.rcParams) == before


def test_texts_have_different_names_of_files() -> None:
    names = file_names(["sampling x batch_norm", "../a/b c", "a b c", "A-B-C", "..."])
    assert list(names.values()) == ["sampling_x_batch_norm", "a_b_c", "a_b_c_2", "A_B_C_3", "factor"]


def test_figures_are_saved_as_pixels_and_as_vectors_and_smaller_to_be_published(tmp_path: Path) -> None:
    with style():
        figure = Figure()
        figure.add_subplot().imshow(np.random.default_rng(0).random((40, 40)))
        assert save(figure, tmp_path, "noise") == (tmp_path / "noise.svg").read_text(encoding="utf-8")
        save_small(figure, tmp_path / "small.png")
    with Image.open(tmp_path / "noise.png") as whole, Image.open(tmp_path / "small.png") as small:
        assert whole.size == small.size
        assert len(small.getcolors()) <= PALETTE < len(whole.getcolors(maxcolors=10**6))
    assert (tmp_path / "small.png").stat().st_size < (tmp_path / "noise.png").stat().st_size
