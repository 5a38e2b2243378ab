"""Numbers are printed alike on every machine."""

import math

import numpy as np
import pytest

from supernet_bench.analysis.numbers import NONE, number


@pytest.mark.parametrize("value", [0.0125, -0.3215, 0.4375, 2.6745])
def test_exact_ties_print_alike_whatever_the_last_bits_are(value: float) -> None:
    near = [value, float(np.nextafter(value, 9)), float(np.nextafter(value, -9)), value + 1e-13, value - 1e-13]
    assert len({number(one, "+") for one in near}) == 1
    assert len({number(one, "+", 100, 1) for one in near}) == 1


def test_rounding_noise_around_zero_has_no_sign() -> None:
    assert number(-1e-17, "+") == number(1e-17, "+") == number(0.0, "+") == "+0.000"


def test_numbers_are_scaled_signed_and_cut() -> None:
    assert number(0.12345, "+", 100, 2) == "+12.35"
    assert number(-2.0) == "-2.000"
    assert number(math.nan) == NONE
