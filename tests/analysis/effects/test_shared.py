"""What runs share, from how their resamples move together, against variances that are known."""

import math
from dataclasses import replace

import numpy as np
import pytest

from supernet_bench.analysis.effects.intervals import (
    FEWEST,
    difference_between,
    difference_over_both,
    over_both,
    over_seeds,
)
from supernet_bench.analysis.effects.moderation import Variance
from supernet_bench.analysis.effects.shared import LevelValues, by_architectures, by_images

BLOCKS = 20


def blocks_of(rng: np.random.Generator, seeds: int, shared: float, own: float) -> tuple[np.ndarray, np.ndarray]:
    """Return means over blocks, whose variance by images is `shared`**2 + `own`**2, and what is left without each."""
    common = shared * math.sqrt(BLOCKS) * rng.normal(size=BLOCKS)
    blocks = common + own * math.sqrt(BLOCKS) * rng.normal(size=(seeds, BLOCKS))
    total = blocks.sum(axis=1, keepdims=True)
    return blocks.mean(axis=1), (total - blocks) / (BLOCKS - 1)


def sample(values: np.ndarray, jackknife: np.ndarray | None = None, first: int = 0) -> LevelValues:
    replicates = values[:, None] + 1e-9 * np.random.default_rng(0).normal(size=(len(values), 50))
    return LevelValues(tuple(range(first, first + len(values))), values, replicates, jackknife)


def test_the_jackknife_finds_what_all_runs_share() -> None:
    rng, found = np.random.default_rng(0), []
    for _ in range(400):
        values, jackknife = blocks_of(rng, 5, shared=0.03, own=0.04)
        found.append(by_images([(1, sample(values, jackknife))]))
    shared = [one.shared for one in found if one]
    whole = [one.whole for one in found if one]
    assert len(shared) == 400
    assert np.mean(shared) == pytest.approx(0.03**2, rel=0.1)
    assert np.mean(whole) == pytest.approx(0.03**2 + 0.04**2 / 5, rel=0.1)
    assert {one.draws for one in found if one} == {BLOCKS}


def test_the_jackknife_by_hand() -> None:
    values, jackknife = blocks_of(np.random.default_rng(1), 3, 0.03, 0.01)
    centred = jackknife - jackknife.mean(axis=1, keepdims=True)
    pairs = [(centred[i] * centred[j]).sum() * (BLOCKS - 1) / BLOCKS for i, j in ((0, 1), (0, 2), (1, 2))]
    found = by_images([(1, sample(values, jackknife))])
    assert found is not None
    assert found.shared == pytest.approx(np.mean(pairs))


def test_two_levels_share_what_they_respond_to_alike() -> None:
    """The part of the images that is common to level and baseline leaves their difference."""
    rng = np.random.default_rng(2)
    both = rng.normal(size=BLOCKS)
    rows = [0.1 * both + 0.05 * rng.normal(size=BLOCKS) + 0.001 * rng.normal(size=(4, BLOCKS)) for _ in range(2)]
    levels = [
        (sign, sample(row.mean(axis=1), row, 4 * place))
        for place, (sign, row) in enumerate(zip((1, -1), rows, strict=True))
    ]
    alone, difference = by_images(levels[:1]), by_images(levels)
    assert alone is not None
    assert difference is not None
    apart = (rows[0].mean(axis=0) - rows[1].mean(axis=0)).var() * (BLOCKS - 1)
    assert difference.shared == pytest.approx(apart, rel=0.05)
    assert difference.shared < alone.shared


def test_pairs_and_levels_apart_agree_on_what_is_shared() -> None:
    """With the same seeds, the covariance of differences of different seeds is that of the contrast of levels."""
    rng = np.random.default_rng(3)
    shared = rng.normal(size=(2, 300))
    rows = [0.02 * shared[place] + 0.01 * rng.normal(size=(5, 300)) for place in range(2)]
    rows[1] += 0.3 * rows[0]  # Equal seeds respond alike.
    levels = [
        (sign, LevelValues(tuple(range(5)), row.mean(axis=1), row)) for sign, row in zip((1, -1), rows, strict=True)
    ]
    differences = rows[0] - rows[1]
    centred = differences - differences.mean(axis=1, keepdims=True)
    covariance = centred @ centred.T / 299
    expected = (covariance.sum() - np.trace(covariance)) / 20
    found = by_architectures(levels)
    assert found is not None
    assert found.shared == pytest.approx(expected)


def test_images_widen_every_interval_in_quadrature() -> None:
    rng = np.random.default_rng(4)
    values, jackknife = blocks_of(rng, 5, shared=0.03, own=0.03)
    level = sample(values, jackknife)
    assert level.replicates is not None
    images = by_images([(1, level)])
    assert images is not None
    seeds, part = 2.776445 * values.std(ddof=1) / math.sqrt(5), 2.093024 * math.sqrt(images.shared)
    least = 2.093024 * math.sqrt(images.whole)
    for one, other in (
        (over_both(values, level.replicates, 50, jackknife=jackknife), over_both(values, level.replicates, 50)),
        (over_seeds(values, 50, -1.0, jackknife), over_seeds(values, 50, -1.0)),
        (
            difference_over_both(values, level.replicates, 50, images=images),
            difference_over_both(values, level.replicates, 50),
        ),
    ):
        assert other.high - other.value == pytest.approx(seeds, abs=1e-5)
        assert one.high - one.value == pytest.approx(max(math.hypot(seeds, part), least), abs=1e-5)
        assert one.value == other.value


def test_seeds_that_agree_by_luck_do_not_hide_the_choice_of_images() -> None:
    _, jackknife = blocks_of(np.random.default_rng(5), 2, shared=0.0, own=0.05)
    level = sample(np.array([0.3, 0.3 + 1e-6]), jackknife)
    images = by_images([(1, level)])
    assert level.replicates is not None
    assert images is not None
    found = over_both(level.values, level.replicates, 50, jackknife=jackknife)
    assert found.high - found.value >= 2.093 * math.sqrt(images.whole) - 1e-6


def test_one_seed_has_an_interval_over_architectures_and_images() -> None:
    _, jackknife = blocks_of(np.random.default_rng(6), 1, shared=0.05, own=0.0)
    replicates = 0.3 + 0.02 * np.random.default_rng(7).normal(size=(1, 500))
    with_images = over_both(np.array([0.3]), replicates, 50, jackknife=jackknife)
    without = over_both(np.array([0.3]), replicates, 50)
    assert with_images.one_seed
    assert with_images.low < without.low < without.high < with_images.high
    assert math.isnan(over_seeds(np.array([0.3]), 50, jackknife=jackknife).low)


def test_levels_on_other_images_add_what_each_has() -> None:
    rng = np.random.default_rng(8)
    (one, first), (other, second) = blocks_of(rng, 3, 0.03, 0.01), blocks_of(rng, 3, 0.03, 0.01)
    fewer = second[:, :10]
    found = by_images([(1, sample(one, first)), (-1, sample(other, fewer))])
    parts = by_images([(1, sample(one, first))]), by_images([(-1, sample(other, fewer))])
    assert found is not None
    assert found.shared == pytest.approx(sum(part.shared for part in parts if part))
    assert found.draws == 10


def test_without_blocks_of_some_run_images_are_not_covered() -> None:
    values, jackknife = blocks_of(np.random.default_rng(9), 3, 0.03, 0.01)
    assert by_images([(1, sample(values, jackknife)), (-1, sample(values))]) is None
    assert by_images([(1, sample(values, np.full((3, BLOCKS), np.nan)))]) is None
    assert by_images([(1, sample(values, jackknife[:, :1]))]) is None


def contrast(level: np.ndarray, baseline: np.ndarray, architectures: int = 50, **settings: object):
    samples = [replace(sample(level), **settings), sample(baseline, first=100)]
    return difference_between(list(zip((1, -1), samples, strict=True)), architectures, 2.0)


def test_a_difference_of_levels_by_hand() -> None:
    level, baseline = np.array([0.4, 0.5, 0.45]), np.array([0.3, 0.32, 0.28, 0.35, 0.31])
    half = math.hypot(4.302653 * level.std(ddof=1) / math.sqrt(3), 2.776445 * baseline.std(ddof=1) / math.sqrt(5))
    found = contrast(level, baseline)
    assert found.value == pytest.approx(level.mean() - baseline.mean())
    assert found.high - found.value == pytest.approx(half, abs=1e-5)
    assert (found.seeds, found.against, found.paired) == (3, 5, False)
    assert found.spread is not None
    assert found.spread.half_width(found.p_value) == pytest.approx(found.value)
    wider = contrast(level, baseline, variance=Variance(0.04, 100.0))
    assert wider.deviation == pytest.approx(0.2)
    assert wider.high > found.high


def test_no_interval_of_levels_where_none_can_be_known() -> None:
    spread, equal, one = np.array([0.4, 0.5, 0.45]), np.full(3, 0.4), np.array([0.4])
    for found in (
        contrast(spread, np.array([0.3, 0.35]), FEWEST - 1),
        contrast(equal, spread),
        contrast(spread, equal),
        contrast(equal, np.full(3, 0.3)),
        contrast(np.empty(0), spread),
        contrast(spread, np.empty(0)),
    ):
        assert np.isnan([found.low, found.high, found.p_value, found.shared]).all()
        assert not found.excludes_zero
    assert contrast(np.empty(0), spread).seeds == 0
    single = contrast(one, spread)
    assert single.one_seed
    assert not single.excludes_zero
    assert math.isnan(single.p_value)
    assert contrast(spread, one).one_seed
    same = contrast(equal, equal)
    assert (same.value, same.low, same.high, same.p_value) == (
        0,
        pytest.approx(0, abs=1e-8),
        pytest.approx(0, abs=1e-8),
        1,
    )
