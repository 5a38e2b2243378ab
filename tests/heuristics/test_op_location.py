"""Where operations have their weights."""

import pytest
import torch

from supernet_bench.benchmark.training.trainer import Trainer
from supernet_bench.core.errors import InputError
from supernet_bench.heuristics.op_location import OpLocation
from supernet_bench.spaces.base import Construction

CELLS = {"name": "nasbench201", "width": 2, "cells": 1}


@pytest.mark.parametrize("per", ["edge", "node"])
def test_says_so_in_the_construction(per: str) -> None:
    assert OpLocation(per).construct(Construction()) == Construction(operations_per=per)


@pytest.mark.parametrize("space", ["toy", "nasbench_macro"])
def test_spaces_without_such_operations_refuse_it(toy_spec, space: str) -> None:
    with pytest.raises(InputError, match=rf"^heuristics.op_location.per is 'node'; allowed: 'edge', .*{space}"):
        toy_spec({"op_location": {"per": "node"}}, space=space)


@pytest.mark.parametrize(("per", "sets"), [("edge", 6), ("node", 3)])
def test_a_run_trains_so_many_sets_of_operations(toy_spec, per: str, sets: int) -> None:
    spec = toy_spec({"op_location": {"per": per}}, training={"epochs": 1}, space=CELLS)
    trainer = Trainer(spec, spec.images.load(), torch.device("cpu"))
    before = trainer.supernet.cells[2].state_dict()
    names = [f"edges.{edge}.nor_conv_3x3.conv.weight" for edge in range(6)]
    assert len({before[name].data_ptr() for name in names}) == sets
    optimised = {parameter for group in trainer._optimiser.param_groups for parameter in group["params"]}
    assert len(optimised) == len(set(trainer.supernet.parameters()))
    trainer.run()
    after = trainer.supernet.cells[2].state_dict()
    assert len({after[name].data_ptr() for name in names}) == sets
