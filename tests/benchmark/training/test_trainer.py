"""The training loop."""

import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from supernet_bench.benchmark.plugins.composition import Composition
from supernet_bench.benchmark.study.spec import RunSpec
from supernet_bench.benchmark.training.scores import _Pool, batches_for, score
from supernet_bench.benchmark.training.trainer import Diverged, Trainer
from supernet_bench.core.errors import InputError
from supernet_bench.core.streams import stream_seed
from supernet_bench.heuristics.base import Heuristic
from supernet_bench.heuristics.setup import Choice, Scoring, Setup, Training
from supernet_bench.images.digits import Digits
from supernet_bench.spaces.base import Space
from supernet_bench.spaces.nasbench201.space import NasBench201
from supernet_bench.spaces.toy import Toy
from tests.heuristics.steps import OnePath

CPU = torch.device("cpu")


def trainer_of(spec, *extra: Heuristic) -> Trainer:
    heuristics = Composition([*spec.fresh_heuristics(), *extra])
    return Trainer(spec, spec.images.load(), CPU, heuristics)


def test_training_lowers_the_loss_and_beats_chance(toy_spec) -> None:
    trainer = trainer_of(toy_spec(training={"epochs": 15}, images={"train": 1000, "valid": 200}))
    trainer.run()
    assert trainer.curve[-1]["loss"] < 0.8 * trainer.curve[0]["loss"]
    assert max(trainer.checkpoints[-1]["accuracy"]) > 0.3


def test_counts(toy_spec) -> None:
    trainer = trainer_of(toy_spec())
    trainer.run()
    assert trainer.counts == {"optimiser_steps": 18, "path_passes": 18, "images": 18 * 16}


@pytest.mark.parametrize(("accounting", "steps"), [("step", 18), ("compute", 6)])
def test_fair_sampling_counts_its_compute(toy_spec, accounting: str, steps: int) -> None:
    trainer = trainer_of(toy_spec({"fairnas": {"accounting": accounting}}))
    trainer.run()
    assert trainer.counts["optimiser_steps"] == steps
    assert trainer.counts["path_passes"] == 3 * steps


class Look(Heuristic):
    """Keeps what the last step sampled and the gradients it made, by parameter."""

    name, factor, order = "look", "look", 1

    def sample(self, architectures, step):
        self.architectures = architectures
        return architectures

    def on_gradients(self, parameters, step, recompute) -> None:
        self.gradients = {parameter: parameter.grad.clone() for parameter in parameters}


def test_gradients_of_all_paths_add_up(toy_spec) -> None:
    """Three paths in one step give the sum of the three gradients."""
    look = Look()
    trainer = trainer_of(toy_spec({"fairnas": {}}, images={"crop": 0}), look)
    reference = trainer_of(toy_spec({"fairnas": {}}, images={"crop": 0}))
    indices = torch.arange(16)
    trainer._train_step(indices, trainer._next_step(), torch.zeros(2, dtype=torch.float64))

    images, labels = reference.prepare(reference._images[indices]), reference._labels[indices]
    for architecture in look.architectures:
        torch.nn.functional.cross_entropy(reference.supernet(images, architecture), labels).backward()
    for parameter, other in zip(trainer.supernet.parameters(), reference.supernet.parameters(), strict=True):
        assert (parameter in look.gradients) is (other.grad is not None)
        if other.grad is not None:
            torch.testing.assert_close(look.gradients[parameter], other.grad)
    assert len(look.architectures) == 3


def test_weights_outside_the_sampled_path_stay(toy_spec) -> None:
    none = Toy().architecture(0)
    trainer = trainer_of(toy_spec({"weight_decay": {"decay": 0.1}}), OnePath(none))
    before = {k: v.clone() for k, v in trainer.supernet.named_parameters()}
    trainer._train_epoch()
    moved = {k for k, v in trainer.supernet.named_parameters() if not torch.equal(before[k], v)}
    assert moved
    assert moved <= set(trainer.spec.space.inherit(trainer.supernet, none))


def test_every_epoch_sees_each_image_at_most_once_in_new_order(toy_spec) -> None:
    trainer = trainer_of(toy_spec(training={"batch_size": 20}))
    epochs: list[list[int]] = [[]]
    trainer._augment = lambda images, generator: images
    step = trainer._train_step
    trainer._train_step = lambda indices, *rest: (epochs[-1].extend(indices.tolist()), step(indices, *rest))[1]
    for _ in range(2):
        trainer._train_epoch()
        epochs.append([])
    first, second = epochs[:2]
    assert len(first) == len(set(first)) == 80
    assert first != second


def test_clipping_bounds_the_gradient(toy_spec) -> None:
    norms: list[float] = []
    trainer = trainer_of(toy_spec({"gradient_clip": {"norm": 0.01}}))
    update = trainer._optimiser.step

    def look() -> None:
        gradients = [p.grad.flatten() for p in trainer.supernet.parameters() if p.grad is not None]
        norms.append(torch.cat(gradients).norm().item())
        update()

    trainer._optimiser.step = look  # type: ignore[method-assign]
    trainer._train_epoch()
    assert norms
    assert max(norms) <= 0.01 * (1 + 1e-4)


def test_a_loss_that_is_not_finite_ends_the_run(toy_spec) -> None:
    class Explode(Heuristic):
        name, factor = "explode", "explode"

        def on_gradients(self, parameters, step, recompute) -> None:
            for parameter in parameters:
                parameter.grad.fill_(math.inf)

    with pytest.raises(Diverged, match=r"the training loss is (nan|inf) in epoch 1"):
        trainer_of(toy_spec(), Explode()).run()


def test_a_loss_hook_changes_what_is_minimised_not_what_is_recorded(toy_spec) -> None:
    class Nothing(Heuristic):
        name, factor = "nothing", "nothing"

        def loss(self, loss, logits, labels, step):
            return 0 * loss

    trainer = trainer_of(toy_spec({"weight_decay": {"decay": 0.0}}), Nothing())
    before = {k: v.clone() for k, v in trainer.supernet.named_parameters()}
    trainer._train_epoch()
    assert all(torch.equal(before[k], v) for k, v in trainer.supernet.named_parameters())
    assert trainer.curve[0]["loss"] > 0


def test_hooks_on_operations_are_for_training_only(toy_spec) -> None:
    calls = {"training": 0, "scoring": 0}

    class Count(Heuristic):
        name, factor = "count", "count"

        def on_operation(self, step):
            def hook(output, depth):
                calls["training" if trainer.supernet.training else "scoring"] += 1
                return output

            return hook

    trainer = trainer_of(toy_spec(), Count())
    trainer.run()
    assert calls["training"] > 0
    assert calls["scoring"] == 0


def test_two_hooks_on_operations_compose() -> None:
    class Add(Heuristic):
        name, factor, order = "add", "add", 0

        def on_operation(self, step):
            return lambda output, depth: output + 1

    class Double(Heuristic):
        name, factor, order = "double", "double", 1

        def on_operation(self, step):
            return lambda output, depth: output * 2

    both = Composition([Double(), Add()]).hooks(None).operation  # type: ignore[arg-type]
    assert both(torch.tensor(3.0), 1.0).item() == 8.0


def test_checkpoints_are_scored_when_due(toy_spec) -> None:
    spec = toy_spec(training={"epochs": 6}, scoring={"checkpoints": 2, "spacing": 2, "trace": 2})
    trainer = trainer_of(spec)
    trainer.run()
    assert [(c["epoch"], c["late"]) for c in trainer.checkpoints] == [
        (1, False),
        (2, False),
        (4, True),
        (6, True),
    ]
    assert all(len(c["accuracy"]) == len(c["cross_entropy"]) == 8 for c in trainer.checkpoints)


def test_scoring_when_does_not_change_training(toy_spec) -> None:
    curves = []
    for trace in (0, 3):
        trainer = trainer_of(toy_spec(scoring={"trace": trace}))
        trainer.run()
        curves.append(trainer.curve)
    assert curves[0] == curves[1]


def test_the_same_architectures_are_scored_whatever_the_seed(toy_spec) -> None:
    lists = {tuple(trainer_of(toy_spec(seed=seed)).architectures) for seed in range(3)}
    assert len(lists) == 1


def test_scored_architectures_are_a_sample_without_repetition() -> None:
    def scored(space: Space, scoring: Scoring) -> list[int]:
        return Setup(space, Digits(), Training(), scoring).scored_architectures()

    chosen = scored(NasBench201(), Scoring(architectures=200))
    assert len(set(chosen)) == 200
    assert chosen == sorted(chosen)
    assert chosen != scored(NasBench201(), Scoring(architectures=200, subset=1))
    assert scored(Toy(), Scoring(architectures=0)) == list(range(27))


def test_scores_are_accuracy_and_mean_cross_entropy(toy_spec) -> None:
    trainer = trainer_of(toy_spec(scoring={"batch_size": 32}))
    architectures = [trainer.spec.space.architecture(index) for index in (3, 20)]
    scores = score(trainer.supernet, trainer.heuristics, architectures, trainer._scoring_batches)
    ((images, labels),) = trainer._scoring_batches
    for row, architecture in enumerate(architectures):
        with torch.no_grad():
            logits = trainer.supernet(images, architecture)
        assert scores.accuracy[row].item() == (logits.argmax(1) == labels).double().mean().item()
        expected = torch.nn.functional.cross_entropy(logits, labels).item()
        assert scores.cross_entropy[row].item() == pytest.approx(expected, rel=1e-6)


def test_a_score_that_is_not_finite_is_none(toy_spec) -> None:
    trainer = trainer_of(toy_spec(training={"epochs": 0}))
    with torch.no_grad():
        trainer.supernet.classifier.weight.fill_(math.inf)
    trainer.run()
    assert set(trainer.checkpoints[0]["cross_entropy"]) == {None}
    assert all(0 <= accuracy <= 1 for accuracy in trainer.checkpoints[0]["accuracy"])


def test_scoring_batches_hold_all_images_in_nearly_equal_parts(toy_spec) -> None:
    trainer = trainer_of(toy_spec(scoring={"batch_size": 10}))
    sizes = [len(labels) for _, labels in trainer._scoring_batches]
    assert sum(sizes) == 32
    assert max(sizes) <= 10
    assert max(sizes) - min(sizes) <= 1


def test_validation_images_are_not_training_images(toy_spec) -> None:
    data = toy_spec().images.load()
    train = {bytes(image.numpy().tobytes()) for image in data.train.images}
    assert not any(bytes(image.numpy().tobytes()) in train for image in data.valid.images)


def test_toggling_a_heuristic_does_not_shift_other_streams(toy_spec) -> None:
    """With and without path dropout the same batches and paths are drawn from the same initial weights."""

    def draws(heuristics):
        look, seen = Look(), []
        trainer = trainer_of(toy_spec(heuristics), look)
        initial = {key: value.clone() for key, value in trainer.supernet.state_dict().items()}
        train_step = trainer._train_step

        def watched(indices, step, totals):
            paths = train_step(indices, step, totals)
            seen.append((indices.tolist(), look.architectures))
            return paths

        trainer._train_step = watched  # type: ignore[method-assign]
        trainer._train_epoch()
        return initial, seen

    (weights, seen), (other_weights, other_seen) = draws({}), draws({"path_dropout": {"rate": 0.5}})
    assert len(seen) == 6
    assert seen == other_seen
    assert all(torch.equal(weights[key], other_weights[key]) for key in weights)


def test_stream_seeds_differ_by_each_argument() -> None:
    seeds = {stream_seed(s, n, t) for s in range(5) for n in ("a", "b") for t in range(5)}
    assert len(seeds) == 50
    assert all(0 <= seed < 2**63 for seed in seeds)


def test_architectures_are_not_changed_by_sampling(toy_spec) -> None:
    space = toy_spec().space
    before = [space.architecture(index) for index in range(space.size)]
    trainer_of(toy_spec({"fairnas": {}})).run()
    assert before == [space.architecture(index) for index in range(space.size)]


@pytest.mark.parametrize(
    ("tables", "message"),
    [
        ({"training": {"batch_size": 97}}, "training.batch_size is 97; allowed: 2 to .*96"),
        ({"scoring": {"images": 33}}, "scoring.images is 33; allowed: 0 to .*32"),
    ],
)
def test_too_few_images_are_named(toy_spec, tables, message: str) -> None:
    with pytest.raises(InputError, match=message):
        trainer_of(toy_spec(**tables))


def test_every_epoch_is_told_and_saved(toy_spec) -> None:
    shares, saved = [], []
    trainer = trainer_of(toy_spec(scoring={"checkpoints": 1}))
    trainer.run(shares.append, lambda t: saved.append(t.epoch))
    assert saved == [1, 2, 3]
    assert shares == sorted(shares)
    assert shares[-1] == 1.0


@pytest.mark.parametrize(
    ("images", "message"),
    [
        ({"train": 95}, r"images\.train is 95 in the images given; allowed: what the run says, 96"),
        ({"valid": 33}, r"images\.valid is 33 in the images given; allowed: .*, 32"),
        ({"resolution": 4}, r"images\.resolution is 4 in the images given; allowed: .*, 8"),
    ],
)
def test_images_of_another_run_are_refused(toy_spec, images, message: str) -> None:
    with pytest.raises(InputError, match=message):
        Trainer(toy_spec(), toy_spec(images=images).images.load(), CPU)


def test_images_that_are_not_as_revised_are_refused(toy_spec) -> None:
    spec = toy_spec({"resolution": {"scale": 0.5}})
    with pytest.raises(InputError, match=r"images\.resolution is 8 in the images given; allowed: .*, 4"):
        Trainer(spec, spec.images.load(), CPU)
    assert Trainer(spec, spec.revised().images.load(), CPU)._images.shape[-1] == 4


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        (lambda setup: replace(setup, space=NasBench201(width=2)), r"space\.name is 'nasbench201' \(as revised by"),
        (
            lambda setup: replace(setup, scoring=replace(setup.scoring, subset=1)),
            r"subset is 1 \(as .*\); allowed: .*, 0$",
        ),
        (
            lambda setup: replace(setup, scoring=replace(setup.scoring, part=1)),
            r"part is 1 \(as .*\); allowed: .*, 0$",
        ),
        (
            lambda setup: replace(setup, scoring=replace(setup.scoring, strata="parameters")),
            r"strata is 'parameters' \(as .*\); allowed: .*, 'none'$",
        ),
        (
            lambda setup: replace(setup, scoring=replace(setup.scoring, architectures=9)),
            r"architectures is 9 \(as revised",
        ),
    ],
)
def test_heuristics_do_not_change_what_is_scored(toy_spec, changed, message: str) -> None:
    class Change(Heuristic):
        name, factor = "change", "change"

        def revise(self, setup):
            return changed(setup)

    with pytest.raises(InputError, match=message):
        trainer_of(toy_spec(), Change())


def test_who_revised_a_setting_is_named(toy_spec) -> None:
    spec = toy_spec({"batch_size": {"scale": 4.0}, "train_portion": {"portion": 0.5}})
    message = r"batch_size is 64 \(as revised by batch_size\); .* images, 48 \(as revised by train_portion\)$"
    with pytest.raises(InputError, match=message):
        trainer_of(spec)


@pytest.mark.parametrize(("images", "batch_size"), [(11, 2), (3, 2), (2, 2), (10, 3), (32, 10)])
def test_no_batch_has_a_single_image(toy_spec, images: int, batch_size: int) -> None:
    trainer = trainer_of(toy_spec(scoring={"images": images, "batch_size": batch_size}))
    pool = _Pool(trainer._scoring_batches)
    found = {
        "validation": [len(labels) for _, labels in trainer._scoring_batches],
        "calibration": [len(batch) for batch in trainer._calibration_batches(images)],
        "own": [len(labels) for _, labels in pool.pick(torch.arange(images))],
    }
    for sizes in found.values():
        assert sum(sizes) == images
        assert 2 <= min(sizes) <= max(sizes) <= batch_size + (images % 2 if batch_size == 2 else 0)
    assert trainer.run() is None


@given(st.integers(2, 400), st.integers(2, 300))
def test_batches_are_as_few_as_fit_unless_an_image_would_be_alone(images: int, batch_size: int) -> None:
    parts, fewest = batches_for(images, batch_size), math.ceil(images / batch_size)
    sizes = [len(part) for part in torch.arange(images).tensor_split(parts)]
    assert min(sizes) >= 2
    assert parts == (fewest if images // fewest >= 2 else fewest - 1)


def test_the_learning_rate_is_asked_for_once_per_step(toy_spec) -> None:
    asked = []

    class Ask(Heuristic):
        name, factor, order = "ask", "ask", 300

        def learning_rate(self, rate, step):
            asked.append(step.index)
            return rate

    trainer = trainer_of(toy_spec({"weight_decay": {"norms": False}}), Ask())
    trainer.run()
    assert len(trainer._optimiser.param_groups) == 2
    assert asked == list(range(18))
    assert len({group["lr"] for group in trainer._optimiser.param_groups}) == 1


def chosen(space: Space, **scoring) -> Choice:
    return Setup(space, Digits(), Training(), Scoring(**scoring)).choice()


@pytest.mark.parametrize("strata", ["none", "parameters", "truth"])
def test_parts_of_a_choice_are_disjoint(strata: str) -> None:
    """The first part is what a study scores anyway, so that another can confirm it."""
    parts = [chosen(NasBench201(), architectures=203, part=part, strata=strata).architectures for part in range(3)]
    assert [len(set(part)) for part in parts] == [203] * 3
    assert len(set().union(*parts)) == 3 * 203


@pytest.mark.parametrize("strata", ["parameters", "truth"])
def test_strata_are_tenths_of_the_space_in_order(strata: str) -> None:
    space = NasBench201()
    made = chosen(space, architectures=45, strata=strata)
    truth = space.truth()
    values = truth.columns[truth.target] if strata == "truth" else space.published_costs().parameters
    of = np.array(made.strata)
    assert made.architectures == sorted(made.architectures)
    assert made.sizes == (1563,) * 5 + (1562,) * 5
    assert np.bincount(of).tolist() == [5] * 5 + [4] * 5
    drawn = values[made.architectures]
    for stratum in range(9):
        assert drawn[of == stratum].max() <= drawn[of == stratum + 1].min()
    assert made != chosen(space, architectures=45, strata=strata, subset=1)


def test_architectures_without_a_truth_are_in_no_stratum() -> None:
    class Partly(Toy):
        def truth(self, folder=None):
            whole = super().truth(folder)
            return replace(
                whole, columns={whole.target: np.where(np.arange(27) < 24, whole.columns[whole.target], np.nan)}
            )

    made = chosen(Partly(), architectures=20, strata="truth")
    assert max(made.architectures) < 24
    assert sum(made.sizes) == 24


def test_every_architecture_of_a_stratum_is_as_likely() -> None:
    counts = np.zeros(27)
    for subset in range(400):
        counts[chosen(Toy(), architectures=20, strata="parameters", subset=subset).architectures] += 1
    made = chosen(Toy(), architectures=20, strata="parameters")
    expected = np.repeat([2 / size for size in made.sizes], made.sizes)
    order = np.argsort(Toy().published_costs().parameters, kind="stable")
    assert np.abs(counts[order] / 400 - expected).max() < 4.5 * 0.025


@pytest.mark.parametrize(
    ("scoring", "message"),
    [
        ({"architectures": 10, "part": 2}, r"scoring\.part is 2; allowed: 0 to 1, since space toy has 27"),
        ({"architectures": 0, "part": 1}, r"scoring\.part is 1; allowed: 0 to 0"),
        ({"architectures": 12, "strata": "truth"}, r"scoring\.architectures is 12; allowed: at least 20, 2 in each"),
        ({"strata": "size"}, r"scoring\.strata is 'size'; allowed: 'none', 'truth', 'parameters'"),
    ],
)
def test_choices_that_cannot_be_are_named(toy_spec, scoring: dict, message: str) -> None:
    with pytest.raises(InputError, match=message):
        toy_spec(scoring=scoring)


def test_the_blocks_of_a_late_checkpoint_are_kept(toy_spec) -> None:
    trainer = trainer_of(toy_spec(training={"epochs": 3}, scoring={"checkpoints": 1, "trace": 1}))
    trainer.run()
    early, late = trainer.checkpoints
    assert early["blocks"] is None
    assert sum(late["blocks"]["images"]) == 32
    correct = np.array(late["blocks"]["correct"])
    assert correct.shape == (20, len(trainer.architectures))
    assert (correct.sum(0) / 32).tolist() == late["accuracy"]
    assert {round(loss / 0.05, 6) % 1 for block in late["blocks"]["cross_entropy"] for loss in block} == {0.0}


def test_what_is_scored_alike_has_the_id_that_it_had(toy_spec) -> None:
    """Settings that are younger than ids are in them only where they do something."""
    assert "part" not in toy_spec().canonical()["scoring"]
    other = toy_spec(scoring={"architectures": 20, "strata": "parameters"})
    assert other.canonical()["scoring"]["strata"] == "parameters"
    assert RunSpec.from_tables(other.canonical()).run_id == other.run_id
