"""What the seeds of a level say together, and what supernets add to the parameter count."""

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from supernet_bench.analysis.effects.effects import Effect, Effects
from supernet_bench.analysis.effects.estimate import compute_effects
from supernet_bench.analysis.effects.together import TOGETHER_METRICS, _jackknifed, combinations, estimate_of, together
from supernet_bench.analysis.ranking.measures import Yardstick, measure_run
from supernet_bench.analysis.ranking.metrics import kendall_tau, kendall_tau_better_half
from supernet_bench.analysis.ranking.resampling import bootstrap_weights
from supernet_bench.analysis.ranking.sample import Sample
from supernet_bench.analysis.ranking.scores import Kind, Scores
from supernet_bench.analysis.results import load_results
from supernet_bench.records.layout import record_path
from tests.analysis import old_digits
from tests.analysis.synthetic import Scenario, run_id, write_store

TRUTH = np.random.default_rng(0).uniform(size=50)
PARAMETERS = TRUTH + np.random.default_rng(1).normal(size=50) / 3


def yardstick(truth: np.ndarray = TRUTH, parameters: np.ndarray = PARAMETERS) -> Yardstick:
    return Yardstick(truth, parameters, truth, bootstrap_weights(len(truth), 200, 0))


def supernet(noise: float, seed: int, truth: np.ndarray = TRUTH) -> Scores:
    return of(truth + noise / 3 * np.random.default_rng(seed).normal(size=len(truth)))


def of(values: np.ndarray) -> Scores:
    return Scores(Kind.SUPERNET, "one", (values,), (-values,))


def reference_row(effects: Effects, words: str) -> Effect:
    return next(effect for effect in effects.references if effect.level.name.startswith(words))


@pytest.fixture(scope="module")
def published() -> Effects:
    return compute_effects(old_digits.load(), 100)


def test_published_supernets_together(published: Effects) -> None:
    """An audit with other code found 0.491 and 0.663."""
    both = "8 seeds of the baseline"
    mean, total = (reference_row(published, f"{both} {word}") for word in ("together", "and"))
    assert mean.level.name == f"{both} together"
    assert (mean.kind, mean.tau.seeds, mean.tau.architectures) == (Kind.SUPERNET, 8, 200)
    assert mean.tau.value == pytest.approx(0.491, abs=5e-4)
    assert total.tau.value == pytest.approx(0.663, abs=5e-4)
    transform = next(effect for effect in published.levels if effect.level.name == "mode=transform")
    assert transform.estimates["tau_ensemble"].value == pytest.approx(0.577, abs=5e-4)
    for effect, metric in ((mean, "tau_ensemble"), (total, "tau_ensemble_rank_sum")):
        assert effect.tau == published.baseline.estimates[metric]
        assert effect.baseline_minus_this is not None
        assert effect.baseline_minus_this.value == pytest.approx(published.baseline.tau.value - effect.tau.value)


def test_what_published_supernets_add_to_the_parameter_count(published: Effects) -> None:
    alone = reference_row(published, "parameter count").tau.value
    assert alone == pytest.approx(0.558, abs=5e-4)
    for effect in published.levels:
        total, gain = effect.estimates["tau_rank_sum"], effect.estimates["gain_over_parameters"]
        assert gain.value == pytest.approx(total.value - alone)
        assert gain.high - gain.low < total.high - total.low + 0.05
        if effect.differences:
            found = effect.differences["gain_over_parameters"].value
            assert found == pytest.approx(gain.value - published.baseline.estimates["gain_over_parameters"].value)


def test_scores_that_repeat_the_parameter_count_add_nothing() -> None:
    found = measure_run(of(np.exp(PARAMETERS)), yardstick())
    assert found.values["gain_over_parameters"] == 0
    assert not found.replicates["gain_over_parameters"].any()
    assert found.values["tau_rank_sum"] == pytest.approx(kendall_tau(PARAMETERS, TRUTH))


def test_noise_takes_from_the_parameter_count_and_knowledge_adds() -> None:
    rng = np.random.default_rng(2)
    noise = [measure_run(of(rng.normal(size=50)), yardstick()).values["gain_over_parameters"] for _ in range(20)]
    knowing = [measure_run(supernet(0.5, seed), yardstick()).values["gain_over_parameters"] for seed in range(20)]
    assert np.mean(noise) < -0.05
    assert np.mean(knowing) > 0.05


def test_scores_that_are_equal_have_no_rank_sum() -> None:
    found = measure_run(of(np.ones(50)), yardstick())
    assert math.isnan(found.values["tau_rank_sum"])
    assert math.isnan(found.values["gain_over_parameters"])
    assert np.isnan(found.replicates["gain_over_parameters"]).all()


@given(st.lists(st.integers(-20, 20), min_size=8, max_size=8).filter(lambda values: len(set(values)) > 1))
def test_only_the_order_of_scores_counts(values: list[int]) -> None:
    scores, known = np.array(values, dtype=float), yardstick(TRUTH[:8], PARAMETERS[:8])
    one, other = (measure_run(of(x), known).values["tau_rank_sum"] for x in (scores, np.arctan(scores) - 7))
    expected = kendall_tau(stats.rankdata(scores) + stats.rankdata(PARAMETERS[:8]), TRUTH[:8])
    assert one == pytest.approx(expected, nan_ok=True)
    assert other == pytest.approx(expected, nan_ok=True)


def test_replicates_are_the_rank_sums_of_resamples() -> None:
    known, scores = yardstick(), supernet(1.0, 5)
    found = measure_run(scores, known).replicates["tau_rank_sum"]
    total = stats.rankdata(scores.checkpoints[0]) + stats.rankdata(PARAMETERS)
    for number in (0, 7, 99):
        drawn = np.repeat(np.arange(50), known.weights[number].astype(int))
        assert found[number] == pytest.approx(kendall_tau(total[drawn], TRUTH[drawn]))


def test_seeds_say_more_together() -> None:
    runs = [supernet(2.0, seed) for seed in range(8)]
    found = together(runs, yardstick())
    alone = np.mean([kendall_tau(run.checkpoints[0], TRUTH) for run in runs])
    assert found.keys() == set(TOGETHER_METRICS)
    assert found["tau_ensemble"].value > alone + 0.1
    assert all(estimate.seeds == 8 for estimate in found.values())


def test_one_seed_is_said_to_be_one() -> None:
    found = together([supernet(1.5, 0)], yardstick())["tau_ensemble"]
    assert found.one_seed
    assert found.low < found.value < found.high
    assert math.isnan(together([], yardstick())["tau_ensemble"].value)


def test_the_part_of_the_seeds_is_how_far_other_seeds_would_move_it() -> None:
    """With the same architectures throughout, the jackknife alone has to say it."""
    rng = np.random.default_rng(3)
    truth, count = rng.uniform(size=100), 5
    known = yardstick(truth, truth)
    combine = combinations(known)["tau_ensemble"]
    values, variances = [], []
    for _ in range(120):
        runs = [of(truth * gain + rng.normal(size=100) / 3) for gain in rng.uniform(0.2, 1.8, size=count)]
        values.append(kendall_tau(combine(runs), truth))
        left_out = [combine([*runs[:seed], *runs[seed + 1 :]]) for seed in range(count)]
        variances.append(_jackknifed(left_out, known).deviation ** 2)
    # A standard deviation of 120 values is known to 6.5 %; the jackknife itself is a little too wide.
    assert 0.8 < math.sqrt(np.mean(variances)) / np.std(values, ddof=1) < 1.4


def test_architectures_that_a_seed_lacks_are_left_out() -> None:
    runs = [supernet(1.0, seed) for seed in range(3)]
    lacking = runs[1].checkpoints[0].copy()
    lacking[:10] = np.nan
    found = together([runs[0], of(lacking), runs[2]], yardstick())
    fewer = together([of(run.checkpoints[0][10:]) for run in runs], yardstick(TRUTH[10:], PARAMETERS[10:]))
    for name in TOGETHER_METRICS:
        assert found[name].architectures == 40
    assert found["tau_ensemble"].value == pytest.approx(fewer["tau_ensemble"].value)


def test_a_sample_in_strata_says_what_the_space_would() -> None:
    """Ranks, too, are those in the space: a stratum of which few were drawn counts for all of its members."""
    rng = np.random.default_rng(4)
    truth = np.sort(rng.uniform(size=2000))
    parameters, score = (truth + rng.normal(size=2000) / 4 for _ in range(2))
    strata = np.repeat([0, 1], [1500, 500])
    whole = measure_run(of(score), Yardstick(truth, parameters, truth, np.ones((1, 2000), np.float32))).values
    found = []
    for _ in range(30):
        drawn = np.sort(
            np.concatenate([rng.choice(1500, 40, replace=False), 1500 + rng.choice(500, 160, replace=False)])
        )
        sample = Sample.in_strata(strata[drawn], (1500, 500))
        known = Yardstick(truth[drawn], parameters[drawn], truth, sample.resample(100, 0), sample)
        values = measure_run(of(score[drawn]), known).values
        joint = together([of(score[drawn])], known)
        assert joint["tau_ensemble_rank_sum"].value == pytest.approx(values["tau_rank_sum"])
        found.append([values["tau_rank_sum"], values["gain_over_parameters"]])
    expected = [whole["tau_rank_sum"], whole["gain_over_parameters"]]
    np.testing.assert_allclose(np.mean(found, axis=0), expected, atol=3.5 * np.max(np.std(found, axis=0)) / 30**0.5)


def test_other_seeds_of_the_baseline_are_not_among_them(tmp_path: Path) -> None:
    """More seeds say more together, so only those that every level has are taken."""
    store = write_store(tmp_path / "store", Scenario(seeds=(0, 1, 2, 3)))
    results = load_results(store, "default")
    fewer = replace(results, manifest=replace(results.manifest, seeds=(0, 1)))
    effects = compute_effects(fewer, 100)
    assert effects.baseline.tau.seeds == 4
    assert {effect.estimates["tau_ensemble"].seeds for effect in effects.levels} == {2}
    assert reference_row(effects, "2 seeds of the baseline together").tau.seeds == 2


def test_lost_runs_have_no_part(tmp_path: Path) -> None:
    store = write_store(tmp_path / "store", Scenario())
    record_path(store, run_id("baseline", "baseline", 1)).unlink()
    effects = compute_effects(load_results(store, "default"), 100)
    assert reference_row(effects, "2 seeds of the baseline together").tau.seeds == 2
    assert effects.baseline.estimates["tau_ensemble"].seeds == 2


def test_without_a_baseline_there_is_no_row_of_it(tmp_path: Path) -> None:
    store = write_store(tmp_path / "store", Scenario())
    for seed in range(3):
        record_path(store, run_id("baseline", "baseline", seed)).unlink()
    effects = compute_effects(load_results(store, "default"), 100)
    assert not [effect for effect in effects.references if effect.kind is Kind.SUPERNET]
    assert math.isnan(effects.baseline.estimates["tau_ensemble"].value)


def test_of_the_better_half_the_interval_covers_seeds_too(tmp_path: Path) -> None:
    """Five seeds that say the same, and five that do not: only their own disagreement widens the interval."""
    known = yardstick()
    combine = combinations(known)["tau_ensemble"]
    alike = [of(supernet(1.0, 0).checkpoints[0])] * 5
    apart = [supernet(4.0, seed) for seed in range(5)]
    for runs, wider in ((alike, False), (apart, True)):
        found = estimate_of(combine, runs, known, better_half=True)
        scores = combine(runs)
        assert found.value == kendall_tau_better_half(scores, known.truth)
        assert found.seeds == 5
        by_architectures = 1.96 * np.nanstd(known.better_half.bootstrap_tau(scores, known.truth))
        assert bool(found.high - found.low > 2.4 * by_architectures) is wider
    store = write_store(tmp_path / "store", Scenario())
    row = reference_row(compute_effects(load_results(store, "default"), 200), "3 seeds of the baseline together")
    assert row.estimates["tau_better_half"].seeds == row.tau.seeds == 3
    assert math.isfinite(row.estimates["tau_better_half"].low)
    assert math.isnan(row.estimates["spearman"].low)
