"""Each hook is called where it says, and its result is used."""

from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch

from supernet_bench.benchmark.execution.worker import result
from supernet_bench.benchmark.plugins.composition import Composition
from supernet_bench.benchmark.training.trainer import Trainer
from supernet_bench.core.errors import InputError
from supernet_bench.core.streams import stream
from supernet_bench.heuristics.base import Heuristic
from supernet_bench.heuristics.width import Width
from supernet_bench.spaces.base import Truth

CPU = torch.device("cpu")


class Extra(Heuristic):
    """A heuristic of a factor of its own, the last to be asked."""

    name, factor, order = "extra", "extra", 200


def trainer_of(spec, *extra: Heuristic, truth=None) -> Trainer:
    heuristics = Composition([*spec.fresh_heuristics(), *extra])
    return Trainer(spec, spec.images.load(), CPU, heuristics, truth)


def test_revise_changes_what_is_run(toy_spec) -> None:
    class Shorter(Extra):
        def revise(self, setup):
            return replace(setup, training=replace(setup.training, epochs=1), space=replace(setup.space, width=6))

    trainer = trainer_of(toy_spec(), Shorter())
    trainer.run()
    assert len(trainer.curve) == 1
    assert trainer.supernet.stem.conv.out_channels == 6


def wrong(*given):
    return 1 / 0


@pytest.mark.parametrize(
    ("hook", "does", "arguments"),
    [("revise", wrong, ()), ("revise", lambda self, setup: None, ()), ("training_images", wrong, (96,)),
     ("training_images", lambda self, images: None, (96,)), ("check_data", wrong, (96, 32)), ("check", wrong, ())],
)  # fmt: skip
def test_a_hook_that_goes_wrong_before_there_is_a_run_is_named(toy_spec, hook: str, does, arguments) -> None:
    setup, bad = toy_spec().setup, type("Bad", (Extra,), {hook: does})()
    given = arguments if hook == "training_images" else (setup, *arguments)
    composition = Composition([bad])
    ask: Any = composition.fold if hook in ("revise", "training_images") else composition.call
    with pytest.raises(InputError, match=rf"^plug-in {__name__}: Bad.{hook} raises \w+Error: .+$"):
        ask(getattr(Heuristic, hook), *given)


def test_a_check_that_goes_wrong_is_named(toy_spec, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Width, "check", wrong)
    place = r"supernet_bench\.heuristics\.width: Width\.check"
    with pytest.raises(
        InputError, match=rf"^plug-in {place} raises ZeroDivisionError: .* \(test_hooks\.py, line \d+\)$"
    ):
        toy_spec({"width": {"scale": 0.5}})


def test_who_makes_settings_be_out_of_range_is_named(toy_spec, monkeypatch: pytest.MonkeyPatch) -> None:
    def revise(self, setup):
        return replace(setup, training=replace(setup.training, batch_size=0))

    monkeypatch.setattr(Width, "revise", revise)
    with pytest.raises(InputError, match=r"^training\.batch_size is 0; allowed: .* 2 \(as revised by width\)$"):
        toy_spec({"width": {"scale": 0.5}})


def test_a_record_says_what_was_run(toy_spec) -> None:
    spec = toy_spec({"epochs": {"scale": 2.0}})
    record = result(spec, None, None)
    assert record.spec["training"]["epochs"] == 3
    assert record.revised["training"]["epochs"] == 6
    assert record.revised["space"] == {"width": 4}


def test_fewer_training_images_are_a_random_part_that_depends_on_the_seed(toy_spec) -> None:
    class Half(Extra):
        def training_images(self, images):
            return images // 2

    everything = trainer_of(toy_spec())
    halves = [trainer_of(toy_spec(seed=seed), Half()) for seed in (0, 0, 1)]
    assert [len(half._labels) for half in halves] == [48] * 3
    assert all(half.total_steps == everything.total_steps // 2 for half in halves)
    chosen = [half._used_images(96).tolist() for half in halves]
    assert chosen[0] == chosen[1] != chosen[2]
    assert chosen[0] == sorted(set(chosen[0]))
    assert not set(chosen[0]) <= set(range(64)), "the first of the file are no random part"
    assert torch.equal(halves[0]._images, everything._images[chosen[0]])


def test_layers_decay_by_what_the_hook_says_and_each_parameter_once(toy_spec) -> None:
    class OnlyLinear(Extra):
        def weight_decay(self, decay, module):
            return 0.5 if isinstance(module, torch.nn.Linear) else decay

    trainer = trainer_of(toy_spec(), OnlyLinear())
    groups = {group["weight_decay"]: group["params"] for group in trainer._optimiser.param_groups}
    assert groups.keys() == {5e-4, 0.5}
    assert [p.shape for p in groups[0.5]] == [p.shape for p in trainer.supernet.classifier.parameters()]
    together = [id(parameter) for parameters in groups.values() for parameter in parameters]
    assert sorted(together) == sorted(id(parameter) for parameter in trainer.supernet.parameters())


def test_images_and_features_are_changed_in_training_only(toy_spec) -> None:
    seen = {"images": [], "features": []}

    class Watch(Extra):
        def on_images(self, images, step):
            seen["images"].append((trainer.supernet.training, tuple(images.shape)))
            return torch.zeros_like(images)

        def on_features(self, step):
            def look(features):
                seen["features"].append((trainer.supernet.training, tuple(features.shape)))
                assert torch.equal(features, features[:1].expand_as(features)), "images are all alike by now"
                return features

            return look

    trainer = trainer_of(toy_spec(), Watch())
    trainer.run()
    assert seen == {"images": [(True, (16, 1, 8, 8))] * 18, "features": [(True, (16, 4))] * 18}


def test_an_auxiliary_loss_adds_its_gradient(toy_spec) -> None:
    path = (1, 2, 0)

    class Twice(Extra):
        """Adds the loss of the sampled path, which is fixed here, again."""

        def sample(self, architectures, step):
            return [path]

        def auxiliary_loss(self, loss_of, step):
            return loss_of(path)

    class Doubled(Twice):
        def auxiliary_loss(self, loss_of, step):
            return None

        def loss(self, loss, logits, labels, step):
            return 2 * loss

    twice, doubled = trainer_of(toy_spec(), Twice()), trainer_of(toy_spec(), Doubled())
    for trainer in (twice, doubled):
        trainer.run()
    for first, second in zip(twice.supernet.parameters(), doubled.supernet.parameters(), strict=True):
        torch.testing.assert_close(first, second, rtol=1e-3, atol=1e-5)
    assert twice.counts["path_passes"] == 2 * doubled.counts["path_passes"]
    assert twice.curve[0]["loss"] == pytest.approx(doubled.curve[0]["loss"], rel=1e-3)


def test_gradients_can_be_computed_again_at_other_weights(toy_spec) -> None:
    class Again(Extra):
        def __init__(self):
            self.repeated, self.elsewhere = [], []

        def on_gradients(self, parameters, step, recompute):
            before = [parameter.grad.clone() for parameter in parameters]
            recompute()
            self.repeated.append(all(map(torch.equal, before, [parameter.grad for parameter in parameters])))
            with torch.no_grad():
                torch._foreach_mul_(parameters, 2.0)
            recompute()
            self.elsewhere.append(all(map(torch.equal, before, [parameter.grad for parameter in parameters])))
            with torch.no_grad():
                torch._foreach_mul_(parameters, 0.5)

    again = Again()
    trainer = trainer_of(toy_spec(), again)
    trainer.run()
    assert again.repeated == [True] * 18
    assert again.elsewhere == [False] * 18
    assert trainer.counts["path_passes"] == 3 * 18
    assert trainer.counts["optimiser_steps"] == 18


def test_steps_are_seen_after_they_are_made(toy_spec) -> None:
    class After(Extra):
        def __init__(self):
            self.steps, self.bias = [], []

        def after_step(self, supernet, step):
            assert not torch.is_grad_enabled()
            self.steps.append((step.index, step.ends_epoch))
            self.bias.append(supernet.classifier.bias.clone())

    after = After()
    trainer = trainer_of(toy_spec(), after)
    trainer.run()
    assert after.steps == [(index, index % 6 == 5) for index in range(18)]
    assert torch.equal(after.bias[-1], trainer.supernet.classifier.bias)
    assert not torch.equal(after.bias[0], after.bias[1])


def test_what_holds_while_scoring_ends_after_it(toy_spec) -> None:
    class Zeros(Extra):
        @contextmanager
        def while_scoring(self, supernet, generator):
            weight = supernet.classifier.weight
            before = weight.detach().clone()
            weight.data.zero_()
            yield
            weight.data.copy_(before)

    plain, zeros = trainer_of(toy_spec()), trainer_of(toy_spec(), Zeros())
    for trainer in (plain, zeros):
        trainer.run()
    assert plain.curve == zeros.curve
    assert all(len(set(checkpoint["accuracy"])) == 1 for checkpoint in zeros.checkpoints), "the weights were zero"
    assert any(len(set(checkpoint["accuracy"])) > 1 for checkpoint in plain.checkpoints)


def test_each_architecture_may_have_images_of_its_own(toy_spec) -> None:
    class Alternating(Extra):
        def __init__(self):
            self.calls = 0

        def scored_images(self, images):
            self.calls += 1
            return torch.arange(images)[self.calls % 2 :: 2]

    whole, halves = trainer_of(toy_spec(scoring={"checkpoints": 1})), Alternating()
    own = trainer_of(toy_spec(scoring={"checkpoints": 1}), halves)
    for trainer in (whole, own):
        trainer.run()
    assert halves.calls == 8
    assert {accuracy * 16 % 1 for accuracy in own.checkpoints[0]["accuracy"]} == {0.0}
    assert own.checkpoints[0]["accuracy"] != whole.checkpoints[0]["accuracy"]


def test_truth_of_scored_architectures_is_hidden(toy_spec) -> None:
    truth = np.linspace(0.5, 0.9, 27)
    trainer = trainer_of(toy_spec(), truth=lambda: Truth("made up", {"toy_valid": truth}, "toy_valid"))
    hidden = trainer._truth_of_others()
    classes = trainer.spec.space.isomorphism()
    scored = set(classes[trainer.architectures].tolist())
    assert [bool(np.isnan(value)) for value in hidden] == [number in scored for number in classes.tolist()]
    assert np.isnan(hidden[trainer.architectures]).all()
    assert np.isnan(hidden).sum() > len(trainer.architectures)
    assert not np.isnan(truth).any()


def test_what_is_drawn_while_scoring_depends_on_seed_and_epoch(toy_spec) -> None:
    drawn = []

    class Draw(Extra):
        @contextmanager
        def while_scoring(self, supernet, generator):
            drawn.append(torch.rand((), generator=generator("extra")).item())
            yield

    trainer_of(toy_spec(seed=3), Draw()).run()
    assert drawn == [torch.rand((), generator=stream(3, "extra", epoch)).item() for epoch in (2, 3)]
