"""What scores say together, on records that were published and in small cases."""

import numpy as np
import pytest

from supernet_bench.analysis.ranking.combined import ensemble, rank_sum
from supernet_bench.analysis.ranking.metrics import kendall_tau
from supernet_bench.analysis.ranking.scores import Kind, Scores, of_runs
from supernet_bench.analysis.results import Results
from supernet_bench.core.errors import InputError
from tests.analysis import old_digits


@pytest.fixture(scope="module")
def results() -> Results:
    return old_digits.load()


def level(results: Results, place: tuple[str, str]) -> list[Scores]:
    """Return the scores of the eight seeds of a level."""
    by_run = {scores.name: scores for scores in of_runs(results.scores, results.truth.index, ())}
    runs = [by_run[run_id] for run_id in old_digits.run_ids(results, place)]
    assert len(runs) == 8
    return runs


@pytest.mark.parametrize(
    ("place", "alone", "together", "with_parameters"),
    [(old_digits.BASELINE, 0.414, 0.491, 0.663), (old_digits.TRANSFORM, 0.503, 0.577, 0.694)],
    ids=["baseline", "transform"],
)
def test_what_published_supernets_say_together(
    results: Results, place: tuple[str, str], alone: float, together: float, with_parameters: float
) -> None:
    """Numbers of an audit that computed them with other code, but for the last."""
    runs, truth = level(results, place), results.truth.to_numpy()
    parameters = results.reference.loc[results.truth.index, "parameters"].to_numpy()
    taus = [kendall_tau(np.mean(run.checkpoints, axis=0), truth) for run in runs]
    (mean,), (both,) = ensemble(runs, "all").checkpoints, rank_sum(runs, parameters, "both").checkpoints
    assert np.mean(taus) == pytest.approx(alone, abs=5e-4)
    assert kendall_tau(mean, truth) == pytest.approx(together, abs=5e-4)
    assert kendall_tau(both, truth) == pytest.approx(with_parameters, abs=5e-4)
    assert kendall_tau(parameters, truth) == pytest.approx(0.558, abs=5e-4)


def of(*checkpoints: list[float]) -> Scores:
    return Scores(Kind.SUPERNET, "one", tuple(np.array(values) for values in checkpoints))


def test_checkpoints_count_once_per_run() -> None:
    found = ensemble([of([0, 4], [2, 6]), of([9, 1])], "both")
    assert (found.kind, found.name) == (Kind.SUPERNET, "both")
    assert found.checkpoints[0].tolist() == [5, 3]


def test_ranks_are_added_whatever_the_scale() -> None:
    found = rank_sum([of([1, 2, 3]), of([300, 100, 100])], np.array([5e6, 6e6, 5e6]), "sum")
    assert found.checkpoints[0].tolist() == [2 + 1.5, 1.75 + 3, 2.25 + 1.5]


def test_missing_scores_stay_missing() -> None:
    found = rank_sum([of([1, np.nan, 3])], np.array([3, 2, 1]), "sum")
    assert np.isnan(found.checkpoints[0]).tolist() == [False, True, False]


@pytest.mark.parametrize(
    ("runs", "other", "message"),
    [
        ([], [1.0, 2.0], "scores 'sum' are the mean of 0 runs; allowed: at least 1"),
        ([of([1, 2]), of([1, 2, 3])], [1.0, 2.0], "made of scores of 2 and 3 architectures; allowed: one number"),
        ([of([1, 2])], [1.0, 2.0, 3.0], "made of scores of 2 and 3 architectures; allowed: one number"),
    ],
)
def test_runs_that_do_not_fit_are_refused(runs: list[Scores], other: list[float], message: str) -> None:
    with pytest.raises(InputError, match=message):
        rank_sum(runs, np.array(other), "sum")
