"""Samples in strata stand for the whole space."""

from itertools import combinations, product
from math import comb
from pathlib import Path

import numpy as np
import pytest

from supernet_bench.analysis.ranking import metrics, resampling
from supernet_bench.analysis.ranking.degrees import weighted_degrees
from supernet_bench.analysis.ranking.measures import Measures, Yardstick, measure_run
from supernet_bench.analysis.ranking.sample import Sample
from supernet_bench.analysis.ranking.scores import Kind, Scores
from supernet_bench.core.errors import InputError

STRATA = 10


def tenths(truth: np.ndarray) -> np.ndarray:
    """Return the stratum of each architecture, by its truth."""
    stratum = np.empty(len(truth), dtype=int)
    stratum[np.argsort(truth, kind="stable")] = np.arange(len(truth)) * STRATA // len(truth)
    return stratum


def draw(stratum: np.ndarray, n: int, rng: np.random.Generator) -> tuple[np.ndarray, Sample]:
    """Return as many architectures of each stratum, and what they stand for."""
    parts = [rng.choice(np.flatnonzero(stratum == one), n // STRATA, replace=False) for one in range(STRATA)]
    rows = np.sort(np.concatenate(parts))
    return rows, Sample.in_strata(stratum[rows], np.bincount(stratum))


def of_space(seed: int = 0, size: int = 3000) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return scores, truth and parameters of a space whose better half is harder to rank than the rest."""
    rng = np.random.default_rng(seed)
    parameters = rng.integers(1, 30, size).astype(float)
    truth = parameters / 30 + rng.normal(size=size)
    return (np.minimum(truth, 0) + 0.3 * truth + 0.7 * rng.normal(size=size)).round(2), truth, parameters


def test_every_pair_of_a_space_is_estimated_without_bias() -> None:
    """All samples of two and three of two strata: the mean of the weighted sum is the sum over the space."""
    rng = np.random.default_rng(0)
    stratum = np.array([0] * 4 + [1] * 5)
    values = rng.normal(size=(9, 9))
    drawn = [first + second for first in combinations(range(4), 2) for second in combinations(range(4, 9), 3)]
    assert len(drawn) == comb(4, 2) * comb(5, 3)
    sums, totals = [], []
    for one in drawn:
        rows = np.array(one)
        sample = Sample.in_strata(stratum[rows], [4, 5])
        represented = 9 / 5  # The unit of the weights.
        first, second = (np.array(side) for side in zip(*combinations(range(5), 2), strict=True))
        counts = sample.weights_of_pairs(first, second) * represented**2
        sums.append(float(counts @ values[rows[first], rows[second]]))
        totals.append(float(sample.weights.sum() * represented))
    assert totals == pytest.approx([9.0] * len(totals))
    assert np.mean(sums) == pytest.approx(sum(values[pair] for pair in combinations(range(9), 2)))


METRICS = {
    "tau": lambda x, y, z, sample: metrics.kendall_tau(x, y, sample),
    "better half": lambda x, y, z, sample: metrics.kendall_tau_better_half(x, y, sample),
    "partial": metrics.partial_kendall_tau,
    "equal size": metrics.kendall_tau_within,
    "spearman": lambda x, y, z, sample: metrics.spearman_rho(x, y, sample),
    "precision": lambda x, y, z, sample: metrics.precision_at(x, y, 0.05, sample),
    "ndcg": lambda x, y, z, sample: metrics.ndcg_at(x, y, 0.1, sample),
    "percentile": lambda x, y, z, sample: metrics.best_percentile_at(x, y, 10, sample),
}


@pytest.mark.parametrize("name", METRICS)
def test_one_stratum_changes_nothing(name: str) -> None:
    x, y, z = (values[:150] for values in of_space())
    one = Sample.in_strata(np.zeros(150, dtype=int), [4000])
    assert METRICS[name](x, y, z, one) == pytest.approx(METRICS[name](x, y, z, None), abs=1e-12)


@pytest.mark.parametrize("name", sorted(set(METRICS) - {"percentile"}))
def test_uneven_strata_estimate_the_whole_space(name: str) -> None:
    """Two thirds of the sample are of the worse half: without weights, metrics of all are those of another space."""
    x, y, z = of_space()
    worse = y < np.median(y)
    rng = np.random.default_rng(1)
    found, plain = [], []
    for _ in range(40):
        rows = np.concatenate(
            [rng.choice(np.flatnonzero(part), size, replace=False) for part, size in ((worse, 160), (~worse, 80))]
        )
        sample = Sample.in_strata((~worse)[rows].astype(int), [worse.sum(), (~worse).sum()])
        found.append(METRICS[name](x[rows], y[rows], z[rows], sample))
        plain.append(METRICS[name](x[rows], y[rows], z[rows], None))
    whole = METRICS[name](x, y, z, None)
    error = np.std(found) / np.sqrt(40)
    assert np.mean(found) == pytest.approx(whole, abs=4 * error + (0.03 if name in ("precision", "ndcg") else 0.005))
    if name in ("tau", "spearman", "partial"):
        assert abs(np.mean(plain) - whole) > 2 * abs(np.mean(found) - whole)


def test_winners_gain_by_the_share_of_the_space_that_is_worse() -> None:
    """Two architectures stand for 4 of the space each, four for 1."""
    sample = Sample.in_strata([0, 0, 1, 1, 1, 1], [8, 4])
    truth, predicted = np.array([1.0, 4, 2, 3, 5, 6]), np.array([0.0, 9, 8, 1, 2, 3])
    below = np.array([0, 6, 4, 5, 10, 11]) / 12
    discounts = 1 / np.log2([2, 3, 4])
    expected = discounts @ below[[1, 2, 5]] / (discounts @ below[[5, 4, 1]])
    assert metrics.ndcg_at(predicted, truth, 0.5, sample) == pytest.approx(expected)
    assert metrics.best_percentile_at(predicted, truth, 2, sample) == pytest.approx(10 / 12)
    # A third of the space is the weight of the one predicted best, and the last of the true third is that one.
    assert metrics.precision_at(predicted, truth, 1 / 3, sample) == pytest.approx(1)
    assert metrics.precision_at(predicted, truth, 1 / 6, sample) == pytest.approx(0)


def test_large_samples_are_measured_as_small_ones(monkeypatch: pytest.MonkeyPatch) -> None:
    x, y, z = of_space(size=600)
    stratum = tenths(y)
    sample = Sample.in_strata(stratum, np.bincount(stratum) * np.arange(2, 12))
    small = [METRICS[name](x, y, z, sample) for name in ("tau", "better half", "equal size")]
    monkeypatch.setattr(metrics, "ALL_PAIRS", 10)
    monkeypatch.setattr(metrics, "MOST_LISTED", 10)
    assert [METRICS[name](x, y, z, sample) for name in ("tau", "better half", "equal size")] == pytest.approx(small)


def test_the_better_half_is_that_of_the_space() -> None:
    """Of a stratum that stands for more, fewer are needed to make a half."""
    truth = np.arange(6.0)
    sample = Sample.in_strata([0, 0, 0, 0, 1, 1], [4, 20])
    assert metrics.better_half(truth).tolist() == [False] * 3 + [True] * 3
    assert metrics.better_half(truth, sample).tolist() == [False] * 4 + [True] * 2


def test_resamples_have_the_variance_of_the_sample_in_each_stratum() -> None:
    """Rao and Wu: the variance of a total is the sum over strata of N_h^2 s_h^2 / n_h, also of three architectures."""
    rng = np.random.default_rng(0)
    of = np.repeat([0, 1, 2], [3, 5, 1])
    sample = Sample.in_strata(of, [30, 20, 4])
    values = rng.normal(size=9)
    weights = sample.resample(200_000, seed=1).astype(float)
    assert weights.mean(axis=0) == pytest.approx(sample.weights, abs=0.02)
    unit = 54 / 9
    expected = sum(size**2 * values[of == one].var(ddof=1) / drawn for one, size, drawn in ((0, 30, 3), (1, 20, 5)))
    assert np.var(weights @ values) * unit**2 == pytest.approx(expected, rel=0.02)


def test_pairs_of_resamples_are_expected_to_be_those_of_the_sample() -> None:
    """Copies of one make no pair, so pairs within small strata would else count too little."""
    of = np.repeat([0, 1], [4, 6])
    sample = Sample.in_strata(of, [40, 30])
    weights = sample.resample(100_000, seed=1).astype(float)
    first, second = (np.array(side) for side in zip(*combinations(range(10), 2), strict=True))
    found = (weights[:, first] * weights[:, second]).mean(axis=0) * sample.resampled_pairs.of_pairs(first, second)
    assert found == pytest.approx(sample.weights_of_pairs(first, second), rel=0.03)


@pytest.mark.parametrize("each", [3, 8])
def test_forms_of_resamples_are_expected_to_be_those_of_the_sample(each: int) -> None:
    """Also in strata of three, where without a factor every second pair within would be missing."""
    rng = np.random.default_rng(0)
    of = np.repeat(np.arange(4), each)
    sample = Sample.in_strata(of, [40, 30, 20, 50])
    x, y = rng.normal(size=(2, len(of)))
    y += 2 * of  # Pairs across strata agree less by chance than pairs within.
    weights = sample.resample(40_000, seed=1)
    mean = resampling.pair_form(weights, x, y, sample).mean()
    expected = sample.weights @ weighted_degrees(x, y, sample)
    counted = resampling.pair_form(weights, x, x, sample)
    assert counted.mean() == pytest.approx(sample.weights @ weighted_degrees(x, x, sample), rel=0.01)
    assert mean == pytest.approx(expected, abs=0.01 * counted.mean())


def test_pairs_of_the_better_half_count_as_those_of_all() -> None:
    rng = np.random.default_rng(0)
    sample = Sample.in_strata(np.repeat(np.arange(4), 3), [40, 30, 20, 50])
    x, y = rng.normal(size=(2, 12))
    weights = sample.resample(30, seed=1)
    better = metrics.above_of_weight(y, weights)
    expected = resampling.pair_form(weights * better, x, y, sample)
    assert resampling.BetterHalf(weights, y, sample).form(x, y) == pytest.approx(expected, abs=1e-4)
    assert resampling.pair_form(weights * better, x, y) != pytest.approx(expected, abs=1e-2)


def test_equal_seeds_give_equal_resamples() -> None:
    sample = Sample.in_strata(np.repeat([0, 1], 20), [400, 500])
    first, again, other = (sample.resample(50, seed) for seed in (4, 4, 5))
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)
    assert first.sum(axis=1) == pytest.approx(np.full(50, 40.0), rel=1e-5)


def measured(rows: np.ndarray, sample: Sample | None, seed: int = 0) -> Measures:
    x, y, z = of_space()
    weights = resampling.bootstrap_weights(len(rows), 400, seed, sample)
    yardstick = Yardstick((y / 10 + 0.5)[rows], z[rows], y / 10 + 0.5, weights, sample)
    return measure_run(Scores(Kind.SUPERNET, "one", (x[rows],), (-x[rows],)), yardstick)


def test_replicates_in_strata_are_around_the_values() -> None:
    stratum = tenths(of_space()[1])
    rows, sample = draw(stratum, 200, np.random.default_rng(3))
    found = measured(rows, sample)
    for name, replicates in found.replicates.items():
        assert np.mean(replicates) == pytest.approx(found.values[name], abs=0.25 * np.std(replicates)), name
    assert found.replicates["tau_cross_entropy"] == pytest.approx(found.replicates["tau"], abs=1e-6)


def test_the_form_for_many_architectures_in_strata_has_the_same_spread(monkeypatch: pytest.MonkeyPatch) -> None:
    stratum = tenths(of_space()[1])
    rows, sample = draw(stratum, 300, np.random.default_rng(3))
    exact = measured(rows, sample).replicates
    monkeypatch.setattr(resampling, "EXACT_LIMIT", 100)
    linear = measured(rows, sample).replicates
    for name in ("tau", "spearman", "partial_tau", "tau_parameters", "tau_equal_size", "tau_better_half"):
        assert not np.array_equal(linear[name], exact[name]), name
        assert linear[name].std() == pytest.approx(exact[name].std(), rel=0.15), name
        assert linear[name].mean() == pytest.approx(exact[name].mean(), abs=0.25 * exact[name].std()), name


def test_intervals_in_strata_cover_the_space() -> None:
    x, y, _ = of_space()
    stratum, rng = tenths(y), np.random.default_rng(2)
    whole = metrics.kendall_tau(x, y), metrics.kendall_tau_better_half(x, y)
    covered = []
    for seed in range(100):
        rows, sample = draw(stratum, 120, rng)
        weights = resampling.bootstrap_weights(120, 200, seed, sample)
        tau = resampling.bootstrap_tau(weights, x[rows], y[rows], sample)
        half = resampling.BetterHalf(weights, y[rows], sample).bootstrap_tau(x[rows], y[rows])
        ends = [np.quantile(found, [0.025, 0.975]) for found in (tau, half)]
        covered.append([low <= value <= high for value, (low, high) in zip(whole, ends, strict=True)])
    assert np.mean(covered, axis=0) == pytest.approx([0.95, 0.95], abs=0.07)


@pytest.mark.full
@pytest.mark.parametrize(
    ("column", "falls"), [("c10v_valid_12", 0.2), ("c10_params", 0.05)], ids=["short training", "parameters"]
)
def test_strata_by_truth_make_a_published_table_surer(shared_data: Path, column: str, falls: float) -> None:
    """In 400 of the 15,625 architectures: no bias, and a standard error that is smaller by a share."""
    with np.load(shared_data / "nb201.npz") as table:
        truth, score = table["c10v_valid_200_v11"].astype(float), table[column].astype(float)
    stratum, rng = tenths(truth), np.random.default_rng(0)
    whole = metrics.kendall_tau(score, truth)
    in_strata, alike = [], []
    for _ in range(200):
        rows, sample = draw(stratum, 400, rng)
        in_strata.append(metrics.kendall_tau(score[rows], truth[rows], sample))
        rows = rng.choice(len(truth), 400, replace=False)
        alike.append(metrics.kendall_tau(score[rows], truth[rows]))
    assert np.mean(in_strata) == pytest.approx(whole, abs=4 * np.std(in_strata) / np.sqrt(200))
    assert np.std(in_strata) < (1 - falls) * np.std(alike)


@pytest.mark.full
@pytest.mark.parametrize("in_strata", [False, True])
@pytest.mark.parametrize("column", ["c10v_valid_12", "c10_params"])
def test_intervals_cover_the_better_half_of_a_published_table(shared_data: Path, column: str, in_strata: bool) -> None:
    """The half begins at the median of each resample: with that of the sample, 0.92 of 200 intervals covered."""
    with np.load(shared_data / "nb201.npz") as table:
        truth, score = table["c10v_valid_200_v11"].astype(float), table[column].astype(float)
    stratum, rng = tenths(truth), np.random.default_rng(1)
    whole = metrics.kendall_tau_better_half(score, truth)
    covered = []
    for seed in range(200):
        rows, sample = draw(stratum, 200, rng) if in_strata else (rng.choice(len(truth), 200, replace=False), None)
        weights = resampling.bootstrap_weights(200, 300, seed, sample)
        half = resampling.BetterHalf(weights, truth[rows], sample).bootstrap_tau(score[rows], truth[rows])
        low, high = np.quantile(half, [0.025, 0.975])
        covered.append(low <= whole <= high)
    assert np.mean(covered) == pytest.approx(0.95, abs=0.04)


def test_those_left_stand_for_those_that_are_missing() -> None:
    sample = Sample.in_strata([0, 0, 1, 1], [10, 30])
    left = sample.known(np.array([True, True, True, False]))
    assert left.weights == pytest.approx(np.array([5, 5, 30]) / (40 / 3))
    part = sample.within(np.array([True, True, True, False]))
    assert part.weights == pytest.approx(np.array([5, 5, 15]) / 10)


@pytest.mark.parametrize(
    ("of", "sizes", "message"),
    [
        ([0, 2], [5, 5], "an architecture is in stratum 2; allowed: 0 to 1"),
        ([0, -1], [5, 5], "an architecture is in stratum -1; allowed: 0 to 1"),
        ([0, 0, 1], [1, 5], "stratum 0 has 1 architectures; allowed: the 2 drawn, or more"),
        ([], [1, 5], "allowed: whole numbers, one per architecture"),
        ([0.5, 1.0], [1, 5], "strata are float64 of shape .2,.; allowed: whole numbers, one per architecture"),
    ],
)
def test_strata_that_cannot_be_are_refused(of: list[int], sizes: list[int], message: str) -> None:
    with pytest.raises(InputError, match=message):
        Sample.in_strata(of, sizes)


def test_all_samples_of_strata_are_weighted_alike_where_they_are_of_equal_share() -> None:
    for each, strata in product((2, 7), (1, 4)):
        sample = Sample.in_strata(np.repeat(np.arange(strata), each), [each * 9] * strata)
        assert sample.weights == pytest.approx(np.ones(each * strata))
