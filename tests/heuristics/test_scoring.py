"""Behaviour of what is scored, on how many images, and how often."""

from dataclasses import replace
from typing import Any

import pytest
import torch
from scipy import stats

from supernet_bench.benchmark.plugins.composition import Composition
from supernet_bench.benchmark.training.scores import score
from supernet_bench.benchmark.training.trainer import Trainer
from supernet_bench.core.errors import InputError
from supernet_bench.core.streams import StepStreams, stream
from supernet_bench.heuristics.scoring import ScoringImages

CPU = torch.device("cpu")


def trained(spec) -> Trainer:
    trainer = Trainer(spec, spec.images.load(), CPU)
    trainer.run()
    return trainer


def checkpoints(spec) -> list[dict[str, Any]]:
    return trained(spec).checkpoints


def test_none_of_it_changes_training(toy_spec) -> None:
    plain = trained(toy_spec())
    for level in ({"score": "cross_entropy"}, {"images": 10}, {"images": 10, "fresh": True}, {"checkpoints": 1}):
        assert trained(toy_spec({"scoring": level})).curve == plain.curve


def test_both_scores_are_recorded_whichever_counts(toy_spec) -> None:
    assert checkpoints(toy_spec({"scoring": {"score": "cross_entropy"}})) == checkpoints(toy_spec())


def test_images_are_the_first_for_all(toy_spec) -> None:
    assert checkpoints(toy_spec({"scoring": {"images": 10}})) == checkpoints(toy_spec(scoring={"images": 10}))
    assert toy_spec({"scoring": {}}, scoring={"images": 10}).revised().scoring.images == 10


@pytest.mark.parametrize(("number", "epochs"), [(1, [3]), (3, [1, 2, 3])])
def test_number_of_late_checkpoints(toy_spec, number: int, epochs: list[int]) -> None:
    found = checkpoints(toy_spec({"scoring": {"checkpoints": number}}))
    assert [checkpoint["epoch"] for checkpoint in found if checkpoint["late"]] == epochs
    assert toy_spec({"scoring": {}}).revised().scoring.checkpoints == 2


def drawn(number: int, times: int) -> list[list[int]]:
    heuristic = ScoringImages(images=number, fresh=True)
    with heuristic.while_scoring(None, StepStreams(0, 0)):
        return [heuristic.scored_images(32).tolist() for _ in range(times)]


def test_fresh_images_are_other_ones_each_time_without_repetition() -> None:
    samples = drawn(10, 50)
    assert all(len(set(sample)) == len(sample) == 10 for sample in samples)
    assert len({tuple(sorted(sample)) for sample in samples}) == 50


def test_fresh_images_are_uniform() -> None:
    counts = torch.bincount(torch.tensor(drawn(1, 3200)).flatten(), minlength=32)
    assert stats.chisquare(counts.numpy()).pvalue > 1e-3


def test_fresh_scores_are_those_on_the_images_drawn(toy_spec) -> None:
    trainer = trained(toy_spec({"scoring": {"images": 10, "fresh": True}}))
    ((images, labels),) = trainer._scoring_batches
    heuristic = ScoringImages(images=10, fresh=True)
    expected = []
    with heuristic.while_scoring(trainer.supernet, lambda name: stream(0, name, 3)):
        for index in trainer.architectures:
            own = heuristic.scored_images(32)
            with torch.no_grad():
                logits = trainer.supernet(images[own], trainer.spec.space.architecture(index))
            expected.append((logits.argmax(1) == labels[own]).double().mean().item())
    assert trainer.checkpoints[-1]["accuracy"] == pytest.approx(expected)


def test_fresh_images_are_drawn_from_those_of_the_study_and_anew_at_every_checkpoint(toy_spec) -> None:
    fresh = {"scoring": {"images": 10, "fresh": True}}
    seen: list[list[int]] = []

    class Watched(ScoringImages):
        def scored_images(self, images):
            chosen = super().scored_images(images)
            seen.append([images, *chosen.tolist()])
            return chosen

    spec = toy_spec(fresh, scoring={"images": 20, "checkpoints": 2})
    assert spec.revised().scoring.images == 20
    others = [each for each in spec.fresh_heuristics() if each.name != "scoring"]
    trainer = Trainer(spec, spec.images.load(), CPU, Composition([*others, Watched(images=10, fresh=True)]))
    trainer.run()
    assert {count for count, *_ in seen} == {20}
    first, second = seen[:8], seen[8:]
    assert len(second) == 8
    assert not any(one in second for one in first)


def test_only_fresh_images_prevent_scoring_together(toy_spec) -> None:
    assert not ScoringImages(images=10, checkpoints=1, score="cross_entropy").prepares_scoring()
    assert ScoringImages(images=10, fresh=True).prepares_scoring()
    assert ScoringImages(images=10).scored_images(32) is None


def test_a_resumed_run_draws_the_same_fresh_images(toy_spec) -> None:
    spec = toy_spec({"scoring": {"images": 10, "fresh": True}}, scoring={"checkpoints": 3})
    whole, resumed, first = trained(spec), *(Trainer(spec, spec.images.load(), CPU) for _ in range(2))

    class Stop(Exception):
        pass

    def stop(trainer: Trainer) -> None:
        if trainer.epoch == 2:
            raise Stop

    with pytest.raises(Stop):
        first.run(save=stop)
    resumed.load_state_dict(first.state_dict())
    resumed.run()
    assert resumed.checkpoints == whole.checkpoints


def test_scores_of_fresh_images_are_noisier(toy_spec) -> None:
    """The same architecture many times over: equal on the same images, spread like a binomial on fresh ones."""
    spec = toy_spec({"scoring": {"images": 10, "fresh": True}})
    trainer = trained(spec)
    architectures = [trainer.spec.space.architecture(13)] * 400
    with trainer.heuristics.while_scoring(trainer.supernet, StepStreams(0, 99)):
        found = score(trainer.supernet, trainer.heuristics, architectures, trainer._scoring_batches).accuracy
    assert set((found * 10).round(decimals=6).tolist()) <= set(range(11))
    assert found.std() > 0.03


@pytest.mark.parametrize(
    ("level", "message"),
    [
        ({"fresh": True}, r"heuristics\.scoring\.images is 0; allowed: at least 2, since fresh is true"),
        ({"fresh": True, "images": 1}, r"heuristics\.scoring\.images is 1; allowed: at least 2"),
        ({"images": 1}, r"^heuristics\.scoring\.images is 1; allowed: 0 for the study's number, or at least 2"),
        ({"images": 33}, r"heuristics\.scoring\.images is 33; allowed: 0 to the number of scoring images, 32"),
        ({"images": 21, "fresh": True}, r"heuristics\.scoring\.images is 21; allowed: .*, 20"),
        ({"score": "loss"}, r"heuristics\.scoring\.score is 'loss'; allowed: 'accuracy', 'cross_entropy'"),
    ],
)
def test_what_cannot_be_is_refused(toy_spec, level: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        toy_spec({"scoring": level}, scoring={"images": 20})


@pytest.mark.parametrize(
    ("level", "of_study", "there", "allowed"),
    [({}, 20, 31, 31), ({"fresh": True}, 20, 31, 20), ({"fresh": True}, 0, 31, 31), ({"fresh": True}, 40, 31, 31)],
)
def test_more_images_than_there_turn_out_to_be_are_refused(toy_spec, level, of_study, there, allowed) -> None:
    """Where the settings of the images do not say how many there are."""
    setup = toy_spec().setup
    setup = replace(setup, scoring=replace(setup.scoring, images=of_study))
    ScoringImages(images=allowed, **level).check_data(setup, 96, there)
    with pytest.raises(InputError, match=rf"scoring\.images is {allowed + 1}; .* scoring images, {allowed}$"):
        ScoringImages(images=allowed + 1, **level).check_data(setup, 96, there)
