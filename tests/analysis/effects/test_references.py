"""Reference rows have all metrics that their scores give; a third run chooses the better half of the ceiling."""

import math
from dataclasses import replace
from itertools import permutations
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from supernet_bench.analysis.effects.effects import Effect
from supernet_bench.analysis.effects.estimate import compute_effects
from supernet_bench.analysis.effects.references import noise_ceiling
from supernet_bench.analysis.effects.together import TOGETHER_METRICS
from supernet_bench.analysis.ranking import metrics
from supernet_bench.analysis.ranking.measures import RANK_METRICS, TOP_METRICS
from supernet_bench.analysis.ranking.resampling import bootstrap_tau, bootstrap_weights
from supernet_bench.analysis.ranking.sample import Sample
from supernet_bench.analysis.results import Results, load_results
from supernet_bench.records.run import Blocks, Strata
from tests.analysis.synthetic import Scenario, write_store


@pytest.fixture
def results(tmp_path: Path) -> Results:
    return load_results(write_store(tmp_path / "store", Scenario()), "default")


def rows(results: Results) -> dict[str, Effect]:
    effects = compute_effects(results, 200, 0)
    return {effect.level.name: effect for effect in (*effects.levels, *effects.references)}


def published(runs: int = 3, n: int = 3000, seed: int = 0) -> pd.DataFrame:
    """Return single runs that are as noisy as the better half is wide, some of them missing."""
    rng = np.random.default_rng(seed)
    values = rng.normal(size=n)[:, None] + rng.normal(size=(n, runs))
    values[rng.random(n) < 0.3, -1] = np.nan
    return pd.DataFrame(values, columns=[f"truth_run{run}" for run in range(runs)])


def test_costs_have_the_metrics_of_runs(results: Results) -> None:
    found = rows(results)
    truth = results.truth.to_numpy()
    for name, column in (("parameter count", "parameters"), ("MACs", "macs")):
        estimates = found[name].estimates
        values = results.reference.loc[results.truth.index, column].to_numpy()
        assert estimates["tau"].value == metrics.kendall_tau(values, truth)
        assert estimates["tau_better_half"].value == metrics.kendall_tau_better_half(values, truth)
        assert estimates["tau_better_half"].low < estimates["tau_better_half"].value < estimates["tau_better_half"].high
        assert estimates["ndcg_at_10_percent"].value == metrics.ndcg_at(values, truth)
        assert estimates["best_percentile_at_10"].value == metrics.best_percentile_at(values, truth, 10)
        assert estimates["regret_at_10"].value == metrics.regret_at(values, truth, 10)
        assert {estimate.seeds for estimate in estimates.values()} == {0}
        assert all(math.isnan(estimates[metric].low) for metric in TOP_METRICS)
        assert "tau_cross_entropy" not in estimates
    assert "partial_tau" not in found["parameter count"].estimates, "of the parameter count nothing is left"
    assert math.isfinite(found["MACs"].estimates["partial_tau"].value)
    assert set(found["baseline"].estimates) == set(RANK_METRICS + TOP_METRICS + TOGETHER_METRICS)


def test_the_better_half_of_the_ceiling_is_chosen_by_the_third_run() -> None:
    table = published()
    known = table.dropna().to_numpy().T
    weights = bootstrap_weights(len(table), 100, 0)
    found = noise_ceiling(table, "truth", weights)
    assert found is not None
    estimate = found.estimates["tau_better_half"]
    expected = np.mean([metrics.kendall_tau_better_half(a, b, by=c) for a, b, c in permutations(known)])
    by_either = np.mean([metrics.kendall_tau_better_half(a, b) for a, b in permutations(known, 2)])
    assert estimate.value == pytest.approx(expected)
    assert estimate.architectures == known.shape[1] < found.tau.architectures == len(table)
    assert estimate.low < estimate.value < estimate.high
    assert expected - by_either > 0.02
    assert found.tau.value > estimate.value


def test_two_runs_have_a_ceiling_but_none_of_the_better_half() -> None:
    table = published(runs=2, n=200)
    found = noise_ceiling(table, "truth", bootstrap_weights(200, 100, 0))
    assert found is not None
    assert set(found.estimates) == {"tau"}
    assert noise_ceiling(published(runs=1, n=200), "truth", bootstrap_weights(200, 100, 0)) is None


def test_strata_reach_every_row(results: Results) -> None:
    """Where one stratum stands for a hundred times the other, rows are mostly of its architectures."""
    n = len(results.architectures)
    of = (np.arange(n) % 3 == 0).astype(int)
    drawn = np.bincount(of)
    strata = Strata("parameters", (int(drawn[0]), 100 * int(drawn[1])), tuple(of.tolist()))
    found = rows(replace(results, strata=strata))
    sample = Sample.in_strata(of, strata.sizes)
    truth = results.truth.to_numpy()
    values = results.reference.loc[results.truth.index, "parameters"].to_numpy()
    tau = metrics.kendall_tau(values, truth, sample)
    assert found["parameter count"].tau.value == pytest.approx(tau)
    assert found["parameter count"].tau.value != rows(results)["parameter count"].tau.value
    run = results.runs[results.runs["factor"] == "baseline"].iloc[0]["run_id"]
    late = results.scores[(results.scores["run_id"] == run) & results.scores["late"]]
    taus = [metrics.kendall_tau(part["score"].to_numpy(), truth, sample) for _, part in late.groupby("epoch")]
    effects = compute_effects(replace(results, strata=strata), 200, 0)
    assert effects.runs.set_index("run_id")["tau"][run].iloc[0] == pytest.approx(np.mean(taus))
    curve = effects.checkpoints[(effects.checkpoints["run_id"] == run) & effects.checkpoints["late"]]
    assert curve["tau"].to_numpy() == pytest.approx(np.array(taus))


def test_strata_of_architectures_without_truth_are_left_out(results: Results) -> None:
    reference = results.reference.copy()
    reference.loc[results.architectures[:4], results.target] = np.nan
    of = (np.arange(len(results.architectures)) % 3 == 0).astype(int)
    strata = Strata("parameters", (500, 700), tuple(of.tolist()))
    found = rows(replace(results, strata=strata, reference=reference))
    known = results.architectures[4:]
    values, truth = (reference.loc[known, column].to_numpy() for column in ("macs", results.target))
    sample = Sample.in_strata(of[4:], [500, 700])
    tau = found["MACs"].tau
    assert tau.value == pytest.approx(metrics.kendall_tau(values, truth, sample))
    resampled = bootstrap_tau(sample.resample(200, 0), values, truth, sample)
    assert [tau.low, tau.high] == pytest.approx(np.quantile(resampled, [0.025, 0.975]))


def test_blocks_do_not_change_what_is_measured(results: Results) -> None:
    late = results.scores[results.scores["late"]]
    n = len(results.architectures)
    blocks = {
        (run, epoch): Blocks((10, 10), ((3,) * n, tuple(range(n))), ((0.5,) * n, (1.5,) * n))
        for run, epoch in late[["run_id", "epoch"]].drop_duplicates().itertuples(index=False)
    }
    assert rows(replace(results, blocks=blocks)).keys() == rows(results).keys()
    taus = [rows(one)["baseline"].tau.value for one in (results, replace(results, blocks=blocks))]
    assert taus[0] == taus[1]
