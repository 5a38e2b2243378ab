"""The ranking loss on architectures whose published accuracies are known."""

import math
from collections import Counter
from dataclasses import replace
from functools import partial
from itertools import combinations

import numpy as np
import pytest
import torch
from scipy import stats

from supernet_bench.benchmark.execution.worker import Execution, execute, new_trainer
from supernet_bench.benchmark.plugins.composition import Composition
from supernet_bench.benchmark.training.trainer import Trainer
from supernet_bench.commands._catalogue import catalogue
from supernet_bench.core.errors import InputError
from supernet_bench.core.streams import stream
from supernet_bench.heuristics.base import Heuristic
from supernet_bench.heuristics.landmark import Landmark, ramped
from supernet_bench.records.store import Store
from supernet_bench.spaces.base import Truth
from supernet_bench.spaces.toy import Toy
from tests.heuristics.steps import begun, step, task_of

SPACE = Toy()
TRUTH = SPACE.truth().columns["toy_valid"]
LATE = {"index": 900, "length": 1000}


def pair_of(heuristic: Landmark, index: int = 900, seed: int = 0) -> tuple[int, int]:
    """Return the better and the worse landmark of a step."""
    losses = {SPACE.architecture(row): torch.tensor(float(row)) for row in range(SPACE.size)}
    seen: list[int] = []

    def loss_of(architecture):
        seen.append(SPACE.index(architecture))
        return losses[architecture]

    at = step(index, seed, length=1000)
    assert heuristic.sample([(0, 0, 0)], at) == [(0, 0, 0)]
    first = heuristic.auxiliary_loss(loss_of, at)
    again = heuristic.auxiliary_loss(loss_of, at)
    assert torch.equal(first, again)
    assert seen[:2] == seen[2:]
    better, worse = seen[:2]
    assert first.item() == max(0, better - worse) * heuristic.weight
    return better, worse


def test_wrong_order_costs_the_difference_and_right_order_nothing() -> None:
    heuristic = begun(Landmark(landmarks=10, weight=3.0), truth=TRUTH)
    pairs = [pair_of(heuristic, index) for index in range(500, 600)]
    assert any(better > worse for better, worse in pairs)
    assert any(better < worse for better, worse in pairs)
    assert all(TRUTH[better] > TRUTH[worse] for better, worse in pairs)


def test_gradients_lower_the_loss_of_the_better_and_raise_that_of_the_worse() -> None:
    heuristic = begun(Landmark(landmarks=2), truth=TRUTH)
    at = step(**LATE)
    heuristic.sample([], at)
    better, worse = heuristic._pair
    losses = {better: torch.tensor(2.0, requires_grad=True), worse: torch.tensor(1.0, requires_grad=True)}
    heuristic.auxiliary_loss(losses.__getitem__, at).backward()
    assert (losses[better].grad.item(), losses[worse].grad.item()) == (1.0, -1.0)


@pytest.mark.parametrize(("ramp", "progress", "expected"), [
    (0.5, 0.0, 0.0), (0.5, 0.25, 0.5), (0.5, 0.5, 1.0), (0.5, 0.9, 1.0), (1.0, 0.9, 0.9), (0.0, 0.0, 1.0)
])  # fmt: skip
def test_weight_is_ramped_in(ramp: float, progress: float, expected: float) -> None:
    assert ramped(ramp, progress) == expected
    heuristic = begun(Landmark(landmarks=2, ramp=ramp, weight=4.0), truth=TRUTH)
    at = step(500 + int(1000 * progress), start=500, length=1000)
    heuristic.sample([], at)
    better, worse = heuristic._pair
    found = heuristic.auxiliary_loss({better: torch.tensor(1.0), worse: torch.tensor(0.0)}.__getitem__, at)
    assert (0.0 if found is None else found.item()) == pytest.approx(4 * expected)
    assert (found is None) is (expected == 0)


def test_pairs_of_landmarks_are_equally_likely() -> None:
    heuristic = begun(Landmark(landmarks=5, ramp=0.0), truth=TRUTH)
    found = Counter(frozenset(pair_of(heuristic, index)) for index in range(900))
    landmarks = sorted(frozenset().union(*found))
    assert len(landmarks) == 5
    assert stats.chisquare([found[frozenset(pair)] for pair in combinations(landmarks, 2)]).pvalue > 1e-3


def test_landmarks_of_equal_accuracy_are_no_pair() -> None:
    truth = np.where(np.arange(SPACE.size) < 3, [0.5, 0.5, 0.7, *[math.nan] * 24], math.nan)
    heuristic = begun(Landmark(landmarks=3, ramp=0.0), truth=truth)
    assert {pair_of(heuristic, index) for index in range(50)} == {(2, 0), (2, 1)}


def test_landmarks_are_those_with_known_accuracies() -> None:
    truth = TRUTH.copy()
    truth[::2] = math.nan
    heuristic = begun(Landmark(landmarks=13, ramp=0.0), truth=truth)
    seen = {row for index in range(300) for row in pair_of(heuristic, index)}
    assert seen == set(range(1, 27, 2))


def trainer_of(spec) -> Trainer:
    return new_trainer(spec, spec.images.load(), Execution(store=None, device="cpu"))  # type: ignore[arg-type]


def landmarks_of(trainer: Trainer) -> set[int]:
    (heuristic,) = trainer.heuristics._overriding["auxiliary_loss"]
    return {SPACE.index(architecture) for architecture in heuristic._architectures}


def test_neither_scored_architectures_nor_their_twins_are_landmarks(toy_spec) -> None:
    scored = trainer_of(toy_spec()).architectures
    classes = SPACE.isomorphism()
    twins = np.flatnonzero(np.isin(classes, classes[scored])).tolist()
    assert len(scored) == 8 < len(twins)
    trainer = trainer_of(toy_spec({"landmark": {"landmarks": 27 - len(twins)}}))
    assert landmarks_of(trainer) == set(range(27)) - set(twins)
    with pytest.raises(InputError, match=rf"equal to scored ones, {27 - len(twins)}$"):
        trainer_of(toy_spec({"landmark": {"landmarks": 28 - len(twins)}}))


def test_landmarks_follow_from_the_seed(toy_spec) -> None:
    drawn = [landmarks_of(trainer_of(toy_spec({"landmark": {"landmarks": 5}}, seed=seed))) for seed in (0, 0, 1)]
    assert len(drawn[0]) == 5
    assert drawn[0] == drawn[1] != drawn[2]


@pytest.mark.parametrize("landmarks", [1, 20])
def test_too_few_or_too_many_are_refused(toy_spec, landmarks: int) -> None:
    message = rf"heuristics\.landmark\.landmarks is {landmarks}; allowed: 0, or 2 to .* equal to scored ones, 14$"
    with pytest.raises(InputError, match=message):
        toy_spec({"landmark": {"landmarks": landmarks}})


def test_a_run_that_scores_the_whole_space_leaves_none(toy_spec) -> None:
    with pytest.raises(InputError, match=r"landmarks is 2; allowed: 0, since the number .* is 0$"):
        toy_spec({"landmark": {"landmarks": 2}}, scoring={"architectures": 0})


def test_missing_or_equal_accuracies_are_refused() -> None:
    truth = np.where(np.arange(SPACE.size) < 4, 0.5, math.nan)
    with pytest.raises(InputError, match=r"landmarks is 5; allowed: .* 4$"):
        begun(Landmark(landmarks=5), truth=truth)
    with pytest.raises(InputError, match=r"landmarks is 4; allowed: 0, .* same published accuracy$"):
        begun(Landmark(landmarks=4), truth=truth)
    truth[1:] = math.nan
    with pytest.raises(InputError, match=r"landmarks is 2; allowed: 0, since .* is 1$"):
        begun(Landmark(landmarks=2), truth=truth)
    assert len(begun(Landmark(landmarks=2), truth=TRUTH)._architectures) == 2


def test_landmarks_that_are_all_equal_are_not_drawn() -> None:
    """With one accuracy that differs from all others, it is always among them, and the others are random."""
    truth = np.where(np.arange(SPACE.size) == 5, 0.7, 0.5)
    drawn = []
    for seed in range(20):
        heuristic = Landmark(landmarks=2)
        task = replace(task_of(truth), generator=partial(stream, seed))
        heuristic.begin(task)
        drawn.append({SPACE.index(architecture) for architecture in heuristic._architectures})
        assert pair_of(heuristic)[0] == 5
    assert all(len(pair) == 2 and 5 in pair for pair in drawn)
    assert len(frozenset().union(*drawn)) > 10


def test_cells_that_a_supernet_computes_alike_are_no_landmarks(toy_spec) -> None:
    """In NAS-Bench-201 some cells of different published classes are the same path."""
    spec = toy_spec(scoring={"architectures": 200}, space="nasbench201")
    space, scored = spec.space, spec.setup.scored_architectures()
    classes, numbers = space.isomorphism(), space.alike()
    left = np.flatnonzero(spec.setup.apart_from_scored())
    assert not set(classes[left]) & set(classes[scored])
    assert not set(numbers[left]) & set(numbers[scored])
    hidden = np.setdiff1d(np.arange(space.size), left)
    assert all(classes[row] in classes[scored] or numbers[row] in numbers[scored] for row in hidden)
    by_one = [np.isin(each, each[scored]).sum() for each in (classes, numbers)]
    assert len(hidden) > max(by_one), "each of the two relations hides cells that the other does not"
    # The skip passes on the input, so both convolve it on the last edge, or on the edge of another node.
    same = [
        space.index(space.parse(text))
        for text in (
            "|none~0|+|none~0|none~1|+|skip_connect~0|none~1|none~2|",
            "|skip_connect~0|+|none~0|none~1|+|none~0|skip_connect~1|none~2|",
        )
    ]
    assert numbers[same[0]] == numbers[same[1]]


def test_heuristics_that_do_not_declare_it_are_given_no_accuracies(toy_spec) -> None:
    class Curious(Heuristic):
        name, factor = "curious", "curious"

        def begin(self, task) -> None:
            task.truth()

    class Declared(Curious):
        uses_truth = True

    spec = toy_spec()

    def make(heuristic: Heuristic) -> Trainer:
        heuristics = Composition([*spec.fresh_heuristics(), heuristic])
        return Trainer(spec, spec.images.load(), torch.device("cpu"), heuristics, SPACE.truth)

    with pytest.raises(
        InputError, match="heuristic 'curious' asks for published accuracies and its uses_truth is False"
    ):
        make(Curious())
    assert make(Declared()).truth_seen.table == SPACE.truth().table
    spec = toy_spec({"landmark": {"landmarks": 3}})
    with pytest.raises(InputError, match="allowed: where a run is given them"):
        Trainer(spec, spec.images.load(), torch.device("cpu"))


def test_the_neutral_level_does_not_ask_for_accuracies(toy_spec) -> None:
    def refuse() -> Truth:
        raise AssertionError

    spec = toy_spec()
    heuristics = Composition(spec.by_factor().values())
    assert isinstance(heuristics._overriding["auxiliary_loss"][0], Landmark)
    trainer = Trainer(spec, spec.images.load(), torch.device("cpu"), heuristics, truth=refuse)
    trainer.run()
    assert trainer.counts["path_passes"] == trainer.counts["optimiser_steps"]


def test_landmarks_are_ranked_better_by_training(toy_spec) -> None:
    """On the training images, the mean violation of all pairs of landmarks falls."""

    def violation(weight: float) -> float:
        settings = {"landmarks": 8, "weight": weight, "ramp": 0.0}
        trainer = trainer_of(toy_spec({"landmark": settings}, training={"epochs": 12}))
        trainer.run()
        images, labels = trainer.prepare(trainer._images), trainer._labels
        with torch.no_grad():
            losses = {
                row: torch.nn.functional.cross_entropy(trainer.supernet(images, SPACE.architecture(row)), labels).item()
                for row in landmarks_of(trainer)
            }
        pairs = [sorted(pair, key=TRUTH.__getitem__) for pair in combinations(losses, 2)]
        return float(np.mean([max(0.0, losses[better] - losses[worse]) for worse, better in pairs]))

    assert violation(5.0) < 0.5 * violation(0.0)


def test_a_run_with_landmarks_is_executed(toy_spec, tmp_path) -> None:
    spec = toy_spec({"landmark": {"landmarks": 10}})
    assert execute(spec, Execution(tmp_path, device="cpu")) == "finished"
    record = Store(tmp_path).read_record(spec.run_id)
    # The first step has no weight; every other runs two more paths.
    assert record.counts["path_passes"] == 18 + 2 * 17
    assert record.heuristics["landmark"]["landmarks"] == 10
    assert record.execution.truth == {"table": SPACE.truth().table, "column": "toy_valid"}
    plain = toy_spec()
    execute(plain, Execution(tmp_path, device="cpu"))
    assert Store(tmp_path).read_record(plain.run_id).execution.truth is None


def test_a_resumed_run_equals_an_unbroken_one(toy_spec) -> None:
    spec = toy_spec({"landmark": {"landmarks": 10}, "warmup": {"share": 0.5}, "multi_path": {"paths": 2}})
    states: list[dict] = []
    first, second, whole = (trainer_of(spec) for _ in range(3))

    class Stop(Exception):
        pass

    def save(trainer: Trainer) -> None:
        states.append(trainer.state_dict())
        raise Stop

    with pytest.raises(Stop):
        first.run(save=save)
    second.load_state_dict(states[0])
    second.run()
    whole.run()
    assert second.curve == whole.curve
    assert second.checkpoints == whole.checkpoints


def test_only_levels_that_see_accuracies_are_marked_in_the_catalogue() -> None:
    text = "\n".join(line for entry in catalogue("heuristics") for line in entry.lines)
    assert text.count("sees published accuracies") == 1
    assert "landmarks=30 (sees published accuracies)" in text
