"""Behaviour of reduced precision."""

import pytest
import torch

from supernet_bench.benchmark.plugins.composition import Composition
from supernet_bench.benchmark.plugins.registry import space_types
from supernet_bench.benchmark.training.trainer import Trainer
from supernet_bench.heuristics.precision import Precision
from supernet_bench.spaces.base import Construction


@pytest.mark.parametrize("name", space_types())
@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_feature_maps_have_the_type_and_all_else_is_float32(name, dtype) -> None:
    construction = Precision(dtype).construct(Construction())
    space = space_types()[name]()
    supernet = space.supernet(3, 10, construction)
    kept = []
    for module in supernet.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.register_forward_hook(lambda module, inputs, output: kept.append(output.dtype))
    logits = supernet(torch.randn(4, 3, 8, 8).to(construction.dtype), space.architecture(space.size - 1))
    logits.sum().backward()
    assert set(kept) == {getattr(torch, dtype)}
    assert logits.dtype == torch.float32
    assert {parameter.dtype for parameter in supernet.parameters()} == {torch.float32}
    assert {p.grad.dtype for p in supernet.parameters() if p.grad is not None} == {torch.float32}


def test_the_trainer_gives_images_of_the_type(toy_spec) -> None:
    spec = toy_spec()
    seen = set()
    for dtype in ("float32", "bfloat16"):
        heuristics = Composition([*spec.fresh_heuristics(), Precision(dtype)])
        trainer = Trainer(spec, spec.images.load(), torch.device("cpu"), heuristics)
        trainer.supernet.register_forward_pre_hook(lambda module, inputs: seen.add(inputs[0].dtype))
        trainer.run()
        assert trainer.epoch == spec.training.epochs
        assert all(loss < 10 for loss in (row["loss"] for row in trainer.curve))
        assert seen == {getattr(torch, dtype)}
        seen.clear()


def test_losses_stay_near_those_of_float32(toy_spec) -> None:
    spec = toy_spec()
    curves = []
    for dtype in ("float32", "bfloat16"):
        heuristics = Composition([*spec.fresh_heuristics(), Precision(dtype)])
        trainer = Trainer(spec, spec.images.load(), torch.device("cpu"), heuristics)
        trainer.run()
        curves.append([row["loss"] for row in trainer.curve])
    assert curves[0] != curves[1]
    assert curves[1] == pytest.approx(curves[0], rel=0.1)
