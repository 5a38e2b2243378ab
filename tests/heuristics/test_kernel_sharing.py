"""Kernels of their own, or made from the largest."""

import pytest
import torch

from supernet_bench.benchmark.training.trainer import Trainer
from supernet_bench.core.errors import InputError
from supernet_bench.heuristics.kernel_sharing import KernelSharing
from supernet_bench.spaces.base import Construction

CELLS = {"name": "nasbench201", "width": 2, "cells": 1}


@pytest.mark.parametrize(("mode", "kernels"), [("none", "own"), ("crop", "centre"), ("transform", "transformed")])
def test_says_so_in_the_construction(mode: str, kernels: str) -> None:
    assert KernelSharing(mode).construct(Construction()) == Construction(kernels=kernels)


@pytest.mark.parametrize("space", ["toy", "nasbench_macro"])
@pytest.mark.parametrize("mode", ["crop", "transform"])
def test_spaces_without_such_kernels_refuse_it(toy_spec, space: str, mode: str) -> None:
    with pytest.raises(InputError, match=rf"^heuristics.kernel_sharing.mode is '{mode}'; allowed: 'none', .*{space}"):
        toy_spec({"kernel_sharing": {"mode": mode}}, space=space)


def test_training_moves_transforms_away_from_the_identity(toy_spec) -> None:
    spec = toy_spec({"kernel_sharing": {"mode": "transform"}}, space=CELLS)
    trainer = Trainer(spec, spec.images.load(), torch.device("cpu"))

    def transforms() -> torch.Tensor:
        named = trainer.supernet.named_parameters()
        return torch.cat([parameter.detach().flatten() for name, parameter in named if name.endswith("transform")])

    assert torch.equal(transforms(), torch.ones(3 * 6))
    trainer.run()
    assert (transforms() != 1).sum() > 9


def test_a_resumed_run_equals_an_unbroken_one(toy_spec) -> None:
    """With everything shared that can be, and so under several names in the state."""
    heuristics = {"kernel_sharing": {"mode": "transform"}, "op_location": {"per": "node"}, "batch_norm": {"wsbn": True}}
    spec = toy_spec(heuristics, space=CELLS)
    data, cpu = spec.images.load(), torch.device("cpu")
    whole, resumed, stopped = (Trainer(spec, data, cpu) for _ in range(3))
    stopped._train_epoch()
    resumed.load_state_dict(stopped.state_dict())
    resumed.run()
    whole.run()
    assert resumed.curve == whole.curve
    assert resumed.checkpoints == whole.checkpoints
