"""Effects of a study against the same numbers worked out from its records by hand."""

import json
import math
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from supernet_bench.analysis.effects import estimate as estimating
from supernet_bench.analysis.effects.effects import Effect, Effects
from supernet_bench.analysis.effects.estimate import compute_effects
from supernet_bench.analysis.effects.intervals import FEWEST, holm
from supernet_bench.analysis.effects.moderation import moderate
from supernet_bench.analysis.pages.notes import table_notes
from supernet_bench.analysis.pages.reading import reading
from supernet_bench.analysis.ranking import metrics
from supernet_bench.analysis.ranking.measures import Measures, measure_run
from supernet_bench.analysis.ranking.scores import Kind
from supernet_bench.analysis.results import load_results
from supernet_bench.core.errors import InputError
from supernet_bench.records.layout import record_path
from tests.analysis.synthetic import Scenario, grid_of_two, reference_table, run_id, write_record, write_store


@pytest.fixture
def store(tmp_path: Path) -> Path:
    return write_store(tmp_path / "store", Scenario())


def effects_of(store: Path, resamples: int = 200) -> Effects:
    return compute_effects(load_results(store, "default"), resamples, seed=0)


def row(effects: Effects, name: str) -> Effect:
    return next(e for e in (*effects.levels, *effects.references) if e.level.name.startswith(name))


def record(store: Path, identity: str) -> dict[str, Any]:
    return json.loads(record_path(store, identity).read_text())


def tau_by_hand(store: Path, identity: str) -> float:
    content = record(store, identity)
    truth = reference_table()["cifar10_valid_200"].to_numpy()[content["architectures"]]
    late = [checkpoint["accuracy"] for checkpoint in content["checkpoints"] if checkpoint["late"]]
    return float(np.mean([stats.kendalltau(accuracy, truth).statistic for accuracy in late]))


def test_levels_and_differences_are_means_over_seeds(store: Path) -> None:
    effects = effects_of(store)
    fairnas = [tau_by_hand(store, run_id("sampling", "fairnas accounting=compute", seed)) for seed in range(3)]
    baseline = [tau_by_hand(store, run_id("baseline", "baseline", seed)) for seed in range(3)]
    effect = row(effects, "fairnas")
    assert effect.tau.value == pytest.approx(np.mean(fairnas))
    assert effect.difference is not None
    assert effect.difference.value == pytest.approx(np.mean(fairnas) - np.mean(baseline))
    assert (effect.difference.seeds, effect.difference.architectures) == (3, 60)
    assert effect.difference.low < effect.difference.value < effect.difference.high
    assert row(effects, "uniform").difference is None
    assert row(effects, "uniform").tau == effects.baseline.tau


def test_a_known_effect_is_found_and_its_sign_is_right(store: Path) -> None:
    effects = effects_of(store)
    pool = row(effects, "pool").difference
    assert pool is not None
    assert pool.high < 0
    assert row(effects, "untrained").tau.value < effects.baseline.tau.value


def by_seed(store: Path, factor: str, level: str, seeds: Iterable[int] = range(3)) -> np.ndarray:
    return np.array([tau_by_hand(store, run_id(factor, level, seed)) for seed in seeds])


def test_all_seeds_of_both_count_and_those_of_both_are_paired_beside(store: Path) -> None:
    record_path(store, run_id("sampling", "fairnas accounting=compute", 0)).unlink()
    record_path(store, run_id("baseline", "baseline", 2)).unlink()
    effect = row(effects_of(store), "fairnas")
    level, baseline = (
        by_seed(store, "sampling", "fairnas accounting=compute", (1, 2)),
        by_seed(store, "baseline", "baseline", (0, 1)),
    )
    difference, paired = effect.difference, effect.paired["tau"]
    assert difference is not None
    assert (effect.tau.seeds, difference.seeds, difference.against, difference.paired) == (2, 2, 2, False)
    assert difference.value == pytest.approx(level.mean() - baseline.mean())
    assert (paired.seeds, paired.paired, paired.one_seed) == (1, True, True)
    assert paired.value == pytest.approx(level[0] - baseline[1])


def test_seeds_of_the_baseline_alone_narrow_every_difference(tmp_path: Path) -> None:
    few = write_store(tmp_path / "few", Scenario())
    many = write_store(tmp_path / "many", Scenario(baseline_seeds=range(3, 11)))
    one, other = (effects_of(store) for store in (few, many))
    baseline = by_seed(many, "baseline", "baseline", range(11))
    assert (other.baseline.tau.seeds, other.baseline.counts.planned) == (11, 11)
    assert other.baseline.tau.value == pytest.approx(baseline.mean())
    assert row(other, "uniform").tau == other.baseline.tau
    for name in ("fairnas", "pool", "tracked"):
        narrow, wide = row(other, name).difference, row(one, name).difference
        assert narrow is not None
        assert wide is not None
        assert (narrow.seeds, narrow.against, wide.against) == (3, 11, 3)
        assert narrow.value == pytest.approx(row(other, name).tau.value - baseline.mean())
        assert narrow.high - narrow.low < wide.high - wide.low
        assert row(other, name).paired == row(one, name).paired


def test_a_level_that_only_scores_differently_is_paired_with_the_same_training(tmp_path: Path) -> None:
    """All runs share the resamples: the scores of the baseline differ by exactly nothing, in every resample."""
    store = write_store(tmp_path / "store", Scenario(same_training=("tracked",)))
    tracked = row(effects_of(store), "tracked").difference
    differences = by_seed(store, "batch_norm", "tracked") - by_seed(store, "baseline", "baseline")
    assert tracked is not None
    assert tracked.paired
    assert tracked.deviation == pytest.approx(differences.std(ddof=1))
    for seed in range(3):
        content = record(store, run_id("batch_norm", "tracked", seed))
        content["checkpoints"] = record(store, run_id("baseline", "baseline", seed))["checkpoints"]
        write_record(store, content)
    difference = row(effects_of(store), "tracked").difference
    assert difference is not None
    assert (difference.value, difference.low, difference.high) == (0, 0, 0)
    content["counts"]["path_passes"] += 1
    write_record(store, content)
    difference = row(effects_of(store), "tracked").difference
    assert difference is not None
    assert not difference.paired
    assert difference.low < 0 < difference.high


def moderated_scenario(levels: int) -> Scenario:
    factors = {"sampling": {"uniform": 1.0} | {f"level {number}": 1.0 for number in range(levels)}}
    return Scenario(factors=factors, epochs=(5,), late=1)


def test_variances_over_seeds_are_moderated_by_those_of_many_levels(tmp_path: Path) -> None:
    store = write_store(tmp_path / "store", moderated_scenario(12))
    names = [("baseline", "baseline"), *(("sampling", f"level {number}") for number in range(12))]
    own = [float(np.var(by_seed(store, *name), ddof=1)) for name in names]
    expected = moderate(own, [2.0] * 13)
    levels = [effect for effect in effects_of(store).levels if effect.difference]
    assert len(levels) == 12
    for effect, variance in zip(levels, expected[1:], strict=True):
        difference = effect.difference
        assert difference is not None
        assert difference.spread is not None
        found = [(3 * part.deviation**2, part.degrees) for part in difference.spread.seeds]
        wanted = [(variance.value, variance.degrees), (expected[0].value, expected[0].degrees)]
        assert np.ravel(found) == pytest.approx(np.ravel(wanted))
        assert difference.deviation == pytest.approx(math.sqrt(variance.value))


def test_few_levels_have_their_own_variances(tmp_path: Path) -> None:
    store = write_store(tmp_path / "store", moderated_scenario(4))
    for effect in effects_of(store).levels:
        if effect.difference:
            expected = by_seed(store, "sampling", effect.level.name).std(ddof=1)
            assert effect.difference.deviation == pytest.approx(expected)
            assert effect.difference.spread
            assert [part.degrees for part in effect.difference.spread.seeds] == [2, 2]


@pytest.mark.parametrize("architectures", [2, 3, 4, 5])
def test_few_architectures_have_no_interval(tmp_path: Path, architectures: int) -> None:
    """Of two, every tau is 1 or -1 and so is that of every resample."""
    effects = effects_of(write_store(tmp_path / "store", Scenario(architectures=architectures)))
    found = [effect.tau for effect in (*effects.levels, *effects.references)]
    for effect in (*effects.levels, *effects.references):
        found += [*effect.estimates.values(), *effect.differences.values()]
        found += [effect.baseline_minus_this] if effect.baseline_minus_this else []
    assert sum(not math.isnan(estimate.value) for estimate in found) > 20
    enough = architectures >= FEWEST
    assert any(not math.isnan(estimate.low) for estimate in found) == enough
    assert bool(effects.comparisons) == enough
    assert any(f"{architectures} architectures: too few for intervals" in line for line in effects.warnings) != enough
    said = [finding.claim for finding in reading(effects, "sampling")]
    assert (said == ["Too little for an interval"]) != enough


def test_no_interval_has_no_width_but_around_nothing(store: Path) -> None:
    for effect in effects_of(store).levels:
        for estimate in (*effect.estimates.values(), *effect.differences.values()):
            assert math.isnan(estimate.low) or estimate.low < estimate.high or estimate.value == 0


def test_differences_separate_tau_from_a_preference_for_size(store: Path) -> None:
    effect = row(effects_of(store), "fairnas")
    scored = load_results(store, "default").architectures
    parameters = reference_table()["parameters"].to_numpy()[scored]
    truth = reference_table()["cifar10_valid_200"].to_numpy()[scored]

    def of_seeds(factor: str, level: str, metric: Callable[[np.ndarray], float]) -> np.ndarray:
        records = [record(store, run_id(factor, level, seed)) for seed in range(3)]
        late = [[np.array(c["accuracy"]) for c in content["checkpoints"] if c["late"]] for content in records]
        return np.array([np.mean([metric(accuracy) for accuracy in run]) for run in late])

    def size(accuracy: np.ndarray) -> float:
        return float(stats.kendalltau(accuracy, parameters).statistic)

    def partial(accuracy: np.ndarray) -> float:
        x, y = size(accuracy), stats.kendalltau(truth, parameters).statistic
        return float((stats.kendalltau(accuracy, truth).statistic - x * y) / math.sqrt((1 - x**2) * (1 - y**2)))

    def precision(accuracy: np.ndarray) -> float:
        """Of 60 architectures, 1 % is the best one."""
        return float(np.argmax(accuracy) == np.argmax(truth))

    for name, metric in {"tau_parameters": size, "partial_tau": partial, "precision_at_1_percent": precision}.items():
        values = of_seeds("sampling", "fairnas accounting=compute", metric)
        differences = values - of_seeds("baseline", "baseline", metric)
        assert effect.estimates[name].value == pytest.approx(values.mean())
        assert effect.differences[name].value == pytest.approx(differences.mean())
        assert effect.differences[name].deviation == pytest.approx(values.std(ddof=1))
        assert effect.paired[name].deviation == pytest.approx(differences.std(ddof=1))
        assert effect.differences[name].seeds == 3


def test_path_passes_are_compared_over_the_seeds_of_both(store: Path) -> None:
    for seed, passes in ((0, 2200), (1, 1320), (2, 4400)):
        content = record(store, run_id("sampling", "fairnas accounting=compute", seed))
        write_record(store, content | {"counts": content["counts"] | {"path_passes": passes}})
    baseline = record(store, run_id("baseline", "baseline", 0))["counts"]["path_passes"]
    record_path(store, run_id("baseline", "baseline", 2)).unlink()
    effects = effects_of(store)
    assert row(effects, "fairnas").path_passes == pytest.approx((2200 + 1320) / 2 / baseline)
    assert row(effects, "pool").path_passes == row(effects, "uniform").path_passes == effects.baseline.path_passes == 1
    assert math.isnan(row(effects, "untrained").path_passes)


def test_tau_among_equal_sizes_is_that_of_the_records(store: Path) -> None:
    path = store / "spaces" / "toy.parquet"
    table = pd.read_parquet(path)
    table["parameters"] //= 100_000
    table.to_parquet(path)
    effects = effects_of(store)
    scored = table.set_index("index").loc[load_results(store, "default").architectures]
    truth, sizes = scored["cifar10_valid_200"].to_numpy(), scored["parameters"].to_numpy()
    same = np.triu(sizes[:, None] == sizes, 1)
    assert effects.equal_size_pairs == np.sum(same & (truth[:, None] != truth))

    def within(factor: str, level: str, seed: int) -> float:
        late = [c["accuracy"] for c in record(store, run_id(factor, level, seed))["checkpoints"] if c["late"]]
        return float(np.mean([metrics.kendall_tau_within(np.array(x), truth, sizes) for x in late]))

    differences = [within("sampling", "pool size=50", s) - within("baseline", "baseline", s) for s in range(3)]
    found = row(effects, "pool").differences["tau_equal_size"]
    assert found.value == pytest.approx(np.mean(differences))
    assert found.high - found.low > 2 * 4.302653 * np.std(differences, ddof=1) / math.sqrt(3) - 1e-6


def test_without_equal_sizes_there_is_no_tau_among_them(store: Path) -> None:
    effects = effects_of(store)
    assert effects.equal_size_pairs == 0
    assert math.isnan(row(effects, "pool").differences["tau_equal_size"].value)


def test_top_metrics_differ_by_seed_alone(store: Path) -> None:
    effects = effects_of(store)
    runs = effects.runs.set_index(["factor", "level", "seed"]).sort_index()["regret_at_10"]
    level, baseline = (runs[name].to_numpy() for name in (("sampling", "pool size=50"), ("baseline", "baseline")))
    effect, values = row(effects, "pool"), level - baseline
    for difference, half in (
        (effect.differences["regret_at_10"], math.hypot(level.std(ddof=1), baseline.std(ddof=1))),
        (effect.paired["regret_at_10"], values.std(ddof=1)),
    ):
        half *= 4.302653 / math.sqrt(3)
        assert difference.value == pytest.approx(values.mean())
        assert (difference.low, difference.high) == pytest.approx(
            (values.mean() - half, values.mean() + half), abs=1e-6
        )
    assert effect.paired["regret_at_10"].p_value == pytest.approx(stats.ttest_1samp(values, 0).pvalue)


def test_every_metric_is_corrected_for_all_levels(store: Path) -> None:
    effects = effects_of(store)
    for name in effects.levels[2].differences:
        family = [effect.differences[name] for effect in effects.levels if effect.differences]
        decided = [difference for difference in family if math.isfinite(difference.p_value)]
        expected = holm([difference.p_value for difference in decided])
        assert [difference.adjusted for difference in decided] == expected
        assert all(math.isnan(difference.adjusted) for difference in family if difference not in decided)


def grid_store(folder: Path, seeds: range = range(3)) -> Path:
    noise = {(a, b): 1.0 + 0.5 * i + j for i, a in enumerate(("x", "y")) for j, b in enumerate(("u", "v", "w"))}
    levels, cells = grid_of_two(noise)
    return write_store(folder / "store", Scenario(seeds=seeds, factors={"a x b": levels}, cells=cells))


def test_interactions_are_differences_of_differences_by_seed(tmp_path: Path) -> None:
    store = grid_store(tmp_path)
    effects = effects_of(store)

    def taus(first: str, second: str) -> np.ndarray:
        place = (
            ("baseline", "baseline")
            if (first, second) == ("x", "u")
            else ("a x b", f"sampling {first}, learning_rate {second}")
        )
        return np.array([tau_by_hand(store, run_id(*place, seed)) for seed in range(3)])

    for second in ("v", "w"):
        cells = [taus("y", second), -taus("y", "u"), -taus("x", second), taus("x", "u")]
        spread = math.sqrt(sum(cell.var(ddof=1) for cell in cells))
        interaction = row(effects, f"sampling y, learning_rate {second}").interaction
        assert interaction is not None
        assert interaction.value == pytest.approx(sum(cell.mean() for cell in cells))
        assert interaction.deviation == pytest.approx(cells[0].std(ddof=1))
        assert interaction.high - interaction.value > 4.302653 * spread / math.sqrt(3) - 1e-6
    found = [effect.interaction for effect in effects.levels if effect.interaction]
    assert [one.adjusted for one in found] == holm([one.p_value for one in found])
    assert len(found) == 2


def test_an_interaction_needs_all_four_runs_of_a_seed(tmp_path: Path) -> None:
    store = grid_store(tmp_path)
    record_path(store, run_id("a x b", "sampling x, learning_rate v", 1)).unlink()
    effects = effects_of(store)
    seeds = {e.level.name: e.interaction.seeds for e in effects.levels if e.interaction}
    assert seeds == {"sampling y, learning_rate v": 2, "sampling y, learning_rate w": 3}


def test_a_manifest_without_cells_has_no_grid(tmp_path: Path) -> None:
    store = grid_store(tmp_path)
    path = store / "studies" / "default.json"
    manifest = json.loads(path.read_text())
    for level in manifest["factors"][0]["levels"]:
        del level["cell"]
    path.write_text(json.dumps(manifest))
    effects = effects_of(store)
    assert effects.grids == []
    assert len(effects.of_factor("a x b")) == 6


def test_references_rank_the_scored_architectures(store: Path) -> None:
    effects = effects_of(store)
    table = reference_table().loc[load_results(store, "default").architectures]
    truth = table["cifar10_valid_200"]
    expected = {
        "parameter count": stats.kendalltau(table["parameters"], truth).statistic,
        "MACs": stats.kendalltau(table["macs"], truth).statistic,
        "published accuracy, 12 epochs": stats.kendalltau(table["cifar10_valid_12"], truth).statistic,
    }
    for name, tau in expected.items():
        assert row(effects, name).tau.value == pytest.approx(tau)
        assert (row(effects, name).tau.seeds, row(effects, name).tau.architectures) == (0, 60)
    runs = [table[f"cifar10_valid_200_run{i}"] for i in range(3)]
    both = runs[2].notna()
    pairs = [(runs[0], runs[1]), (runs[0][both], runs[2][both]), (runs[1][both], runs[2][both])]
    ceiling = np.mean([stats.kendalltau(x, y).statistic for x, y in pairs])
    assert row(effects, "noise ceiling").tau.value == pytest.approx(ceiling)
    assert all(effect.tau.low < effect.tau.value < effect.tau.high for effect in effects.references)


def test_references_are_paired_with_the_baseline(store: Path) -> None:
    effects = effects_of(store)
    table = reference_table().loc[load_results(store, "default").architectures]
    baseline = [tau_by_hand(store, run_id("baseline", "baseline", seed)) for seed in range(3)]
    untrained = [tau_by_hand(store, run_id("untrained", "untrained", seed)) for seed in range(3)]
    macs = stats.kendalltau(table["macs"], table["cifar10_valid_200"]).statistic
    for name, differences in (
        ("untrained", np.subtract(baseline, untrained)),
        ("MACs", np.array(baseline) - macs),
    ):
        margin = row(effects, name).baseline_minus_this
        assert margin is not None
        assert margin.value == pytest.approx(np.mean(differences))
        assert (margin.seeds, margin.architectures) == (3, 60)
        half = 4.302653 * np.std(differences, ddof=1) / math.sqrt(3)
        assert margin.high - margin.value > half
    assert effects.baseline.baseline_minus_this is None


def test_a_reference_that_ranks_as_the_baseline_does_shares_its_resamples(store: Path) -> None:
    """Only the choice of architectures is left in either tau, and it cancels in every resample."""
    chosen = load_results(store, "default").architectures
    scores = record(store, run_id("baseline", "baseline", 0))["checkpoints"][-1]
    for seed in range(3):
        content = record(store, run_id("baseline", "baseline", seed))
        write_record(store, content | {"checkpoints": [scores]})
    table = pd.read_parquet(store / "spaces" / "toy.parquet")
    table["macs"] = table["macs"].astype(float)
    table.loc[chosen, "macs"] = scores["accuracy"]
    table.to_parquet(store / "spaces" / "toy.parquet")
    margin = row(effects_of(store), "MACs").baseline_minus_this
    assert margin is not None
    assert (margin.value, margin.low, margin.high) == pytest.approx((0, 0, 0), abs=1e-9)


@pytest.mark.parametrize("known", [0, 1, 2])
def test_hardly_any_truth_aborts_nothing_and_is_said_once(store: Path, known: int) -> None:
    table = pd.read_parquet(store / "spaces" / "toy.parquet")
    chosen = load_results(store, "default").architectures
    table.loc[chosen[known:], "cifar10_valid_200"] = np.nan
    table.loc[chosen[:known], "cifar10_valid_200"] = 0.5
    table.to_parquet(store / "spaces" / "toy.parquet")
    effects = effects_of(store)
    assert math.isnan(effects.baseline.tau.value)
    assert not any("constant scores" in line for line in effects.warnings)
    assert sum("no usable truth" in line for line in effects.warnings) == 1


def test_a_target_without_shorter_training_has_no_such_reference(store: Path) -> None:
    results = load_results(store, "default", "cifar10_test_200")
    references = compute_effects(results, 200, seed=0).references
    names = [effect.level.name for effect in references if effect.kind is not Kind.SUPERNET]
    assert names == ["untrained", "parameter count", "MACs"]


def test_constant_scores_have_no_tau_but_stay_in_the_table(store: Path) -> None:
    content = record(store, run_id("batch_norm", "tracked", 1))
    for checkpoint in content["checkpoints"]:
        checkpoint["accuracy"] = [0.1] * 60
    write_record(store, content)
    effects = effects_of(store)
    effect = row(effects, "tracked")
    assert (effect.counts.finished, effect.counts.undefined, effect.tau.seeds) == (3, 1, 2)
    assert effect.difference is not None
    assert effect.difference.seeds == 2
    assert effect.estimates["tau_cross_entropy"].seeds == 3
    assert any(line.startswith("constant scores, so no tau: batch_norm tracked, seed 1") for line in effects.warnings)


@pytest.mark.parametrize("overflow", [None, math.inf, math.nan])
def test_overflowed_cross_entropy_costs_only_its_own_column(store: Path, overflow: float | None) -> None:
    content = record(store, run_id("batch_norm", "tracked", 1))
    content["checkpoints"][-1]["cross_entropy"][0] = overflow
    write_record(store, content)
    effect = row(effects_of(store), "tracked")
    assert (effect.tau.seeds, effect.estimates["tau_cross_entropy"].seeds) == (3, 2)


def test_a_level_that_ranks_by_cross_entropy_is_measured_by_it(store: Path) -> None:
    identity = run_id("batch_norm", "tracked", 1)
    content = record(store, identity)
    # Accuracies of the opposite order, so that whatever is computed from them is told apart.
    for checkpoint in content["checkpoints"]:
        checkpoint["accuracy"] = [1 - accuracy for accuracy in checkpoint["accuracy"]]
    before = effects_of(store)
    write_record(store, content | {"heuristics": {"scoring": {"name": "scoring", "score": "cross_entropy"}}})
    effects = effects_of(store)
    run = effects.runs.set_index("run_id").loc[identity]
    truth = effects.truth.to_numpy()
    late = [-np.array(point["cross_entropy"]) for point in content["checkpoints"] if point["late"]]
    for name, metric in (
        ("tau", metrics.kendall_tau),
        ("sparse_tau", metrics.sparse_kendall_tau),
        ("sparse_tau_yu", metrics.sparse_kendall_tau_yu),
        ("spearman", metrics.spearman_rho),
        ("regret_at_10", lambda score, truth: metrics.regret_at(score, truth, 10)),
        ("precision_at_5_percent", lambda score, truth: metrics.precision_at(score, truth, 0.05)),
    ):
        assert run[name] == pytest.approx(np.mean([metric(score, truth) for score in late])), name
    assert run["tau_cross_entropy"] == run["tau"] > 0
    points = effects.checkpoints.set_index(["run_id", "epoch"])["tau"]
    assert points[identity, 40] == pytest.approx(metrics.kendall_tau(late[-1], truth))
    tracked, was = row(effects, "tracked"), row(before, "tracked").estimates["tau_cross_entropy"]
    assert tracked.estimates["tau_cross_entropy"] == was
    # The interval holds what its replicates, of the same prediction, give.
    assert tracked.tau.low < tracked.tau.value < tracked.tau.high


def test_what_overflowed_ranks_last_in_a_run_that_ranks_by_cross_entropy(store: Path) -> None:
    identity = run_id("batch_norm", "tracked", 1)
    content = record(store, identity)
    for checkpoint in content["checkpoints"]:
        checkpoint["cross_entropy"][:3] = [None] * 3
    write_record(store, content | {"heuristics": {"scoring": {"name": "scoring", "score": "cross_entropy"}}})
    effects = effects_of(store)
    late = [[p or 1e9 for p in point["cross_entropy"]] for point in content["checkpoints"] if point["late"]]
    truth = effects.truth.to_numpy()
    expected = np.mean([stats.kendalltau(-np.array(losses), truth).statistic for losses in late])
    assert effects.runs.set_index("run_id").loc[identity, "tau"] == pytest.approx(expected)
    assert row(effects, "tracked").counts.undefined == 0
    assert row(effects, "tracked").tau.low < row(effects, "tracked").tau.value


def test_architectures_without_truth_are_left_out_and_counted(store: Path) -> None:
    table = pd.read_parquet(store / "spaces" / "toy.parquet")
    chosen = load_results(store, "default").architectures
    table.loc[chosen[:4], "cifar10_valid_200"] = np.nan
    table.to_parquet(store / "spaces" / "toy.parquet")
    effects = effects_of(store)
    assert effects.baseline.tau.architectures == 56
    assert "4 scored architectures without cifar10_valid_200 left out" in effects.warnings


def test_too_few_resamples_are_refused(store: Path) -> None:
    with pytest.raises(InputError, match="resamples is 99; allowed: at least 100"):
        effects_of(store, resamples=99)


def test_top_metrics_of_few_architectures_are_undefined(tmp_path: Path) -> None:
    store = write_store(tmp_path / "store", Scenario(architectures=8))
    effect = effects_of(store).baseline
    assert math.isnan(effect.estimates["regret_at_10"].value)
    assert math.isfinite(effect.tau.value)


def test_blocks_of_images_widen_intervals_and_are_spoken_of(store: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """All runs respond to the images alike, so levels are less certain, and their differences as certain as before."""
    before = effects_of(store)
    common = 0.02 * np.random.default_rng(0).normal(size=20)

    def with_blocks(*arguments: Any) -> Measures:
        measured = measure_run(*arguments)
        return replace(measured, jackknife={name: value + common for name, value in measured.values.items()})

    monkeypatch.setattr(estimating, "measure_run", with_blocks)
    effects = effects_of(store)
    assert (before.blocks, effects.blocks) == (0, 20)
    for name in ("fairnas", "untrained", "baseline"):
        for metric in ("tau", "regret_at_10"):
            one, other = row(effects, name).estimates[metric], row(before, name).estimates[metric]
            assert one.high - one.low > other.high - other.low or math.isnan(other.low)
    lead, less = row(effects, "MACs").baseline_minus_this, row(before, "MACs").baseline_minus_this
    assert lead is not None
    assert less is not None
    assert lead.high - lead.low > less.high - less.low
    for differences in ("differences", "paired"):
        one, other = (getattr(row(each, "fairnas"), differences)["tau"] for each in (effects, before))
        assert (one.low, one.high) == pytest.approx((other.low, other.high))
    results = load_results(store, "default")
    said, was = (" ".join(table_notes(results, each)) for each in (effects, before))
    assert "other seeds, other architectures and other validation images" in said
    assert "leaving out one of 20 blocks of images at a time" in said
    assert "other seeds and other architectures:" in was
    assert "do not cover the choice of validation images" in was
    assert "do not cover the choice of validation images" not in said
