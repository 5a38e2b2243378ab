"""Everything that is measured of a run: on real records, with images left out, and of what is incomplete."""

import math
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from supernet_bench.analysis.ranking import metrics, resampling
from supernet_bench.analysis.ranking.measures import RANK_METRICS, TOP_METRICS, Yardstick, measure_run
from supernet_bench.analysis.ranking.pair_table import Order, PairTable
from supernet_bench.analysis.ranking.sample import Sample
from supernet_bench.analysis.ranking.scores import Kind, Scores, of_runs
from supernet_bench.records.run import Blocks

N, BLOCKS = 60, 5


def yardstick(n: int = N, sample: Sample | None = None) -> Yardstick:
    rng = np.random.default_rng(0)
    parameters = rng.integers(0, 9, n).astype(float)
    truth = np.clip(0.6 + 0.02 * parameters + 0.1 * rng.normal(size=n), 0, 1).round(3)
    weights = resampling.bootstrap_weights(n, 100, 0, sample)
    return Yardstick(truth, parameters, np.concatenate([truth, rng.random(200)]), weights, sample)


def scores(of: Yardstick, checkpoints: int = 2, blocks: int = BLOCKS) -> Scores:
    """Return noisy scores with ties, and others in place of those with a block left out."""
    rng = np.random.default_rng(1)

    def noisy(*shape: int) -> np.ndarray:
        return (of.truth + 0.1 * rng.normal(size=(*shape, len(of.truth)))).round(2)

    return Scores(
        Kind.SUPERNET,
        "a run",
        tuple(noisy() for _ in range(checkpoints)),
        tuple(-noisy() for _ in range(checkpoints)),
        tuple(noisy(blocks) for _ in range(checkpoints)),
        tuple(-noisy(blocks) for _ in range(checkpoints)),
    )


@pytest.mark.parametrize("in_strata", [False, True])
def test_a_jackknife_is_every_metric_of_every_block_left_out(in_strata: bool) -> None:
    sample = Sample.in_strata(np.arange(N) % 3, [100, 200, 400]) if in_strata else None
    of = yardstick(sample=sample)
    all_scores = scores(of)
    found = measure_run(all_scores, of)
    assert set(found.jackknife) == set(RANK_METRICS + TOP_METRICS)
    for block in range(BLOCKS):
        alone = Scores(
            Kind.SUPERNET,
            "one block",
            tuple(one[block] for one in all_scores.deleted),
            tuple(one[block] for one in all_scores.deleted_cross_entropies),
        )
        expected = measure_run(alone, of).values
        for name, value in expected.items():
            assert found.jackknife[name][block] == pytest.approx(value, abs=2e-6), name
    assert all(values.shape == (BLOCKS,) and np.ptp(values) > 0 for values in found.jackknife.values())


def test_without_blocks_there_is_no_jackknife() -> None:
    of = yardstick()
    plain = replace(scores(of), deleted=(), deleted_cross_entropies=())
    found = measure_run(plain, of)
    assert found.jackknife == {}
    assert found.values == measure_run(scores(of), of).values


def test_many_architectures_are_jackknifed_alike(monkeypatch: pytest.MonkeyPatch) -> None:
    of = yardstick()
    quick = measure_run(scores(of), of).jackknife
    monkeypatch.setattr(metrics, "ALL_PAIRS", 10)
    slow = measure_run(scores(of), of).jackknife
    assert all(quick[name] == pytest.approx(slow[name], abs=1e-12) for name in slow)


def test_a_jackknife_over_images_tells_how_far_other_images_would_move_tau() -> None:
    """The spread of tau over sets of images, and its estimate, where architectures answer images by chance.

    The estimate is a little too large, as tau is a sum of steps: many pairs that a block turns would turn back with all
    others. With more architectures that is less.
    """
    rng = np.random.default_rng(0)
    of = yardstick(n=100)
    accuracy = np.clip(of.truth + 0.05 * rng.normal(size=100), 0.05, 0.95)
    difficulty = rng.normal(size=(4000, 1))  # Images are easy or hard for all architectures.
    taus, estimates = [], []
    for _ in range(40):
        images = rng.choice(difficulty[:, 0], 400)[:, None]
        right = rng.logistic(size=(400, 100)) < np.log(accuracy / (1 - accuracy)) + images
        by_block = right.reshape(20, 20, 100).sum(axis=1)
        left_out = (right.sum(axis=0) - by_block) / 380
        found = measure_run(Scores(Kind.SUPERNET, "one", (right.mean(axis=0),), deleted=(left_out,)), of)
        taus.append(found.values["tau"])
        estimates.append(19 / 20 * np.sum((found.jackknife["tau"] - found.jackknife["tau"].mean()) ** 2))
    assert 0.9 < np.sqrt(np.mean(estimates)) / np.std(taus) < 1.7


def test_blocks_become_scores_without_them() -> None:
    """The architectures that are compared, in the order of the records, at each late checkpoint."""
    correct = np.array([[8, 2, 5], [9, 3, 1]])
    losses = [[0.5, 1.0, math.inf], [0.7, 2.0, 3.0]]
    blocks = Blocks((10, 20), tuple(map(tuple, correct.tolist())), tuple(map(tuple, losses)))
    frame = pd.DataFrame(
        {
            "run_id": "a",
            "epoch": 7,
            "late": True,
            "architecture": [4, 5, 6],
            "accuracy": correct.sum(axis=0) / 30,
            "cross_entropy": [(0.5 * 10 + 0.7 * 20) / 30, (10 + 40) / 30, math.nan],
        }
    )
    (by_accuracy,) = of_runs(frame.assign(score=frame["accuracy"]), pd.Index([4, 6]), (), {("a", 7): blocks})
    (deleted,), (beside,) = by_accuracy.deleted, by_accuracy.deleted_cross_entropies
    assert deleted == pytest.approx(np.array([[9 / 20, 1 / 20], [8 / 10, 5 / 10]]))
    assert beside == pytest.approx(np.array([[0.7, math.nan], [0.5, math.nan]]), nan_ok=True)
    by_loss = frame.assign(score=[-0.6, -1.7, -math.inf])
    (found,) = of_runs(by_loss, pd.Index([4, 6]), (), {("a", 7): blocks})
    assert found.deleted[0] == pytest.approx(np.array([[-0.7, -math.inf], [-0.5, -math.inf]]))


def test_a_run_without_blocks_at_one_checkpoint_has_none_left_out() -> None:
    blocks = Blocks((5, 5), ((1, 2), (2, 3)), ((0.5, 0.6), (0.7, 0.8)))
    part = {"run_id": "a", "late": True, "architecture": [4, 5], "accuracy": [0.3, 0.5], "cross_entropy": [0.6, 0.7]}
    frame = pd.concat([pd.DataFrame({**part, "epoch": epoch, "score": [0.3, 0.5]}) for epoch in (7, 8)])
    (found,) = of_runs(frame, pd.Index([4, 5]), (), {("a", 8): blocks})
    assert len(found.checkpoints) == 2
    assert found.deleted == found.deleted_cross_entropies == ()
    (found,) = of_runs(frame, pd.Index([4, 5]), (), {("a", 8): blocks, ("a", 7): blocks})
    assert len(found.deleted) == len(found.deleted_cross_entropies) == 2


@pytest.mark.parametrize("in_strata", [False, True])
def test_missing_scores_leave_their_architectures_out(in_strata: bool) -> None:
    sample = Sample.in_strata(np.arange(N) % 3, [100, 200, 400]) if in_strata else None
    of, known = yardstick(sample=sample), np.arange(N) % 4 != 0
    score = np.where(known, scores(of).checkpoints[0], np.nan)
    found = measure_run(Scores(Kind.IMPORTED, "part", (score,)), of)
    drawn = sample.known(known) if sample else None
    part = Yardstick(of.truth[known], of.parameters[known], of.table, of.weights[:, known], drawn)
    expected = measure_run(Scores(Kind.IMPORTED, "part", (score[known],)), part)
    assert math.isnan(found.values["tau_cross_entropy"])
    assert found.values == pytest.approx(expected.values, nan_ok=True)
    assert found.values["tau"] == metrics.kendall_tau(score[known], of.truth[known], drawn)
    assert found.replicates["tau"].mean() == pytest.approx(found.values["tau"], abs=found.replicates["tau"].std() / 3)


def test_resamples_of_those_with_a_score_weigh_them_as_they_stand_for_their_strata() -> None:
    sample = Sample.in_strata(np.arange(N) % 3, [100, 200, 400])
    of, known = yardstick(sample=sample), (np.arange(N) % 3 != 0) | (np.arange(N) % 2 == 0)
    part = of.part(known)
    assert part.sample is not None
    means = [part.weights.mean(axis=0)[part.sample.of == stratum].mean() for stratum in range(3)]
    expected = [part.sample.weights[part.sample.of == stratum][0] for stratum in range(3)]
    assert means == pytest.approx(expected, rel=0.06)
    assert expected[0] / expected[1] == pytest.approx(1)


def test_a_table_of_pairs_has_the_taus_of_single_rankings() -> None:
    of = yardstick()
    groups, members = of.parameters, of.truth > 0.65
    table = PairTable(
        {"all": Order(of.truth), "some": Order(of.truth, members), "alike": Order(of.truth, None, groups)}
    )
    score = np.where(of.truth < 0.6, -np.inf, scores(of).checkpoints[0])
    assert table.taus(score) == pytest.approx(
        {
            "all": metrics.kendall_tau(score, of.truth),
            "some": metrics.kendall_tau(score[members], of.truth[members]),
            "alike": metrics.kendall_tau_within(score, of.truth, groups),
        }
    )
    assert all(math.isnan(tau) for tau in table.taus(np.ones(N)).values())
