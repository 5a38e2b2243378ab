"""Behaviour of the normalisation statistics."""

import pytest
import torch
from torch import nn

from supernet_bench.benchmark.plugins.composition import Composition
from supernet_bench.benchmark.training.scores import score
from supernet_bench.benchmark.training.trainer import Trainer
from supernet_bench.core.errors import InputError
from supernet_bench.core.streams import stream
from supernet_bench.heuristics.base import Heuristic
from supernet_bench.heuristics.batch_norm import BatchNorm
from supernet_bench.spaces.base import Construction

CPU = torch.device("cpu")


def trained(toy_spec, space: str = "toy", **settings) -> Trainer:
    spec = toy_spec({"batch_norm": settings}, training={"epochs": 1}, space=space)
    trainer = Trainer(spec, spec.images.load(), CPU)
    trainer._train_epoch()
    return trainer


def norms(module: nn.Module) -> list[nn.BatchNorm2d]:
    return [m for m in module.modules() if isinstance(m, nn.BatchNorm2d)]


@pytest.mark.parametrize("space", ["toy", "nasbench201", "nasbench_macro"])
@pytest.mark.parametrize("statistics", ["batch", "tracked", "tracked_tf", "recalibrated"])
@pytest.mark.parametrize("affine", [True, False])
def test_every_layer_obeys(space: str, statistics: str, affine: bool) -> None:
    from supernet_bench.benchmark.plugins.registry import space_types

    wsbn = "norm_per_input" in space_types()[space].mappings
    construction = BatchNorm(statistics=statistics, affine=affine, wsbn=wsbn).construct(Construction())
    small = {"nasbench201": {"width": 2, "cells": 1}, "nasbench_macro": {"width": 2}}.get(space, {})
    layers = norms(space_types()[space](**small).supernet(1, 10, construction))
    assert layers
    assert {layer.affine for layer in layers} == {affine}
    assert {layer.track_running_stats for layer in layers} == {statistics != "batch"}
    expected = {"batch": 0.1, "tracked": 0.1, "tracked_tf": 0.997, "recalibrated": None}[statistics]
    assert {layer.momentum for layer in layers} == {expected}


def test_tracked_statistics_move_by_a_tenth_of_the_batch() -> None:
    layer = BatchNorm(statistics="tracked").construct(Construction()).norm(3)
    images = torch.randn(64, 3, 4, 4) * 2 + 5
    layer(images)
    assert torch.allclose(layer.running_mean, 0.1 * images.mean((0, 2, 3)))


def test_statistics_of_the_other_convention_are_nearly_those_of_the_last_batch() -> None:
    layer = BatchNorm(statistics="tracked_tf").construct(Construction()).norm(3)
    for scale in (1, 2):
        images, before = torch.randn(64, 3, 4, 4) * scale + 5, (layer.running_mean.clone(), layer.running_var.clone())
        layer(images)
        batch = images.mean((0, 2, 3)), images.var((0, 2, 3))
        for found, new, old in zip((layer.running_mean, layer.running_var), batch, before, strict=True):
            torch.testing.assert_close(found, 0.997 * new + 0.003 * old)


def test_a_space_without_input_configurations_refuses_separate_norms(toy_spec) -> None:
    with pytest.raises(InputError, match=r"^heuristics.batch_norm.wsbn is True; allowed: false, .*nasbench_macro"):
        toy_spec({"batch_norm": {"wsbn": True}}, space="nasbench_macro")


def test_recalibration_resets_separate_norms_and_averages_those_of_the_path(toy_spec) -> None:
    trainer = trained(toy_spec, statistics="recalibrated", images=40, wsbn=True)
    assert sum(norm.num_batches_tracked.item() for norm in norms(trainer.supernet)) > 0
    trainer.supernet.eval()
    with torch.no_grad():
        trainer.heuristics.call(Heuristic.before_scoring, trainer.supernet, (1, 0, 1))
    averaged = {
        name
        for name, module in trainer.supernet.named_modules()
        if isinstance(module, nn.BatchNorm2d) and module.num_batches_tracked > 0
    }
    of_cells = {f"cells.{cell}.steps.{step}" for cell in (0, 1) for step in ("0.conv_3x3.norm.0", "2.conv_3x3.norm.4")}
    assert averaged == {"stem.norm", "norm"} | of_cells
    rest = [norm for norm in norms(trainer.supernet) if norm.num_batches_tracked == 0]
    assert rest
    assert all(not norm.running_mean.any() and (norm.running_var == 1).all() for norm in rest)
    assert not any(norm.training for norm in norms(trainer.supernet))


def test_batch_statistics_are_used_in_scoring() -> None:
    layer = BatchNorm(statistics="batch").construct(Construction()).norm(3).eval()
    output = layer(torch.randn(64, 3, 4, 4) * 2 + 5)
    assert torch.allclose(output.mean((0, 2, 3)), torch.zeros(3), atol=1e-4)


def test_recalibration_depends_on_the_architecture_alone(toy_spec) -> None:
    trainer = trained(toy_spec, statistics="recalibrated", images=40)
    space = trainer.spec.space
    first, second = space.architecture(1), space.architecture(space.size - 1)

    def accuracies(architectures) -> list[float]:
        scores = score(trainer.supernet, trainer.heuristics, architectures, trainer._scoring_batches)
        return scores.cross_entropy.tolist()

    assert accuracies([first, second]) == accuracies([second, first])[::-1]


def test_recalibrated_statistics_are_those_of_the_training_images(toy_spec) -> None:
    trainer = trained(toy_spec, statistics="recalibrated", images=40)
    seen: list[torch.Tensor] = []
    layer = norms(trainer.supernet)[0]
    layer.register_forward_pre_hook(lambda module, inputs: seen.append(inputs[0]))
    trainer.supernet.eval()
    with torch.no_grad():
        trainer.heuristics.call(Heuristic.before_scoring, trainer.supernet, trainer.spec.space.architecture(0))
    means = torch.stack([images.mean((0, 2, 3)) for images in seen])
    assert sum(len(images) for images in seen) == 40
    assert torch.allclose(layer.running_mean, means.mean(0), atol=1e-6)
    assert not trainer.supernet.training


def test_recalibration_leaves_training_as_it_was(toy_spec) -> None:
    """Training normalises with the batch, so what scoring did to the statistics cannot be felt."""
    scored = toy_spec({"batch_norm": {"statistics": "recalibrated", "images": 40}}, scoring={"trace": 2})
    unscored = toy_spec({"batch_norm": {"statistics": "recalibrated", "images": 40}}, scoring={"checkpoints": 1})
    curves = []
    for spec in (scored, unscored):
        trainer = Trainer(spec, spec.images.load(), CPU)
        trainer.run()
        curves.append(trainer.curve)
    assert curves[0] == curves[1]


def test_scores_of_all_statistics_differ(toy_spec) -> None:
    found = set()
    for statistics in ("batch", "tracked", "tracked_tf", "recalibrated"):
        trainer = trained(toy_spec, statistics=statistics, images=40)
        architectures = [trainer.spec.space.architecture(5)]
        scores = score(trainer.supernet, trainer.heuristics, architectures, trainer._scoring_batches)
        found.add(scores.cross_entropy.item())
    assert len(found) == 4


def test_batch_statistics_need_no_preparation() -> None:
    assert not BatchNorm().state_dict()
    supernet = nn.Linear(1, 1)
    Composition([BatchNorm()]).call(Heuristic.before_scoring, supernet, (0,))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("statistics", "prepares"), [("batch", False), ("tracked", False), ("recalibrated", True)], ids=str
)
def test_only_recalibration_needs_architectures_one_after_the_other(statistics: str, prepares: bool) -> None:
    assert Composition([BatchNorm(statistics=statistics)]).prepares_scoring() is prepares


def test_more_images_than_there_are_is_refused(toy_spec) -> None:
    message = r"heuristics\.batch_norm\.images is 97; allowed: 2 to the number of training images that are used, 96"
    with pytest.raises(InputError, match=message):
        trained(toy_spec, statistics="recalibrated", images=97)


def test_the_images_of_recalibration_are_among_those_that_are_used(toy_spec) -> None:
    def make(images: int) -> Trainer:
        settings = {"statistics": "recalibrated", "images": images}
        spec = toy_spec({"batch_norm": settings, "train_portion": {"portion": 0.5}})
        return Trainer(spec, spec.images.load(), torch.device("cpu"))

    with pytest.raises(InputError, match=r"batch_norm\.images is 49; allowed: .*, 48$"):
        make(49)
    trainer = make(48)
    used = {image.numpy().tobytes() for image in trainer.prepare(trainer._images)}
    assert {image.numpy().tobytes() for batch in trainer._calibration_batches(48) for image in batch} == used
    toy_spec({"batch_norm": {"statistics": "tracked", "images": 97}})


def test_fresh_images_of_recalibrated_architectures(toy_spec) -> None:
    """Each score is on images of its own, with statistics of its own."""
    heuristics = {
        "batch_norm": {"statistics": "recalibrated", "images": 40},
        "scoring": {"images": 10, "fresh": True},
    }
    spec = toy_spec(heuristics, scoring={"checkpoints": 1})
    trainer = Trainer(spec, spec.images.load(), torch.device("cpu"))
    trainer.run()
    ((images, labels),) = trainer._scoring_batches
    generator = stream(spec.seed, "scoring", 3)
    expected = []
    for index in trainer.architectures:
        own = torch.randperm(32, generator=generator)[:10]
        architecture = spec.space.architecture(index)
        with torch.no_grad():
            trainer.heuristics.call(Heuristic.before_scoring, trainer.supernet, architecture)
            logits = trainer.supernet(images[own], architecture)
        expected.append(nn.functional.cross_entropy(logits, labels[own]).item())
    assert trainer.checkpoints[-1]["cross_entropy"] == pytest.approx(expected, rel=1e-5)
