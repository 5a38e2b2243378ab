"""What all figures share."""

import matplotlib

from supernet_bench.analysis.figures.style import file_names, style


def test_settings_of_matplotlib_come_back() -> None:
    before = dict(matplotlib.rcParams)
    with style():
        assert dict(matplotlib.rcParams) != before
    assert dict(matplotlib.rcParams) == before


def test_texts_have_different_names_of_files() -> None:
    names = file_names(["sampling x batch_norm", "../a/b c", "a b c", "A-B-C", "..."])
    assert list(names.values()) == ["sampling_x_batch_norm", "a_b_c", "a_b_c_2", "A_B_C_3", "factor"]
