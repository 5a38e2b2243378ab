"""What estimates show changes exactly where it should."""

from dataclasses import replace
from itertools import product

import pytest

from supernet_bench.analysis.effects.agreement import Agreement, Correlation, Directions
from supernet_bench.analysis.effects.intervals import ALPHA, Difference
from supernet_bench.analysis.numbers import marks
from supernet_bench.analysis.pages.words import CLAIMS, MARKS, SIZES, TITLES
from supernet_bench.analysis.verdicts import (
    CLOSE,
    ENOUGH_PAIRS,
    NEGLIGIBLE,
    NOISY,
    Evidence,
    Size,
    Transfer,
    Verdict,
    beyond_size,
    evidence,
    same_directions,
    transfer,
    verdict,
)

NAN = float("nan")
TINY = 1e-9


def difference(low: float, high: float, adjusted: float = NAN, seeds: int = 5) -> Difference:
    return Difference((low + high) / 2, low, high, seeds, 200, adjusted=adjusted)


DECIDED = [
    (difference(TINY, 0.2, ALPHA - TINY), Evidence.CORRECTED, Verdict.HELPS),
    (difference(-0.2, -TINY, ALPHA - TINY), Evidence.CORRECTED, Verdict.HURTS),
    (difference(TINY, 0.2, ALPHA), Evidence.UNCORRECTED, Verdict.PERHAPS_HELPS),
    (difference(-0.2, -TINY, ALPHA), Evidence.UNCORRECTED, Verdict.PERHAPS_HURTS),
    (difference(0.0, 0.2, 1.0), Evidence.INCLUDES_ZERO, Verdict.NOISY),
    (difference(-0.2, 0.0, 1.0), Evidence.INCLUDES_ZERO, Verdict.NOISY),
    (difference(-NEGLIGIBLE, NEGLIGIBLE, 1.0), Evidence.INCLUDES_ZERO, Verdict.NOTHING),
    (difference(-NEGLIGIBLE - TINY, NEGLIGIBLE, 1.0), Evidence.INCLUDES_ZERO, Verdict.NOISY),
    (difference(-NEGLIGIBLE, NEGLIGIBLE + TINY, 1.0), Evidence.INCLUDES_ZERO, Verdict.NOISY),
    (difference(0.1, 0.2, seeds=1), Evidence.ONE_SEED, Verdict.ONE_SEED),
    (difference(-0.1, 0.2, seeds=1), Evidence.ONE_SEED, Verdict.ONE_SEED),
    (Difference(0.1, NAN, NAN, 1, 200), Evidence.NO_INTERVAL, Verdict.NO_INTERVAL),
    (Difference(0.1, NAN, NAN, 3, 200), Evidence.NO_INTERVAL, Verdict.NO_INTERVAL),
    (Difference(NAN, NAN, NAN, 0, 200), Evidence.NOT_COMPARED, Verdict.NOT_COMPARED),
]


@pytest.mark.parametrize(("found", "shown", "said"), DECIDED)
def test_a_level_gets_its_verdict_at_each_boundary(found: Difference, shown: Evidence, said: Verdict) -> None:
    assert (evidence(found), verdict(found)) == (shown, said)
    assert marks(found).strip() == MARKS.get(said, "")


def test_every_boundary_of_a_level_is_tested() -> None:
    assert {shown for _, shown, _ in DECIDED} == set(Evidence)
    assert {said for _, _, said in DECIDED} == set(Verdict)


def test_a_small_effect_that_is_shown_is_no_nothing() -> None:
    assert verdict(difference(0.01, 0.02, 0.001)) is Verdict.HELPS


def test_what_is_in_no_family_of_comparisons_has_no_mark() -> None:
    assert marks(difference(0.1, 0.2)) == ""
    assert evidence(difference(0.1, 0.2)) is Evidence.UNCORRECTED


HIGHER, LOWER, OPEN = difference(0.1, 0.3, 0.01), difference(-0.3, -0.1, 0.01), difference(-0.1, 0.3, 1.0)
OPPOSITE = difference(-0.3, 0.1, 1.0)


@pytest.mark.parametrize(
    ("partial", "equal", "parameters", "pairs", "said"),
    [
        (OPEN, HIGHER, OPEN, ENOUGH_PAIRS, Size.BEYOND),
        (OPEN, HIGHER, OPEN, ENOUGH_PAIRS - 1, Size.UNDECIDED),
        (HIGHER, HIGHER, HIGHER, ENOUGH_PAIRS - 1, Size.PERHAPS_BEYOND),
        (HIGHER, OPEN, OPEN, ENOUGH_PAIRS, Size.PERHAPS_BEYOND),
        (HIGHER, OPPOSITE, OPEN, ENOUGH_PAIRS, Size.UNDECIDED),
        (HIGHER, OPPOSITE, HIGHER, ENOUGH_PAIRS, Size.NOT_SHOWN_BEYOND),
        (HIGHER, OPPOSITE, HIGHER, ENOUGH_PAIRS - 1, Size.PERHAPS_BEYOND),
        (LOWER, LOWER, HIGHER, ENOUGH_PAIRS, Size.NOT_SHOWN_BEYOND),
        (LOWER, OPEN, LOWER, 0, Size.NOT_SHOWN_BEYOND),
        (OPEN, OPEN, OPEN, ENOUGH_PAIRS, Size.UNDECIDED),
    ],
)
def test_more_than_a_preference_for_size(
    partial: Difference, equal: Difference, parameters: Difference, pairs: int, said: Size
) -> None:
    found = {"tau": HIGHER, "partial_tau": partial, "tau_equal_size": equal, "tau_parameters": parameters}
    assert beyond_size(found, pairs) is said
    turned = {name: replace(one, value=-one.value, low=-one.high, high=-one.low) for name, one in found.items()}
    assert beyond_size(turned, pairs) is said
    assert beyond_size(found | {"tau": OPEN}, pairs) is None
    assert beyond_size(found | {"tau": replace(HIGHER, seeds=1)}, pairs) is None


UNKNOWN = Correlation(NAN, NAN, NAN)


def agreement(
    low: float, high: float, levels: int = 4, factors: int = 2, seeds: int = 2, ceiling: float = 0.9
) -> Agreement:
    both = (tuple(range(seeds)), (7, 8, 9))
    rho = Correlation((low + high) / 2, low, high)
    return Agreement(levels, factors, 0, both, rho, rho, (rho, rho), Correlation(ceiling, 0.0, 1.0))


COMPARED = [
    (agreement(CLOSE, 0.9), Transfer.CARRIES_OVER),
    (agreement(CLOSE - TINY, 0.9), Transfer.IN_PART),
    (agreement(TINY, 0.9), Transfer.IN_PART),
    (agreement(0.0, 0.9), Transfer.NOT_SHOWN),
    (agreement(-0.9, 0.0), Transfer.NOT_SHOWN),
    (agreement(-0.9, -TINY), Transfer.REVERSED),
    (agreement(0.0, 0.9, ceiling=NOISY), Transfer.NOT_SHOWN),
    (agreement(0.0, 0.9, ceiling=NOISY - TINY), Transfer.NOISY),
    (agreement(0.1, 0.9, ceiling=0.0), Transfer.IN_PART),
    (agreement(CLOSE, 0.9, levels=3), Transfer.TOO_FEW_LEVELS),
    (agreement(CLOSE, 0.9, factors=1), Transfer.TOO_FEW_LEVELS),
    (agreement(CLOSE, 0.9, seeds=1), Transfer.TOO_FEW_SEEDS),
    (agreement(CLOSE, 0.9, seeds=0), Transfer.TOO_FEW_SEEDS),
    (replace(agreement(CLOSE, 0.9), rho=UNKNOWN), Transfer.NO_ORDER),
    (replace(agreement(CLOSE, 0.9), rho=Correlation(1.0, NAN, NAN)), Transfer.NO_INTERVAL),
]


@pytest.mark.parametrize(("found", "said"), COMPARED)
def test_studies_get_their_verdict_at_each_boundary(found: Agreement, said: Transfer) -> None:
    assert transfer(found) is said


def test_every_verdict_on_studies_is_tested() -> None:
    assert {said for _, said in COMPARED} == set(Transfer)


@pytest.mark.parametrize(
    ("shown", "same", "expected", "said"),
    [(20, 20, 10.0, True), (20, 20, 19.0, False), (20, 12, 10.0, False), (0, 0, 0.0, False)],
)
def test_more_of_the_same_direction_than_by_chance(shown: int, same: int, expected: float, said: bool) -> None:
    assert same_directions(Directions(shown, same, expected, 0, 0)) is said


def test_the_share_that_chance_allows_is_the_boundary() -> None:
    counted = Directions(20, 18, 0.0, 0, 0)
    edge = counted.low * counted.shown
    for expected, said in ((edge - TINY, True), (edge, False)):
        assert same_directions(replace(counted, expected=expected)) is said


def test_every_verdict_has_words() -> None:
    for words, keys in product((TITLES, CLAIMS), (Verdict,)):
        assert list(words) == list(keys)
    assert list(SIZES) == list(Size)
